"""BigQuery's remote functions against the running server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.contracts.warehouse_rows import arguments
from functions.scoring.decision_engine import MAX_ROWS
from models.discovery import credit_models
from models.registry.pointer import Author, Challenger, challenge
from models.stores.uri import open_store
from tests.support.published import NOW, publish_all_by_hand, publish_by_hand
from tests.support.running import REPOSITORY, Server, free_port, running_server

Rows = dict[str, dict[str, Any]]

MOST_REPLY_BYTES = 15_000_000
MOST_MESSAGE_BYTES = 1_024
RETRIED = {408, 429, 500, 503, 504}


def make_calls(*rows: dict[str, Any], model: str = "application") -> list[list[Any]]:
    """Rows as BigQuery sends them: arguments in the order of the model's declaration."""
    names = list(arguments(credit_models(["tests.support.toy"])[model]))
    return [[row.get(name) for name in names] for row in rows]


def request_body(calls: list[list[Any]], **more: object) -> dict[str, Any]:
    """A request as BigQuery's documentation shows it."""
    return {
        "requestId": "124ab1c",
        "caller": "//bigquery.googleapis.com/projects/p/jobs/p:US.bquxjob_5b4c112c_17961fafeaf",
        "sessionUser": "analyst@example.com",
        "userDefinedContext": {},
        "calls": calls,
    } | more


def test_a_thousand_calls_are_answered_in_order_and_again_the_same(
    contracts: Server, rows: Rows
) -> None:
    sent = [rows["application"] | {"income": 20_000 + 100 * i} for i in range(MAX_ROWS)]
    first = contracts.client.post("/bigquery/application", json=request_body(make_calls(*sent)))
    again = contracts.client.post("/bigquery/application", json=request_body(make_calls(*sent)))
    replies = first.json()["replies"]
    assert len(replies) == MAX_ROWS
    assert again.json() == first.json()
    assert len(first.content) < MOST_REPLY_BYTES
    canonical = contracts.client.post(
        "/v1/models/application:predict", json={"instances": sent}
    ).json()
    assert replies == canonical["predictions"]
    assert len({reply["probability_of_default"] for reply in replies}) > 100


def test_an_identifier_is_a_text_and_changes_nothing(contracts: Server, rows: Rows) -> None:
    assert arguments(credit_models()["customer"])["customer_id"] == "STRING"
    sent = [rows["customer"] | {"customer_id": name} for name in ("CUST_1", None)]
    answer = contracts.client.post(
        "/bigquery/customer", json=request_body(make_calls(*sent, model="customer"))
    )
    first, second = answer.json()["replies"]
    assert first == second


def test_numbers_may_come_as_text_and_optional_arguments_as_null(
    contracts: Server, rows: Rows
) -> None:
    toy = rows["toy"]
    without_default = make_calls(toy, toy | {"months_since_default": None}, model="toy")
    as_text = [
        [str(v) if isinstance(v, int | float) else v for v in call] for call in without_default
    ]
    assert as_text != without_default
    plain = contracts.client.post("/bigquery/toy", json=request_body(without_default)).json()
    assert contracts.client.post("/bigquery/toy", json=request_body(as_text)).json() == plain
    assert len(plain["replies"]) == 2


def test_an_integer_no_double_can_hold_is_refused_by_its_field(
    contracts: Server, rows: Rows
) -> None:
    [call] = make_calls(rows["toy"] | {"age": str(2**60 + 1)}, model="toy")
    answer = contracts.client.post("/bigquery/toy", json=request_body([call]))
    assert answer.status_code == 400
    assert "calls[0].age: Input should be less than or equal to 100" in answer.text
    assert str(2**60 + 1) not in answer.text


def test_a_bad_row_fails_the_query_by_row_field_and_rule(contracts: Server, rows: Rows) -> None:
    sent = make_calls(*[rows["application"]] * 3, rows["application"] | {"income": -1})
    answer = contracts.client.post("/bigquery/application", json=request_body([*sent, [1, 2]]))
    assert answer.status_code not in RETRIED
    assert set(answer.json()) == {"errorMessage"}
    message = answer.json()["errorMessage"]
    assert "calls[3].income: Input should be greater than or equal to 1" in message
    assert "calls[4]: Input should be a list of 17 arguments" in message


def test_a_thousand_bad_rows_fail_with_one_short_message(contracts: Server, rows: Rows) -> None:
    sent = make_calls(*[rows["application"] | {"income": -1, "age": 5}] * MAX_ROWS)
    answer = contracts.client.post("/bigquery/application", json=request_body(sent))
    assert answer.status_code == 400
    assert len(answer.content) < MOST_MESSAGE_BYTES
    assert "2000 faults" in answer.text
    assert "more" in answer.json()["errorMessage"]


@pytest.mark.parametrize("flag", ["true", True])
def test_a_routine_may_ask_for_reasons_in_its_context(
    contracts: Server, rows: Rows, flag: object
) -> None:
    good = make_calls(
        rows["application"] | {"income": 200_000, "inquiries_last_6m": 0, "savings": 10_000}
    )
    plain = contracts.client.post("/bigquery/application", json=request_body(good)).json()
    with_reasons = contracts.client.post(
        "/bigquery/application", json=request_body(good, userDefinedContext={"reasons": flag})
    ).json()
    assert plain["replies"][0]["decision"] == "approve"
    assert "reasons" not in plain["replies"][0]
    assert "reasons" in with_reasons["replies"][0]


def test_a_context_that_means_nothing_is_refused(contracts: Server, rows: Rows) -> None:
    sent = request_body(make_calls(rows["application"]), userDefinedContext={"reason": "true"})
    answer = contracts.client.post("/bigquery/application", json=sent)
    assert answer.status_code == 400
    assert "userDefinedContext.reason" in answer.json()["errorMessage"]


def test_an_unknown_model_fails_the_query(contracts: Server) -> None:
    answer = contracts.client.post("/bigquery/nobody", json=request_body([[1]]))
    assert answer.status_code == 404
    assert "no credit model of this name" in answer.json()["errorMessage"]


def test_a_model_being_loaded_is_answered_503_so_that_bigquery_asks_again(
    rows: Rows, tmp_path: Path
) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    settings = {"MODEL_STORE": "gs://models/away", "STORAGE_EMULATOR_HOST": away}
    with running_server(tmp_path / "log", "module", **settings) as server:
        answer = server.client.post(
            "/bigquery/application", json=request_body(make_calls(rows["application"]))
        )
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "is not ready" in answer.json()["errorMessage"]


@pytest.fixture
def challenged(rows: Rows, tmp_path: Path) -> Iterator[Server]:
    """A server whose `toy` has a challenger that answers half of all requests."""
    uri = (tmp_path / "store").as_uri()
    (tmp_path / "store").mkdir()
    publish_all_by_hand(uri)
    store, model = open_store(uri), credit_models(["tests.support.toy"])["toy"]
    version = publish_by_hand(store, model, rows["toy"] | {"income": 20_000.0}, NOW.replace(day=22))
    challenge(store, "toy", Challenger(version=version, share=0.5), Author("tester", NOW))
    log_path = tmp_path / "log"
    with running_server(log_path, MODEL_STORE=uri, CREDIT_MODELS="tests.support.toy") as server:
        yield server


def test_a_repeated_request_is_answered_by_the_same_variant(challenged: Server, rows: Rows) -> None:
    sent = make_calls(rows["toy"], model="toy")
    variants = set()
    for number in range(20):
        request = request_body(sent, requestId=f"query-{number}")
        answers = [challenged.client.post("/bigquery/toy", json=request).json() for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        variants.add(answers[0]["replies"][0]["variant"])
    assert variants == {"champion", "challenger"}


def test_terraform_declares_the_arguments_of_every_model_of_the_catalogue() -> None:
    committed = json.loads((REPOSITORY / "terraform/schemas/bigquery.json").read_text())
    assert committed == {
        name: [{"name": field, "type": kind} for field, kind in arguments(model).items()]
        for name, model in credit_models().items()
    }


def test_bigquery_sends_no_more_rows_than_are_answered() -> None:
    text = (REPOSITORY / "terraform/bigquery.tf").read_text()
    assert f"max_batching_rows    = {MAX_ROWS}\n" in text


def test_a_routine_may_ask_for_errors_in_the_places_of_their_rows(
    contracts: Server, rows: Rows
) -> None:
    good = rows["application"]
    calls = [*make_calls(good, good | {"income": -1, "age": 5}), [1, 2], *make_calls(good)]
    context = {"errors": "by_row", "reasons": "true"}
    body = request_body(calls, userDefinedContext=context)
    answer = contracts.client.post("/bigquery/application", json=body)
    assert answer.status_code == 200
    first, second, third, last = answer.json()["replies"]
    assert first == last
    assert first["decision"] in {"approve", "refer", "decline"}
    assert second == {
        "error": "the row does not follow the contract",
        "errors": [
            {"path": "age", "message": "Input should be greater than or equal to 18"},
            {"path": "income", "message": "Input should be greater than or equal to 1"},
        ],
    }
    assert third["errors"] == [{"path": "", "message": "Input should be a list of 17 arguments"}]


def test_sound_rows_are_the_same_whether_errors_are_by_row_or_not(
    contracts: Server, rows: Rows
) -> None:
    sent = make_calls(*[rows["application"] | {"income": 20_000 + 100 * i} for i in range(50)])
    plain = contracts.client.post("/bigquery/application", json=request_body(sent)).json()
    body = request_body(sent, userDefinedContext={"errors": "by_row"})
    assert contracts.client.post("/bigquery/application", json=body).json() == plain


def test_another_word_for_errors_is_refused(contracts: Server, rows: Rows) -> None:
    sent = request_body(make_calls(rows["application"]), userDefinedContext={"errors": "all"})
    answer = contracts.client.post("/bigquery/application", json=sent)
    assert answer.status_code == 400
    assert "userDefinedContext.errors: Input should be 'by_row'" in answer.json()["errorMessage"]
