"""`/v1/webhooks`: receivers of events, their secrets, and what was sent to them."""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending import webhook_delivery as delivery
from functions.lending.actions import webhook_list
from functions.lending.contracts.applications import DEFAULT_ROWS, require_empty
from functions.lending.contracts.documents import number_schema, query_parameter
from functions.lending.contracts.edge import MOST_ROWS, Book, QueryReader, parse_body
from functions.lending.errors import NotInBookError
from functions.lending.storage.identifiers import identifier_from_text
from functions.lending.storage.transaction import LOCAL, Job
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, closed_object

PATH, ONE, REPLAY = "/v1/webhooks", "/v1/webhooks/{webhook}", "/v1/messages/{message}:replay"
SCOPE = "administer"
URL: Schema = {"type": "string", "pattern": "^https://", "maxLength": 500}
WEBHOOK: Schema = {
    "name": "webhook",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^item_[0-9a-f]{32}$"},
}
MESSAGE: Schema = {
    "name": "message",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}
SWITCH = {"true": "true", "false": "false"}


class WebhookBody(BaseModel):
    """The address of a receiver."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Annotated[str, Field(max_length=500)]


def contract(book: Book) -> Contract:
    """What administrators do with webhooks."""
    routes: list[tuple[str, str, Any]] = [
        ("GET", PATH, _list),
        ("POST", PATH, _register),
        ("POST", f"{ONE}:rotate", _rotate),
        ("POST", f"{ONE}:finish_rotation", _finish),
        ("POST", f"{ONE}:disable", _disable),
        ("GET", f"{ONE}/messages", _list_messages),
        ("POST", REPLAY, _replay),
    ]
    return Contract(
        tag="Webhooks",
        routes=[Route(path, partial(call, book), methods=[verb]) for verb, path, call in routes],
        scopes={f"{verb} {path}": SCOPE for verb, path, _ in routes},
        paths=_paths,
    )


async def _list(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    return json_response(await book.read(request, webhook_list.list_webhooks))


async def _register(book: Book, request: Request) -> Response:
    body = parse_body(WebhookBody, await read_json_object(request))
    made = await _run(book, request, lambda j: delivery.register_endpoint(j, body.url, book.box))
    return json_response(_with_name(made), HTTPStatus.CREATED)


async def _rotate(book: Book, request: Request) -> Response:
    await require_empty(request)
    webhook = _webhook(request)
    made = await _run(book, request, lambda j: delivery.rotate_secret(j, webhook, book.box))
    return json_response(_with_name(made))


async def _finish(book: Book, request: Request) -> Response:
    await require_empty(request)
    webhook = _webhook(request)
    done = await _run(book, request, lambda j: delivery.finish_rotation(j, webhook))
    return json_response(_with_name(done))


async def _disable(book: Book, request: Request) -> Response:
    await require_empty(request)
    webhook = _webhook(request)
    return json_response(await book.change(request, lambda t: webhook_list.disable(t, webhook)))


async def _list_messages(book: Book, request: Request) -> Response:
    webhook, query = _webhook(request), QueryReader(request)
    limit = query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS)
    undelivered = query.choice("undelivered", SWITCH) == "true"
    query.reject()
    return json_response(
        await book.read(
            request,
            lambda t: webhook_list.list_messages(t, webhook, limit, undelivered=undelivered),
        )
    )


async def _replay(book: Book, request: Request) -> Response:
    await require_empty(request)
    message = identifier_from_text("item", f"item_{request.path_params['message']}")
    if message is None:
        raise NotInBookError(what="message")
    done = await _run(book, request, lambda j: delivery.replay_message(j, message))
    return json_response({"message_id": done["message"], "webhooks": done["endpoints"]})


async def _run(
    book: Book, request: Request, act: Callable[[Job], dict[str, Any]]
) -> dict[str, Any]:
    """Do in the caller's name what the commands of webhooks do."""
    principal = caller_from_request(request).principal or LOCAL
    job = Job(database=book.database, principal=principal, now=book.now)
    return await asyncio.get_running_loop().run_in_executor(book.threads, act, job)


def _with_name(document: dict[str, Any]) -> dict[str, Any]:
    return {"webhook_id": document.pop("endpoint"), **document}


def _webhook(request: Request) -> UUID:
    identifier = identifier_from_text("item", request.path_params["webhook"])
    if identifier is None:
        raise NotInBookError(what="webhook")
    return identifier


def _paths() -> dict[str, Any]:
    register = Operation(
        "Register a webhook; its secret is shown this once",
        closed_object({"url": URL}, ["url"]),
        webhook_list.WebhookSecretReply,
        status=HTTPStatus.CREATED,
    )
    rotate = Operation(
        "Give a webhook a new secret, shown this once; the old one signs beside it",
        response=webhook_list.WebhookSecretReply,
        parameters=[WEBHOOK],
    )
    messages = Operation(
        "List what was sent to a webhook",
        response=webhook_list.WebhookMessagesReply,
        parameters=[
            WEBHOOK,
            query_parameter("undelivered", {"enum": list(SWITCH), "default": "false"}),
            query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
        ],
    )
    replay = Operation(
        "Send a message once more", response=webhook_list.ReplayReply, parameters=[MESSAGE]
    )
    return {
        PATH: {
            "get": Operation("List webhooks", response=webhook_list.WebhooksReply),
            "post": register,
        },
        f"{ONE}:rotate": {"post": rotate},
        f"{ONE}:finish_rotation": {"post": _changing("Let the old secret sign no longer")},
        f"{ONE}:disable": {"post": _changing("Send nothing more to a webhook")},
        f"{ONE}/messages": {"get": messages},
        REPLAY: {"post": replay},
    }


def _changing(summary: str) -> Operation:
    return Operation(summary, response=webhook_list.WebhookReply, parameters=[WEBHOOK])
