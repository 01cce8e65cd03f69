"""Training runs as this function sees them, whoever carries them out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training run; `succeeded` means that it ran to its end, whatever it decided.

    `outcome` and `version` are known where the run's own last line can be read.
    """

    execution: str
    state: Literal["running", "succeeded", "failed"]
    started_at: datetime
    finished_at: datetime | None = None
    outcome: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The run under way, or else the last one; and when one last succeeded."""

    latest: Run | None = None
    last_success: datetime | None = None


class Runner(Protocol):
    """Whoever carries out training runs. Both calls may block, and may be refused."""

    def look(self, model: str) -> History:
        """Tell how the runs of a model went."""

    def start(self, model: str) -> str:
        """Start a run and name it; the caller has seen that none is under way."""
