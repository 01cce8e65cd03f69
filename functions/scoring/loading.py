"""Champions in memory: each is loaded on its first request, once, however many wait for it."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from anyio import to_thread

from functions.scoring.logs import log
from functions.scoring.problems import NotReadyError
from models.contract import CreditModel
from models.errors import ObjectMissingError, StoreUnavailableError
from models.registry import Champion, load_champion
from models.shelf import find_model
from models.stores.store import Store

DELAYS_SECONDS = (1, 2, 4, 8, 16, 30)  # after the first failure, the second, ...
LOAD_SECONDS = 10.0  # in all; a store's own limits are for each read, and a trickle passes them


@dataclass(slots=True)
class _Slot:
    champion: Champion | None = None
    loading: asyncio.Task[None] | None = None
    cause: str = "it is being loaded"
    failures: int = 0
    retry_at: float = 0.0


class ChampionLoader:
    """Lazy loading, one flight a model; after a failure each next try waits twice as long."""

    def __init__(
        self,
        store: Store,
        catalogue: Mapping[str, type[CreditModel]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._slots = {name: _Slot() for name in catalogue}

    def loaded(self, name: str) -> Champion | None:
        """The champion if it is in memory; never loads."""
        find_model(self._catalogue, name)
        return self._slots[name].champion

    def start(self, name: str) -> None:
        """Begin to load unless it is loaded, being loaded, or failed too lately."""
        find_model(self._catalogue, name)
        slot = self._slots[name]
        if slot.champion or slot.loading or self._clock() < slot.retry_at:
            return
        slot.loading = asyncio.create_task(self._load(name, slot))

    async def champion(self, name: str) -> Champion:
        """The champion, loaded first if need be.

        Raises
        ------
        UnknownModelError
            If the catalogue has no such model.
        NotReadyError
            If it cannot be loaded now.
        """
        self.start(name)
        slot = self._slots[name]
        if slot.loading and not slot.champion:
            # Shielded: a caller that goes away must not end the load of all others.
            await asyncio.shield(slot.loading)
        if slot.champion:
            return slot.champion
        raise self.not_ready(name)

    def not_ready(self, name: str) -> NotReadyError:
        """Why a model is not loaded, and when to ask again."""
        slot = self._slots[name]
        wait = max(1, math.ceil(slot.retry_at - self._clock()))
        return NotReadyError(name, slot.cause, wait)

    async def _load(self, name: str, slot: _Slot) -> None:
        began = self._clock()
        try:
            model = self._catalogue[name]
            loading = to_thread.run_sync(load_champion, self._store, model, abandon_on_cancel=True)
            slot.champion = await asyncio.wait_for(loading, LOAD_SECONDS)
        except Exception as error:  # noqa: BLE001 -- whatever a bad model raises, it is not served
            self._refuse(name, slot, error)
        else:
            slot.failures = 0
            took = round(1000 * (self._clock() - began), 1)
            log("INFO", "model loaded", model=name, version=slot.champion.version, load_ms=took)
        finally:
            slot.loading = None

    def _refuse(self, name: str, slot: _Slot, error: Exception) -> None:
        delay = DELAYS_SECONDS[min(slot.failures, len(DELAYS_SECONDS) - 1)]
        slot.failures += 1
        slot.retry_at = self._clock() + delay
        slot.cause = _public_cause(error)
        cause = f"{type(error).__name__}: {error}"
        log("ERROR", "model not loaded", model=name, cause=cause, retry_seconds=delay)


def _public_cause(error: Exception) -> str:
    """What a caller may know; the log has the rest."""
    if isinstance(error, ObjectMissingError):
        return "no champion has been published"
    if isinstance(error, StoreUnavailableError | TimeoutError):
        return "the model store cannot be reached"
    return "its bundle was refused"
