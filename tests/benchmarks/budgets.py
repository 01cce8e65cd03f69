"""What each figure may be: the budgets of `make bench`, first and in the end, and the verdicts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks.measuring import BATCHES, COLD, CPU, RESIDENT, WARM

Medians = Mapping[str, Mapping[str, float]]

FAR = "surety, gs:// at 80 ms"
REASONS, WITHOUT, WITH = "one score with reasons, ms", "without", "with"
P99, ALONE, BESIDE = "p99 of single scores, ms", "quiet", "beside 1,000 reasons"
FIRST, ONE, LAST = "80 first requests, ms", "one", "slowest of 80"
ANSWERED, INSTALLED = "first requests answered", "installed, MB"
TRAINING = "training libraries importable"

REACHED, MISSED, STATED = "reached", "**missed**", "stated"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How high something computed of the medians may be or, with `at_least`, must be.

    `beside` is the same of an empty ASGI function.
    """

    what: str
    measured: Callable[[Medians], float]
    unit: str = "x"
    first: float | None = None
    end: float | None = None
    at_least: bool = False
    beside: Callable[[Medians], float] | None = None

    def cells(self, medians: Medians) -> list[str]:
        """A line of the table; nothing in it is rounded before it is compared."""
        value = self.measured(medians)
        beside = self._format(self.beside(medians)) if self.beside else ""
        limits = [cell for limit in (self.first, self.end) for cell in self._verdict(value, limit)]
        return [self.what, self._format(value), *limits, beside]

    def _verdict(self, value: float, limit: float | None) -> tuple[str, str]:
        if limit is None:
            return "", STATED
        is_reached = value >= limit if self.at_least else value <= limit
        return (
            f"{'≥' if self.at_least else '≤'} {self._format(limit)}",
            REACHED if is_reached else MISSED,
        )

    def _format(self, value: float) -> str:
        return f"{value:,.2f} x" if self.unit == "x" else f"{value:,.0f} {self.unit}".rstrip()


def ratio(figure: str, of: str, to: str) -> Callable[[Medians], float]:
    """One contestant's figure as a multiple of another's."""
    return lambda medians: medians[figure][of] / medians[figure][to]


def figure(name: str, of: str = "surety") -> Callable[[Medians], float]:
    """A figure itself."""
    return lambda medians: medians[name][of]


BUDGETS = (
    Budget(
        what="cold start with `file://`, to the empty function's",
        measured=ratio(COLD, "surety", "empty function"),
        first=3.2,
        end=1.8,
        beside=ratio(COLD, "surety", "empty ASGI"),
    ),
    Budget(
        what="the same with `gs://` at 80 ms a round trip, less that with `file://`",
        measured=lambda medians: medians[COLD][FAR] - medians[COLD]["surety"],
        unit="ms",
        end=2 * 80 + 60,
    ),
    Budget(
        what="one warm score, validated and logged, p50, to the empty function's",
        measured=ratio(WARM, "surety", "empty function"),
        first=2.0,
        end=0.8,
        beside=ratio(WARM, "surety", "empty ASGI"),
    ),
    Budget(
        what="CPU of one score, validated and logged",
        measured=figure(CPU),
        unit="µs",
        end=150,
        beside=figure(CPU, "empty ASGI"),
    ),
    Budget(
        what="1,000-row batch, rows/s to those of FastAPI + XGBoost",
        measured=ratio(BATCHES, "surety", "FastAPI + XGBoost"),
        first=1.5,
        end=2.5,
        at_least=True,
    ),
    Budget(
        what="1,000-row batch by columns, rows/s to those of MLServer by columns",
        measured=ratio(BATCHES, "surety, by columns", "MLServer, by columns"),
        end=1.0,
        at_least=True,
    ),
    Budget(
        what="one score with reasons, to one without",
        measured=ratio(REASONS, WITH, WITHOUT),
        end=4.0,
    ),
    Budget(
        what="p99 of single scores beside 1,000-row explanations, to its quiet one",
        measured=ratio(P99, BESIDE, ALONE),
        end=3.0,
    ),
    Budget(
        what="80 first requests at once: answered",
        measured=figure(ANSWERED),
        unit="",
        first=80,
        end=80,
        at_least=True,
    ),
    Budget(
        what="80 first requests at once: the slowest, to one alone (the cold start)",
        measured=ratio(FIRST, LAST, ONE),
        end=1.5,
    ),
    Budget(
        what="serving environment: pandas, scikit-learn, shap importable",
        measured=figure(TRAINING),
        unit="",
        first=0,
        end=0,
    ),
    Budget(
        what="serving environment: installed",
        measured=figure(INSTALLED),
        unit="MB",
        end=220,
    ),
    Budget(
        what="resident after 1,000 scores",
        measured=figure(RESIDENT),
        unit="MB",
        end=90,
        beside=figure(RESIDENT, "empty ASGI"),
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
