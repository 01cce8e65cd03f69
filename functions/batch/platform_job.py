"""The Cloud Run job that scores large files, started through the Cloud Run Admin API v2.

`projects.locations.jobs.run`, with the batch's id as the arguments of the container:
https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/run
"""

from functools import cached_property
from http import HTTPStatus
from typing import Any

import google.auth
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession

from functions.batch.errors import JobUnavailableError
from functions.web.logs import log

OAUTH_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_SECONDS = (3.0, 10.0)  # to connect; to answer
RETRY_SECONDS = 30
MOST_CAUSE = 500  # characters


class PlatformJob:
    """Starts executions of one job."""

    def __init__(self, job: str, api: str) -> None:
        self._url = f"{api}/v2/{job}:run"
        self._is_local = api.startswith("http:")  # this machine: the settings check that

    def start(self, batch: str) -> str:
        """Start an execution for a batch, and return its name.

        Raises
        ------
        JobUnavailableError
            If the platform cannot be reached, or refuses.
        """
        overrides = {"containerOverrides": [{"args": ["run", "--batch", batch]}]}
        try:
            response = self._session.post(
                self._url,
                json={"overrides": overrides},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except (GoogleAuthError, requests.RequestException) as error:
            detail = "Cloud Run cannot be reached"
            raise _unavailable(detail, repr(error)) from error
        if response.status_code != HTTPStatus.OK:
            detail = f"Cloud Run answered {response.status_code}"
            raise _unavailable(detail, response.text)
        try:
            name: str = response.json()["metadata"]["name"]
        except (ValueError, KeyError, TypeError) as error:
            detail = "Cloud Run did not answer as it is documented to"
            raise _unavailable(detail, response.text) from error
        return name.rsplit("/", 1)[-1]

    @cached_property
    def _session(self) -> requests.Session:
        if self._is_local:
            credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]  # not annotated
        else:
            credentials, _ = google.auth.default(scopes=[OAUTH_SCOPE])
        return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # likewise


def _unavailable(detail: str, cause: str) -> JobUnavailableError:
    """The caller sees our own words; the log has the API's."""
    log("ERROR", "batch job out of reach", detail=detail, cause=cause[:MOST_CAUSE])
    return JobUnavailableError(detail, RETRY_SECONDS)
