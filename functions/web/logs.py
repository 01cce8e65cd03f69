"""Log lines in the format of Cloud Logging: one JSON object a line on stdout."""

import contextlib
import json
import logging
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

Severity = Literal["INFO", "WARNING", "ERROR"]

# What every line of the current request carries besides its own fields; see tracing.py.
trace_fields: ContextVar[Mapping[str, object]] = ContextVar("trace_fields", default={})  # noqa: B039 -- never changed

LIBRARY_LINE_SECONDS = 1.0  # between two lines from one place of a library's code

SERVER_LOGGERS = ("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error")
_STDOUT = threading.Lock()


def log(severity: Severity, message: str, **fields: object) -> None:
    """Write one line; a log that cannot be written never stops the work."""
    with contextlib.suppress(OSError):
        write_stdout(format_line(severity, message, **fields).encode())


def format_line(severity: Severity, message: str, **fields: object) -> str:
    """Format one line, with its line end."""
    time = datetime.now(UTC).isoformat()
    line = {"severity": severity, "message": message, "time": time, **fields, **trace_fields.get()}
    return json.dumps(line) + "\n"


def write_stdout(lines: bytes) -> None:
    """Write complete lines, never interleaved with those of another thread."""
    with _STDOUT:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()


def log_library_warnings() -> None:
    """Write the warnings and errors of libraries as lines of this log, the server's included."""
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler()], force=True)
    for name in SERVER_LOGGERS:  # Streamlit gives them handlers of its own
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)


class _LibraryHandler(logging.Handler):
    """Writes a record as one line, at most one a second from each place of a library's code."""

    def __init__(self) -> None:
        super().__init__()
        self._written_at: dict[tuple[str, int], float] = {}
        self._left_out: Counter[tuple[str, int]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, and how many from its place were left out before it."""
        place, now = (record.pathname, record.lineno), time.monotonic()
        if now - self._written_at.get(place, -LIBRARY_LINE_SECONDS) < LIBRARY_LINE_SECONDS:
            self._left_out[place] += 1
            return
        self._written_at[place] = now
        message = record.getMessage()
        if record.exc_info and (error := record.exc_info[1]):
            # Frames, not the exception's text: that may repeat an applicant's data.
            stack = "".join(traceback.format_tb(error.__traceback__))
            message = f"{message.strip()}: {type(error).__name__}\n{stack}"
        severity: Severity = "ERROR" if record.levelno >= logging.ERROR else "WARNING"
        log(severity, message, logger=record.name, left_out=self._left_out.pop(place, 0))
