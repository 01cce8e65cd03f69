"""A store that was begun to be read before anybody asked, while a program was still starting."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from models.stores.store import Store, StoredObject

FRESH_SECONDS = 5.0
READERS = 2


class ReadAhead:
    """A store, one object of which is being read, and then those that it names.

    Each of these is given once, to whoever asks within `FRESH_SECONDS`; whoever asks again, later
    or for anything else asks the store. What failed fails as it would have when asked for.
    """

    def __init__(
        self,
        store: Store,
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
        reading = self._reading.pop(name, None)
        if reading is None or self._clock() > self._until:
            return self._store.read(name)
        return reading.result()

    def create(self, name: str, data: bytes) -> None:
        """As the store does."""
        self._store.create(name, data)

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """As the store does."""
        self._store.replace(name, data, generation)

    def remove(self, name: str) -> None:
        """As the store does."""
        self._store.remove(name)

    def names(self, prefix: str) -> list[str]:
        """As the store does."""
        return self._store.names(prefix)

    def _read_first(self, first: str, named: Callable[[bytes], Iterable[str]]) -> StoredObject:
        try:
            found = self._store.read(first)
            # Whoever reads it in earnest says what is wrong with it.
            with suppress(ValueError, KeyError, TypeError):
                for name in named(found.data):
                    self._reading[name] = self._readers.submit(self._store.read, name)
        finally:
            self._readers.shutdown(wait=False)  # its threads end when they have read
        return found
