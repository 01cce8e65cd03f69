"""One external check, asked over HTTP: the members that are used, or what went wrong instead."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import httpx

from functions.lending.checks.declarations import CheckDeclaration, Value
from functions.lending.checks.settings import ExternalCheck

MOST_ANSWER_BYTES = 64 * 1024
PAUSE_SECONDS = 0.1

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
        self._client: httpx.AsyncClient | None = None

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
        if self._client is None:  # which reads certificates: that is not the other side's time
            self._client = httpx.AsyncClient(follow_redirects=False)
        client = self._client
        try:
            async with asyncio.timeout(seconds):  # however slowly the answer drips
                status, body = await self._post(client, check, facts, key)
        except (TimeoutError, httpx.TimeoutException):
            detail = f"no answer within {seconds:g} s"
            return CheckAnswer(name=check.name, outcome="slow", detail=detail)
        except httpx.HTTPError as error:
            detail = f"not reached: {type(error).__name__}"
            return CheckAnswer(name=check.name, outcome="unreachable", detail=detail)
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
        return read_answer(declaration, status, body)

    async def _post(
        self, client: httpx.AsyncClient, check: ExternalCheck, facts: Mapping[str, Any], key: str
    ) -> tuple[int, bytes]:
        headers = {"idempotency-key": key}
        if check.key:
            headers["authorization"] = f"Bearer {check.key}"
        body = bytearray()
        async with client.stream(
            *("POST", check.url),
            json={"application_id": key, **facts},
            headers=headers,
            timeout=check.declaration.timeout_seconds,
        ) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_ANSWER_BYTES:
                    break
        return response.status_code, bytes(body)


def read_answer(declaration: CheckDeclaration, status: int, body: bytes) -> CheckAnswer:
    """Take the declared members out of an answer; a wrong one makes all of it unreadable."""
    name = declaration.name
    document: object = None
    if len(body) <= MOST_ANSWER_BYTES:
        try:
            document = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            document = None
    if not isinstance(document, dict):
        detail = "the answer is no JSON object"
        return CheckAnswer(name=name, outcome="unreadable", detail=detail, status=status)
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
