"""Training runs as this function sees them, whatever carries them out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

RunState = Literal["idle", "running", "succeeded", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training run; `succeeded` means that it ran to its end, whatever it decided.

    `outcome` and `version` are known only where the run's own last line can be read.
    """

    execution: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None = None
    outcome: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The run in progress, or else the last one; and when one last succeeded."""

    latest: Run | None = None
    last_success: datetime | None = None


class Runner(Protocol):
    """Carries out training runs. Both calls may block, and may raise."""

    def look(self, model_name: str) -> History:
        """Report how the runs of a model went."""

    def start(self, model_name: str) -> str:
        """Start a run and return its name; the caller has checked that none is in progress."""
