"""Requests to each endpoint, and how their responses are read: all that needs no connection."""

import json
import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from http import HTTPStatus
from typing import Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from .credentials import authorization
from .errors import RefusedError, UnavailableError, UnreadableResponseError
from .response import OpenDocument, Response
from .responses import (
    Explanations,
    Models,
    ModelWithSchema,
    Predictions,
    Problem,
    Recourses,
    VersionInfo,
    VersionList,
    WhatIf,
)
from .retries import read_retry_after
from .transport import HttpResponse

# Where a word begins in a class name, as the service reads it: CardDefault, SBALoan.
WORD_STARTS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
MAX_IDENTIFIER_CHARACTERS = 128

ResponseType = TypeVar("ResponseType", bound=Response)

# One row of a credit model: an instance of its class, or its fields by name.
ApplicationRow = BaseModel | Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[ResponseType]):
    """One request, and the type of its response; its repr shows nothing of an applicant."""

    method: str
    path: str
    response: type[ResponseType]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    rows: int | None = None  # how many predictions the response must have
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Applications:
    """Rows of one credit model; without `model_name` its class names it.

    Raises
    ------
    ValueError
        If there is no row, or the rows do not name one model.
    """

    rows: Sequence[ApplicationRow] = field(repr=False)
    model_name: str | None = None

    def path(self, verb: str) -> str:
        """Return the path of a verb of the model."""
        return f"/v1/models/{self.model_name or self._name_from_class()}:{verb}"

    def as_json(self) -> list[dict[str, object]]:
        """Return the rows as JSON objects."""
        return [
            row.model_dump(mode="json") if isinstance(row, BaseModel) else dict(row)
            for row in self.rows
        ]

    def _name_from_class(self) -> str:
        classes = {type(row) for row in self.rows if isinstance(row, BaseModel)}
        if len(classes) != 1 or not all(isinstance(row, BaseModel) for row in self.rows):
            kinds = ", ".join(sorted({type(row).__name__ for row in self.rows})) or "none"
            message = f"applications must be of one credit model, or model set; these are: {kinds}"
            raise ValueError(message)
        return re.sub(WORD_STARTS, "_", classes.pop().__name__).lower()


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """The applicant a decision is about, and the key that makes a repeated request the same."""

    applicant_id: str | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        """Return the headers of a request that is not recorded."""
        if self.applicant_id is None:
            return {}
        return header("X-Applicant-Id", self.applicant_id)

    def headers_of_decision(self) -> dict[str, str]:
        """Return the headers of a recorded request; without a key each call gets its own.

        Every retry sends the same key, so that what is decided twice is one decision in the log.
        """
        key = uuid.uuid4().hex if self.idempotency_key is None else self.idempotency_key
        return self.headers() | header("Idempotency-Key", key)


def predict(
    applications: Applications, identity: RequestIdentity, *, reasons: bool
) -> Call[Predictions]:
    """Request decisions."""
    headers = identity.headers_of_decision()
    return _call("predict", applications, {"reasons": reasons}, headers, Predictions)


def explain(
    applications: Applications, identity: RequestIdentity, *, picture: bool
) -> Call[Explanations]:
    """Request decisions and explanations of their scores."""
    parameters = {"picture": "svg"} if picture else {}
    headers = identity.headers_of_decision()
    return _call("explain", applications, parameters, headers, Explanations)


def whatif(
    application: Applications, identity: RequestIdentity, grid: Mapping[str, Sequence[object]]
) -> Call[WhatIf]:
    """Request what would be decided with other values."""
    parameters = {"grid": {name: list(values) for name, values in grid.items()}}
    return _call("whatif", application, parameters, identity.headers(), WhatIf)


def recourse(applications: Applications, identity: RequestIdentity) -> Call[Recourses]:
    """Request the smallest change that gets each application approved."""
    return _call("recourse", applications, {}, identity.headers(), Recourses)


def models() -> Call[Models]:
    """Request the list of models."""
    return Call(method="GET", path="/v1/models", response=Models)


def model(model_name: str) -> Call[ModelWithSchema]:
    """Request one model with the JSON schema of its rows."""
    return Call(method="GET", path=f"/v1/models/{model_name}", response=ModelWithSchema)


def versions(model_name: str) -> Call[VersionList]:
    """Request the published versions of a model."""
    return Call(method="GET", path=f"/model/versions?model={model_name}", response=VersionList)


def version(model_name: str, name: str) -> Call[VersionInfo]:
    """Request one version in detail."""
    path = f"/model/info?model={model_name}&version={quote(name)}"
    return Call(method="GET", path=path, response=VersionInfo)


def monitoring(model_name: str, day: date | None = None) -> Call[OpenDocument]:
    """Request what monitoring measured on a day, or lately."""
    query = f"?day={day.isoformat()}" if day else ""
    path = f"/v1/models/{model_name}/monitoring{query}"
    return Call(method="GET", path=path, response=OpenDocument)


def report(model_name: str, version_name: str) -> Call[OpenDocument]:
    """Request the figures of a version's report."""
    path = f"/v1/models/{model_name}/versions/{quote(version_name)}/report.json"
    return Call(method="GET", path=path, response=OpenDocument)


def with_credential(call: Call[ResponseType], token: str) -> Call[ResponseType]:
    """Return the call as the holder of a token makes it, over a connection that several share."""
    return replace(call, headers={**call.headers, **authorization(token)})


def read(call: Call[ResponseType], response: HttpResponse) -> ResponseType:
    """Read the typed response of a call.

    Raises
    ------
    RefusedError
        If the request is invalid.
    UnavailableError
        If the server failed.
    UnreadableResponseError
        If a required member is missing, or there are not as many predictions as applications.
    """
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        raise _error_from_response(response)
    try:
        result = call.response.read(response.body)
    except ValidationError as error:
        message = f"{call.path} did not respond with {call.response.__name__}"
        raise UnreadableResponseError(message) from error
    for member in ("predictions", "explanations", "recourses"):
        items = getattr(result, member, None)
        if call.rows is not None and items is not None and len(items) != call.rows:
            message = f"{call.path} responded with {len(items)} {member} for {call.rows} rows"
            raise UnreadableResponseError(message)
    return result


def _call(
    verb: str,
    applications: Applications,
    parameters: Mapping[str, object],
    headers: Mapping[str, str],
    response: type[ResponseType],
) -> Call[ResponseType]:
    document = {"instances": applications.as_json(), "parameters": parameters}
    return Call(
        method="POST",
        path=applications.path(verb),
        response=response,
        headers={"Content-Type": "application/json", **headers},
        body=json.dumps(document, allow_nan=False).encode(),
        rows=len(applications.rows),
    )


def check_url(url: str) -> str:
    """Return an address that can be called.

    Raises
    ------
    ValueError
        If it has no scheme or no host.
    """
    if not re.match(r"https?://[^/\s]+", url):
        message = "url must be the service's address with its scheme, such as https://host"
        raise ValueError(message)
    return url


def header(name: str, value: str) -> dict[str, str]:
    """Write an identifier as the service reads it: UTF-8, letters composed as NFC."""
    text = unicodedata.normalize("NFC", value)
    is_bounded = 1 <= len(text) <= MAX_IDENTIFIER_CHARACTERS
    if not (is_bounded and text.isprintable() and text == text.strip()):
        rule = f"must be 1 to {MAX_IDENTIFIER_CHARACTERS} printable characters"
        message = f"{name} {rule}, without a blank at either end"
        raise ValueError(message)
    return {name: text}


def _error_from_response(response: HttpResponse) -> RefusedError | UnavailableError:
    status = response.status
    problem = _read_problem(response)
    title = problem.title if problem else response.reason
    detail = problem.detail if problem else "the response is not a problem document"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return UnavailableError(f"{status} {title}: {detail}", status, read_retry_after(response))
    return RefusedError(status, title, detail, problem.errors if problem else ())


def _read_problem(response: HttpResponse) -> Problem | None:
    """Read the service's own problem document: a proxy's page may repeat what was sent."""
    content_type: str = response.headers.get("content-type", "")
    if not content_type.startswith("application/problem+json"):
        return None
    try:
        return Problem.model_validate_json(response.body)
    except ValidationError:
        return None
