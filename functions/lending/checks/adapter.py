"""One external check, asked over HTTP: the members that are used, or what went wrong instead."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from pydantic_core import to_json

from functions.client.errors import UnreadableResponseError
from functions.client.transport import FailedTryError, Transport
from functions.lending.checks.declarations import CheckDeclaration, Value
from functions.lending.checks.settings import ExternalCheck

MOST_ANSWER_BYTES = 64 * 1024
PAUSE_SECONDS = 0.1
NO_OBJECT = "the answer is no JSON object"

Outcome = Literal["answered", "slow", "unreachable", "failed", "refused", "unreadable"]
REPEATED: frozenset[Outcome] = frozenset({"slow", "unreachable", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """What came of asking: `members` by name if it answered, and in words what happened."""

    name: str
    outcome: Outcome
    detail: str
    status: int | None = None
    members: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_answered(self) -> bool:
        """Whether it may be used."""
        return self.outcome == "answered"


class CheckAdapter:
    """Asks checks; connections are kept."""

    def __init__(self) -> None:
        self._transport = Transport(MOST_ANSWER_BYTES)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def ask(self, check: ExternalCheck, facts: Mapping[str, Any], key: str) -> CheckAnswer:
        """Ask a check about one application; the same key says that it is the same question."""
        answer = await self._attempt(check, facts, key)
        for _ in range(1, check.declaration.attempts):
            if answer.outcome not in REPEATED:
                break
            await asyncio.sleep(PAUSE_SECONDS)
            answer = await self._attempt(check, facts, key)
        return answer

    async def _attempt(
        self, check: ExternalCheck, facts: Mapping[str, Any], key: str
    ) -> CheckAnswer:
        declaration = check.declaration
        seconds = declaration.timeout_seconds
        headers = {"content-type": "application/json", "idempotency-key": key}
        if check.key:
            headers["authorization"] = f"Bearer {check.key}"
        body = to_json(facts)
        try:
            async with asyncio.timeout(seconds):  # however slowly the answer drips
                answer = await self._transport.send(
                    "POST", check.url, headers=headers, body=body, seconds=seconds
                )
        except (TimeoutError, FailedTryError) as error:
            if isinstance(error, FailedTryError) and not error.is_timeout:
                detail = f"not reached: {error}"
                return CheckAnswer(name=check.name, outcome="unreachable", detail=detail)
            detail = f"no answer within {seconds:g} s"
            return CheckAnswer(name=check.name, outcome="slow", detail=detail)
        except UnreadableResponseError:
            return CheckAnswer(name=check.name, outcome="unreadable", detail=NO_OBJECT)
        status = answer.status
        if status != HTTPStatus.OK:
            is_passing = (
                status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
            )
            return CheckAnswer(
                name=check.name,
                outcome="failed" if is_passing else "refused",
                detail=f"status {status}",
                status=status,
            )
        return read_answer(declaration, status, answer.body)


def read_answer(declaration: CheckDeclaration, status: int, body: bytes) -> CheckAnswer:
    """Take the declared members out of an answer; a wrong one makes all of it unreadable."""
    name = declaration.name
    document: object = None
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return CheckAnswer(name=name, outcome="unreadable", detail=NO_OBJECT, status=status)
    members: dict[str, Value] = {}
    for member in declaration.members:
        value = _find(document, member.name)
        if not member.accepts(value):
            detail = f"the answer's {member.name} is missing or not as declared"
            return CheckAnswer(name=name, outcome="unreadable", detail=detail, status=status)
        members[member.name] = value
    return CheckAnswer(
        name=name, outcome="answered", detail="answered", status=status, members=members
    )


def _find(document: object, path: str) -> Any:  # noqa: ANN401 -- JSON
    """Return what stands at a path; an absent member is told from null."""
    for part in path.split("."):
        if not isinstance(document, dict) or part not in document:
            return Ellipsis
        document = document[part]
    return document


def _refuse_constant(name: str) -> None:
    message = f"{name} is no JSON"
    raise ValueError(message)
