"""Early warnings followed up: by whom, until when not, and nothing of it lost at a close."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.client import lending_endpoints as client
from functions.client.endpoints import Call, ResponseType, read
from functions.client.transport import HttpResponse
from tests.functions.access.conftest import Issuer, _keys, issuer
from tests.support.lending import BookClient, client_on
from tests.support.lending_year import close_on

__all__ = ["_keys", "issuer"]
FIGURE, REASON = "/v1/portfolio/early-warning", "first_payment_default"
SNOOZE = {"until": "2026-03-10", "note": "The borrower pays after the harvest"}


@pytest.fixture
def late(book: BookClient) -> str:
    """The first instalment of this loan fell due on 5 February, and the day was closed."""
    loan = book.disburse()
    close_on(book, date(2026, 2, 5))
    return loan


def warning(book: BookClient, query: str = "") -> dict[str, Any] | None:
    """What the list says of the one warning, if it has it."""
    listed = book.ok("GET", f"/v1/warnings{query}")["loans"]
    return listed[0]["warnings"][0] if listed else None


def number(book: BookClient, query: str = "") -> int:
    """How many loans the line of the figure has, which must be those of its list."""
    lines = book.ok("GET", FIGURE + query, cache_control="no-cache")["lines"]
    if not lines:
        return 0
    [line] = lines
    listed = book.ok("GET", line["loans"])
    assert listed["count"] == line["number"]
    count: int = line["number"]
    return count


def act(book: BookClient, loan: str, verb: str, body: object = None) -> Any:  # noqa: ANN401 -- JSON
    return book.ok("POST", f"/v1/loans/{loan}/warnings/{REASON}:{verb}", body)


def test_the_list_says_what_each_warning_means_and_who_has_it(book: BookClient, late: str) -> None:
    assert act(book, late, "assign", {"owner": "subject asha"})["owner"] == "subject asha"
    reply = book.ok("GET", "/v1/warnings?owner=subject%20asha")
    assert (reply["as_of"], reply["count"], reply["next_cursor"]) == ("2026-02-05", 1, None)
    [loan] = reply["loans"]
    assert (loan["loan_id"], loan["outstanding"]) == (late, "120000.00")
    [one] = loan["warnings"]
    assert (one["reason"], one["since"], one["owner"]) == (REASON, "2026-02-05", "subject asha")
    assert one["next_action"].startswith("Verify identity")
    assert warning(book, "?owner=somebody") is None
    assert number(book, "?owner=subject%20asha") == 1
    assert number(book, "?owner=somebody") == 0
    act(book, late, "assign", {"owner": None})
    assert warning(book, "?owner=subject%20asha") is None


def test_a_snoozed_warning_is_out_of_the_figure_until_its_day(book: BookClient, late: str) -> None:
    act(book, late, "assign", {"owner": "subject asha"})
    snoozed = act(book, late, "snooze", SNOOZE)
    assert (snoozed["snoozed_until"], snoozed["owner"]) == ("2026-03-10", "subject asha")
    assert warning(book) is None
    assert number(book) == 0
    assert number(book, "?snoozed=only") == number(book, "?snoozed=all") == 1
    close_on(book, date(2026, 2, 6))
    only = warning(book, "?snoozed=only")
    assert only is not None
    assert (only["snooze_note"], only["owner"]) == (SNOOZE["note"], "subject asha")
    assert number(book) == 0
    book.move_to(date(2026, 3, 10))
    assert number(book) == 1
    assert number(book, "?snoozed=only") == 0


def test_a_warning_can_be_woken_before_its_day(book: BookClient, late: str) -> None:
    act(book, late, "snooze", SNOOZE)
    woken = act(book, late, "wake")
    assert (woken["snoozed_until"], woken["snooze_note"]) == (None, None)
    assert number(book) == 1


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({**SNOOZE, "until": "2026-02-06"}, "until", "must be after the business date 2026-02-06"),
        ({**SNOOZE, "until": "2026-05-08"}, "until", "must be at most 90 days after"),
        ({"until": "2026-03-10"}, "note", "This field is required"),
    ],
)
def test_a_snooze_has_an_end_and_a_reason(
    body: dict[str, str], path: str, message: str, book: BookClient, late: str
) -> None:
    response = book("POST", f"/v1/loans/{late}/warnings/{REASON}:snooze", body)
    assert response.status_code == 422
    problem = response.json()
    texts = [problem["detail"], *(f"{e['path']} {e['message']}" for e in problem["errors"])]
    assert any(f"{path} {message}" in one for one in texts), texts


def test_what_is_no_warning_of_the_last_close_cannot_be_followed_up(
    book: BookClient, late: str
) -> None:
    for reason, status in (("score_down", 409), ("bad_mood", 404)):
        path = f"/v1/loans/{late}/warnings/{reason}:assign"
        response = book("POST", path, {"owner": "subject asha"})
        assert response.status_code == status
    assert (
        "has no warning score_down"
        in book("POST", f"/v1/loans/{late}/warnings/score_down:wake").json()["detail"]
    )


def test_who_did_what_is_audited_without_the_words_of_the_note(book: BookClient, late: str) -> None:
    act(book, late, "assign", {"owner": "subject asha"})
    act(book, late, "snooze", SNOOZE)
    engine = create_engine(book.url)
    with engine.connect() as connection:
        query = "SELECT action, subject, detail FROM audit WHERE action LIKE '%warning' ORDER BY id"
        rows = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    assert rows == [
        ("assign warning", late, {"reason": REASON, "owner": "subject asha"}),
        ("snooze warning", late, {"reason": REASON, "until": "2026-03-10"}),
    ]


def test_an_officer_snoozes_in_its_branch_and_a_manager_assigns(
    book: BookClient, late: str, issuer: Issuer
) -> None:
    path = f"/v1/loans/{late}/warnings/{REASON}"
    with client_on(book.url, **issuer.settings(), RATE_LIMIT="off") as guarded:
        for role, branch, verb, status in (
            ("officer", 1, "snooze", 200),
            ("officer", 1, "assign", 403),
            ("officer", 2, "snooze", 404),
            ("manager", 1, "assign", 200),
            ("risk", 1, "snooze", 403),
        ):
            token = issuer.token(roles=[role], sub=role, branches=[branch])
            guarded.headers = {"authorization": f"Bearer {token}"}
            body = SNOOZE if verb == "snooze" else {"owner": "subject officer"}
            assert guarded("POST", f"{path}:{verb}", body).status_code == status, (role, verb)


def test_the_typed_client_follows_a_warning_up(book: BookClient, late: str) -> None:
    assert ask(book, client.assign_warning(late, REASON, "subject asha")).owner == "subject asha"
    until = date(2026, 3, 10)
    assert ask(book, client.snooze_warning(late, REASON, until, "Harvest")).snoozed_until == until
    [loan] = ask(book, client.early_warnings(snoozed="only", owner="subject asha")).loans
    assert [warning.reason for warning in loan.warnings] == [REASON]
    assert ask(book, client.wake_warning(late, REASON)).snoozed_until is None


def ask(book: BookClient, call: Call[ResponseType]) -> ResponseType:
    """Send a call of the client to the application."""
    headers = {name.replace("-", "_"): value for name, value in call.headers.items()}
    response = book(call.method, call.path, call.body, **headers)
    names = {name.lower(): value for name, value in response.headers.items()}
    status, reason = response.status_code, response.reason_phrase
    return read(call, HttpResponse(status, reason, names, response.content))


def test_pages_of_the_list_are_of_loans(book: BookClient) -> None:
    loans = {book.disburse() for _ in range(3)}
    close_on(book, date(2026, 2, 5))
    first = book.ok("GET", "/v1/warnings?limit=2")
    rest = book.ok("GET", f"/v1/warnings?limit=2&cursor={first['next_cursor']}")
    assert (first["count"], rest["count"], rest["next_cursor"]) == (2, 1, None)
    assert {loan["loan_id"] for loan in [*first["loans"], *rest["loans"]]} == loans


def test_a_wrong_filter_is_named(book: BookClient, late: str) -> None:
    response = book("GET", "/v1/warnings?reason=x&snoozed=maybe&owner=%00&loan=1")
    assert response.status_code == 422
    paths = {error["path"] for error in response.json()["errors"]}
    assert paths == {"query.reason", "query.snoozed", "query.owner", "query.loan"}
    assert late
