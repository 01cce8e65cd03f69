"""Training as Cloud Run jobs, through the Cloud Run Admin API v2.

`projects.locations.jobs.run` and `projects.locations.jobs.executions.list`:
https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs
"""

import functools
from http import HTTPStatus
from typing import Any, Literal, TypeVar

import google.auth
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from functions.retrain.errors import JobMissingError, TrainingUnavailableError
from functions.retrain.runs import History, Run
from functions.web.logs import log

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
RETRY_SECONDS = 30
PAGE_SIZE = 100
MAX_CAUSE = 500  # characters
MAX_PAGES = 20  # Cloud Run keeps 1,000 ended executions of a job

ResponseModel = TypeVar("ResponseModel", bound=BaseModel)


class Execution(BaseModel):
    """The members of an Execution that this function reads; the API omits counts of zero."""

    model_config = ConfigDict(alias_generator=to_camel)

    name: str
    create_time: AwareDatetime
    start_time: AwareDatetime | None = None
    completion_time: AwareDatetime | None = None
    succeeded_count: int = 0
    failed_count: int = 0
    cancelled_count: int = 0

    @property
    def state(self) -> Literal["running", "succeeded", "failed"]:
        """A job has one task; one that fails and succeeds when retried counts as succeeded."""
        if self.completion_time is None:
            return "running"
        has_failed = self.failed_count or self.cancelled_count or not self.succeeded_count
        return "failed" if has_failed else "succeeded"


class Page(BaseModel):
    """Executions of a job, newest first."""

    model_config = ConfigDict(alias_generator=to_camel)

    executions: list[Execution] = []
    next_page_token: str = ""


class NamedResource(BaseModel):
    """A resource with a name."""

    name: str


class RunOperation(BaseModel):
    """The response to starting a job: its metadata is the new execution."""

    metadata: NamedResource


class CloudRunJobs:
    """One job per model. Nothing is stored here: every instance gives the same response.

    The API cannot check and start in one step, so somebody else may start the same job in between.
    Callers within this process take turns, and Terraform runs one instance with a concurrency of 1;
    the scheduler remains. Two runs at once cost only time: a champion is replaced by
    compare-and-swap.
    """

    def __init__(self, job: str, api: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._job = job
        self._api = api
        self._timeout = (CONNECT_SECONDS, answer_seconds)

    def look(self, model_name: str) -> History:
        """Report on the executions of a model's job, back to the last that succeeded."""
        executions: list[Execution] = []
        token = ""
        for _ in range(MAX_PAGES):
            parameters = {"pageSize": PAGE_SIZE} | ({"pageToken": token} if token else {})
            page = self._request(Page, model_name, "GET", "/executions", params=parameters)
            executions += page.executions
            token = page.next_page_token
            if not token or any(e.state == "succeeded" for e in page.executions):
                break
        newest = executions[0] if executions else None
        latest = next((e for e in executions if e.state == "running"), newest)
        ends = [
            e.completion_time for e in executions if e.completion_time and e.state == "succeeded"
        ]
        return History(_run_from_execution(latest) if latest else None, max(ends, default=None))

    def start(self, model_name: str) -> str:
        """Start a model's job."""
        operation = self._request(RunOperation, model_name, "POST", ":run", json={})
        return _last_part(operation.metadata.name)

    @functools.cached_property
    def _session(self) -> requests.Session:
        if self._api.startswith("http:"):  # this machine: the settings check that
            credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]  # not annotated
        else:
            credentials, _ = google.auth.default(scopes=[SCOPE])
        return AuthorizedSession(credentials, refresh_timeout=ANSWER_SECONDS)  # type: ignore[no-untyped-call]

    def _request(
        self,
        kind: type[ResponseModel],
        model_name: str,
        method: str,
        path: str,
        **options: Any,  # noqa: ANN401 -- what requests takes
    ) -> ResponseModel:
        url = f"{self._api}/v2/{self._job.format(model=model_name.replace('_', '-'))}{path}"
        try:
            response = self._session.request(
                method, url, timeout=self._timeout, allow_redirects=False, **options
            )
        except (GoogleAuthError, requests.RequestException) as error:
            raise _unavailable(model_name, "Cloud Run cannot be reached", repr(error)) from error
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise JobMissingError(model_name)
        if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise _unavailable(
                model_name, "Cloud Run refused this function's account", response.text
            )
        if response.status_code != HTTPStatus.OK:
            raise _unavailable(
                model_name, f"Cloud Run answered {response.status_code}", response.text
            )
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            detail = "Cloud Run did not answer as it is documented to"
            raise _unavailable(model_name, detail, response.text) from error


def _unavailable(model_name: str, detail: str, cause: str) -> TrainingUnavailableError:
    """The caller sees our own words; the log has the API's."""
    log(
        "ERROR",
        "training job out of reach",
        model=model_name,
        detail=detail,
        cause=cause[:MAX_CAUSE],
    )
    return TrainingUnavailableError(detail, RETRY_SECONDS)


def _run_from_execution(execution: Execution) -> Run:
    return Run(
        execution=_last_part(execution.name),
        state=execution.state,
        started_at=execution.start_time or execution.create_time,
        finished_at=execution.completion_time,
    )


def _last_part(name: str) -> str:
    return name.rsplit("/", 1)[-1]
