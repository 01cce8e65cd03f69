"""Errors as foreign contracts expect them: one member with the detail and the faults that fit."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from functions.scoring.errors import ERROR_STATUSES
from functions.web.bodies import json_response
from functions.web.openapi import MAX_ERROR_BYTES
from functions.web.problems import (
    Fault,
    faults_from_error,
    retry_after_headers,
    status_from_error,
)
from models.errors import SuretyError

BODY_ERRORS = {HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY}

Handler = Callable[[Request], Awaitable[Response]]


def with_error_member(member: str, handler: Handler) -> Handler:
    """Make a handler's errors objects whose `member` says what is wrong.

    An invalid body is 400: these contracts know neither 415 nor 422.
    """

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except SuretyError as error:
            status = status_from_error(error, ERROR_STATUSES)
            if status in BODY_ERRORS:
                status = HTTPStatus.BAD_REQUEST
            message = message_from_faults(str(error), faults_from_error(error))
            response = json_response({member: message}, status)
            response.headers.update(retry_after_headers(error))
            return response

    return handle


def message_from_faults(detail: str, faults: Sequence[Fault]) -> str:
    """Write the detail and as many faults as fit in `MAX_ERROR_BYTES`, and how many do not."""
    message = detail
    for position, fault in enumerate(faults):
        longer = f"{message}; {fault.path}: {fault.message}"
        rest = f"; and {len(faults) - position} more"
        if len((longer + rest).encode()) > MAX_ERROR_BYTES:
            return message + rest
        message = longer
    return message
