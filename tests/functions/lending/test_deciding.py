"""Deciding with external checks: a silent one leaves an application pending, and is named."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.lending import cli
from functions.lending.actions.applications import ModelDecision
from tests.functions.lending.checks.conftest import CheckServer, bureau
from tests.functions.lending.test_scoring import ScoringServer, answer, scoring
from tests.support.lending import REVIEW, BookClient, client_on

__all__ = ["bureau", "scoring"]


def settings(bureau: CheckServer, scoring: ScoringServer) -> dict[str, str]:
    checks = {"CHECK_URLS": f"bureau={bureau.url}", "CHECK_KEYS": "bureau=sesame"}
    return checks | {"SCORING_URL": scoring.url, "SCORING_TIMEOUT_SECONDS": "1"}


@dataclass(frozen=True)
class Pulled:
    """An application whose bureau was wrong, then broken twice, then right; and its causes."""

    book: BookClient
    name: str
    causes: list[str]
    sweeps: list[dict[str, Any]]


@pytest.fixture
def pulled(
    database_url: str,
    bureau: CheckServer,
    scoring: ScoringServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Pulled]:
    variables = settings(bureau, scoring)
    for name, value in {**variables, "DATABASE_URL": database_url}.items():
        monkeypatch.setenv(name, value)
    with client_on(database_url, **variables) as book:
        bureau.body = b'{"report": {}}'
        application = book.apply(book.register())
        assert (application["status"], application["credit_score"]) == ("Pending", None)
        name = application["application_id"]
        bureau.status = 500
        assert cli.main(["decide"]) == 0
        again = book.ok("POST", f"/v1/applications/{name}:decide")
        assert scoring.requests == []  # no model is asked about half of what it needs
        bureau.report(score=810, enquiries_6_months=None)
        assert cli.main(["decide"]) == 0
        sweeps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        yield Pulled(book, name, [a["pending_cause"] for a in (application, again)], sweeps)


def test_a_bureau_that_is_wrong_then_broken_then_right_is_asked_until_it_answers(
    pulled: Pulled, scoring: ScoringServer
) -> None:
    wrong, broken = pulled.causes
    assert wrong.startswith(
        "external checks have not answered: bureau (the answer's report.score is missing"
    )
    assert broken == "external checks have not answered: bureau (status 500)"
    assert pulled.sweeps == [
        {"undecided": 1, "decided": 0, "unresolved_checks": {"bureau": 1}},
        {"undecided": 1, "decided": 1, "unresolved_checks": {}},
    ]
    decided = pulled.book.ok("GET", f"/api/loans/applications/{pulled.name}")
    assert (decided["status"], decided["policy"]) == ("Approved", [])
    [(_, sent)] = scoring.requests
    [row] = sent["instances"]
    assert row["bureau_score"] == 810
    assert "bureau_enquiries" not in row  # the bureau does not know, and nobody makes it up


def test_every_answer_is_recorded_with_the_members_that_are_used(pulled: Pulled) -> None:
    rows = pulled.book.ok("GET", f"/v1/applications/{pulled.name}/checks")["checks"]
    assert [row["outcome"] for row in rows] == ["unreadable", "failed", "failed", "answered"]
    assert [row["http_status"] for row in rows] == [200, 500, 500, 200]
    assert [row["members"] for row in rows[:3]] == [{}, {}, {}]
    assert rows[3]["members"] == {
        "report.score": 810,
        "report.enquiries_6_months": None,
        "report.wilful_default": False,
    }


def test_the_bureau_is_sent_what_is_declared_under_the_key_of_the_application(
    pulled: Pulled, bureau: CheckServer
) -> None:
    assert bureau.requests[-1][1] == {
        "application_id": pulled.name,
        "full_name": "Asha Rao",
        "date_of_birth": "1990-04-12",
        "identity_type": "pan",
        "identity_last_four": "234F",
    }
    assert {headers["idempotency-key"] for headers, _ in bureau.requests} == {pulled.name}


def test_what_a_check_has_answered_is_not_asked_again(
    database_url: str, bureau: CheckServer, scoring: ScoringServer
) -> None:
    with client_on(database_url, **settings(bureau, scoring)) as book:
        scoring.status = 503
        waiting = book.apply(book.register())
        assert waiting["pending_cause"] == "the scoring function does not answer"
        scoring.status = 200
        decided = book.ok("POST", f"/v1/applications/{waiting['application_id']}:decide")
    assert decided["status"] == "Approved"
    assert len(bureau.requests) == 1


@pytest.mark.parametrize(("days", "scores"), [(29, [720]), (31, [720, 640])])
def test_an_answer_that_is_too_old_is_asked_for_again_as_another_question(
    days: int,
    scores: list[int],
    database_url: str,
    bureau: CheckServer,
    scoring: ScoringServer,
) -> None:
    with client_on(database_url, **settings(bureau, scoring)) as book:
        scoring.status = 503
        name = book.apply(book.register())["application_id"]
        _make_answers_older(database_url, days)
        scoring.status = 200
        bureau.report(score=640)
        book.ok("POST", f"/v1/applications/{name}:decide")
        rows = book.ok("GET", f"/v1/applications/{name}/checks")["checks"]
    assert [row["members"]["report.score"] for row in rows] == scores
    assert scoring.requests[-1][1]["instances"][0]["bureau_score"] == scores[-1]
    keys = [headers["idempotency-key"] for headers, _ in bureau.requests]
    assert keys == [name, f"{name}:2"][: len(scores)]
    assert {sent["application_id"] for _, sent in bureau.requests} == {name}


def _make_answers_older(database_url: str, days: int) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        older = "UPDATE external_checks SET created_at = now() - make_interval(days => :days)"
        connection.execute(text(older), {"days": days})
    engine.dispose()


def test_a_rule_of_policy_declines_what_the_model_approves_and_says_so(
    database_url: str, bureau: CheckServer, scoring: ScoringServer
) -> None:
    bureau.report(wilful_default=True)
    with client_on(database_url, **settings(bureau, scoring)) as book:
        declined = book.apply(book.register())
    assert (declined["status"], declined["risk_probability"]) == ("Rejected", 0.1)
    sentence = "The credit bureau reports a wilful default"
    assert declined["recommendation"] == f"Decline: {sentence}"
    rule = {"check": "bureau", "code": "wilful_default", "outcome": "decline", "text": sentence}
    assert declined["policy"] == [rule]


def test_a_person_decides_where_a_check_stays_silent(
    database_url: str, bureau: CheckServer, scoring: ScoringServer
) -> None:
    bureau.status = 403
    with client_on(database_url, **settings(bureau, scoring)) as book:
        waiting = book.apply(book.register())
        assert "bureau (status 403)" in waiting["pending_cause"]
        path = f"/v1/applications/{waiting['application_id']}"
        approved = book.ok("POST", f"{path}:approve", REVIEW, if_match='"1"')
        assert approved["recommendation"] == "Approve: a person decided so"
        assert book.ok("POST", f"{path}:decide")["status"] == "Approved"
    assert len(bureau.requests) == 1


def test_answers_are_only_appended_and_asking_is_on_record(
    database_url: str, bureau: CheckServer, scoring: ScoringServer
) -> None:
    with client_on(database_url, **settings(bureau, scoring)) as book:
        book.apply(book.register())
    engine = create_engine(database_url)
    with engine.connect() as connection:
        statement = "SELECT detail FROM audit WHERE action = 'check'"
        [detail] = connection.execute(text(statement)).scalars()
        assert detail == {"checks": {"bureau": "answered"}}
        with pytest.raises(Exception, match="only appended"):
            connection.execute(text("UPDATE external_checks SET outcome = 'slow'"))
    engine.dispose()


@pytest.mark.parametrize(
    ("decision", "rules", "outcome"),
    [
        ("approve", [], "approved"),
        ("approve", ["refer"], "pending"),
        ("approve", ["refer", "decline"], "rejected"),
        ("refer", ["decline"], "rejected"),
        ("decline", ["refer"], "rejected"),
    ],
)
def test_the_stricter_of_model_and_policy_counts(
    decision: str, rules: list[str], outcome: str
) -> None:
    scores = answer(0.1, decision)["predictions"][0]
    model = {name: scores[name] for name in ("model", "model_version", "credit_score")}
    policy = [{"check": "c", "code": "r", "outcome": rule, "text": "R"} for rule in rules]
    decided = ModelDecision(
        decision=decision,
        probability_of_default=0.1,
        risk_level="low",
        policy=policy,
        **model,
    )
    assert decided.outcome == outcome
