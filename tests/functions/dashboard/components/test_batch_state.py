"""The page of batches: sent, watched, stopped and fetched, over the OpenAPI documents."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from functions.client.errors import RefusedError, UnavailableError
from tests.functions.dashboard.conftest import OpenPage, metrics, texts
from tests.support.fake_api import FakeApi

ONE, FAULTS = "/v1/batches/{batch}", "/v1/batches/{batch}/faults"
BATCH = "batch_0123456789abcdef0123456789abcdef"
SCHEMA = {"properties": {"age": {}, "total_debt": {}, "region": {}}, "required": ["age"]}
FILE = ("tonight.csv", b"Age,debt\n35,1000\n", "text/csv")
QUERY = "model=instalment&reasons=none&mapping=age%3DAge&without=total_debt&without=region"


def state(**members: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """A batch of a hundred rows, running."""
    running = {"status": "running", "rows": 100, "rows_done": 40, "detail": None, "decisions": None}
    return {"id": BATCH, "model": "customer", "faulty": 0, **running, **members}


def upload(app: AppTest) -> AppTest:
    app.get("file_uploader")[0].set_value(FILE)  # type: ignore[union-attr]
    return app.run()


@pytest.fixture
def page(api: FakeApi, open_page: OpenPage) -> AppTest:
    """The page with a file whose columns are named otherwise than the fields."""
    api.answers["/v1/models"] = {"models": ["customer", "instalment"]}
    api.answers["/v1/models/instalment"] = {"input_schema": SCHEMA}
    api.answers["/v1/batches"] = state()
    api.answers[ONE] = state()
    return upload(open_page("officer", "batches"))


def press(app: AppTest, label: str) -> AppTest:
    [button] = [b for b in app.button if b.label == label]
    return button.click().run()


@pytest.mark.parametrize(
    ("label", "dry_run"), [("Check only", "true"), ("Score the file", "false")]
)
def test_a_file_is_sent_with_the_columns_of_its_fields(
    api: FakeApi, page: AppTest, label: str, dry_run: str
) -> None:
    page = press(page, label)
    [(method, path, body, headers)] = [r for r in api.requests if r[1].startswith("/v1/batches?")]
    assert (method, body, headers["Content-Type"]) == ("POST", FILE[1], "text/csv")
    assert path == f"/v1/batches?{QUERY}&dry_run={dry_run}"
    assert len(headers["Idempotency-Key"]) == 32
    assert page.query_params["batch"] == BATCH


def test_sending_again_after_a_lost_connection_is_the_same_batch(
    api: FakeApi, page: AppTest
) -> None:
    api.errors["/v1/batches"] = UnavailableError("no response")
    page = press(page, "Score the file")
    assert "no response" in texts(page)
    del api.errors["/v1/batches"]
    press(page, "Score the file")
    sent = [h for _, p, _, h in api.requests if p.startswith("/v1/batches?")]
    assert len(sent) == 2
    assert sent[0]["Idempotency-Key"] == sent[1]["Idempotency-Key"]


def test_a_batch_that_runs_shows_its_rows_and_is_cancelled(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers[ONE] = state()
    page = open_page("officer", "batches", batch=BATCH)
    [progress] = page.get("progress")
    assert progress.proto.text == "40 of 100 rows"
    assert progress.proto.value == 40
    api.answers[ONE] = state(status="cancelled", detail="cancelled by its owner")
    page = press(page, "Cancel")
    assert api.sent(f"/v1/batches/{BATCH}:cancel") != []
    assert "cancelled by its owner. Resuming it goes on where it was" in texts(page)
    api.answers[ONE] = state(rows_done=41)
    page = press(page, "Resume")
    assert len(api.sent(f"/v1/batches/{BATCH}:resume")) == 1
    [progress] = page.get("progress")
    assert progress.proto.text == "41 of 100 rows"


def test_a_batch_that_cannot_be_resumed_says_why(api: FakeApi, open_page: OpenPage) -> None:
    api.answers[ONE] = state(status="cancelled", detail="cancelled by its owner")
    api.errors[f"{ONE}:resume"] = RefusedError(422, "Unprocessable Content", "no object gone.csv")
    page = press(open_page("officer", "batches", batch=BATCH), "Resume")
    assert [toast.value for toast in page.toast] == [
        "422 Unprocessable Content: no object gone.csv"
    ]
    assert "cancelled by its owner" in texts(page)


def test_a_batch_that_was_checked_lists_line_and_field_of_each_fault(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers[ONE] = state(status="checked", dry_run=True, scored=None, faulty=1)
    api.files[FAULTS] = (
        b'{"row": 2, "line": 3, "field": "age", "rule": "at least 18", "cell": "number"}\n'
    )
    page = open_page("officer", "batches", batch=BATCH)
    assert metrics(page)["Rows with a fault"] == "1"
    [faults] = [t for t in page.table if "Line" in t.value.columns]
    assert faults.value.astype(str).to_numpy().tolist() == [
        ["2", "3", "age", "at least 18", "number"]
    ]


def test_a_batch_that_succeeded_offers_results_and_counts_decisions(
    api: FakeApi, open_page: OpenPage
) -> None:
    counts = {"approve": 70, "refer": 20, "decline": 10}
    api.answers[ONE] = state(status="succeeded", scored=100, rows_done=100, decisions=counts)
    page = open_page("officer", "batches", batch=BATCH)
    assert (metrics(page)["Scored"], metrics(page)["Rows"]) == ("100", "100")
    assert [b.proto.label for b in page.get("download_button")][-1] == "Download the results"
    [decisions] = [t for t in page.table if "Decision" in t.value.columns]
    assert decisions.value.astype(str).to_numpy().tolist() == [
        ["Approve", "70"],
        ["Refer", "20"],
        ["Decline", "10"],
    ]


def test_a_batch_of_somebody_else_is_said_not_to_exist(api: FakeApi, open_page: OpenPage) -> None:
    api.errors[ONE] = RefusedError(404, "Not Found", "there is no such batch")
    page = open_page("officer", "batches", batch=BATCH)
    assert "404 Not Found: there is no such batch" in texts(page)
    assert [b.label for b in page.button if b.label == "Close this batch"] != []
