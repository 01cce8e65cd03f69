"""Refusals as foreign contracts say them: one member with the detail and the faults that fit."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.web.bodies import json_answer
from functions.web.openapi import Schema, members
from functions.web.problems import Fault, faults_of, retry_after, status_from_error
from models.errors import SuretyError

MAX_MESSAGE_BYTES = 1_000
FAULTS_OF_BODIES = {HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY}

Handler = Callable[[Request], Awaitable[Response]]


def with_error_member(member: str, handler: Handler) -> Handler:
    """Let a handler's refusals be objects whose `member` says what is wrong.

    A fault of the body is 400: these contracts know neither 415 nor 422.
    """

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except SuretyError as error:
            status = status_from_error(error)
            if status in FAULTS_OF_BODIES:
                status = HTTPStatus.BAD_REQUEST
            answer = json_answer(
                {member: message_from_faults(str(error), faults_of(error))}, status
            )
            answer.headers.update(retry_after(error) or {})
            return answer

    return answered


def message_from_faults(detail: str, faults: Sequence[Fault]) -> str:
    """Say the detail and as many faults as fit in `MAX_MESSAGE_BYTES`, and how many do not."""
    said = detail
    for shown, fault in enumerate(faults):
        longer = f"{said}; {fault.path}: {fault.message}"
        rest = f"; and {len(faults) - shown} more"
        if len((longer + rest).encode()) > MAX_MESSAGE_BYTES:
            return said + rest
        said = longer
    return said


def described(operation: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Describe that an operation refuses with `member`; limits met before it are still problems."""
    responses = operation["responses"]
    content = responses["default"]["content"]
    schema: Schema = members({member: {"type": "string", "maxLength": MAX_MESSAGE_BYTES}})
    refused = {
        "description": "Refused, with the faults that fit",
        "content": content | {"application/json": {"schema": schema}},
    }
    return {**operation, "responses": responses | {"default": refused}}
