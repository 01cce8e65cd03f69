"""Models in memory: loaded on the first request, refreshed by later ones, never replaced by worse.

The platform freezes a process between requests, so nothing here runs on a timer: a request that
finds its model's pointer too old starts one refresh, and is answered by what is in memory.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from functions.scoring.errors import NotReadyError
from functions.web.logs import log
from models.contract import CreditModel
from models.errors import ObjectMissingError, StoreUnavailableError
from models.registry.monitored_status import (
    MOST_OVERDUE_DAYS,
    MonitoredModel,
    find_last_day,
    find_monitored,
)
from models.registry.serving import InService, load_in_service
from models.stores.store import Reader

DELAYS_SECONDS = (1, 2, 4, 8, 16, 30)  # after the first failure, the second, ...
NO_CHAMPION_SECONDS = 2  # a store without a champion works, and its first one may be published soon
LOAD_SECONDS = 10.0  # in all; a load that takes longer was frozen or stalled, and is started again
NO_CHAMPION = "no champion has been published"
WAIT_SECONDS = 4.5  # a caller on a cold instance waits no longer


@dataclass(slots=True)
class ModelState:
    """One model in this process: what serves, and how the last read of the store went.

    `cause` is why the last load or refresh failed, in words a caller may see. `monitored` is what
    monitoring said lately of the champion; a cold start does not wait to know it. `last_day` is
    when any version was monitored last: a process looks back once.
    """

    serving: InService | None = None
    loading: asyncio.Task[None] | None = None
    cause: str | None = None
    failures_in_a_row: int = 0
    failures: int = 0
    loads: int = 0
    monitored: MonitoredModel | None = None
    last_day: date | None = None
    has_looked_back: bool = False
    checked_at: float = -math.inf
    retry_at: float = -math.inf


class ModelLoader:
    """Loads each model once at a time; after a failure, each retry waits twice as long.

    Only while a model has no champion yet, retries stay `NO_CHAMPION_SECONDS` apart.

    Model names passed to its methods must be in the catalogue.
    """

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
        self.states = {name: ModelState() for name in catalogue}
        # One each, and not asyncio's: a load that hangs delays no other model, and no score.
        self._executors = {name: ThreadPoolExecutor(1, f"load {name}") for name in catalogue}

    def start(self, model_name: str) -> ModelState:
        """Start to load or refresh a model, unless it is fresh, loading, or failed recently."""
        state = self.states[model_name]
        now = self._clock()
        is_fresh = state.serving and now - state.checked_at < self._refresh_seconds
        if not (is_fresh or state.loading or now < state.retry_at):
            state.loading = asyncio.create_task(self._load(model_name, state))
        return state

    async def load(self, model_name: str) -> InService:
        """Return what serves a model, loaded first if nothing does.

        Raises
        ------
        NotReadyError
            If it cannot be loaded now.
        """
        state = self.start(model_name)
        if state.serving is None and state.loading:
            # Shielded: a caller that disconnects must not end the load for all others.
            await asyncio.wait([asyncio.shield(state.loading)], timeout=WAIT_SECONDS)
        return state.serving or self._raise_not_ready(model_name, state)

    def ready(self, model_name: str) -> InService:
        """Return what serves a model now; start to load it without waiting. Errors as `serving`."""
        state = self.start(model_name)
        return state.serving or self._raise_not_ready(model_name, state)

    def _raise_not_ready(self, model_name: str, state: ModelState) -> InService:
        wait = max(1, math.ceil(max(0.0, state.retry_at - self._clock())))
        raise NotReadyError(model_name, state.cause or "it is being loaded", wait)

    async def _load(self, model_name: str, state: ModelState) -> None:
        started_at = self._clock()
        load = partial(self._read, model_name, state.serving)
        try:
            loop = asyncio.get_running_loop()
            loading = loop.run_in_executor(self._executors[model_name], load)
            serving, monitored = await asyncio.wait_for(loading, LOAD_SECONDS)
        except Exception as error:  # noqa: BLE001 -- whatever a bad model raises, it does not serve
            self._refuse(model_name, state, error)
        else:
            self._accept(model_name, state, serving, started_at)
            state.monitored = monitored
        finally:
            state.loading = None

    def _read(
        self, model_name: str, before: InService | None
    ) -> tuple[InService, MonitoredModel | None]:
        """Read the store: what serves, and at a refresh what monitoring said of it."""
        serving = load_in_service(self._store, self._catalogue[model_name], before)
        if before is None:
            return serving, None
        try:
            monitored = self._find_monitored(model_name, datetime.now(UTC).date())
        except StoreUnavailableError:
            return serving, self.states[model_name].monitored  # the model itself was read
        is_own = monitored and monitored.status["version"] == serving.champion.version
        return serving, monitored if is_own else None

    def _find_monitored(self, model_name: str, today: date) -> MonitoredModel | None:
        """Read the last days of monitoring; without one, remember which day was the last."""
        state = self.states[model_name]
        monitored = find_monitored(self._store, model_name, today)
        if monitored:
            state.last_day = monitored.status["day"]
        elif not state.has_looked_back:
            state.last_day = state.last_day or find_last_day(self._store, model_name, today)
            state.has_looked_back = True
        if state.last_day and (today - state.last_day).days > MOST_OVERDUE_DAYS:
            state.last_day = None
        return monitored

    def _accept(
        self, model_name: str, state: ModelState, serving: InService, started_at: float
    ) -> None:
        before, state.serving = state.serving, serving
        state.checked_at = started_at  # what was read is at least this old
        state.failures_in_a_row = 0
        state.cause = "the challenger was refused" if serving.refusal else None
        if before is None or before.pointer != serving.pointer:
            state.loads += 1
            _log_loaded(serving, self._clock() - started_at)
        if serving.refusal:
            state.failures += 1
            if before is None or before.refusal != serving.refusal:
                log("ERROR", "challenger not loaded", model=model_name, cause=serving.refusal)

    def _refuse(self, model_name: str, state: ModelState, error: Exception) -> None:
        delay = DELAYS_SECONDS[min(state.failures_in_a_row, len(DELAYS_SECONDS) - 1)]
        state.failures_in_a_row += 1
        state.failures += 1
        state.cause = _public_cause(error)
        if state.cause == NO_CHAMPION:
            delay = min(delay, NO_CHAMPION_SECONDS)
        state.retry_at = self._clock() + delay
        message = "model not refreshed" if state.serving else "model not loaded"
        cause = f"{type(error).__name__}: {error}"
        log("ERROR", message, model=model_name, cause=cause, retry_seconds=delay)


def _log_loaded(serving: InService, seconds: float) -> None:
    age = datetime.now(UTC) - serving.pointer.champion.published
    log(
        "INFO",
        "model loaded",
        model=serving.pointer.model,
        version=serving.champion.version,
        age_days=round(age / timedelta(days=1), 3),
        load_ms=round(1000 * seconds, 1),
    )


def _public_cause(error: Exception) -> str:
    """Say what a caller may know; the log has the rest."""
    if isinstance(error, ObjectMissingError):
        is_bundle = "versions/" in str(error)
        return "its bundle is missing from the store" if is_bundle else NO_CHAMPION
    if isinstance(error, StoreUnavailableError | TimeoutError):
        return "the model store cannot be reached"
    return "its bundle was refused"
