"""The large fit: batches of rows into quantised columns, and trees from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from xgboost import Booster, DataIter, QuantileDMatrix, XGBClassifier
from xgboost import train as train_booster
from xgboost.callback import TrainingCallback

from training.progress import say, show_steps
from training.streaming.selected_rows import SelectedRows

MAX_BIN = 256  # XGBoost's own

Advance = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """The parameters of XGBoost, how many trees to grow, and threads of one machine."""

    parameters: Mapping[str, Any]
    rounds: int
    threads: int

    @classmethod
    def from_classifier(cls, classify: XGBClassifier, threads: int) -> Self:
        """Return what a classifier of the families would be fitted with."""
        parameters = {n: v for n, v in classify.get_xgb_params().items() if v is not None}
        rounds = classify.get_num_boosting_rounds()
        return cls(parameters=parameters, rounds=rounds, threads=threads)

    def with_threads(self, threads: int) -> Self:
        """Return the same with another number of threads."""
        return replace(self, threads=threads)


def fit_here(boosting: Boosting, selected: SelectedRows) -> Booster:
    """Fit trees on this machine to rows that are never in memory at once.

    The result equals a fit in memory to the same rows, byte for byte, whatever the batches are.
    """
    say(f"large fit: quantising {len(selected.labels)} rows, which are read four times")
    matrix = quantise(selected, boosting.threads)
    with show_steps("trees", boosting.rounds) as advance:
        return boost(boosting, matrix, [_Progress(advance)])


def quantise(selected: SelectedRows, threads: int) -> QuantileDMatrix:
    """Read rows in batches, and put every number into one of `MAX_BIN` bins."""
    return QuantileDMatrix(_Batches(selected), max_bin=MAX_BIN, nthread=threads)


def boost(
    boosting: Boosting, matrix: QuantileDMatrix, callbacks: Sequence[TrainingCallback] = ()
) -> Booster:
    """Grow the trees."""
    parameters = {**boosting.parameters, "n_jobs": boosting.threads}
    booster: Booster = train_booster(parameters, matrix, boosting.rounds, callbacks=list(callbacks))
    return booster


class _Batches(DataIter):
    """Hands batches to XGBoost, which reads all of them several times."""

    def __init__(self, selected: SelectedRows) -> None:
        super().__init__()
        self.selected = selected
        self.batches = selected.read_matrices()

    def next(self, input_data: Callable[..., None]) -> bool:
        batch = next(self.batches, None)
        if batch is None:
            return False
        matrix, labels = batch
        input_data(data=matrix, label=labels)  # without names, as in memory
        return True

    def reset(self) -> None:
        self.batches = self.selected.read_matrices()


class _Progress(TrainingCallback):
    """Advances after each tree."""

    def __init__(self, advance: Advance) -> None:
        super().__init__()
        self.advance = advance

    def after_iteration(self, model: Booster, epoch: int, evals_log: object) -> bool:  # noqa: ARG002 -- XGBoost's names
        self.advance()
        return False
