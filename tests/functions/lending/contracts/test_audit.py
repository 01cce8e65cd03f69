"""The audit over HTTP: found by subject, person, action and day, page by page."""

import pytest

from tests.support.lending import BookClient


def test_the_newest_entries_come_first_and_looking_is_on_record(book: BookClient) -> None:
    book.register()
    loan = book.disburse()
    entries = book.ok("GET", "/v1/audit?limit=200")["entries"]
    assert [entry["at"] for entry in entries] == sorted((e["at"] for e in entries), reverse=True)
    assert {"local"} == {entry["principal"] for entry in entries}
    of_loan = book.ok("GET", f"/v1/audit?subject={loan}")["entries"]
    assert {entry["subject"] for entry in of_loan} == {loan}
    assert of_loan != []
    reads = book.ok("GET", "/v1/audit?action=read&subject=audit")["entries"]
    assert [entry["detail"] for entry in reads][-1] == {"count": len(entries)}


def test_pages_continue_where_the_last_one_ended(book: BookClient) -> None:
    for _ in range(3):
        book.register()
    everything = book.ok("GET", "/v1/audit?action=register&limit=200")["entries"]
    first = book.ok("GET", "/v1/audit?action=register&limit=2")
    cursor = first["next_cursor"]
    rest = book.ok("GET", f"/v1/audit?action=register&limit=2&cursor={cursor}")
    assert (len(first["entries"]), len(rest["entries"]), rest["next_cursor"]) == (2, 1, None)
    assert first["entries"] + rest["entries"] == everything


def test_days_are_bounds_and_both_are_included(book: BookClient) -> None:
    book.register()
    [day] = {e["at"][:10] for e in book.ok("GET", "/v1/audit?action=register")["entries"]}
    path = "/v1/audit?action=register&"
    assert book.ok("GET", f"{path}first_day={day}&last_day={day}")["count"] == 1
    assert book.ok("GET", f"{path}last_day=2020-01-01")["count"] == 0
    assert book.ok("GET", f"{path}first_day=2100-01-01")["count"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("first_day=today", "query.first_day"),
        ("subject=", "query.subject"),
        ("cursor=x", "query.cursor"),
        ("person=x", "query.person"),
        ("limit=0", "query.limit"),
    ],
)
def test_a_wrong_filter_is_named(book: BookClient, query: str, field: str) -> None:
    response = book("GET", f"/v1/audit?{query}")
    assert response.status_code == 422
    assert [fault["path"] for fault in response.json()["errors"]] == [field]
