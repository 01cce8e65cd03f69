"""Reading a log: decision records among its other lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import SuretyError


class DecisionLogError(SuretyError):
    """A decision log cannot be read, or cannot be used for what was requested."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the file, counted from 1, and the decision record it holds, if any."""

    number: int
    raw: bytes
    record: dict[str, Any] | None = None

    @property
    def holds_fragment(self) -> bool:
        """It holds part of a decision record; within another record quotes would be escaped."""
        return self.record is None and b'"record":"decision"' in self.raw


def read_lines(path: Path) -> Iterator[LogLine]:
    """Read every line of a log; one that is no decision record, or was cut short, has none.

    Raises
    ------
    DecisionLogError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, raw in enumerate(lines, start=1):
                yield LogLine(number, raw, _parse_record(raw))
    except OSError as error:
        message = f"{path}: {error}"
        raise DecisionLogError(message) from error


def _parse_record(raw: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(raw, object_pairs_hook=_object_from_pairs)
    except (ValueError, RecursionError):
        return None
    is_record = isinstance(document, dict) and (
        document.get("record") == "decision" or "link" in document
    )
    return document if is_record else None


def _object_from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # No two readers agree on it, so it cannot be what was written; kept for the auditor, who
        # reports this as an unexpected member.
        members["duplicate key"] = True
    return members
