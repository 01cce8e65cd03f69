"""Reading a request's body: bounded, JSON, and nothing that JSON cannot say."""

import json
from http import HTTPStatus
from typing import Any, NoReturn

from starlette.requests import Request

from functions.scoring.problems import RefusedRequestError

MAX_BODY_BYTES = 2 * 1024 * 1024
EXACT_INTEGERS = 2**53


async def json_object(request: Request) -> dict[str, Any]:
    """Read the body as one JSON object.

    Raises
    ------
    RefusedRequestError
        415 for another content type or an encoded body, 413 for a large one, 400 for bad JSON,
        422 for JSON that is no object.
    """
    _require_json(request)
    document = _parse(await _bounded(request))
    if not isinstance(document, dict):
        message = "the body must be a JSON object"
        raise RefusedRequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message)
    return document


def _require_json(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in (
        "",
        "charset=utf-8",
        "charset=utf8",
    ):
        message = "the body must be application/json in UTF-8"
        raise RefusedRequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        message = "the body must not be compressed"
        raise RefusedRequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)


async def _bounded(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            message = f"the body is larger than {MAX_BODY_BYTES} bytes"
            raise RefusedRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
    return bytes(body)


def _parse(body: bytes) -> Any:  # noqa: ANN401 -- JSON may be anything
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_number,
        )
        if b"\\u" in body:
            # Half of a surrogate pair is no character, and nothing behind this expects one.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        message = "the body is not valid JSON"
        raise RefusedRequestError(HTTPStatus.BAD_REQUEST, message) from error
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a name stands twice in one object of the body"
        raise RefusedRequestError(HTTPStatus.BAD_REQUEST, message)
    return found


def _number(text: str) -> float:
    """Read a number as it is, however it is written: in JSON 45.0 and 4.5e1 are the integer 45."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= EXACT_INTEGERS else value


def _no_constant(_name: str) -> NoReturn:
    message = "NaN and Infinity are not JSON"
    raise RefusedRequestError(HTTPStatus.BAD_REQUEST, message)
