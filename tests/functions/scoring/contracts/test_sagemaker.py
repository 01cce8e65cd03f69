"""SageMaker's way of running a container, against the running server."""

from pathlib import Path
from typing import Any

import pytest

from models.catalogue.application import Application
from tests.support.running import Server, running_server

Rows = dict[str, dict[str, Any]]
FIELDS = list(Application.model_fields)
MOST_ROWS = 1_000


def post_csv(server: Server, text: str) -> Any:  # noqa: ANN401 -- httpx's answer
    headers = {"content-type": "text/csv; charset=utf-8"}
    return server.client.post("/invocations", content=text.encode(), headers=headers)


def line(row: dict[str, Any]) -> str:
    return ",".join(str(row[name]) for name in FIELDS)


def test_instances_are_answered_as_on_the_canonical_route(contracts: Server, rows: Rows) -> None:
    body = {"instances": [rows["application"]] * 3, "parameters": {"reasons": True}}
    canonical = contracts.client.post("/v1/models/application:predict", json=body)
    assert contracts.client.post("/invocations", json=body).json() == canonical.json()


@pytest.mark.parametrize("header", ["", ",".join(FIELDS) + "\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_is_answered_as_the_same_rows_in_json(
    contracts: Server, rows: Rows, header: str, end: str
) -> None:
    sent = [rows["application"] | {"income": 20_000 + 1_000 * i} for i in range(20)]
    answer = post_csv(contracts, header + end.join(map(line, sent)) + end)
    canonical = contracts.client.post("/v1/models/application:predict", json={"instances": sent})
    assert answer.status_code == 200
    assert answer.json() == canonical.json()


def test_the_first_line_may_name_columns_in_another_order(contracts: Server, rows: Rows) -> None:
    names = sorted(FIELDS, reverse=True)
    row = rows["application"]
    text = ",".join(names) + "\n" + ",".join(f' "{row[name]}"'.strip() for name in names)
    canonical = contracts.client.post("/v1/models/application:predict", json={"instances": [row]})
    assert post_csv(contracts, text).json() == canonical.json()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"income": -1}, "rows[1].income: Input should be greater than or equal to 1"),
        ({"income": ""}, "rows[1].income: Input should be a valid number"),
        ({"income": "nan"}, "rows[1].income: Input should be a valid number"),
        ({"income": "1_000"}, "rows[1].income: Input should be a valid number"),
        ({"age": "45.5"}, "rows[1].age: Input should be a valid integer"),
        ({"home_ownership": "castle"}, "rows[1].home_ownership: Input should be 'mortgage'"),
        ({"age": "45,45"}, "rows[1]: There should be 17 cells: age, income"),
    ],
)
def test_a_faulty_row_is_named_by_its_place_and_field(
    contracts: Server, rows: Rows, change: dict[str, Any], fault: str
) -> None:
    good = rows["application"]
    answer = post_csv(contracts, f"{line(good)}\n{line(good | change)}\n")
    assert answer.status_code == 400
    assert fault in answer.json()["message"]


@pytest.mark.parametrize("text", ["", "\n\n", ",".join(FIELDS), '"unclosed'])
def test_a_csv_without_rows_is_refused(contracts: Server, text: str) -> None:
    answer = post_csv(contracts, text)
    assert answer.status_code == 400
    assert "body: The" in answer.json()["message"]


def test_a_csv_of_too_many_rows_or_of_other_bytes_is_refused(contracts: Server) -> None:
    answer = post_csv(contracts, "1\n" * (MOST_ROWS + 1))
    assert "body: The CSV should have 1 to 1000 rows" in answer.json()["message"]
    headers = {"content-type": "text/csv"}
    latin = contracts.client.post("/invocations", content=b"\xe9,1", headers=headers)
    assert latin.status_code == 400
    assert "The body should be a CSV in UTF-8" in latin.json()["message"]


def test_the_container_is_started_with_serve_and_pinged_until_it_is_ready(
    made_store: str, tmp_path: Path
) -> None:
    with running_server(tmp_path / "log", "serve", MODEL_STORE=made_store) as server:
        statuses = [server.client.get("/ping").status_code]
        while statuses[-1] != 200:
            statuses.append(server.client.get("/ping").status_code)
            assert len(statuses) < 1_000
    assert statuses[0] == 503
    assert set(statuses) == {200, 503}


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("mispelt", f"no field; of the fields these are not named: {FIELDS[1]}"),
        (FIELDS[0], "This field is named twice"),
    ],
)
def test_a_header_that_names_something_else_is_no_row_and_is_refused_by_name(
    contracts: Server, rows: Rows, name: str, rule: str
) -> None:
    header = ",".join(name if field == FIELDS[1] else field for field in FIELDS)
    answer = post_csv(contracts, f"{header}\n{line(rows['application'])}\n")
    assert answer.status_code == 400
    assert f"header.{name}: " in answer.json()["message"]
    assert rule in answer.json()["message"]


def test_spaces_around_the_names_of_a_header_do_not_matter(contracts: Server, rows: Rows) -> None:
    header = ", ".join(FIELDS)
    answer = post_csv(contracts, f"{header}\n{line(rows['application'])}\n")
    assert answer.status_code == 200, answer.text
