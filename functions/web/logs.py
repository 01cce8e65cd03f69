"""Log lines in the format of Cloud Logging: one JSON object a line on stdout."""

import contextlib
import json
import sys
import threading
from datetime import UTC, datetime
from typing import Literal

Severity = Literal["INFO", "WARNING", "ERROR"]

_STDOUT = threading.Lock()


def log(severity: Severity, message: str, **fields: object) -> None:
    """Write one line; a log that cannot be written never stops the work."""
    with contextlib.suppress(OSError):
        write_stdout(format_line(severity, message, **fields).encode())


def format_line(severity: Severity, message: str, **fields: object) -> str:
    """Format one line, with its line end."""
    time = datetime.now(UTC).isoformat()
    return json.dumps({"severity": severity, "message": message, "time": time, **fields}) + "\n"


def write_stdout(lines: bytes) -> None:
    """Write complete lines, never interleaved with those of another thread."""
    with _STDOUT:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
