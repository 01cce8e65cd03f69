"""The clients: `Surety` waits, `AsyncSurety` awaits; everything else they share."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Self

import httpx

from functions.client import endpoints
from functions.client.credentials import Credential, authorization
from functions.client.endpoints import Answered, Call, Caller
from functions.client.responses import Explanations, Model, Prediction, Recourses, WhatIf
from functions.client.retries import Retries, Tries
from models.contract import CreditModel

TIMEOUT_SECONDS = 30.0
RETRIES = Retries()


class Surety:
    """The scoring function at `url`; a context manager, which may be shared by threads.

    Parameters
    ----------
    credential
        An API key or token, or what returns one for each try, such as `google_id_token(url)`.
    timeout
        Seconds a call may take with all its tries. It is looked at between reads.

    Every method raises `RefusedError` for a request that is refused, `UnavailableError` when there
    is no answer after all tries, `UnreadableAnswerError` and `CredentialError`.
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
        applications: Sequence[CreditModel],
        *,
        reasons: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[Prediction]:
        """Decide on applications of one credit model; each decision is recorded.

        `applicant_id` keeps an applicant on one side of champion and challenger, and is recorded
        as a pseudonym. The same `idempotency_key` gives the same decision ids; without one, each
        call has a new one.
        """
        caller = Caller(applicant_id, idempotency_key)
        return self._ask(endpoints.predict(applications, caller, reasons=reasons)).predictions

    def explain(
        self,
        applications: Sequence[CreditModel],
        *,
        picture: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Explanations:
        """Decide as `predict` does, and tell how each score comes about; `picture` is an SVG."""
        caller = Caller(applicant_id, idempotency_key)
        return self._ask(endpoints.explain(applications, caller, picture=picture))

    def whatif(
        self,
        application: CreditModel,
        grid: Mapping[str, Sequence[object]],
        *,
        applicant_id: str | None = None,
    ) -> WhatIf:
        """Tell what would be decided with other values of one or two fields."""
        return self._ask(endpoints.whatif(application, grid, applicant_id))

    def recourse(
        self, applications: Sequence[CreditModel], *, applicant_id: str | None = None
    ) -> Recourses:
        """Tell the smallest change of changeable fields that gets each application approved."""
        return self._ask(endpoints.recourse(applications, applicant_id))

    def models(self) -> list[Model]:
        """Tell which credit models there are, and what serves."""
        return self._ask(endpoints.models()).models

    def _ask(self, call: Call[Answered]) -> Answered:
        tries = Tries(self._timeout, self._retries)
        while True:
            try:
                response = self._send(call, tries)
                pause = tries.pause_after_answer(response)
            except httpx.RequestError as error:
                pause = tries.pause_after_failure(error)
            else:
                if pause is None:
                    return endpoints.read(call, response)
            time.sleep(pause)

    def _send(self, call: Call[Answered], tries: Tries) -> httpx.Response:
        headers = {**call.headers, **authorization(self._credential)}
        request = self._http.build_request(
            call.method, call.path, headers=headers, content=call.body, timeout=tries.seconds()
        )
        response = self._http.send(request, stream=True)
        try:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                tries.seconds()
        finally:
            response.close()
        return httpx.Response(response.status_code, headers=response.headers, content=bytes(body))


class AsyncSurety:
    """The scoring function at `url`, as `Surety` in all but that its methods are awaited.

    A `credential` that is called is called in a thread, since it may wait for a network.
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
        applications: Sequence[CreditModel],
        *,
        reasons: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[Prediction]:
        """Do as `Surety.predict`."""
        caller = Caller(applicant_id, idempotency_key)
        answer = await self._ask(endpoints.predict(applications, caller, reasons=reasons))
        return answer.predictions

    async def explain(
        self,
        applications: Sequence[CreditModel],
        *,
        picture: bool = False,
        applicant_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Explanations:
        """Do as `Surety.explain`."""
        caller = Caller(applicant_id, idempotency_key)
        return await self._ask(endpoints.explain(applications, caller, picture=picture))

    async def whatif(
        self,
        application: CreditModel,
        grid: Mapping[str, Sequence[object]],
        *,
        applicant_id: str | None = None,
    ) -> WhatIf:
        """Do as `Surety.whatif`."""
        return await self._ask(endpoints.whatif(application, grid, applicant_id))

    async def recourse(
        self, applications: Sequence[CreditModel], *, applicant_id: str | None = None
    ) -> Recourses:
        """Do as `Surety.recourse`."""
        return await self._ask(endpoints.recourse(applications, applicant_id))

    async def models(self) -> list[Model]:
        """Do as `Surety.models`."""
        return (await self._ask(endpoints.models())).models

    async def _ask(self, call: Call[Answered]) -> Answered:
        tries = Tries(self._timeout, self._retries)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._tried(call, tries)
        except TimeoutError as error:
            raise tries.out_of_time() from error

    async def _tried(self, call: Call[Answered], tries: Tries) -> Answered:
        while True:
            try:
                response = await self._send(call, tries)
                pause = tries.pause_after_answer(response)
            except httpx.RequestError as error:
                pause = tries.pause_after_failure(error)
            else:
                if pause is None:
                    return endpoints.read(call, response)
            await asyncio.sleep(pause)

    async def _send(self, call: Call[Answered], tries: Tries) -> httpx.Response:
        headers = {**call.headers, **await asyncio.to_thread(authorization, self._credential)}
        return await self._http.request(
            call.method, call.path, headers=headers, content=call.body, timeout=tries.seconds()
        )
