"""Prefetching: read objects of a store in background threads while the program starts."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from models.stores.store import Reader, StoredObject

FRESH_SECONDS = 5.0
READERS = 2


class PrefetchReader:
    """A reader that prefetches one object, and then the objects that this object refers to.

    The first read of a prefetched object returns the prefetched bytes, within `FRESH_SECONDS`.
    Every other read goes to the store: a second read, a later one, a read of another object, and a
    read of an object whose prefetch has failed.
    """

    def __init__(
        self,
        store: Reader,
        first: str,
        names_from_data: Callable[[bytes], Iterable[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._until = clock() + FRESH_SECONDS
        self._threads = ThreadPoolExecutor(READERS, "read ahead")
        self._reading: dict[str, Future[StoredObject]] = {}
        self._reading[first] = self._threads.submit(self._read_first, first, names_from_data)

    def read(self, name: str) -> StoredObject:
        """Read an object, or wait for its prefetch to finish."""
        if self._clock() > self._until:
            self._reading.clear()
        prefetch = self._reading.pop(name, None)
        if prefetch is None or (prefetch.done() and prefetch.exception()):
            return self._store.read(name)
        return prefetch.result()

    def _read_first(
        self, first: str, names_from_data: Callable[[bytes], Iterable[str]]
    ) -> StoredObject:
        try:
            stored = self._store.read(first)
            # An error in the content is reported by the reader that needs the object.
            with suppress(Exception):
                for name in names_from_data(stored.data):
                    self._reading[name] = self._threads.submit(self._store.read, name)
        finally:
            self._threads.shutdown(wait=False)  # threads end when their reads have finished
        return stored
