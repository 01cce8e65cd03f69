"""Refusals as RFC 9457 problem documents: every fault at once, and no value that was sent."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from models.errors import FeatureError, SuretyError, UnknownModelError

MAX_FAULTS = 1_000  # in one answer: a small body could otherwise ask for a very large one
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where, and the rule it breaks."""

    path: str
    message: str


class RefusedRequestError(SuretyError):
    """The request cannot be answered as it stands."""

    def __init__(self, status: HTTPStatus, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.faults = tuple(faults)


class NotReadyError(SuretyError):
    """A model is not loaded yet, and why; worth asking again after some seconds."""

    def __init__(self, model: str, cause: str, retry_after_seconds: int) -> None:
        super().__init__(f"model {model} is not ready: {cause}")
        self.retry_after_seconds = retry_after_seconds


class UnknownVersionError(SuretyError):
    """A version was asked for by name that is not in service."""

    def __init__(self, model: str, find_in_service: Sequence[str]) -> None:
        super().__init__(
            f"{model}: this version is not in service; {', '.join(find_in_service)} is"
        )


class UnrecordedError(SuretyError):
    """A decision could not be written to the decision log, so it was not given."""

    retry_after_seconds = 10


class UnderWayError(SuretyError):
    """A training run of this model is under way, so no other was started."""

    def __init__(self, model: str, since: datetime) -> None:
        super().__init__(f"a training run of {model} is under way since {since.isoformat()}")


class JobMissingError(SuretyError):
    """The platform has no training job for this model."""

    def __init__(self, model: str) -> None:
        super().__init__(f"there is no training job for {model}")


class TrainingUnavailableError(SuretyError):
    """Training jobs cannot be asked about or started now; worth trying again later."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class CannotCheckError(SuretyError):
    """It cannot be checked now who asks; worth trying again later."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


STATUSES: tuple[tuple[type[SuretyError], HTTPStatus], ...] = (
    (UnknownModelError, HTTPStatus.NOT_FOUND),
    (UnknownVersionError, HTTPStatus.NOT_FOUND),
    (FeatureError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotReadyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnrecordedError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnderWayError, HTTPStatus.CONFLICT),
    (JobMissingError, HTTPStatus.NOT_FOUND),
    (TrainingUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (CannotCheckError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem_from_error(error: SuretyError) -> Response:
    """Answer a domain error."""
    return problem(status_from_error(error), str(error), faults_of(error), retry_after(error))


def status_from_error(error: SuretyError) -> HTTPStatus:
    """Status of a domain error; one that no request can cause is raised again."""
    if isinstance(error, RefusedRequestError):
        return error.status
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status
    raise error


def faults_of(error: SuretyError) -> tuple[Fault, ...]:
    """Every fault a refusal lists."""
    return error.faults if isinstance(error, RefusedRequestError) else ()


def retry_after(error: SuretyError) -> dict[str, str] | None:
    """The header that says when to ask again, where that helps."""
    seconds = getattr(error, "retry_after_seconds", None)
    return None if seconds is None else {"Retry-After": str(seconds)}


def problem(
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a problem document."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "errors": faults_as_json(faults),
    }
    return Response(
        json.dumps(document),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def faults_from(error: ValidationError, prefix: str = "") -> list[Fault]:
    """Say what a contract refuses, without repeating what was sent.

    A name that only the request knows is shown when it looks like a field's name.
    """
    return [Fault(_path(prefix, e["loc"]), _rule(e["type"], e["msg"])) for e in error.errors()]


def extra_members(document: Mapping[str, object], known: set[str], path: str = "") -> list[Fault]:
    """Faults for members that mean nothing: refused rather than ignored."""
    return [
        Fault(_path(path, (name,)), "This member is not in the contract")
        for name in document
        if name not in known
    ]


def refuse_faults(faults: Sequence[Fault]) -> None:
    """Refuse a request that has any fault."""
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        message = f"the request does not follow the contract: {count}"
        raise RefusedRequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message, faults)


def faults_as_json(faults: Sequence[Fault]) -> list[dict[str, str]]:
    """Render faults as the `errors` member of a problem: at most `MAX_FAULTS` of them."""
    return [asdict(fault) for fault in faults[:MAX_FAULTS]]


def _path(prefix: str, location: tuple[int | str, ...]) -> str:
    path = prefix
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            name = step if PLAIN_NAME.fullmatch(step) else "(unprintable name)"
            path += f".{name}" if path else name
    return path


def _rule(kind: str, message: str) -> str:
    return {
        "extra_forbidden": "This field is not in the contract",
        "missing": "This field is required",
    }.get(kind, message)
