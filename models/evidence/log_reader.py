"""Decision records found again among the lines of a log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import SuretyError


class DecisionLogError(SuretyError):
    """A decision log cannot be read, or not used for what was asked."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands in the file, counted from 1, and the decision record it holds, if any."""

    number: int
    raw: bytes
    record: dict[str, Any] | None = None

    @property
    def holds_remains(self) -> bool:
        """It was a decision record, or was to be one; within another record quotes are escaped."""
        return self.record is None and b'"record":"decision"' in self.raw


def read_lines(path: Path) -> Iterator[Line]:
    """Every line of a log; what is no decision record, or was cut short, has none.

    Raises
    ------
    DecisionLogError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, raw in enumerate(lines, start=1):
                yield Line(number, raw, _record(raw))
    except OSError as error:
        message = f"{path}: {error}"
        raise DecisionLogError(message) from error


def _record(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None
    is_record = isinstance(found, dict) and (found.get("record") == "decision" or "link" in found)
    return found if is_record else None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # No two readers agree on it, so it cannot be what was written; kept for the auditor.
        found["a name twice"] = True
    return found
