"""The decision record, version 1: what was decided, by which model, from which inputs."""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from functions.envelope import Caller
from functions.logs import write_stdout
from functions.problems import UnrecordedError
from models.contract import CreditModel, characteristics
from models.errors import DeclarationError
from models.scorer import Decision
from models.serving import LoadedVersion, Variant

RECORD_VERSION = 1

Write = Callable[[str], None]


def open_decision_log(setting: str) -> Write | None:
    """Open the decision log: `stdout`, `off` (None) or a file to append to.

    Raises
    ------
    DeclarationError
        If the file cannot be opened.
    """
    if setting == "off":
        return None
    if setting == "stdout":
        return _recorded(write_stdout)
    try:
        # Unbuffered: one request's lines are one write, which the system appends whole.
        file = Path(setting).open("ab", buffering=0)  # noqa: SIM115 -- open as long as the process
    except OSError as error:
        message = f"DECISION_LOG: {error}"
        raise DeclarationError(message) from error
    return _recorded(lambda lines: _write_whole(file, lines.encode()))


def record_lines(
    answering: tuple[Variant, LoadedVersion],
    answered: Sequence[tuple[int, CreditModel, Decision]],
    caller: Caller,
    latency_ms: float,
) -> str:
    """One line for each decision of a request, numbered by its application's place there."""
    variant, loaded = answering
    model = loaded.scorer.model
    name = loaded.manifest.model
    withheld = _withheld(model)
    shared = {
        "severity": "INFO",
        "message": "decision",
        "time": datetime.now(UTC).isoformat(),
        "record": "decision",
        "record_version": RECORD_VERSION,
        "request_id": caller.request_id,
        "trace_id": caller.trace_id,
        "model": name,
        "model_version": loaded.version,
        "variant": variant,
        "withheld": sorted(withheld),
        "latency_ms": latency_ms,
    }
    head = to_json(shared)[:-1] + b","
    exclude = {"inputs": {name: set(withheld)}}
    lines = [head + to_json(_one(name, *decided), exclude=exclude)[1:] for decided in answered]
    return b"\n".join([*lines, b""]).decode()


def _one(name: str, index: int, application: CreditModel, decision: Decision) -> dict[str, Any]:
    return {
        "index": index,
        # By model: in one table the same name may be a number for one and a text for another.
        "inputs": {name: application},
        "probability_of_default": decision.probability_of_default,
        "credit_score": round(decision.credit_score),
        "risk_level": decision.risk_level,
        "decision": decision.decision,
        "reasons": [reason.code for reason in decision.reasons or ()],
    }


@cache
def _withheld(model: type[CreditModel]) -> frozenset[str]:
    """Fields whose values are never written down: protected and private ones."""
    return frozenset(c.name for c in characteristics(model) if c.protected or c.private)


def _write_whole(file: io.FileIO, data: bytes) -> None:
    if file.write(data) != len(data):
        message = "the disk filled up within a record"
        raise OSError(message)


def _recorded(write: Callable[[str], object]) -> Write:
    def write_or_refuse(lines: str) -> None:
        try:
            write(lines)
        except OSError as error:
            message = "the decision could not be recorded"
            raise UnrecordedError(message) from error

    return write_or_refuse
