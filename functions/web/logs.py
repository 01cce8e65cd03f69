"""Log lines as Cloud Logging reads them: one JSON object a line on stdout."""

import contextlib
import json
import sys
import threading
from datetime import UTC, datetime
from typing import Literal

Severity = Literal["INFO", "WARNING", "ERROR"]

_STDOUT = threading.Lock()


def log(severity: Severity, message: str, **fields: object) -> None:
    """Write one line; a log that cannot be written never stops the work it tells of."""
    with contextlib.suppress(OSError):
        write_stdout(line(severity, message, **fields).encode())


def line(severity: Severity, message: str, **fields: object) -> str:
    """Lay out one line, with its end."""
    time = datetime.now(UTC).isoformat()
    return json.dumps({"severity": severity, "message": message, "time": time, **fields}) + "\n"


def write_stdout(lines: bytes) -> None:
    """Write whole lines, never mixed with those of another thread."""
    with _STDOUT:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
