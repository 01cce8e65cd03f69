"""The clients: `Surety` is synchronous, `AsyncSurety` asynchronous; they share everything else."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Self

import httpx

from . import endpoints
from .credentials import Credential, authorization
from .endpoints import ApplicationRow, Applications, Call, RequestIdentity, ResponseType
from .responses import Explanations, Model, Prediction, Recourses, WhatIf
from .retries import Retries, RetryBudget

TIMEOUT_SECONDS = 30.0
RETRIES = Retries()


class Surety:
    """The scoring function at `url`; a context manager that threads may share.

    Parameters
    ----------
    credential
        An API key or token, or a function that returns one for each try, such as
        `google_id_token(url)`.
    timeout
        Seconds a call may take with all its retries. It is checked between reads.

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
        self._http = httpx.Client(base_url=url)
        self._credential = credential
        self._timeout = timeout
        self._retries = retries

    def __enter__(self) -> Self:
        """Keep connections until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

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
        rows = Applications(applications, model)
        identity = RequestIdentity(applicant_id, idempotency_key)
        return self._request(endpoints.predict(rows, identity, reasons=reasons)).predictions

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
        rows = Applications(applications, model)
        identity = RequestIdentity(applicant_id, idempotency_key)
        return self._request(endpoints.explain(rows, identity, picture=picture))

    def whatif(
        self,
        application: ApplicationRow,
        grid: Mapping[str, Sequence[object]],
        *,
        model: str | None = None,
        applicant_id: str | None = None,
    ) -> WhatIf:
        """Return what would be decided with other values of one or two fields."""
        rows, identity = Applications([application], model), RequestIdentity(applicant_id)
        return self._request(endpoints.whatif(rows, identity, grid))

    def recourse(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        applicant_id: str | None = None,
    ) -> Recourses:
        """Return the smallest change of changeable fields that gets each application approved."""
        rows, identity = Applications(applications, model), RequestIdentity(applicant_id)
        return self._request(endpoints.recourse(rows, identity))

    def models(self) -> list[Model]:
        """List the credit models of the service, and what serves them."""
        return self._request(endpoints.models()).details

    def _request(self, call: Call[ResponseType]) -> ResponseType:
        budget = RetryBudget(self._timeout, self._retries)
        while True:
            try:
                response = self._send(call, budget)
                pause = budget.pause_after_response(response)
            except httpx.RequestError as error:
                pause = budget.pause_after_failure(error)
            else:
                if pause is None:
                    return endpoints.read(call, response)
            time.sleep(pause)

    def _send(self, call: Call[ResponseType], budget: RetryBudget) -> httpx.Response:
        headers = {**call.headers, **authorization(self._credential)}
        request = self._http.build_request(
            call.method,
            call.path,
            headers=headers,
            content=call.body,
            timeout=budget.seconds_for_try(),
        )
        response = self._http.send(request, stream=True)
        try:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                budget.seconds_for_try()
        finally:
            response.close()
        return httpx.Response(response.status_code, headers=response.headers, content=bytes(body))


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
        self._http = httpx.AsyncClient(base_url=url)
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
        await self._http.aclose()

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
        response = await self._request(endpoints.predict(rows, identity, reasons=reasons))
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
        return await self._request(endpoints.explain(rows, identity, picture=picture))

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
        return await self._request(endpoints.whatif(rows, identity, grid))

    async def recourse(
        self,
        applications: Sequence[ApplicationRow],
        *,
        model: str | None = None,
        applicant_id: str | None = None,
    ) -> Recourses:
        """As `Surety.recourse`."""
        rows, identity = Applications(applications, model), RequestIdentity(applicant_id)
        return await self._request(endpoints.recourse(rows, identity))

    async def models(self) -> list[Model]:
        """As `Surety.models`."""
        return (await self._request(endpoints.models())).details

    async def _request(self, call: Call[ResponseType]) -> ResponseType:
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
            except httpx.RequestError as error:
                pause = budget.pause_after_failure(error)
            else:
                if pause is None:
                    return endpoints.read(call, response)
            await asyncio.sleep(pause)

    async def _send(self, call: Call[ResponseType], budget: RetryBudget) -> httpx.Response:
        headers = {**call.headers, **await asyncio.to_thread(authorization, self._credential)}
        return await self._http.request(
            call.method,
            call.path,
            headers=headers,
            content=call.body,
            timeout=budget.seconds_for_try(),
        )
