"""The sandbox is true: what `make run` trains answers its rows as documented."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.client.clients import Surety
from functions.client.responses import Prediction
from models.discovery import credit_models
from tests.docs.markdown import blocks, rows
from tests.support.running import MODELS, REPOSITORY, Server

TEXT = (REPOSITORY / "docs" / "sandbox.md").read_text()
SANDBOX: dict[str, list[dict[str, Any]]] = json.loads(
    (REPOSITORY / "docs" / "examples" / "sandbox.json").read_text()
)
BAND = 0.02  # as the page says: other machines grow slightly other trees
AWAY = 0.04  # rows that far from every cut-off are decided the same within the band


@pytest.fixture
def surety(trained_service: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surety]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Surety(str(trained_service.client.base_url)) as client:
        yield client


def ask(surety: Surety, model: str) -> list[Prediction]:
    contract = credit_models()[model]
    cases = [contract.model_validate(case["application"]) for case in SANDBOX[model]]
    return surety.predict(cases)


@pytest.mark.parametrize("model", MODELS)
def test_every_row_is_answered_as_documented(surety: Surety, model: str) -> None:
    predictions = ask(surety, model)
    for case, prediction in zip(SANDBOX[model], predictions, strict=True):
        expected = case["expected"]
        assert prediction.decision == expected["decision"]
        assert prediction.risk_level == expected["risk_level"]
        probability = pytest.approx(expected["probability_of_default"], abs=BAND)
        assert prediction.probability_of_default == probability
        codes = [reason.code for reason in prediction.reasons or []]
        assert set(codes[: len(expected["reasons"])]) == set(expected["reasons"])
        assert bool(codes) == (prediction.decision != "approve")


def test_a_referred_application_has_a_way_to_approval(surety: Surety) -> None:
    application = credit_models()["application"].model_validate(
        SANDBOX["application"][1]["application"]
    )
    [recourse] = surety.recourse([application]).recourses
    assert recourse.outcome == "found"
    assert recourse.distance
    proposed = {change.field: change.proposed for change in recourse.changes or []}
    assert surety.predict([application.model_copy(update=proposed)]) == [recourse.prediction]


def test_every_model_has_a_row_of_each_decision_away_from_the_cutoffs() -> None:
    assert tuple(SANDBOX) == MODELS
    for model, cases in SANDBOX.items():
        decided = [case["expected"]["decision"] for case in cases]
        assert decided == ["approve", "refer", "decline"]
        policy = credit_models()[model].policy
        for case in cases:
            probability = case["expected"]["probability_of_default"]
            for cutoff in (policy.approve_below, policy.decline_from):
                assert isinstance(cutoff, float)
                assert abs(probability - cutoff) >= AWAY, model


def test_the_page_shows_what_the_file_knows() -> None:
    documented = [
        [
            f"`{model}`",
            expected["decision"],
            expected["risk_level"],
            str(expected["probability_of_default"]),
            ", ".join(expected["reasons"]) or "none",
        ]
        for model, cases in SANDBOX.items()
        for expected in (case["expected"] for case in cases)
    ]
    assert rows(TEXT) == documented
    assert f"may differ by {BAND}" in TEXT


def test_the_code_of_the_page_runs(
    trained_service: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    [code] = blocks(TEXT, "python")
    address = str(trained_service.client.base_url).rstrip("/")
    exec(code.replace("http://localhost:8080", address), {})  # noqa: S102 -- our own page
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * len(MODELS)
    assert all(line.endswith(" True") for line in lines)
