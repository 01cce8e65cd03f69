"""The decision log of one process: records chained as they are written, heads anchored."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from functions.web.logs import log
from functions.web.middleware import Caller
from functions.web.problems import UnrecordedError
from models.errors import ObjectExistsError
from models.evidence.hash_chain import UNKEYED, Chain, Head, Seal
from models.evidence.records import Answered, Write, entries_from
from models.stores.store import Store

ANCHOR_RECORDS = 1_000
ANCHOR_SECONDS = 60.0
STOP_SECONDS = 1.5  # what is left of the ten the platform gives, after the requests under way


class Anchors:
    """Heads of the chain in a store that nobody may overwrite: they show a log cut or rewritten.

    The platform freezes a process between requests, so a request that finds the last anchor too
    old starts a write, which it does not wait for. Failures are counted and stop nothing.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._last: Head | None = None
        self._at = -ANCHOR_SECONDS
        self._writing: threading.Thread | None = None
        self.failures = 0

    def note(self, head: Head) -> None:
        """Anchor a head if it is time and no write is under way; only one thread may call this."""
        known = self._last.sequence if self._last and self._last.chain == head.chain else -1
        now = self._clock()
        due = head.sequence - known >= ANCHOR_RECORDS or now - self._at >= ANCHOR_SECONDS
        if due and not (self._writing and self._writing.is_alive()):
            self._at = now
            try:
                self._start(head)
            except RuntimeError as error:  # the system gives no more threads
                self._failed(error)

    def finish(self, head: Head) -> None:
        """Anchor the last head before the process ends, within `STOP_SECONDS`."""
        deadline = self._clock() + STOP_SECONDS
        if self._writing:
            self._writing.join(STOP_SECONDS)
        if self._last != head:
            self._start(head).join(max(0.0, deadline - self._clock()))

    def _start(self, head: Head) -> threading.Thread:
        # A daemon: a store that hangs must not keep the process.
        thread = threading.Thread(target=self._write, args=(head,), name="anchor", daemon=True)
        self._writing = thread
        thread.start()
        return thread

    def _write(self, head: Head) -> None:
        name = anchor_name(head)
        document = {"format": 1, "head": str(head), "at": datetime.now(UTC).isoformat()}
        try:
            self._store.create(name, json.dumps(document).encode())
        except ObjectExistsError:
            pass  # the chain's name is random: it is ours, and the reply was lost
        except Exception as error:  # noqa: BLE001 -- whatever a store raises, scores go on
            self._failed(error)
            return
        self._last = head

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        log("ERROR", "chain head not anchored", cause=f"{type(error).__name__}: {error}")


class DecisionLog:
    """Where decisions are recorded, one request's records at a time."""

    def __init__(self, write: Write, seal: Seal, anchors: Anchors | None = None) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._seal = seal
        # Begun by the first record: a server may fork after this, and each process has its own.
        self._chain: Chain | None = None
        self._anchors = anchors
        self._torn = False
        if seal.name == UNKEYED:
            log(
                "WARNING", "DECISION_LOG_KEY is not set: decision records are chained without a key"
            )

    @property
    def anchor_failures(self) -> int | None:
        """Anchors that could not be written; None where there is no store for them."""
        return self._anchors.failures if self._anchors else None

    def record(self, answered: Answered, caller: Caller) -> None:
        """Write the records of a request as one.

        Raises
        ------
        UnrecordedError
            If they cannot be written. What follows is a new chain: nobody knows how far this came.
        """
        entries = entries_from(answered, caller, self._seal)
        with self._lock:
            chain = self._chain = self._chain or Chain(self._seal)
            lines, head = chain.extended(entries)
            # After a torn write an end of line: the next record must not hang on its remains.
            data = b"\n" * self._torn + b"\n".join([*lines, b""])
            try:
                self._write(data)
            except OSError as error:
                self._torn, self._chain = True, None
                message = "the decision could not be recorded"
                log("ERROR", message, cause=f"{type(error).__name__}: {error}")
                raise UnrecordedError(message) from error
            self._torn, chain.head = False, head
            if self._anchors and head:
                self._anchors.note(head)

    def close(self) -> None:
        """Anchor the chain's head before the process ends."""
        with self._lock:
            if self._anchors and self._chain and self._chain.head:
                self._anchors.finish(self._chain.head)


def anchor_name(head: Head) -> str:
    """Where a head is anchored; names of one chain sort as its records do."""
    return f"anchors/{head.chain}/{head.sequence:012d}.json"
