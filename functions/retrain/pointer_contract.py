"""`/v1/models/{model}/pointer`, `:promote` and `:rollback`: read and move the pointer of a model.

A move names the sequence that its caller saw, in `If-Match`.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.access.platform_identity import email_from_headers
from functions.access.settings import Auth
from functions.retrain.errors import StoreOutOfReachError
from functions.retrain.pointer_moves import Order, promote_by_order, roll_back_by_order
from functions.retrain.proposals import Proposal
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.logs import log
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, closed_object
from functions.web.problems import Fault, RequestError, faults_from_validation, reject_faults
from models.contract import CreditModel, name_from_model
from models.discovery import Catalogue
from models.errors import ApprovalError, ObjectMissingError, StoreUnavailableError
from models.registry.approval import MOST_CHARACTERS
from models.registry.moves import MoveRecord, read_history
from models.registry.pointer import Pointer, find_pointer
from models.registry.versions import VERSION_PATTERN
from models.stores.store import OpenedStore

ETAG = re.compile(r'"(\d{1,9})"', re.ASCII)
RETRY_SECONDS = 10
SERVICE_ACCOUNTS = ".gserviceaccount.com"
POINTER = "/v1/models/{model}/pointer"
PROMOTE, ROLLBACK = "/v1/models/{model}:promote", "/v1/models/{model}:rollback"
T = TypeVar("T")


class MoveRequest(BaseModel):
    """What promotion and rollback accept."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    reason: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)] | None = None


class PointerState(TypedDict):
    """The pointer of a model, and its moves, newest first; 0 and None if it has no champion."""

    model: str
    sequence: int
    champion: str | None
    previous: str | None
    challenger: str | None
    moves: list[MoveRecord]
    unrecorded: int


class PointerMoved(TypedDict):
    """The result of a move, or of a proposal, which moves nothing."""

    status: Literal["promoted", "rolled back", "waiting for a second person"]
    model: str
    version: str
    sequence: int
    who: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The store whose pointers are moved, the catalogue, and how callers are checked."""

    store: OpenedStore
    catalogue: Catalogue
    auth: Auth


def contract(registry: Registry) -> Contract:
    """Build the three routes."""
    locks = {name: asyncio.Lock() for name in registry.catalogue}

    def find_model(request: Request) -> type[CreditModel]:
        return registry.catalogue[request.path_params["model"]]

    async def show(request: Request) -> Response:
        state = await run_in_thread(
            _read_state, registry.store, name_from_model(find_model(request))
        )
        return _with_etag(json_response(state), state["sequence"])

    async def promote(request: Request) -> Response:
        model, order = find_model(request), await _read_order(request, registry.auth)
        async with locks[name_from_model(model)]:
            result = await run_in_thread(promote_by_order, registry.store, model, order)
        return _respond(model, order, result, "promoted")

    async def roll_back(request: Request) -> Response:
        model, order = find_model(request), await _read_order(request, registry.auth)
        async with locks[name_from_model(model)]:
            result = await run_in_thread(roll_back_by_order, registry.store, model, order)
        return _respond(model, order, result, "rolled back")

    return Contract(
        tag="Pointer",
        routes=[
            Route(POINTER, show, methods=["GET"]),
            Route(PROMOTE, promote, methods=["POST"]),
            Route(ROLLBACK, roll_back, methods=["POST"]),
        ],
        scopes={
            f"GET {POINTER}": "models",
            f"POST {PROMOTE}": "promote",
            f"POST {ROLLBACK}": "promote",
        },
        paths=lambda: _paths(registry.catalogue),
    )


def _paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    model = {"name": "model", "in": "path", "required": True, "schema": {"enum": list(catalogue)}}
    sequence = {"type": "string", "pattern": r'^"\d{1,9}"$'}
    if_match = {"name": "If-Match", "in": "header", "required": True, "schema": sequence}
    reason = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}
    version = {"type": "string", "pattern": VERSION_PATTERN}
    body = closed_object({"version": version, "reason": reason}, ["version"])

    def describe(summary: str) -> Operation:
        return Operation(summary, body, PointerMoved, parameters=[model, if_match])

    return {
        POINTER: {
            "get": Operation("Show a pointer", response=PointerState, parameters=[model]),
        },
        PROMOTE: {"post": describe("Make a version the champion")},
        ROLLBACK: {"post": describe("Make the previous champion the champion again")},
    }


async def _read_order(request: Request, auth: Auth) -> Order:
    expected = _read_sequence(request)
    try:
        body = MoveRequest.model_validate(await read_json_object(request))
    except ValidationError as error:
        reject_faults(faults_from_validation(error))
        raise
    return Order(
        version=body.version,
        expected=expected,
        who=_find_caller(request, auth),
        when=datetime.now(UTC),
        reason=body.reason,
    )


def _read_sequence(request: Request) -> int:
    header = request.headers.get("if-match")
    if header is None:
        message = "send If-Match with the ETag of the pointer, so that no other move is undone"
        raise RequestError(HTTPStatus.PRECONDITION_REQUIRED, message)
    match = ETAG.fullmatch(header)
    if not match:
        message = 'If-Match must be the ETag of the pointer: its sequence in quotes, such as "3"'
        raise RequestError(HTTPStatus.BAD_REQUEST, message)
    return int(match[1])


def _find_caller(request: Request, auth: Auth) -> str | None:
    """Find out who asks. Cloud Run cannot grant a path, so a schedule's account could ask too."""
    if auth != "iam":
        return caller_from_request(request).principal
    email = email_from_headers(request.headers)
    if email is None or email.endswith(SERVICE_ACCOUNTS):
        message = "only a person may move a pointer, and this is a service account"
        raise RequestError(HTTPStatus.FORBIDDEN, message)
    return email


async def run_in_thread(function: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401 -- of any function
    """Run a function that reads and writes the store, and name what it lacks as HTTP does."""
    try:
        return await asyncio.to_thread(function, *arguments)
    except ApprovalError as error:
        fault = Fault(error.member, str(error))
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), [fault]) from error
    except ObjectMissingError as error:
        message = "there is no such version"
        raise RequestError(HTTPStatus.NOT_FOUND, message) from error
    except StoreUnavailableError as error:
        log("ERROR", "model store out of reach", cause=str(error))
        message = "the model store cannot be reached"
        raise StoreOutOfReachError(message, RETRY_SECONDS) from error


def _read_state(store: OpenedStore, model_name: str) -> PointerState:
    pointer = find_pointer(store, model_name)
    if pointer is None:
        return PointerState(
            model=model_name,
            sequence=0,
            champion=None,
            previous=None,
            challenger=None,
            moves=[],
            unrecorded=0,
        )
    history = read_history(store, model_name, pointer.sequence, pointer.nonce)
    return PointerState(
        model=model_name,
        sequence=pointer.sequence,
        champion=pointer.champion.version,
        previous=pointer.previous.version if pointer.previous else None,
        challenger=pointer.challenger.version.version if pointer.challenger else None,
        moves=list(history.moves),
        unrecorded=history.unrecorded,
    )


def _respond(
    model: type[CreditModel],
    order: Order,
    result: Pointer | Proposal,
    status: Literal["promoted", "rolled back"],
) -> Response:
    is_proposal = isinstance(result, Proposal)
    moved = PointerMoved(
        status="waiting for a second person" if is_proposal else status,
        model=name_from_model(model),
        version=order.version,
        sequence=result.sequence,
        who=result.who,
    )
    log("INFO", f"pointer: {moved['status']}", **{k: v for k, v in moved.items() if k != "status"})
    code = HTTPStatus.ACCEPTED if is_proposal else HTTPStatus.OK
    return _with_etag(json_response(moved, code), result.sequence)


def _with_etag(response: Response, sequence: int) -> Response:
    response.headers["ETag"] = f'"{sequence}"'
    return response
