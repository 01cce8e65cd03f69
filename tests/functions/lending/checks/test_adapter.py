"""One external check over HTTP: whatever is not the declared answer has a name, and no members."""

import asyncio
from typing import Any

import pytest

from functions.lending.checks.adapter import CheckAdapter, CheckAnswer, read_answer
from functions.lending.checks.declarations import SHIPPED, CheckDeclaration, read_declarations
from functions.lending.checks.settings import ExternalCheck
from tests.functions.lending.checks.conftest import CheckServer

FACTS = {"application_id": "app_1", "full_name": "Asha Rao"}
MEMBERS = {"report.score": 720, "report.enquiries_6_months": 1, "report.wilful_default": False}


def declared(**changes: Any) -> CheckDeclaration:  # noqa: ANN401 -- members of a declaration
    shipped = next(d for d in read_declarations(SHIPPED) if d.name == "bureau")
    return shipped.model_copy(update=changes)


def ask(bureau: CheckServer, **changes: Any) -> CheckAnswer:  # noqa: ANN401 -- likewise
    check = ExternalCheck(declaration=declared(**changes), url=bureau.url, key="open sesame")

    async def ask_once() -> CheckAnswer:
        adapter = CheckAdapter()
        answer = await adapter.ask(check, FACTS, "app_1")
        await adapter.close()
        return answer

    return asyncio.run(ask_once())


def test_a_right_answer_gives_the_declared_members_and_no_others(bureau: CheckServer) -> None:
    answer = ask(bureau)
    assert (answer.outcome, answer.status, answer.members) == ("answered", 200, MEMBERS)
    [(headers, sent)] = bureau.requests
    assert sent == FACTS
    assert headers["idempotency-key"] == "app_1"
    assert headers["authorization"] == "Bearer open sesame"


@pytest.mark.parametrize(
    ("status", "outcome", "attempts"),
    [
        (500, "failed", 2),
        (503, "failed", 2),
        (429, "failed", 2),
        (401, "refused", 1),
        (302, "refused", 1),
        (204, "refused", 1),
    ],
)
def test_a_status_that_is_not_200_is_no_answer(
    status: int, outcome: str, attempts: int, bureau: CheckServer
) -> None:
    bureau.status, bureau.body = status, b""
    answer = ask(bureau)
    assert (answer.outcome, answer.detail) == (outcome, f"status {status}")
    assert not answer.members
    assert len(bureau.requests) == attempts


def test_a_slow_answer_is_waited_for_as_long_as_declared(bureau: CheckServer) -> None:
    bureau.seconds = 0.6
    answer = ask(bureau, attempts=1, timeout_seconds=0.3)
    assert (answer.outcome, answer.detail) == ("slow", "no answer within 0.3 s")


def test_an_answer_without_end_is_not_read(bureau: CheckServer) -> None:
    bureau.body = b" " * 70_000 + b"{}"
    answer = ask(bureau)
    assert (answer.outcome, answer.detail) == ("unreadable", "the answer is no JSON object")


def test_a_server_that_is_not_there_is_named_so(bureau: CheckServer) -> None:
    bureau.url = "http://127.0.0.1:9/"
    assert ask(bureau, attempts=1).outcome == "unreachable"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "no JSON object"),
        (b"[]", "no JSON object"),
        (b"<html>", "no JSON object"),
        (b'{"report": NaN}', "no JSON object"),
        (b'{"report": 7}', "report.score"),
        (b'{"report": {"score": "720"}}', "report.score"),
        (b'{"report": {"score": true}}', "report.score"),
        (b'{"report": {"score": 299}}', "report.score"),
        (b'{"report": {"score": 720.0}}', "report.score"),
        (b'{"report": {"score": 720}}', "report.enquiries_6_months"),
        (b'{"report": {"score": null, "enquiries_6_months": 0}}', "report.wilful_default"),
        (
            b'{"report": {"score": 720, "enquiries_6_months": 0, "wilful_default": 0}}',
            "report.wilful_default",
        ),
    ],
)
def test_an_answer_of_the_wrong_shape_is_unreadable(body: bytes, part: str) -> None:
    answer = read_answer(declared(), 200, body)
    assert (answer.outcome, dict(answer.members)) == ("unreadable", {})
    assert part in answer.detail


def test_null_says_that_the_bureau_knows_nothing_where_the_declaration_allows_it() -> None:
    body = b'{"report": {"score": null, "enquiries_6_months": null, "wilful_default": false}}'
    answer = read_answer(declared(), 200, body)
    assert answer.is_answered
    assert answer.members["report.score"] is None
