"""The decision log of one process: records chained as they are written, heads anchored."""

import hashlib
import io
import json
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from functions.scoring.errors import UnrecordedError
from functions.web.logs import log, write_stdout
from functions.web.problems import RequestError
from models.errors import DeclarationError, ObjectExistsError
from models.evidence.entries import (
    SALT_BYTES,
    RequestContext,
    entries_from_request,
    name_of_request,
)
from models.evidence.hash_chain import UNKEYED, Chain, Head, Seal
from models.prediction import ScoredRequest
from models.stores.store import Store

ANCHOR_RECORDS = 1_000
ANCHOR_SECONDS = 60.0
MAX_ROTATIONS = 10  # of a file, while one request is recorded
MAX_KEYS = 10_000  # idempotency keys that are remembered, the newest
STOP_SECONDS = 1.5  # what remains of the platform's ten seconds after open requests are answered

Write = Callable[[bytes], None]


def open_log(setting: str) -> Write | None:
    """Open where records go: `stdout`, `off` (None) or a file to append to.

    Raises
    ------
    DeclarationError
        If the file cannot be opened.
    """
    if setting == "off":
        return None
    if setting == "stdout":
        return write_stdout
    try:
        return LogFile(Path(setting)).write
    except OSError as error:
        message = f"DECISION_LOG: {error}"
        raise DeclarationError(message) from error


class LogFile:
    """A log file that is where its name says, whoever renames or removes it meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_private(path, "ab")

    def write(self, data: bytes) -> None:
        """Append complete lines.

        Lines that were written to a file that is renamed at the same moment are written again to
        the new one: it may be compressed and removed already. The audit counts them once.

        Raises
        ------
        OSError
            If they cannot be written where the name says.
        """
        if not self._is_in_place():
            self._reopen()
        for _ in range(MAX_ROTATIONS):
            _write_all(self._file, data)
            if self._is_in_place():
                return
            self._reopen()
        message = "the log file was renamed again and again while it was written"
        raise OSError(message)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _reopen(self) -> None:
        file = open_private(self._path, "ab")
        self._file.close()
        self._file = file

    def _is_in_place(self) -> bool:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(status, os.fstat(self._file.fileno()))


def open_private(path: Path, mode: Literal["ab", "xb"]) -> io.FileIO:
    """Open a file that, if it is new, only its owner can read: it will hold personal data.

    Unbuffered: one request's lines are one write, which the system appends as a whole.
    """
    return io.FileIO(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def _write_all(file: io.FileIO, data: bytes) -> None:
    if file.write(data) != len(data):
        message = "the disk filled up within a record"
        raise OSError(message)


class Anchors:
    """Heads of the chain in a store where nobody may overwrite them: they reveal a cut log.

    The platform freezes a process between requests, so there is no timer: a request that finds the
    last anchor too old starts a write and does not wait for it. Failures are counted and logged.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._last: Head | None = None
        self._started_at = -ANCHOR_SECONDS
        self._writer: threading.Thread | None = None
        self.failures = 0

    def update(self, head: Head) -> None:
        """Anchor a head if it is time and no write is running; only one thread may call this."""
        anchored = self._last.sequence if self._last and self._last.chain == head.chain else -1
        now = self._clock()
        is_due = (
            head.sequence - anchored >= ANCHOR_RECORDS or now - self._started_at >= ANCHOR_SECONDS
        )
        if is_due and not (self._writer and self._writer.is_alive()):
            self._started_at = now
            try:
                self._start(head)
            except RuntimeError as error:  # the system has no more threads
                self._report_failure(error)

    def finish(self, head: Head) -> None:
        """Anchor the last head before the process ends, within `STOP_SECONDS`."""
        deadline = self._clock() + STOP_SECONDS
        if self._writer:
            self._writer.join(STOP_SECONDS)
        if self._last != head:
            self._start(head).join(max(0.0, deadline - self._clock()))

    def _start(self, head: Head) -> threading.Thread:
        # A daemon: a store that hangs must not keep the process.
        thread = threading.Thread(target=self._write, args=(head,), name="anchor", daemon=True)
        self._writer = thread
        thread.start()
        return thread

    def _write(self, head: Head) -> None:
        document = {"format": 1, "head": str(head), "at": datetime.now(UTC).isoformat()}
        try:
            self._store.create(anchor_path(head), json.dumps(document).encode())
        except ObjectExistsError:
            pass  # the chain's name is random: the object is ours, and the reply was lost
        except Exception as error:  # noqa: BLE001 -- whatever a store raises, scoring goes on
            self._report_failure(error)
            return
        self._last = head

    def _report_failure(self, error: Exception) -> None:
        self.failures += 1
        log("ERROR", "chain head not anchored", cause=f"{type(error).__name__}: {error}")


class DecisionLog:
    """Where decisions are recorded, one request's records at a time."""

    def __init__(self, write: Write, seal: Seal, anchors: Anchors | None = None) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._seal = seal
        # Started by the first record: a server may fork after this, and each process has its own.
        self._chain: Chain | None = None
        self._anchors = anchors
        self._ends_in_fragment = False
        self._digests: OrderedDict[bytes, bytes] = OrderedDict()  # by the name of a request
        if seal.name == UNKEYED:
            message = "DECISION_LOG_KEY is not set: decision records are chained without a key"
            log("WARNING", message)

    @property
    def anchor_failures(self) -> int | None:
        """Anchors that could not be written; None where there is no store for them."""
        return self._anchors.failures if self._anchors else None

    def record(self, scored: ScoredRequest, context: RequestContext) -> None:
        """Write the records of a request as one.

        Raises
        ------
        RequestError
            If the caller has used its idempotency key for another request, as far as is known here.
        UnrecordedError
            If they cannot be written. The next record starts a new chain: nobody knows how much
            of this one was written.
        """
        random = os.urandom(SALT_BYTES * len(scored.decisions))
        entries, content = entries_from_request(
            scored, context, self._seal, datetime.now(UTC), random
        )
        with self._lock:
            name, digest = None, b""
            if context.idempotency_key is not None:
                name = name_of_request(context, scored.loaded.manifest.model)
                digest = hashlib.sha256(content).digest()
                self._check_key(name, digest)
            chain = self._chain = self._chain or Chain(self._seal, secrets.token_hex(8))
            lines, head = chain.extend(entries)
            # After a failed write, an end of line first: the record must not follow a fragment.
            data = b"\n" * self._ends_in_fragment + b"\n".join([*lines, b""])
            try:
                self._write(data)
            except OSError as error:
                self._ends_in_fragment, self._chain = True, None
                message = "the decision could not be recorded"
                log("ERROR", message, cause=f"{type(error).__name__}: {error}")
                raise UnrecordedError(message) from error
            self._ends_in_fragment, chain.head = False, head
            if name is not None:
                self._remember_key(name, digest)
            if self._anchors and head:
                self._anchors.update(head)

    def _check_key(self, name: bytes, digest: bytes) -> None:
        if self._digests.get(name, digest) != digest:
            message = "this Idempotency-Key was used for another request; use a new one for this"
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message)

    def _remember_key(self, name: bytes, digest: bytes) -> None:
        """Remember what a key was used for, once that is recorded."""
        self._digests[name] = digest
        self._digests.move_to_end(name)
        if len(self._digests) > MAX_KEYS:
            self._digests.popitem(last=False)

    def close(self) -> None:
        """Anchor the chain's head before the process ends."""
        with self._lock:
            if self._anchors and self._chain and self._chain.head:
                self._anchors.finish(self._chain.head)


def anchor_path(head: Head) -> str:
    """Return where a head is anchored; paths of one chain sort as its records do."""
    return f"anchors/{head.chain}/{head.sequence:012d}.json"
