"""JSON bodies: bounded requests that hold nothing JSON cannot say, and responses."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain
from typing import Any, NoReturn

from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response

from functions.web.problems import Fault, RequestError, fault_path

JSON = "application/json"
MAX_BODY_BYTES = 2 * 1024 * 1024


async def read_json_object(request: Request, *, is_type_optional: bool = False) -> dict[str, Any]:
    """Read the body as one JSON object; `is_type_optional` allows no `Content-Type` at all.

    Raises
    ------
    RequestError
        415 for another content type or an encoded body, 413 for a large one, 400 for invalid
        JSON, 422 for JSON that is not an object.
    """
    _require_json(request, is_type_optional=is_type_optional)
    return parse_json_object(await read_body(request))


async def read_optional_json_object(
    request: Request, *, is_type_optional: bool = False
) -> dict[str, Any]:
    """Read the body as `read_json_object` does; a request without a body is an empty object."""
    body = await read_body(request)
    if not body:
        return {}
    _require_json(request, is_type_optional=is_type_optional)
    return parse_json_object(body)


async def read_body(request: Request) -> bytes:
    """Read the whole body.

    Raises
    ------
    RequestError
        413 for a large one, 415 for an encoded one.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        message = "the body must not be compressed"
        raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            message = f"the body is larger than {MAX_BODY_BYTES} bytes"
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
    return bytes(body)


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Parse a body as one JSON object.

    Raises
    ------
    RequestError
        400 for invalid JSON, 422 for JSON that is not an object.
    """
    document = _parse(body)
    if not isinstance(document, dict):
        message = "the body must be a JSON object"
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message)
    return document


def json_response(document: object, status: int = HTTPStatus.OK) -> Response:
    """Respond with a JSON document."""
    return Response(to_json(document), status_code=status, media_type=JSON)


def unknown_members(
    document: Mapping[str, object], allowed: set[str], path: str = ""
) -> list[Fault]:
    """Report members that have no meaning: they are rejected rather than ignored."""
    return [
        Fault(fault_path(path, (name,)), "This member is not in the contract")
        for name in document
        if name not in allowed
    ]


def _require_json(request: Request, *, is_type_optional: bool) -> None:
    """Require `application/json` in UTF-8; other parameters of a media type mean nothing here."""
    header = request.headers.get("content-type", JSON if is_type_optional else "")
    if header == JSON:
        return
    from email.message import Message  # noqa: PLC0415 -- few clients write more than that

    media_type = Message()
    media_type["content-type"] = header
    charset = media_type.get_content_charset("utf-8")
    if media_type.get_content_type() != JSON or charset not in {"utf-8", "utf8"}:
        message = "the body must be application/json in UTF-8"
        raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)


def _parse(body: bytes) -> Any:  # noqa: ANN401 -- JSON may be anything
    """Parse quickly where no key can be duplicate; otherwise, and to name the error, carefully.

    Invariant: in JSON every key is followed by a colon. If the body holds exactly as many colons
    as the parsed document holds distinct keys, then no key was dropped as a duplicate. A colon
    inside a string only adds to the count, which sends the body down the careful path.
    """
    try:
        document = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _parse_carefully(body)
    colons = body.count(b":")
    if isinstance(document, dict) and (colons == len(document) or colons == _count_keys(document)):
        return document
    return _parse_carefully(body)


def _count_keys(document: dict[str, Any]) -> int:
    """Count keys of an object, of its members and of the items of its lists; none deeper."""
    values = chain.from_iterable(
        value if isinstance(value, list) else (value,) for value in document.values()
    )
    return len(document) + sum(len(value) for value in values if isinstance(value, dict))


def _parse_carefully(body: bytes) -> Any:  # noqa: ANN401 -- JSON may be anything
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object_from_unique_pairs,
            parse_constant=_reject_constant,
        )
        if b"\\u" in body:
            # Half of a surrogate pair is not a character, and nothing behind this expects one.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        message = "the body is not valid JSON"
        raise RequestError(HTTPStatus.BAD_REQUEST, message) from error
    return document


def _object_from_unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        message = "duplicate key in a JSON object"
        raise RequestError(HTTPStatus.BAD_REQUEST, message)
    return members


def _reject_constant(_name: str) -> NoReturn:
    message = "NaN and Infinity are not JSON"
    raise RequestError(HTTPStatus.BAD_REQUEST, message)
