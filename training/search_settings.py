"""How much a training run searches: budgets, given parameters, and a journal to resume."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from models.errors import DataError
from models.estimators.families import Family

if TYPE_CHECKING:
    from training.families.search import SearchPlan

BudgetName = Literal["quick", "standard", "thorough"]
Balance = Literal["weights", "oversample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The bounds of a run: `trials` of each family, and `seconds` of the searches of all.

    A search that ends by its seconds cannot be repeated trial by trial. `is_nested` repeats the
    search of the best family within each fold, for an estimate that the search did not see.
    """

    trials: int
    seconds: float
    measures_constraints: bool
    is_nested: bool


BUDGETS: dict[BudgetName, Budget] = {
    "quick": Budget(trials=0, seconds=0, measures_constraints=False, is_nested=False),
    "standard": Budget(trials=30, seconds=130, measures_constraints=True, is_nested=False),
    "thorough": Budget(trials=150, seconds=2_400, measures_constraints=True, is_nested=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """The budget of a run, and what replaces parts of it.

    `trials` is a count for each family that no clock bounds. `parameters` are fixed, so their
    families are not searched. `balance` is how training rows are balanced, which only parity with
    an earlier system asks for.
    """

    budget: BudgetName = "quick"
    trials: int | None = None
    journal: Path | None = None
    parameters: Mapping[Family, Mapping[str, float]] = field(default_factory=dict)
    balance: Balance | None = None

    @property
    def measures_constraints(self) -> bool:
        """Whether the run also measures what each documented sign costs."""
        return BUDGETS[self.budget].measures_constraints

    def without_search(self, parameters: Mapping[Family, Mapping[str, float]]) -> Self:
        """Return the settings that repeat a run whose families ended with these parameters."""
        chosen = {family: values for family, values in parameters.items() if values}
        is_searched = self.trials is not None or self.budget != "quick"
        trials = 0 if is_searched else None
        return replace(self, trials=trials, journal=None, parameters=chosen)

    def to_words(self) -> list[str]:
        """Return the words of the command line that set all this."""
        words = [] if self.budget == "quick" else ["--budget", self.budget]
        words += [] if self.trials is None else ["--trials", str(self.trials)]
        words += ["--journal", str(self.journal)] if self.journal else []
        words += ["--balance", self.balance] if self.balance else []
        if self.parameters:
            values = {family: dict(chosen) for family, chosen in self.parameters.items()}
            words += ["--parameters", json.dumps(values, sort_keys=True)]
        return words


QUICK_SEARCH = SearchSettings()


def plan_search(settings: SearchSettings) -> "SearchPlan":
    """Plan the searches of a run, bounded by the machine's clock unless trials are counted.

    Raises
    ------
    DataError
        If given parameters are not those of a family, or a journal is named without a search.
    """
    # Optuna takes a second to import, and the command line needs the settings only.
    from training.families.search import SearchPlan  # noqa: PLC0415
    from training.families.search_space import check_parameters  # noqa: PLC0415 -- likewise

    for family, parameters in settings.parameters.items():
        check_parameters(family, parameters)
    budget = BUDGETS[settings.budget]
    trials = budget.trials if settings.trials is None else settings.trials
    if settings.journal is not None and not trials:
        message = "--journal keeps the trials of a search, and this run has none; set --trials"
        raise DataError(message)
    return SearchPlan(
        trials=trials,
        seconds=budget.seconds if settings.trials is None else math.inf,
        journal=settings.journal,
        is_nested=budget.is_nested,
        clock=time.monotonic,
    )


def parse_parameters(text: str) -> dict[Family, dict[str, float]]:
    """Parse `--parameters`: a JSON object of families, each an object of parameters.

    Raises
    ------
    DataError
        If the text is not such an object.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        message = f"--parameters must be a JSON object of families, got {text!r}: {error}"
        raise DataError(message) from error
    if not isinstance(document, dict) or not all(isinstance(v, dict) for v in document.values()):
        message = f'--parameters must be like {{"lightgbm": {{"num_leaves": 8}}}}, got {text!r}'
        raise DataError(message)
    return document
