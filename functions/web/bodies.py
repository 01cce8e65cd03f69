"""Bodies in JSON: a request's, bounded and nothing that JSON cannot say, and an answer's."""

import json
from http import HTTPStatus
from itertools import chain
from typing import Any, NoReturn

from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response

from functions.web.problems import RefusedRequestError

MAX_BODY_BYTES = 2 * 1024 * 1024


async def json_object(request: Request) -> dict[str, Any]:
    """Read the body as one JSON object.

    Raises
    ------
    RefusedRequestError
        415 for another content type or an encoded body, 413 for a large one, 400 for bad JSON,
        422 for JSON that is no object.
    """
    _require_json(request)
    return _object(await _bounded(request))


async def json_object_if_any(request: Request) -> dict[str, Any]:
    """Read the body as `json_object` does; a request without a body is an empty object."""
    body = await _bounded(request)
    if not body:
        return {}
    _require_json(request)
    return _object(body)


def json_answer(document: object, status: int = HTTPStatus.OK) -> Response:
    """Answer with a JSON document."""
    return Response(to_json(document), status_code=status, media_type="application/json")


def _object(body: bytes) -> dict[str, Any]:
    document = _parse(body)
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
    """Parse fast where no name can stand twice; otherwise, and to say what is wrong, with care."""
    try:
        document = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _parsed_with_care(body)
    # A name is followed by a colon. As many colons as different names: none stood twice.
    colons = body.count(b":")
    if isinstance(document, dict) and (colons == len(document) or colons == _names(document)):
        return document
    return _parsed_with_care(body)


def _names(document: dict[str, Any]) -> int:
    """Names in an object, in its members and in the items of its lists; none further down."""
    inner = chain.from_iterable(
        value if isinstance(value, list) else (value,) for value in document.values()
    )
    return len(document) + sum(len(value) for value in inner if isinstance(value, dict))


def _parsed_with_care(body: bytes) -> Any:  # noqa: ANN401 -- JSON may be anything
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
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


def _no_constant(_name: str) -> NoReturn:
    message = "NaN and Infinity are not JSON"
    raise RefusedRequestError(HTTPStatus.BAD_REQUEST, message)
