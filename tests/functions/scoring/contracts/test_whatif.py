from collections.abc import Callable
from itertools import product
from typing import Any

import httpx
import pytest

from tests.support.running import Server

Example = Callable[[str], Any]


def ask(service: Server, row: object, grid: object, **headers: str) -> httpx.Response:
    return service.client.post(
        "/v1/models/application:whatif",
        json={"instances": [row], "parameters": {"grid": grid}},
        headers=headers,
    )


def predict(service: Server, rows: list[Any]) -> list[dict[str, Any]]:
    answer = service.client.post("/v1/models/application:predict", json={"instances": rows})
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


@pytest.mark.parametrize(
    "grid",
    [
        {"loan_amount": [5_000, 10_000.0, 40_000], "loan_term": [12, 36.0, 60]},
        {"loan_term": [60, 12], "employment_status": ["retired", "unemployed"]},
        {"credit_score": list(range(400, 800))},
    ],
)
def test_each_cell_is_answered_as_that_application_would_be(
    service: Server, example: Example, grid: dict[str, list[Any]]
) -> None:
    base = example("application")
    answer = ask(service, base, grid).json()
    cells = [base | dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    expected = predict(service, cells)
    whatif = answer["whatif"]
    assert (whatif["fields"], whatif["values"]) == (list(grid), list(grid.values()))
    for name in ("probability_of_default", "credit_score", "decision"):
        assert whatif[name] == [prediction[name] for prediction in expected], name
    assert answer["predictions"] == predict(service, [base])


def test_a_derived_number_follows_its_fields(service: Server, example: Example) -> None:
    base = example("application") | {"income": 30_000, "loan_amount": 60_000}
    whatif = ask(service, base, {"loan_term": [12, 60]}).json()["whatif"]
    short, long = whatif["probability_of_default"]
    assert short > long  # the payment is a fifth


def test_nothing_is_recorded(service: Server, example: Example) -> None:
    ask(service, example("application"), {"loan_term": [12]}, **{"x-request-id": "what-1"})
    assert [line for line in service.log() if line.get("request_id") == "what-1"] == []


@pytest.mark.parametrize(
    ("grid", "faults"),
    [
        (None, {"parameters.grid"}),
        ([], {"parameters.grid"}),
        ({}, {"parameters.grid"}),
        ({"income": [1], "savings": [1], "loan_term": [1]}, {"parameters.grid"}),
        ({"income": []}, {"parameters.grid"}),
        ({"income": 5}, {"parameters.grid"}),
        ({"income": [5] * 401}, {"parameters.grid"}),
        ({"income": [5] * 21, "savings": [5] * 20}, {"parameters.grid"}),
        ({"age": [30]}, {"parameters.grid.age"}),
        ({"payment_to_income": [0.1]}, {"parameters.grid.payment_to_income"}),
        ({"surname": ["x"]}, {"parameters.grid.surname"}),
        (
            {"loan_amount": [5, 0, "5", None], "loan_term": [12, 12.5]},
            {
                *(f"parameters.grid.loan_amount[{i}]" for i in (1, 2, 3)),
                "parameters.grid.loan_term[1]",
            },
        ),
        ({"home_ownership": ["rent", "tent", ["own"]]}, {"parameters.grid.home_ownership"}),
    ],
)
def test_a_grid_outside_the_contract_is_refused_with_its_paths(
    service: Server, example: Example, grid: object, faults: set[str]
) -> None:
    answer = ask(service, example("application"), grid)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    whatif = {error["path"] for error in answer.json()["errors"]}
    assert {path.split("[")[0] if path not in faults else path for path in whatif} == faults
    assert "tent" not in answer.text


def test_faults_of_row_parameters_and_grid_come_together(service: Server, example: Example) -> None:
    answer = service.client.post(
        "/v1/models/application:whatif",
        json={
            "instances": [example("application") | {"income": 0, "age": 5}],
            "parameters": {"grid": {"income": [0, 5]}, "mode": 1},
        },
    )
    assert {error["path"] for error in answer.json()["errors"]} == {
        *("instances[0].income", "instances[0].age"),
        *("parameters.grid.income[0]", "parameters.mode"),
    }


@pytest.mark.parametrize("rows", [[], [{}, {}], "x", None])
def test_there_is_exactly_one_instance(service: Server, rows: object) -> None:
    answer = service.client.post(
        "/v1/models/application:whatif",
        json={"instances": rows, "parameters": {"grid": {"income": [5]}}},
    )
    assert [error["path"] for error in answer.json()["errors"]] == ["instances"]


@pytest.mark.parametrize("row", [1, None, [], "x"])
def test_an_instance_that_is_no_object_is_refused(service: Server, row: object) -> None:
    answer = ask(service, row, {"income": [5]})
    assert [error["path"] for error in answer.json()["errors"]] == ["instances[0]"]
