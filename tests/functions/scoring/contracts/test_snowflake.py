"""Snowflake's external functions against the running server."""

import re
from typing import Any

import pytest
import sqlglot

from functions.scoring.contracts.warehouse_rows import arguments
from functions.scoring.decision_engine import MAX_ROWS
from functions.scoring.snowflake import ADDRESS, write_script
from functions.web.openapi import MAX_ERROR_BYTES
from models.discovery import credit_models
from tests.support.running import REPOSITORY, Server

Rows = dict[str, dict[str, Any]]
SCRIPT = REPOSITORY / "docs" / "recipes" / "snowflake.sql"
HEADERS = {
    "sf-external-function-format": "json",
    "sf-external-function-format-version": "1.0",
    "sf-external-function-current-query-id": "01b2c3d4-0000-1111-0000-000000000001",
    "sf-external-function-query-batch-id": "01b2c3d4-0000-1111-0000-000000000001:3:2:0:0",
}


def numbered(*rows: dict[str, Any], model: str = "application", first: int = 0) -> list[list[Any]]:
    """Rows as Snowflake sends them: a number, and arguments in the order of the declaration."""
    names = list(arguments(credit_models(["tests.support.toy"])[model]))
    return [[first + i, *(row.get(name) for name in names)] for i, row in enumerate(rows)]


def ask(server: Server, data: object, model: str = "application", **headers: str) -> Any:  # noqa: ANN401 -- httpx's answer
    sent = HEADERS | {f"sf-custom-{name}": value for name, value in headers.items()}
    return server.client.post(f"/snowflake/{model}", json={"data": data}, headers=sent)


def test_a_thousand_rows_keep_their_numbers_and_are_answered_again_the_same(
    contracts: Server, rows: Rows
) -> None:
    sent = [rows["application"] | {"income": 20_000 + 100 * i} for i in range(MAX_ROWS)]
    data = numbered(*sent, first=5_000)[::-1]
    first, again = ask(contracts, data), ask(contracts, data)
    assert first.json() == again.json()
    canonical = contracts.client.post(
        "/v1/models/application:predict", json={"instances": sent[::-1]}
    ).json()
    assert first.json()["data"] == [
        [row[0], prediction] for row, prediction in zip(data, canonical["predictions"], strict=True)
    ]


def test_a_faulty_row_fails_the_query_or_where_that_is_asked_for_itself_alone(
    contracts: Server, rows: Rows
) -> None:
    good = rows["application"]
    data = [*numbered(good, good | {"income": -1}), [7, 1, 2], *numbered(good, first=8)]
    refused = ask(contracts, data)
    assert refused.status_code == 400
    assert "data[1].income: Input should be greater than or equal to 1" in refused.json()["error"]
    assert "data[2]: Input should be a list of 17 arguments" in refused.json()["error"]
    answers = dict(ask(contracts, data, errors="by_row").json()["data"])
    assert list(answers) == [0, 1, 7, 8]
    assert answers[0] == answers[8]
    assert answers[0]["decision"] in {"approve", "refer", "decline"}
    invalid = "the row does not follow the contract"
    rule = "Input should be greater than or equal to 1"
    assert answers[1] == {"error": invalid, "errors": [{"path": "income", "message": rule}]}
    assert answers[7]["errors"][0]["message"] == "Input should be a list of 17 arguments"


def test_rows_that_are_all_faulty_are_all_answered(contracts: Server, rows: Rows) -> None:
    data = numbered(*[rows["application"] | {"income": -1}] * MAX_ROWS)
    answers = ask(contracts, data, errors="by_row").json()["data"]
    assert [number for number, _ in answers] == list(range(MAX_ROWS))
    assert {answer["error"] for _, answer in answers} == {"the row does not follow the contract"}
    assert len(ask(contracts, data).json()["error"].encode()) <= MAX_ERROR_BYTES


def test_the_id_of_a_batch_is_that_of_its_record(contracts: Server, rows: Rows) -> None:
    ask(contracts, numbered(rows["application"]))
    batch = HEADERS["sf-external-function-query-batch-id"].replace(":", ".")
    records = [line for line in contracts.log_path.read_text().splitlines() if batch in line]
    assert any('"record_version"' in line for line in records)


@pytest.mark.parametrize(("flag", "has_reasons"), [("true", True), ("false", False), ("", False)])
def test_a_header_of_the_function_asks_for_reasons(
    contracts: Server, rows: Rows, flag: str, *, has_reasons: bool
) -> None:
    good = rows["application"] | {"income": 200_000, "inquiries_last_6m": 0, "savings": 10_000}
    [[_, answer]] = ask(contracts, numbered(good), reasons=flag).json()["data"]
    assert answer["decision"] == "approve"
    assert ("reasons" in answer) is has_reasons


@pytest.mark.parametrize(
    ("data", "headers", "fault"),
    [
        ([["a", 1]], {}, "data[0]: Input should be a list that begins with a row number"),
        ([[]], {}, "data[0]: Input should be a list that begins with a row number"),
        ([[True]], {}, "data[0]: Input should be a list that begins with a row number"),
        ([], {}, "data: Input should be a list of 1 to 1000 items"),
        ([[0]], {"reasons": "yes"}, "sf-custom-reasons: Input should be 'true' or 'false'"),
        ([[0]], {"errors": "all"}, "sf-custom-errors: Input should be 'by_row'"),
    ],
)
def test_what_snowflake_does_not_send_is_refused(
    contracts: Server, data: object, headers: dict[str, str], fault: str
) -> None:
    answer = ask(contracts, data, **headers)
    assert answer.status_code == 400
    assert fault in answer.json()["error"]


def test_another_format_is_refused(contracts: Server) -> None:
    headers = HEADERS | {"sf-external-function-format": "arrow"}
    answer = contracts.client.post("/snowflake/toy", json={"data": [[0]]}, headers=headers)
    assert "sf-external-function-format: Input should be 'json'" in answer.json()["error"]


def test_the_script_is_what_the_command_writes() -> None:
    assert SCRIPT.read_text() == write_script(credit_models(), ADDRESS)
    other = write_script(credit_models(["tests.support.toy"]), "https://g.example")
    assert "AS 'https://g.example/snowflake/toy'" in other


def test_the_script_has_a_function_for_each_model_with_the_arguments_in_order() -> None:
    text = SCRIPT.read_text()
    functions = re.findall(r"EXTERNAL FUNCTION (\w+)\(\n(.*?)\n\)", text, re.DOTALL)
    listed = {name: re.findall(r"^  (\w+) ", lines, re.MULTILINE) for name, lines in functions}
    assert listed == {name: list(arguments(model)) for name, model in credit_models().items()}
    for name, lines in functions:  # Snowflake's own reader is not to be had; the types are SQL's
        sqlglot.parse_one(f"CREATE TABLE {name} ({lines})", read="snowflake")
