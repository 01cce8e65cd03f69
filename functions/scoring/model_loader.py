"""Models in memory: loaded on the first request, kept fresh by later ones, never made worse.

The platform freezes a process between requests, so nothing here runs on a timer: a request that
finds its model's pointer too old starts one refresh, and is answered by what is in memory.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from functions.web.logs import log
from functions.web.problems import NotReadyError
from models.contract import CreditModel
from models.discovery import find_model
from models.errors import ObjectMissingError, StoreUnavailableError
from models.registry.serving import InService, load_in_service
from models.stores.store import Reader

DELAYS_SECONDS = (1, 2, 4, 8, 16, 30)  # after the first failure, the second, ...
LOAD_SECONDS = 10.0  # in all; what takes longer was frozen or stalled, and is begun again
WAIT_SECONDS = 4.5  # a caller on a cold instance waits no longer


@dataclass(slots=True)
class State:
    """One model as this process has it: what serves, and how the last look at the store went."""

    serving: InService | None = None
    loading: asyncio.Task[None] | None = None
    cause: str | None = None  # why the last load or refresh failed, in public words
    failures: int = 0  # since the last success
    failures_in_all: int = 0
    loads: int = 0
    checked_at: float = -math.inf
    retry_at: float = -math.inf


class ModelLoader:
    """One flight a model; after a failure each next try waits twice as long."""

    def __init__(
        self,
        store: Reader,
        catalogue: Mapping[str, type[CreditModel]],
        refresh_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._states = {name: State() for name in catalogue}
        # One each, and not asyncio's: a load that hangs holds up no other model, and no score.
        self._readers = {name: ThreadPoolExecutor(1, f"load {name}") for name in catalogue}

    def state(self, name: str) -> State:
        """How a model stands; never loads."""
        find_model(self._catalogue, name)
        return self._states[name]

    def states(self) -> list[tuple[str, State]]:
        """Every model of the catalogue and how it stands; never loads."""
        return list(self._states.items())

    def start(self, name: str) -> None:
        """Begin to load or refresh a model, unless it is fresh, under way, or failed too lately."""
        state = self.state(name)
        now = self._clock()
        fresh = state.serving and now - state.checked_at < self._refresh_seconds
        if fresh or state.loading or now < state.retry_at:
            return
        state.loading = asyncio.create_task(self._load(name, state))

    async def serving(self, name: str) -> InService:
        """What serves a model, loaded first if nothing does.

        Raises
        ------
        UnknownModelError
            If the catalogue has no such model.
        NotReadyError
            If it cannot be loaded now.
        """
        self.start(name)
        state = self._states[name]
        if state.serving is None and state.loading:
            # Shielded: a caller that goes away must not end the load of all others.
            await asyncio.wait([asyncio.shield(state.loading)], timeout=WAIT_SECONDS)
        if state.serving is None:
            raise self.not_ready(name)
        return state.serving

    def ready(self, name: str) -> InService:
        """What serves a model now; begins to load it and does not wait. Errors as `serving`."""
        self.start(name)
        serving = self._states[name].serving
        if serving is None:
            raise self.not_ready(name)
        return serving

    def not_ready(self, name: str) -> NotReadyError:
        """Why a model is not loaded, and when to ask again."""
        state = self._states[name]
        wait = max(1, math.ceil(max(0.0, state.retry_at - self._clock())))
        return NotReadyError(name, state.cause or "it is being loaded", wait)

    async def _load(self, name: str, state: State) -> None:
        began = self._clock()
        load = partial(load_in_service, self._store, self._catalogue[name], state.serving)
        try:
            loading = asyncio.get_running_loop().run_in_executor(self._readers[name], load)
            found = await asyncio.wait_for(loading, LOAD_SECONDS)
        except Exception as error:  # noqa: BLE001 -- whatever a bad model raises, it is not served
            self._refuse(name, state, error)
        else:
            self._accept(name, state, found, began)
        finally:
            state.loading = None

    def _accept(self, name: str, state: State, found: InService, began: float) -> None:
        before, state.serving = state.serving, found
        state.checked_at = began  # what was read is at least this old
        state.failures = 0
        state.cause = "the challenger was refused" if found.refusal else None
        if before is None or before.pointer != found.pointer:
            state.loads += 1
            _log_loaded(found, self._clock() - began)
        if found.refusal:
            state.failures_in_all += 1
            if before is None or before.refusal != found.refusal:
                log("ERROR", "challenger not loaded", model=name, cause=found.refusal)

    def _refuse(self, name: str, state: State, error: Exception) -> None:
        delay = DELAYS_SECONDS[min(state.failures, len(DELAYS_SECONDS) - 1)]
        state.failures += 1
        state.failures_in_all += 1
        state.retry_at = self._clock() + delay
        state.cause = _public_cause(error)
        message = "model not refreshed" if state.serving else "model not loaded"
        cause = f"{type(error).__name__}: {error}"
        log("ERROR", message, model=name, cause=cause, retry_seconds=delay)


def _log_loaded(found: InService, seconds: float) -> None:
    age = datetime.now(UTC) - found.pointer.champion.published
    log(
        "INFO",
        "model loaded",
        model=found.pointer.model,
        version=found.champion.version,
        age_days=round(age / timedelta(days=1), 3),
        load_ms=round(1000 * seconds, 1),
    )


def _public_cause(error: Exception) -> str:
    """What a caller may know; the log has the rest."""
    if isinstance(error, ObjectMissingError):
        missing = "no champion has been published", "its bundle is gone from the store"
        return missing["versions/" in str(error)]
    if isinstance(error, StoreUnavailableError | TimeoutError):
        return "the model store cannot be reached"
    return "its bundle was refused"
