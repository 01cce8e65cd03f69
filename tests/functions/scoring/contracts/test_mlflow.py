"""MLflow's scoring protocol against the running server: each body is answered as `:predict` is."""

from typing import Any

import pytest

from tests.support.running import Server

Rows = dict[str, dict[str, Any]]
FAULT = "the request does not follow the contract: 1 fault"


def predictions(server: Server, sent: list[dict[str, Any]], **parameters: object) -> list[Any]:
    body = {"instances": sent, "parameters": parameters}
    answer = server.client.post("/v1/models/application:predict", json=body)
    made: list[Any] = answer.json()["predictions"]
    return made


def bodies(sent: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same rows in each form that MLflow's clients write."""
    columns = {name: [row[name] for row in sent] for name in sent[0]}
    split = {"columns": list(columns), "data": [list(row.values()) for row in sent]}
    return {
        "split": {"dataframe_split": split},
        "split with index": {"dataframe_split": split | {"index": list(range(len(sent)))}},
        "records": {"dataframe_records": sent},
        "inputs": {"inputs": columns},
        "inputs of shape [n, 1]": {"inputs": {n: [[v] for v in c] for n, c in columns.items()}},
        "inputs as rows": {"inputs": sent},
    }


FORMS = tuple(bodies([{"age": 1}]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [1, 40])
def test_a_frame_is_answered_as_its_rows_are(
    contracts: Server, rows: Rows, form: str, count: int
) -> None:
    sent = [rows["application"] | {"income": 20_000 + 1_000 * i} for i in range(count)]
    answer = contracts.client.post("/invocations", json=bodies(sent)[form])
    assert answer.status_code == 200
    assert answer.json() == {"predictions": predictions(contracts, sent)}


def test_reasons_are_a_parameter(contracts: Server, rows: Rows) -> None:
    sent = [rows["application"] | {"income": 200_000, "inquiries_last_6m": 0, "savings": 10_000}]
    body = {"dataframe_records": sent, "params": {"reasons": True}}
    answer = contracts.client.post("/invocations", json=body).json()
    assert answer["predictions"] == predictions(contracts, sent, reasons=True)
    assert "reasons" in answer["predictions"][0]


def test_a_fault_is_named_where_it_was_sent(contracts: Server, rows: Rows) -> None:
    sent = [rows["application"], rows["application"] | {"income": "much"}]
    for form, path in (
        ("split", "dataframe_split.data[1].income"),
        ("records", "dataframe_records[1].income"),
        ("inputs", "inputs[1].income"),
    ):
        answer = contracts.client.post("/invocations", json=bodies(sent)[form])
        assert answer.status_code == 400
        assert answer.json()["message"] == (f"{FAULT}; {path}: Input should be a valid number")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"dataframe_split": []}, "dataframe_split: Input should be an object"),
        ({"dataframe_split": {"columns": ["age"]}}, "data: This member is required"),
        (
            {"dataframe_split": {"columns": [], "data": [[]]}},
            "dataframe_split.columns: Input should be a list of names",
        ),
        (
            {"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}},
            "dataframe_split.columns: Input should be a list of different names",
        ),
        (
            {"dataframe_split": {"columns": [["age"]], "data": [[1]]}},
            "dataframe_split.columns: Input should be a list of different names",
        ),
        (
            {"dataframe_split": {"columns": ["age"], "data": [[1], [1, 2], 3]}},
            "dataframe_split.data[1]: Input should be a list of 1 values; dataframe_split.data[2]",
        ),
        (
            {"dataframe_split": {"columns": ["age"], "data": [[1]], "names": []}},
            "dataframe_split.names: This member is not in the contract",
        ),
        ({"dataframe_records": {}}, "dataframe_records: Input should be a list of 1 to 1000"),
        ({"inputs": {}}, "inputs: Input should be an object of columns, or a list of rows"),
        ({"inputs": 5}, "inputs: Input should be an object of columns, or a list of rows"),
        ({"inputs": {"age": [1, 2], "income": [1]}}, "inputs.income: Input should be a list of 1"),
        ({"inputs": {"age": 1}}, "inputs.age: Input should be a list of 1 to 1000 values"),
        ({"inputs": {"age": [1]}, "params": {"top": 1}}, "params.top: This member is not in"),
        ({"inputs": {"age": [1]}, "extra": 1}, "extra: This member is not in the contract"),
    ],
)
def test_a_body_that_is_no_frame_is_refused(
    contracts: Server, body: dict[str, Any], fault: str
) -> None:
    answer = contracts.client.post("/invocations", json=body)
    assert answer.status_code == 400
    assert fault in answer.json()["message"]
