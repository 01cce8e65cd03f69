"""Between HTTP and the book: who calls, one transaction for each request, keys, versions, ids."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from functions.access.principal import Principal
from functions.lending.actions.confirming import AWAITING
from functions.lending.contracts.answer_cache import AnswerCache
from functions.lending.deciding import Decider
from functions.lending.errors import (
    MissingKeyError,
    MissingVersionError,
    NotInBookError,
)
from functions.lending.notices.notice import Lender
from functions.lending.storage.database import WHOLE_BOOK, Database, RowAccess
from functions.lending.storage.idempotency import Reply, RequestKey, claim, fingerprint, store
from functions.lending.storage.identifiers import Kind, identifier_from_text
from functions.lending.storage.round_trips import Statement
from functions.lending.storage.transaction import LOCAL, Transaction, begun
from functions.lending.webhook_secrets import SecretBox
from functions.web.bodies import JSON, json_response
from functions.web.middleware import caller_from_request
from functions.web.problems import Fault, faults_from_validation, reject_faults

ETAG = re.compile(r'(?:W/)?"(\d{1,9})"', re.ASCII)
CUSTOMER = re.compile(r"[1-9]\d{0,14}", re.ASCII)
OF_BRANCHES = frozenset({"officer", "collector", "manager"})
OF_READERS = frozenset({"risk", "auditor"})
MOST_ROWS = 200

Body = TypeVar("Body", bound=BaseModel)
Result = TypeVar("Result")
Action = Callable[[Transaction], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What every route needs: database, clock, secrets, and who decides."""

    database: Database
    now: Callable[[], datetime]
    kyc_key: bytes = field(repr=False)
    decider: Decider
    threads: ThreadPoolExecutor
    lender: Lender | None = None
    box: SecretBox = field(default_factory=SecretBox)
    answers: AnswerCache = field(default_factory=AnswerCache)

    async def aclose(self) -> None:
        """End threads and connections."""
        await self.decider.close()
        # What a thread still does ends first: its connection could not be closed otherwise.
        await asyncio.to_thread(self.threads.shutdown, cancel_futures=True)
        self.database.close()

    async def read(
        self, request: Request, action: Action[Result], access: RowAccess | None = None
    ) -> Result:
        """Run an action that changes nothing but the audit, on fewer rows if `access` says so."""
        access, work = access or row_access(request), self._work(request, action)
        return await self._in_thread(lambda: self.database.read(access, work))

    async def change(
        self,
        request: Request,
        action: Action[Result],
        *,
        is_repeatable: bool = False,
        first: Sequence[Statement] = (),
    ) -> Result:
        """Run an action that changes something; `first` is what it reads first."""
        access, work = row_access(request), self._work(request, action)
        write = partial(self.database.write, is_repeatable=is_repeatable, first=first)
        try:
            return await self._in_thread(lambda: write(access, work))
        finally:
            self.answers.clear()

    async def act(
        self, request: Request, document: Mapping[str, Any], action: Action[object], status: int
    ) -> Response:
        """Run an action once for each idempotency key, and reply as it was replied first.

        Raises
        ------
        MissingKeyError
            If the request has no key.
        """
        key = request_key(request, document)

        def work(transaction: Transaction) -> Reply:
            earlier = claim(transaction, key)
            if earlier:
                return earlier
            done = action(transaction)
            is_waiting = isinstance(done, dict) and done.get("status") == AWAITING
            code = HTTPStatus.ACCEPTED if is_waiting else status
            reply = Reply(status=code, body=to_json(done))
            store(transaction, key, reply)
            return reply

        reply = await self.change(request, work, is_repeatable=True)
        headers = {**reply.headers, **({"Idempotency-Replayed": "true"} if reply.is_replay else {})}
        return Response(reply.body, reply.status, headers, media_type=JSON)

    def _work(self, request: Request, action: Action[Result]) -> Callable[[Connection], Result]:
        caller = caller_from_request(request)

        def work(connection: Connection) -> Result:
            principal = caller.principal or LOCAL
            return action(begun(connection, principal, caller.request_id, self.now()))

        return work

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)


def row_access(request: Request) -> RowAccess:
    """Return the rows that a caller may see, by its roles.

    A caller without roles is one that its key's scopes restrict, or that was checked elsewhere.
    """
    principal: Principal | None = request.scope.get("principal")
    if principal is None or principal.roles is None or "admin" in principal.roles:
        return WHOLE_BOOK
    if principal.roles & OF_BRANCHES:
        return RowAccess(role="lending_branch", branches=principal.branches)
    if principal.roles & OF_READERS:
        return RowAccess(role="lending_reader")
    return RowAccess(role="lending_client", customer=principal.customer_id)


def request_key(request: Request, document: Mapping[str, Any]) -> RequestKey:
    """Return the key of a request that moves money; quotes around it do not belong to it."""
    caller = caller_from_request(request)
    text = idempotency_key(request)
    if text is None:
        raise MissingKeyError
    route = f"{request.method} {request.url.path}"
    return RequestKey(
        principal=caller.principal or LOCAL,
        route=route,
        key=text,
        fingerprint=fingerprint(route, dict(document)),
    )


def idempotency_key(request: Request) -> str | None:
    """Return the key that the caller sent, if it sent one."""
    text = caller_from_request(request).idempotency_key
    is_quoted = text is not None and len(text) > len('""') and text[0] == text[-1] == '"'
    return text[1:-1] if text and is_quoted else text


def parse_body(kind: type[Body], document: Mapping[str, Any]) -> Body:
    """Read a body, or refuse it with every fault."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        reject_faults(faults_from_validation(error))
        raise


def path_id(request: Request, kind: Kind) -> UUID:
    """Return the identifier in the path; one of the wrong form names nothing."""
    names: Mapping[Kind, str] = {"app": "application", "loan": "loan", "item": "request"}
    identifier = identifier_from_text(kind, request.path_params[names[kind]])
    if identifier is None:
        raise NotInBookError(names[kind])
    return identifier


def path_customer(request: Request) -> int:
    """Return the customer's number in the path."""
    text: str = request.path_params["customer"]
    if not CUSTOMER.fullmatch(text):
        what = "customer"
        raise NotInBookError(what)
    return int(text)


def expected_version(request: Request) -> int:
    """Return the version that the caller has read, from `If-Match`.

    Raises
    ------
    MissingVersionError
        If the header is missing, or is no ETag of this service.
    """
    match = ETAG.fullmatch(request.headers.get("if-match", ""))
    if match is None:
        raise MissingVersionError
    return int(match[1])


def versioned(document: Mapping[str, Any], status: int = HTTPStatus.OK) -> Response:
    """Respond with a document and its version as ETag."""
    response = json_response(document, status)
    response.headers["ETag"] = f'"{document["version"]}"'
    return response


class QueryReader:
    """Reads the query of a list; `reject` names every fault at once."""

    def __init__(self, request: Request) -> None:
        self._items = request.query_params.multi_items()
        self._values = dict(self._items)
        names = [name for name, _ in self._items]
        self.faults = [
            Fault(f"query.{name}" if name.isidentifier() else "query", "may be sent once")
            for name in {name for name in names if names.count(name) > 1}
        ]

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Read a whole number within bounds."""
        text = self._values.pop(name, None)
        if text is None:
            return default
        if re.fullmatch(r"\d{1,15}", text, re.ASCII) and least <= int(text) <= most:
            return int(text)
        self.faults.append(Fault(f"query.{name}", f"must be a number from {least} to {most}"))
        return default

    def text(self, name: str) -> str | None:
        """Read a text."""
        return self._values.pop(name, None)

    def choice(self, name: str, choices: Mapping[str, str]) -> str | None:
        """Read one of some words, in the letters of either case."""
        text = self._values.pop(name, None)
        if text is None:
            return None
        if text.lower() not in choices:
            self.faults.append(Fault(f"query.{name}", f"must be one of {', '.join(choices)}"))
        return choices.get(text.lower())

    def refuse_day(self, remedy: str) -> None:
        """Refuse `as_of`, and say where a figure of a past day is."""
        if self.text("as_of") is not None:
            rule = f"is not in the contract: {remedy}"
            self.faults.append(Fault("query.as_of", rule))

    def reject(self) -> None:
        """Refuse the request if anything is wrong or left."""
        self.faults += [
            Fault(f"query.{name}" if name.isidentifier() else "query", "is not in the contract")
            for name in self._values
        ]
        reject_faults(self.faults)
