"""The sweep: what waited for an answer is asked about again, once."""

import json

import pytest

from functions.lending import cli
from tests.functions.lending.test_scoring import ScoringServer, deciding, scoring
from tests.support.lending import REVIEW

__all__ = ["scoring"]
NONE = {"undecided": 0, "decided": 0, "unresolved_checks": {}}


def test_undecided_applications_are_asked_about_again(
    database_url: str,
    scoring: ScoringServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SCORING_URL", scoring.url)
    monkeypatch.setenv("SCORING_TIMEOUT_SECONDS", "0.5")
    scoring.status = 503
    with deciding(database_url, scoring) as book:
        customer = book.register()
        waiting = [book.apply(customer) for _ in range(2)]
        by_person = f"/v1/applications/{waiting[0]['application_id']}:approve"
        book.ok("POST", by_person, REVIEW, if_match='"1"')
        assert cli.main(["decide"]) == 0
        assert json.loads(capsys.readouterr().out) == {**NONE, "undecided": 1}
        scoring.status = 200
        assert cli.main(["decide"]) == 0
        assert json.loads(capsys.readouterr().out) == {**NONE, "undecided": 1, "decided": 1}
        assert cli.main(["decide"]) == 0
        assert json.loads(capsys.readouterr().out) == {**NONE}
        path = f"/api/loans/applications/{waiting[1]['application_id']}"
        assert book.ok("GET", path)["status"] == "Approved"
