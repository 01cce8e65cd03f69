"""The clients: `Surety` is synchronous, `AsyncSurety` asynchronous; they share everything else."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from functools import partial
from typing import Any, Self, TypeVar

from . import endpoints
from .credentials import Credential, authorization
from .endpoints import (
    ApplicationRow,
    Applications,
    Call,
    RequestIdentity,
    ResponseType,
    check_url,
)
from .errors import UnavailableError
from .loop_thread import LoopThread
from .responses import Explanations, Model, Prediction, Recourses, WhatIf
from .retries import Retries, RetryBudget
from .transport import FailedTryError, HttpResponse, Transport

TIMEOUT_SECONDS = 30.0
RETRIES = Retries()
MAX_RESPONSE_BYTES = 64 * 1024 * 1024

Result = TypeVar("Result")

_left_to_parents: list["AsyncSurety"] = []


class AsyncSurety:
    """The scoring function at `url`: `Surety` with methods that are awaited.

    A `credential` that is a function is called in a thread, since it may wait for a network.
    """

    def __init__(
        self,
        url: str,
        *,
        credential: Credential = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries = RETRIES,
    ) -> None:
        self._url = check_url(url).rstrip("/")
        self._transport = Transport(MAX_RESPONSE_BYTES)
        self._credential = credential
        self._timeout = timeout
        self._retries = retries

    async def __aenter__(self) -> Self:
        """Keep connections until the block ends."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def predict(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        reasons: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[Prediction]:
        """As `Surety.predict`."""
        rows = Applications(applications, model)
        identity = RequestIdentity(applicant_id, idempotency_key)
        response = await self.request(endpoints.predict(rows, identity, reasons=reasons))
        return response.predictions

    async def explain(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        picture: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Explanations:
        """As `Surety.explain`."""
        rows = Applications(applications, model)
        identity = RequestIdentity(applicant_id, idempotency_key)
        return await self.request(endpoints.explain(rows, identity, picture=picture))

    async def whatif(
        self,
        application: ApplicationRow,
        grid: Mapping[str, Sequence[object]],
        *,
        model: str | None = None,
        applicant_id: str | None = None,
    ) -> WhatIf:
        """As `Surety.whatif`."""
        rows, identity = Applications([application], model), RequestIdentity(applicant_id)
        return await self.request(endpoints.whatif(rows, identity, grid))

    async def recourse(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        applicant_id: str | None = None,
    ) -> Recourses:
        """As `Surety.recourse`."""
        rows, identity = Applications(applications, model), RequestIdentity(applicant_id)
        return await self.request(endpoints.recourse(rows, identity))

    async def models(self) -> list[Model]:
        """As `Surety.models`."""
        return (await self.request(endpoints.models())).details

    async def request(self, call: Call[ResponseType]) -> ResponseType:
        """As `Surety.request`."""
        budget = RetryBudget(self._timeout, self._retries)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._request_with_retries(call, budget)
        except TimeoutError as error:
            raise budget.timeout_error() from error

    async def _request_with_retries(
        self, call: Call[ResponseType], budget: RetryBudget
    ) -> ResponseType:
        while True:
            try:
                response = await self._send(call, budget)
                pause = budget.pause_after_response(response)
            except FailedTryError as error:
                pause = budget.pause_after_failure(error)
            else:
                if pause is None:
                    return endpoints.read(call, response)
            await asyncio.sleep(pause)

    async def _send(self, call: Call[ResponseType], budget: RetryBudget) -> HttpResponse:
        if callable(self._credential):  # it may ask somebody over the network
            credential = await asyncio.to_thread(authorization, self._credential)
        else:
            credential = authorization(self._credential)
        return await self._transport.send(
            call.method,
            self._url + call.path,
            headers={**call.headers, **credential},
            body=call.body,
            seconds=budget.seconds_for_try(),
        )


class Surety:
    """The scoring function at `url`; a context manager that threads may share.

    Parameters
    ----------
    credential
        An API key or token, or a function that returns one for each try, such as
        `google_id_token(url)`.
    timeout
        Seconds a call may take with all its retries, however slowly the response arrives.

    Applications are instances of the catalogue's classes, or mappings of field names to values
    with `model` set to the credit model's name. Every method raises `RefusedError` for an invalid
    request, `UnavailableError` if there is no response after all retries,
    `UnreadableResponseError` and `CredentialError`.
    """

    def __init__(
        self,
        url: str,
        *,
        credential: Credential = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries = RETRIES,
    ) -> None:
        self._make_client = partial(
            AsyncSurety, url, credential=credential, timeout=timeout, retries=retries
        )
        self._client = self._make_client()
        self._loop: LoopThread | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __enter__(self) -> Self:
        """Keep connections until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        if self._process != os.getpid():
            return
        with self._lock:
            if self._loop:
                self._loop.stop(self._client.close())
                self._loop = None

    def _start_anew(self) -> None:
        """Begin again in a child process, which has neither the loop's thread nor connections.

        What the parent opened is never closed here: the loop's selector is the parent's too.
        """
        _left_to_parents.append(self._client)
        self._client, self._loop = self._make_client(), None
        self._lock, self._process = threading.Lock(), os.getpid()

    def _run(self, make_call: Callable[[AsyncSurety], Coroutine[Any, Any, Result]]) -> Result:
        """Run a call on a loop of our own: only there can it be ended between any two bytes."""
        if self._process != os.getpid():
            self._start_anew()
        with self._lock:
            self._loop = self._loop or LoopThread()
            future = self._loop.start(make_call(self._client))
        try:
            return future.result()
        except CancelledError as error:
            message = "the client was closed during the call"
            raise UnavailableError(message) from error
        except BaseException:
            future.cancel()
            raise

    def predict(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        reasons: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[Prediction]:
        """Decide on applications of one credit model; each decision is recorded.

        `applicant_id` keeps an applicant on one side of champion and challenger, and is recorded
        as a pseudonym. The same `idempotency_key` gives the same decision ids; without one, each
        call gets a new key.
        """
        return self._run(
            lambda client: client.predict(
                applications,
                model=model,
                reasons=reasons,
                applicant_id=applicant_id,
                idempotency_key=idempotency_key,
            )
        )

    def explain(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        picture: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Explanations:
        """Decide as `predict` does, and explain each score; `picture` adds a chart as SVG."""
        return self._run(
            lambda client: client.explain(
                applications,
                model=model,
                picture=picture,
                applicant_id=applicant_id,
                idempotency_key=idempotency_key,
            )
        )

    def whatif(
        self,
        application: ApplicationRow,
        grid: Mapping[str, Sequence[object]],
        *,
        model: str | None = None,
        applicant_id: str | None = None,
    ) -> WhatIf:
        """Return what would be decided with other values of one or two fields."""
        return self._run(
            lambda client: client.whatif(application, grid, model=model, applicant_id=applicant_id)
        )

    def recourse(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        applicant_id: str | None = None,
    ) -> Recourses:
        """Return the smallest change of changeable fields that gets each application approved."""
        return self._run(
            lambda client: client.recourse(applications, model=model, applicant_id=applicant_id)
        )

    def models(self) -> list[Model]:
        """List the credit models of the service, and what serves them."""
        return self._run(lambda client: client.models())

    def request(self, call: Call[ResponseType]) -> ResponseType:
        """Make any call of `endpoints` or `lending_endpoints`, and return its typed response."""
        return self._run(lambda client: client.request(call))
