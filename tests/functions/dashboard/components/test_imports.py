"""Imports and the audit: what is sent, and what is shown of the answer."""

from streamlit.testing.v1 import AppTest

from functions.client.errors import UnavailableError
from tests.functions.dashboard.conftest import OpenPage, metrics, texts
from tests.support.fake_api import FakeApi, Json

FILE = ("applications.csv", b"customer_id\n1101\n", "text/csv")
ENTRY: Json = {
    "at": "2026-11-30T09:30:00Z",
    "principal": "subject officer",
    "action": "read",
    "subject": "customer 1101",
    "branch_id": 1,
    "request_id": "r-1",
    "detail": {"count": 3},
}


def press(app: AppTest, label: str) -> AppTest:
    [button] = [b for b in app.button if b.label == label]
    return button.click().run()


def with_file(open_page: OpenPage) -> AppTest:
    page = open_page("admin", "administration", part="imports")
    page.get("file_uploader")[0].set_value(FILE)  # type: ignore[union-attr]
    return page.run()


def test_a_file_is_checked_and_every_fault_has_its_line(api: FakeApi, open_page: OpenPage) -> None:
    faults = ["line 3: interest_rate: must be a per cent"]
    api.answers["/v1/imports"] = {"lines": 2, "imported": 0, "faulty": 1, "faults": faults}
    page = press(with_file(open_page), "Check only")
    [(method, path, body, _)] = [r for r in api.requests if r[1].startswith("/v1/imports")]
    assert (method, path, body) == ("POST", "/v1/imports?dry_run=true", FILE[1])
    assert metrics(page)["Lines with a fault"] == "1"
    [table] = page.table
    assert table.value.astype(str).to_numpy().tolist() == [
        ["3", "interest_rate: must be a per cent"]
    ]


def test_a_file_is_imported_in_part_and_again_after_a_lost_connection(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers["/v1/imports"] = {"lines": 2, "imported": 2, "faulty": 0, "faults": []}
    page = with_file(open_page)
    page.checkbox[0].check().run()
    api.errors["/v1/imports"] = UnavailableError("no response")
    page = press(page, "Import")
    assert "no response" in texts(page)
    del api.errors["/v1/imports"]
    page = press(page, "Import")
    sent = [path for _, path, _, _ in api.requests if path.startswith("/v1/imports")]
    assert sent == ["/v1/imports?partial=true"] * 2
    assert metrics(page)["Imported"] == "2"
    assert "No line has a fault." in texts(page)


def test_the_audit_is_searched_by_the_filters_of_the_url(api: FakeApi, open_page: OpenPage) -> None:
    api.answers["/v1/audit"] = {"entries": [ENTRY], "next_cursor": None}
    page = open_page("auditor", "administration", part="audit", subject="customer 1101")
    assert "/v1/audit?subject=customer+1101" in [path for _, path, _, _ in api.requests]
    [table] = page.dataframe
    assert table.value.astype(str).iloc[0].tolist() == [
        *("2026-11-30 09:30:00", "subject officer", "read", "customer 1101"),
        *("1", '{"count": 3}', "r-1"),
    ]
