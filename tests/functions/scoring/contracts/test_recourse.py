from collections.abc import Callable
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar

import httpx
import pytest

from functions.scoring.contracts.recourse import _render
from models.annotations import Reason
from models.contract import CreditModel, characteristics
from models.discovery import credit_models
from models.explaining.recourse_grid import MOST_FIELDS
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds
from tests.support.running import Server


@pytest.fixture
def service(trained_service: Server) -> Server:
    """The documented answers are those of trained models."""
    return trained_service


Example = Callable[[str], Any]


def ask(service: Server, rows: list[Any], **headers: str) -> dict[str, Any]:
    answer = service.client.post(
        "/v1/models/application:recourse", json={"instances": rows}, headers=headers
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    counterfactual: dict[str, Any] = answer.json()
    return counterfactual


@pytest.fixture
def rows(example: Example) -> list[dict[str, Any]]:
    base = example("application")
    return [
        base,
        base | {"credit_score": 520, "debt_to_income": 0.7},
        base | {"credit_score": 300, "num_late_payments": 40, "num_bankruptcies": 3},
    ]


def test_a_found_change_is_approved_when_it_is_applied_for(
    service: Server, rows: list[dict[str, Any]]
) -> None:
    answer = ask(service, rows)
    outcomes = [counterfactual["outcome"] for counterfactual in answer["recourses"]]
    assert outcomes == ["approved_already", "found", "none_exists"]
    counterfactual = answer["recourses"][1]
    changes = counterfactual["changes"]
    assert 1 <= len(changes) <= MOST_FIELDS
    assert all(rows[1][c["field"]] == c["present"] != c["proposed"] for c in changes)
    changed = rows[1] | {c["field"]: c["proposed"] for c in changes}
    predicted = service.client.post(
        "/v1/models/application:predict", json={"instances": [*rows, changed]}
    ).json()["predictions"]
    assert predicted == [*answer["predictions"], counterfactual["prediction"]]
    assert counterfactual["prediction"]["decision"] == "approve"
    assert counterfactual["distance"] > 0


def test_that_none_exists_is_said_plainly(service: Server, rows: list[dict[str, Any]]) -> None:
    [counterfactual] = ask(service, rows[2:])["recourses"]
    assert counterfactual == {
        "outcome": "none_exists",
        "detail": "No change of at most 3 changeable fields is approved",
    }


@pytest.mark.parametrize("name", ["application", "card_default", "german_credit"])
def test_what_was_considered_is_told(service: Server, rows: list[Any], name: str) -> None:
    changeable = {c.name for c in characteristics(credit_models()[name]) if c.changeable}
    assert changeable
    assert not any(c.protected for c in characteristics(credit_models()[name]) if c.changeable)
    if name == "application":
        searched = {s["field"]: s for s in ask(service, rows[:1])["searched"]}
        assert set(searched) == changeable
        assert (searched["loan_term"]["lowest"], searched["loan_term"]["highest"]) == (12, 60)
        assert searched["savings"]["step"] == 100


def test_nothing_is_recorded(service: Server, rows: list[dict[str, Any]]) -> None:
    ask(service, rows, **{"x-request-id": "recourse-1"})
    assert [line for line in service.log() if line.get("request_id") == "recourse-1"] == []


@pytest.mark.parametrize(
    ("document", "faults"),
    [
        ({}, {"instances"}),
        ({"instances": [{}] * 21}, {"instances"}),
        ({"instances": [1]}, {"instances[0]"}),
        ({"instances": [{}], "parameters": {"grid": 1}}, {"parameters.grid"}),
    ],
)
def test_another_body_is_refused(
    service: Server, document: dict[str, Any], faults: set[str]
) -> None:
    answer = service.client.post("/v1/models/application:recourse", json=document)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    paths = {error["path"] for error in answer.json()["errors"]}
    assert {path for path in paths if not path.startswith("instances[0].")} == faults


class Unchangeable(CreditModel):
    """A model in which nothing is Changeable."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    income: Annotated[float, Reason("A1", "Income")]


def test_a_model_without_changeable_fields_says_so() -> None:
    scored: Any = SimpleNamespace(table=SimpleNamespace(model=Unchangeable))
    assert _render(scored, None) == {
        "outcome": "none_exists",
        "detail": "This model declares no field that an applicant can change",
    }
