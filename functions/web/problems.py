"""Errors as RFC 9457 problem documents: every fault at once, without repeating what was sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.responses import Response
from typing_extensions import TypedDict

from models.errors import SuretyError, plain_rule

# A small body could otherwise ask for a very large response.
MAX_FAULTS = 1_000
MAX_FAULTS_BYTES = 60_000
MAX_RULE_CHARACTERS = 300  # a field may have thousands of levels
MAX_NAME_CHARACTERS = 64

ErrorStatuses = Mapping[type[SuretyError], HTTPStatus]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where, and the rule it breaks."""

    path: str
    message: str


class Problem(TypedDict):
    """A problem document of RFC 9457, with every fault of the request."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault]


class RequestError(SuretyError):
    """The request is invalid: it carries its own status and every fault."""

    def __init__(self, status: HTTPStatus, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.faults = tuple(faults)


class TemporaryError(SuretyError):
    """The same request may succeed later: `retry_after_seconds` becomes `Retry-After`."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


def problem_from_error(error: SuretyError, statuses: ErrorStatuses) -> Response:
    """Render a domain error as a problem document."""
    status = status_from_error(error, statuses)
    return problem(status, str(error), faults_from_error(error), retry_after_headers(error))


def status_from_error(error: SuretyError, statuses: ErrorStatuses) -> HTTPStatus:
    """Look up the HTTP status of a domain error.

    Raises
    ------
    SuretyError
        The error itself, if the table has no status for it: no request can cause it.
    """
    if isinstance(error, RequestError):
        return error.status
    for kind, status in statuses.items():
        if isinstance(error, kind):
            return status
    if isinstance(error, TemporaryError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    raise error


def faults_from_error(error: SuretyError) -> tuple[Fault, ...]:
    """List the faults an error carries; only a `RequestError` has any."""
    return error.faults if isinstance(error, RequestError) else ()


def retry_after_headers(error: SuretyError) -> dict[str, str]:
    """Tell the caller when to try again, where that helps."""
    if isinstance(error, TemporaryError):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {}


def problem(
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a problem document."""
    listed = list(first_faults(faults))
    rest = f", of which the first {len(listed)} are listed" if len(listed) < len(faults) else ""
    document: Problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail + rest,
        "errors": listed,
    }
    return Response(
        to_json(document),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def first_faults(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield as many faults as one response holds."""
    size = 0
    for fault in islice(faults, MAX_FAULTS):
        size += len(to_json(fault)) + 1
        if size > MAX_FAULTS_BYTES:
            return
        yield fault


def faults_from_validation(error: ValidationError, prefix: str = "") -> list[Fault]:
    """List what a contract rejects, without repeating what was sent.

    A member name that only the request contains is shown when it looks like a field's name.
    """
    return [
        Fault(fault_path(prefix, e["loc"]), _rule(e["type"], plain_rule(e["msg"])))
        for e in error.errors()
    ]


def reject_faults(faults: Sequence[Fault]) -> None:
    """Raise a `RequestError` with status 422 if there is any fault."""
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        message = f"the request does not follow the contract: {count}"
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message, faults)


def fault_path(prefix: str, location: tuple[int | str, ...]) -> str:
    """Write a location as `instances[0].age`."""
    path = prefix
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            is_plain = step.isidentifier() and len(step) <= MAX_NAME_CHARACTERS
            name = step if is_plain else "(unprintable name)"
            path += f".{name}" if path else name
    return path


def _rule(kind: str, message: str) -> str:
    rule = {
        "extra_forbidden": "This field is not in the contract",
        "missing": "This field is required",
    }.get(kind, message)
    if len(rule) <= MAX_RULE_CHARACTERS:
        return rule
    start, _, rest = rule[:MAX_RULE_CHARACTERS].rpartition(", ")
    return f"{start or rest}, and others: the model's schema lists them"
