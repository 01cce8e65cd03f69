"""Search for the parameters of a family by Optuna, on the training rows alone.

The objective is what families are compared by: the out-of-fold log-loss after calibration. Folds
differ from those of the comparison. The first trial has the parameters of the family itself.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial, TrialState

from models.calibration import calibrate
from models.contract import name_from_model
from models.metrics import log_loss
from models.scorer import probabilities_from_log_odds
from models.weighting import select_weights
from training.families.calibration_fit import OutOfFold, choose_calibration, fit_beta
from training.families.candidates import Candidate, Fit
from training.families.folds import FoldedData, predict_folds, predict_held
from training.families.search_space import SPACES, Parameters
from training.progress import show_steps

SEARCH_FOLDS = 3
STARTUP_TRIALS = 4  # that are never pruned
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """The bounds of a search: trials of each family, seconds of all, and a journal to resume.

    `clock` returns seconds. It is read between trials, so that seconds bound a search and decide
    nothing else.
    """

    trials: int
    seconds: float = math.inf
    journal: Path | None = None
    is_nested: bool = False
    clock: Clock = lambda: 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """A finished search: how many trials it made, why it ended, and the best parameters.

    `parameters` are those of the best trial, and `log_loss` is its loss on the search's own folds.
    `default_log_loss` is that of the family's own parameters. `nested_log_loss` comes from
    searches that never saw the rows they are judged on; it is None unless the plan is nested.
    """

    trials: int
    pruned: int
    seconds: float
    ended_by: Literal["trials", "seconds"]
    parameters: Parameters
    log_loss: float
    default_log_loss: float
    nested_log_loss: float | None = None


def search(candidate: Candidate, fit: Fit, data: FoldedData, plan: SearchPlan) -> SearchResult:
    """Search for better parameters of a candidate, or go on with the search of a journal."""
    folded = data.fold(SEARCH_FOLDS, fit.seed + 1)
    study = _open_study(candidate, fit, folded, plan.journal)
    start = plan.clock()
    with show_steps(f"search of {candidate.family}", plan.trials) as advance:
        while (count := _count(study, *FINISHED)) < plan.trials:
            if count and plan.clock() - start >= plan.seconds:
                break
            # A sampler is seeded anew for each trial, so a resumed search equals a straight one.
            study.sampler = TPESampler(seed=(fit.seed + count) % 2**32)
            trial = study.ask(SPACES[candidate.family])
            loss = _measure_loss(candidate.with_parameters(trial.params), fit, folded, trial)
            state = TrialState.PRUNED if loss is None else TrialState.COMPLETE
            study.tell(trial, loss, state=state)
            advance()
    return SearchResult(
        trials=count,
        pruned=_count(study, TrialState.PRUNED),
        seconds=plan.clock() - start,
        ended_by="trials" if count >= plan.trials else "seconds",
        parameters=study.best_params,
        log_loss=study.best_value,
        default_log_loss=float(study.get_trials(states=FINISHED)[0].values[0]),
    )


def measure_nested_loss(
    candidate: Candidate, fit: Fit, data: FoldedData, plan: SearchPlan
) -> float:
    """Search within each fold, and return the calibrated log-loss of its held-out rows.

    Each fold has its share of the plan's trials and seconds. No journal is kept.
    """
    count = len(data.folds)
    share = SearchPlan(
        trials=max(plan.trials // count, 1), seconds=plan.seconds / count, clock=plan.clock
    )
    log_odds, fold_indices = np.empty(len(data.labels)), np.empty(len(data.labels), np.int64)
    for fold, (fitted, held) in enumerate(data.folds):
        part = data.select(fitted)
        parameters = search(candidate, fit, part, share).parameters
        tuned = candidate.with_parameters(parameters)
        log_odds[held] = predict_held(tuned, fit, data, (fitted, held))
        fold_indices[held] = fold
    out_of_fold = OutOfFold(log_odds, fold_indices)
    return choose_calibration(out_of_fold, data.labels, data.weights).log_loss


def _open_study(
    candidate: Candidate, fit: Fit, data: FoldedData, journal: Path | None
) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=_open_storage(journal),
        study_name=_name_study(candidate, fit, data),
        pruner=MedianPruner(n_startup_trials=STARTUP_TRIALS),
        load_if_exists=True,
    )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # of a process that was killed
        study.tell(trial.number, state=TrialState.FAIL)
    if not _count(study, *FINISHED, TrialState.WAITING):
        study.enqueue_trial(_read_defaults(candidate, fit))
    return study


def _open_storage(journal: Path | None) -> BaseStorage:
    if journal is None:
        return InMemoryStorage()
    journal.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(journal)))


def _name_study(candidate: Candidate, fit: Fit, data: FoldedData) -> str:
    """Name a study by all that its trials depend on, so that a journal never mixes two."""
    digest = hashlib.sha256(np.ascontiguousarray(data.frame.to_numpy()).tobytes())
    digest.update(data.labels.tobytes())
    digest.update(b"" if data.weights is None else data.weights.tobytes())
    digest.update(repr(sorted(candidate.parameters.items())).encode())
    model_name = name_from_model(fit.model)
    return f"{model_name} {candidate.family} seed {fit.seed} {digest.hexdigest()[:16]}"


def _read_defaults(candidate: Candidate, fit: Fit) -> dict[str, float]:
    own = candidate.build(fit).named_steps["classify"].get_params()
    return {name: own[name] for name in SPACES[candidate.family]}


def _measure_loss(candidate: Candidate, fit: Fit, data: FoldedData, trial: Trial) -> float | None:
    """Cross-validate the parameters of a trial. Return None if it falls behind after a fold."""
    labels = data.labels
    log_odds, fold_indices = np.empty(len(labels)), np.empty(len(labels), dtype=np.int64)
    losses = []
    for fold, (held, predicted) in enumerate(predict_folds(candidate, fit, data)):
        log_odds[held], fold_indices[held] = predicted, fold
        weights = select_weights(data.weights, held)
        calibrated = calibrate(predicted, fit_beta(predicted, labels[held], weights))
        losses.append(log_loss(labels[held], probabilities_from_log_odds(calibrated), weights))
        trial.report(float(np.mean(losses)), fold)
        if fold < len(data.folds) - 1 and trial.should_prune():
            return None
    return choose_calibration(OutOfFold(log_odds, fold_indices), labels, data.weights).log_loss


def _count(study: optuna.Study, *states: TrialState) -> int:
    return len(study.get_trials(deepcopy=False, states=states))
