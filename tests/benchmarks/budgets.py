"""What each figure may be: the budgets of `make bench` and `make bench-peers`, and the verdicts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks import contestants
from tests.benchmarks.measuring import BATCHES, COLD, CPU, RECORD, RESIDENT, STAGES, WARM

Medians = Mapping[str, Mapping[str, float]]

OURS, UNRECORDED = contestants.SHIPPED.name, contestants.UNRECORDED.name
PEER, RECORDING_PEER = contestants.FASTAPI.name, contestants.FASTAPI_RECORDING.name
FAR = f"{OURS}, gs:// at 80 ms"
REASONS, WITHOUT, WITH = "one score with reasons, ms", "without", "with"
P99, ALONE, BESIDE = "p99 of single scores, ms", "quiet", "beside 1,000 reasons"
FIRST, ONE, LAST = "80 first requests, ms", "one", "slowest of 80"
ANSWERED, INSTALLED = "first requests answered", "installed, MB"
TRAINING = "training libraries importable"

REACHED, MISSED, STATED = "reached", "**missed**", "stated"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How high something computed of the medians may be or, with `at_least`, must be.

    Without a goal it is only stated.
    """

    what: str
    measured: Callable[[Medians], float]
    unit: str = "x"
    goal: float | None = None
    at_least: bool = False

    def cells(self, medians: Medians) -> list[str]:
        """A line of the table; nothing in it is rounded before it is compared."""
        value = self.measured(medians)
        if self.goal is None:
            return [self.what, self._format(value), "", STATED]
        is_reached = value >= self.goal if self.at_least else value <= self.goal
        limit = f"{'≥' if self.at_least else '≤'} {self._format(self.goal)}"
        return [self.what, self._format(value), limit, REACHED if is_reached else MISSED]

    def _format(self, value: float) -> str:
        return f"{value:,.2f} x" if self.unit == "x" else f"{value:,.0f} {self.unit}".rstrip()


def ratio(figure: str, of: str, to: str) -> Callable[[Medians], float]:
    """One contestant's figure as a multiple of another's."""
    return lambda medians: medians[figure][of] / medians[figure][to]


def figure(name: str, of: str = OURS) -> Callable[[Medians], float]:
    """A figure itself."""
    return lambda medians: medians[name][of]


BUDGETS = (
    Budget(
        what="cold start with `file://`, to the empty function's",
        measured=ratio(COLD, OURS, "empty function"),
        goal=1.7,
    ),
    Budget(
        what="the same with `gs://` at 80 ms a round trip, less that with `file://`",
        measured=lambda medians: medians[COLD][FAR] - medians[COLD][OURS],
        unit="ms",
        goal=120,
    ),
    Budget(
        what="one warm score, p50, to FastAPI + XGBoost, which records nothing",
        measured=ratio(WARM, OURS, PEER),
        goal=0.75,
    ),
    Budget(
        what="one warm score, p50, to FastAPI + XGBoost: both recording",
        measured=ratio(WARM, OURS, RECORDING_PEER),
    ),
    Budget(
        what="CPU of one score, to FastAPI + XGBoost, which records nothing",
        measured=ratio(CPU, OURS, PEER),
        goal=0.7,
    ),
    Budget(
        what="1,000-row batch, rows/s to FastAPI + XGBoost: both recording",
        measured=ratio(BATCHES, OURS, RECORDING_PEER),
        goal=2.5,
        at_least=True,
    ),
    Budget(
        what="1,000-row batch, rows/s to FastAPI + XGBoost: neither recording",
        measured=ratio(BATCHES, UNRECORDED, PEER),
        goal=2.5,
        at_least=True,
    ),
    Budget(
        what="1,000-row batch, rows/s to FastAPI + XGBoost: ours recording, theirs not",
        measured=ratio(BATCHES, OURS, PEER),
        goal=1.2,
        at_least=True,
    ),
    Budget(
        what="1,000-row batch by columns, rows/s to MLServer by columns: neither recording",
        measured=ratio(BATCHES, f"{UNRECORDED}, by columns", "MLServer, by columns"),
        goal=1.0,
        at_least=True,
    ),
    Budget(
        what="a decision record, of 1,000 in a request",
        measured=figure(RECORD),
        unit="bytes",
        goal=700,
    ),
    Budget(
        what="recording a row, of 1,000 in a request",
        measured=figure(STAGES, "record"),
        unit="µs",
        goal=6,
    ),
    Budget(
        what="one score with reasons, to one without",
        measured=ratio(REASONS, WITH, WITHOUT),
        goal=4.0,
    ),
    Budget(
        what="p99 of single scores beside 1,000-row explanations, to its quiet one",
        measured=ratio(P99, BESIDE, ALONE),
        goal=3.0,
    ),
    Budget(
        what="80 first requests at once: answered",
        measured=figure(ANSWERED),
        unit="",
        goal=80,
        at_least=True,
    ),
    Budget(
        what="80 first requests at once: the slowest, to one alone (the cold start)",
        measured=ratio(FIRST, LAST, ONE),
        goal=1.5,
    ),
    Budget(
        what="serving environment: pandas, scikit-learn, shap importable",
        measured=figure(TRAINING),
        unit="",
        goal=0,
    ),
    Budget(
        what="serving environment: installed",
        measured=figure(INSTALLED),
        unit="MB",
        goal=220,
    ),
    Budget(
        what="resident after 1,000 scores",
        measured=figure(RESIDENT),
        unit="MB",
        goal=90,
    ),
)


def verdicts(medians: Medians) -> list[list[str]]:
    """A line for every budget whose figures were measured."""
    lines = []
    for budget in BUDGETS:
        try:
            lines.append(budget.cells(medians))
        except KeyError:  # not of this command
            continue
    return lines
