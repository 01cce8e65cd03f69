"""A store that was begun to be read before anybody asked, while a program was still starting."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from models.stores.store import Reader, StoredObject

FRESH_SECONDS = 5.0
READERS = 2


class PrefetchReader:
    """A store, one object of which is being read, and then those that it names.

    Each of these is given once, to whoever asks within `FRESH_SECONDS`; whoever asks again, later
    or for anything else, or for what has failed meanwhile, asks the store.
    """

    def __init__(
        self,
        store: Reader,
        first: str,
        named: Callable[[bytes], Iterable[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._until = clock() + FRESH_SECONDS
        self._readers = ThreadPoolExecutor(READERS, "read ahead")
        self._reading: dict[str, Future[StoredObject]] = {}
        self._reading[first] = self._readers.submit(self._read_first, first, named)

    def read(self, name: str) -> StoredObject:
        """Read an object, or wait for it to have been read."""
        if self._clock() > self._until:
            self._reading.clear()
        reading = self._reading.pop(name, None)
        if reading is None or (reading.done() and reading.exception()):
            return self._store.read(name)
        return reading.result()

    def _read_first(self, first: str, named: Callable[[bytes], Iterable[str]]) -> StoredObject:
        try:
            found = self._store.read(first)
            # Whoever reads it in earnest says what is wrong with it.
            with suppress(Exception):
                for name in named(found.data):
                    self._reading[name] = self._readers.submit(self._store.read, name)
        finally:
            self._readers.shutdown(wait=False)  # its threads end when they have read
        return found
