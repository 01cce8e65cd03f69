"""What each method asks, and how its answer is read: all that needs no connection."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, TypeVar

import httpx
from pydantic import ValidationError

from functions.client.errors import RefusedError, UnavailableError, UnreadableAnswerError
from functions.client.responses import (
    Answer,
    Explanations,
    Models,
    Predictions,
    Problem,
    Recourses,
    WhatIf,
)
from functions.client.retries import seconds_asked
from models.contract import CreditModel, name_from_model

HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")

Answered = TypeVar("Answered", bound=Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Answered]):
    """One request, and the type of its answer; its repr shows nothing of an applicant."""

    method: str
    path: str
    answer: type[Answered]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a decision is asked for, and the key that makes a repeat the same one."""

    applicant_id: str | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)


def predict(
    applications: Sequence[CreditModel], caller: Caller, *, reasons: bool
) -> Call[Predictions]:
    """Ask for decisions."""
    parameters = {"reasons": reasons}
    return _decided("predict", applications, parameters, caller, Predictions)


def explain(
    applications: Sequence[CreditModel], caller: Caller, *, picture: bool
) -> Call[Explanations]:
    """Ask for decisions and how their scores come about."""
    parameters = {"picture": "svg"} if picture else {}
    return _decided("explain", applications, parameters, caller, Explanations)


def whatif(
    application: CreditModel, grid: Mapping[str, Sequence[object]], applicant_id: str | None
) -> Call[WhatIf]:
    """Ask what would be decided with other values."""
    parameters = {"grid": {name: list(values) for name, values in grid.items()}}
    return _call("whatif", [application], parameters, _named(applicant_id), WhatIf)


def recourse(applications: Sequence[CreditModel], applicant_id: str | None) -> Call[Recourses]:
    """Ask what would get each approved."""
    return _call("recourse", applications, {}, _named(applicant_id), Recourses)


def models() -> Call[Models]:
    """Ask what is loaded."""
    return Call(method="GET", path="/v1/models", answer=Models)


def read(call: Call[Answered], response: httpx.Response) -> Answered:
    """The typed answer of a call.

    Raises
    ------
    RefusedError
        If the answer is a refusal.
    UnavailableError
        If the server failed.
    UnreadableAnswerError
        If the answer has not the members it must have.
    """
    if response.status_code != HTTPStatus.OK:
        raise _error_from(response)
    try:
        return call.answer.model_validate_json(response.content)
    except ValidationError as error:
        message = f"{call.path} answered something else than {call.answer.__name__}"
        raise UnreadableAnswerError(message) from error


def _decided(
    verb: str,
    applications: Sequence[CreditModel],
    parameters: Mapping[str, object],
    caller: Caller,
    answer: type[Answered],
) -> Call[Answered]:
    # Every try has the same key, so that what is decided twice is one decision in the log.
    given = caller.idempotency_key
    key = _header("Idempotency-Key", uuid.uuid4().hex if given is None else given)
    return _call(verb, applications, parameters, _named(caller.applicant_id) | key, answer)


def _call(
    verb: str,
    applications: Sequence[CreditModel],
    parameters: Mapping[str, object],
    headers: Mapping[str, str],
    answer: type[Answered],
) -> Call[Answered]:
    rows = [application.model_dump(mode="json") for application in applications]
    document = {"instances": rows, "parameters": parameters}
    return Call(
        method="POST",
        path=f"/v1/models/{_model_of(applications)}:{verb}",
        answer=answer,
        headers={"Content-Type": "application/json", **headers},
        body=json.dumps(document, allow_nan=False).encode(),
    )


def _model_of(applications: Sequence[CreditModel]) -> str:
    classes = {type(application) for application in applications}
    if len(classes) != 1:
        found = ", ".join(sorted(kind.__name__ for kind in classes)) or "none"
        message = f"applications must be of one credit model, and at least one; these are: {found}"
        raise ValueError(message)
    return name_from_model(classes.pop())


def _named(applicant_id: str | None) -> dict[str, str]:
    return {} if applicant_id is None else _header("X-Applicant-Id", applicant_id)


def _header(name: str, value: str) -> dict[str, str]:
    if not HEADER_VALUE.fullmatch(value):
        message = f"{name} must be printable ASCII"
        raise ValueError(message)
    return {name: value}


def _error_from(response: httpx.Response) -> RefusedError | UnavailableError:
    status = response.status_code
    problem = _problem(response)
    title = problem.title if problem else response.reason_phrase
    detail = problem.detail if problem else "the answer is no problem document"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return UnavailableError(f"{status} {title}: {detail}", status, seconds_asked(response))
    return RefusedError(status, title, detail, problem.errors if problem else ())


def _problem(response: httpx.Response) -> Problem | None:
    """What is said of a problem by the service itself: a proxy's page may repeat what was sent."""
    kind: str = response.headers.get("content-type", "")
    if not kind.startswith("application/problem+json"):
        return None
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return None
