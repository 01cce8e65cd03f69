"""The local stand-in for a credit bureau answers what the shipped declaration declares."""

import asyncio
from typing import Any

import httpx
import pytest

from functions.lending.checks.adapter import CheckAdapter, CheckAnswer
from functions.lending.checks.settings import checks_from
from infra.local.bureau import LocalBureau, running_bureau

FACTS = {"full_name": "Asha Rao", "date_of_birth": "1990-04-12", "identity_type": "pan"}


def ask(bureau: LocalBureau, last_four: str, name: str = "Asha Rao") -> CheckAnswer:
    [check], faults = checks_from(bureau.settings(), "instalment")
    assert not faults
    facts = {**FACTS, "full_name": name, "identity_last_four": last_four}

    async def ask_once() -> CheckAnswer:
        adapter = CheckAdapter()
        answer = await adapter.ask(check, facts, "app_1")
        await adapter.close()
        return answer

    return asyncio.run(ask_once())


def test_a_report_is_as_declared_and_the_same_each_time_for_the_same_person() -> None:
    with running_bureau() as bureau:
        first, again = ask(bureau, "234F"), ask(bureau, "234F")
        others = [ask(bureau, "234F", f"Person {number}") for number in range(20)]
    assert first.outcome == "answered"
    assert first.members == again.members
    assert len({answer.members["report.score"] for answer in others}) > 1
    assert {answer.outcome for answer in others} == {"answered"}


@pytest.mark.parametrize(
    ("last_four", "outcome", "members"),
    [
        ("404F", "answered", {"report.score": None, "report.enquiries_6_months": None}),
        ("451F", "answered", {"report.wilful_default": True}),
        ("500F", "failed", {}),
    ],
)
def test_some_identity_numbers_stand_for_people_of_whom_something_else_is_known(
    last_four: str, outcome: str, members: dict[str, Any]
) -> None:
    with running_bureau() as bureau:
        answer = ask(bureau, last_four)
    assert answer.outcome == outcome
    assert dict(answer.members) == {**answer.members, **members}


def test_without_its_key_or_with_a_body_that_is_none_the_bureau_says_what_is_wrong() -> None:
    with running_bureau() as bureau:
        refused = httpx.post(bureau.url, json=FACTS)
        headers = {"authorization": f"Bearer {bureau.key}"}
        faulty = [httpx.post(bureau.url, content=c, headers=headers) for c in (b"", b"[]", b"\xff")]
    assert (refused.status_code, refused.json()["error"][:14]) == (401, "authorization:")
    assert {answer.status_code for answer in faulty} == {400}
    with pytest.raises(httpx.ConnectError):
        httpx.post(bureau.url, json=FACTS)
