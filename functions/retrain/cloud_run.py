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

from functions.retrain.runs import History, Run
from functions.web.logs import log
from functions.web.problems import JobMissingError, TrainingUnavailableError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
RETRY_SECONDS = 30
PAGE_SIZE = 100
MAX_CAUSE = 500  # characters
MAX_PAGES = 20  # Cloud Run keeps 1,000 ended executions of a job

Answer = TypeVar("Answer", bound=BaseModel)


class Execution(BaseModel):
    """What this function reads of an Execution; the API leaves out counts of zero."""

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
        spoilt = self.failed_count or self.cancelled_count or not self.succeeded_count
        return "failed" if spoilt else "succeeded"


class Page(BaseModel):
    """Executions of a job, the newest first."""

    model_config = ConfigDict(alias_generator=to_camel)

    executions: list[Execution] = []
    next_page_token: str = ""


class Named(BaseModel):
    """Something with a name."""

    name: str


class Operation(BaseModel):
    """What starting a job answers: its metadata is the new execution."""

    metadata: Named


class CloudRunJobs:
    """One job a model. Nothing is remembered here: every instance gives the same answer.

    The API has no step that looks and starts at once, so between the two somebody else may start
    the same job. Callers within this process are kept apart; Terraform runs one instance with a
    concurrency of 1; the scheduler remains. Two runs at once cost time only: a champion is
    replaced by compare-and-swap.
    """

    def __init__(self, job: str, api: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._job = job
        self._api = api
        self._timeout = (CONNECT_SECONDS, answer_seconds)

    def look(self, model: str) -> History:
        """Tell how the executions of a model's job went, back to the last that succeeded."""
        seen: list[Execution] = []
        token = ""
        for _ in range(MAX_PAGES):
            asked = {"pageSize": PAGE_SIZE} | ({"pageToken": token} if token else {})
            page = self._ask(Page, model, "GET", "/executions", params=asked)
            seen += page.executions
            token = page.next_page_token
            if not token or any(e.state == "succeeded" for e in page.executions):
                break
        latest = next((e for e in seen if e.state == "running"), seen[0] if seen else None)
        ends = [e.completion_time for e in seen if e.completion_time and e.state == "succeeded"]
        return History(_run(latest) if latest else None, max(ends, default=None))

    def start(self, model: str) -> str:
        """Start a model's job."""
        operation = self._ask(Operation, model, "POST", ":run", json={})
        return _last_part(operation.metadata.name)

    @functools.cached_property
    def _session(self) -> requests.Session:
        if self._api.startswith("http:"):  # this machine, as the settings have seen to
            credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]  # not annotated
        else:
            credentials, _ = google.auth.default(scopes=[SCOPE])
        return AuthorizedSession(credentials, refresh_timeout=ANSWER_SECONDS)  # type: ignore[no-untyped-call]

    def _ask(
        self,
        kind: type[Answer],
        model: str,
        method: str,
        path: str,
        **said: Any,  # noqa: ANN401 -- what requests takes
    ) -> Answer:
        url = f"{self._api}/v2/{self._job.format(model=model.replace('_', '-'))}{path}"
        try:
            answer = self._session.request(
                method, url, timeout=self._timeout, allow_redirects=False, **said
            )
        except (GoogleAuthError, requests.RequestException) as error:
            raise _unavailable(model, "Cloud Run cannot be reached", repr(error)) from error
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise JobMissingError(model)
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise _unavailable(model, "Cloud Run refused this function's account", answer.text)
        if answer.status_code != HTTPStatus.OK:
            raise _unavailable(model, f"Cloud Run answered {answer.status_code}", answer.text)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            detail = "Cloud Run did not answer as it is documented to"
            raise _unavailable(model, detail, answer.text) from error


def _unavailable(model: str, detail: str, cause: str) -> TrainingUnavailableError:
    """The caller is told in our words; the log has the API's."""
    log("ERROR", "training job out of reach", model=model, detail=detail, cause=cause[:MAX_CAUSE])
    return TrainingUnavailableError(detail, RETRY_SECONDS)


def _run(execution: Execution) -> Run:
    return Run(
        execution=_last_part(execution.name),
        state=execution.state,
        started_at=execution.start_time or execution.create_time,
        finished_at=execution.completion_time,
    )


def _last_part(name: str) -> str:
    return name.rsplit("/", 1)[-1]
