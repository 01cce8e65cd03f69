"""The decisions of a model in a decision log, by column."""

from binascii import a2b_base64
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, NotRequired, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from models.annotations import days_from_date
from models.errors import DataError
from models.evidence.log_reader import DecisionLogError, read_decisions_as, read_lines
from models.features import Matrix
from models.metrics import Probabilities
from models.policy import DecisionName
from models.registry.serving import Variant

Mask = NDArray[np.bool_]
Texts = NDArray[np.str_]


class MonitoredDecision(TypedDict):
    """The members of a decision record that are monitored. An erased record has no features."""

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)  # type: ignore[misc]

    model: str
    decision_id: str
    decided_at: str
    variant: Variant
    model_version: str
    probability_of_default: Annotated[float, Field(gt=0, lt=1)]
    decision: DecisionName
    reasons: list[str]
    features: NotRequired[str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Decisions in the order of the log, each column of shape `(n,)`.

    `days` are days since 1970-01-01, in UTC. `features` are the encoded rows that the model read,
    or None where they were erased.
    """

    ids: Texts
    days: NDArray[np.int64]
    variants: Texts
    versions: Texts
    probabilities: Probabilities
    decisions: Texts
    reasons: tuple[tuple[str, ...], ...]
    features: tuple[str | None, ...]

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.ids)

    def select(self, mask: Mask) -> Self:
        """Return some of the decisions."""
        rows = np.flatnonzero(mask).tolist()
        return type(self)(
            self.ids[mask],
            self.days[mask],
            self.variants[mask],
            self.versions[mask],
            self.probabilities[mask],
            self.decisions[mask],
            tuple(self.reasons[i] for i in rows),
            tuple(self.features[i] for i in rows),
        )

    def decode_features(self, width: int) -> tuple[Matrix, Mask]:
        """Return the features `(m, p)` of the rows that have them in this width, and which have."""
        rows = [_decode(text, width) for text in self.features]
        present = np.array([row is not None for row in rows], bool)
        read = [row for row in rows if row is not None]
        matrix = np.array(read, np.float64) if read else np.empty((0, width))
        return matrix, present


def read_decisions(model_name: str, log: Path, first: date, last: date) -> Decisions:
    """Read the decisions of a model from one day to another, each decision id once.

    A log that was delivered twice has records twice. Lines that are no decisions are skipped.

    Raises
    ------
    DataError
        If the log cannot be read.
    """
    bounds = days_from_date(first), days_from_date(last)
    by_id: dict[str, tuple[int, MonitoredDecision]] = {}
    try:
        for record in read_decisions_as(MonitoredDecision, read_lines(log)):
            day = _read_day(record["decided_at"])
            if record["model"] == model_name and day is not None and bounds[0] <= day <= bounds[1]:
                by_id.setdefault(record["decision_id"], (day, record))
    except DecisionLogError as error:
        raise DataError(str(error)) from error
    records = [record for _, record in by_id.values()]
    return Decisions(
        ids=np.array(list(by_id), dtype=np.str_),
        days=np.array([day for day, _ in by_id.values()], np.int64),
        variants=np.array([r["variant"] for r in records], dtype=np.str_),
        versions=np.array([r["model_version"] for r in records], dtype=np.str_),
        probabilities=np.array([r["probability_of_default"] for r in records], np.float64),
        decisions=np.array([r["decision"] for r in records], dtype=np.str_),
        reasons=tuple(tuple(r["reasons"]) for r in records),
        features=tuple(r.get("features") for r in records),
    )


def _read_day(text: str) -> int | None:
    try:
        return int(days_from_date(date.fromisoformat(text[:10])))
    except ValueError:
        return None


def _decode(text: str | None, width: int) -> NDArray[np.float32] | None:
    if not text:
        return None
    try:
        row = np.frombuffer(a2b_base64(text, strict_mode=True), dtype="<f4")
    except ValueError:
        return None
    return row if len(row) == width else None
