"""`make bench-accuracy`: every family beside what others would train, on the same 5 x 5 splits.

Protected fields are left out and documented signs hold in all models of ours. Each finished split
is kept in var/accuracy, so that a run that was stopped goes on where it ended. docs/accuracy.md is
written from docs/figures/accuracy.json, which holds what the splits gave.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from xgboost import XGBClassifier

from models.calibration import BetaCalibration, calibrate
from models.catalogue.card_default import CardDefault
from models.catalogue.german_credit import GermanCredit
from models.contract import CreditModel, name_from_model
from models.features import Matrix, columns_from_applications, matrix_from_columns
from models.metrics import Labels, Probabilities
from models.scorer import probabilities_from_log_odds
from tests.benchmarks.accuracy_report import DOCUMENT, FIGURES, render, summarise
from tests.support.running import REPOSITORY
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.folds import FoldedData, predict_held
from training.families.search import SearchPlan, search
from training.families.search_space import SPACES
from training.families.selection import compare_families
from training.progress import say, show_steps
from training.reading.row_validation import check_rows
from training.reading.sources import read_source

CACHE = REPOSITORY / "var" / "accuracy"
DATA: tuple[type[CreditModel], ...] = (GermanCredit, CardDefault)
REPEATS, FOLDS, TRIALS, CALIBRATED_SPLITS = 5, 5, 8, 2
FEW_ROWS = 5_000  # below which a second thread only waits
SEED = 42

Predictions = dict[str, Probabilities]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One split of a data set: `repeat` and `fold` number it from 0."""

    repeat: int
    fold: int
    data: FoldedData

    @property
    def train(self) -> NDArray[np.int64]:
        """Indices of the rows that models are fitted to."""
        return self.data.folds[self.fold][0]


def main() -> None:
    """Measure what is missing, within the minutes, and write the figures and the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one split of the small set")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="start no split after them")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    cache = options.cache / "quick" if options.quick else options.cache
    results: dict[str, Any] = {}
    for model in DATA[:1] if options.quick else DATA:
        count = 1 if options.quick else REPEATS * FOLDS
        results[name_from_model(model)] = measure(model, cache, count, end)
    if options.quick:
        print(json.dumps(results, indent=1))
        return
    FIGURES.write_text(json.dumps(results, indent=1) + "\n")
    DOCUMENT.write_text(render(results))


def measure(model: type[CreditModel], cache: Path, count: int, end: float) -> dict[str, Any]:
    """Predict the held-out rows of the first `count` splits, and sum up those that are finished."""
    frame, labels = read_rows(model)
    files: list[tuple[Split, Path]] = []
    with show_steps(f"splits of {name_from_model(model)}", count) as advance:
        for split in list(split_rows(model, frame, labels))[:count]:
            path = cache / f"{name_from_model(model)}-{split.repeat}-{split.fold}.npz"
            if not path.exists():
                if time.monotonic() > end:
                    say(f"{path.stem}: not measured, the minutes are over")
                    break
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, **predict_split(model, split, cache))  # type: ignore[arg-type]  # arrays
            files.append((split, path))
            advance()
    splits = [(s.data.folds[s.fold][1], s, dict(np.load(path))) for s, path in files]
    return summarise(labels, [(held, s.repeat, predicted) for held, s, predicted in splits])


def read_rows(model: type[CreditModel]) -> tuple[Matrix, Labels]:
    """Read the bundled rows of a model, without protected fields."""
    rows = check_rows(model, read_source(model, None, SEED).frame, 0.01)
    return matrix_from_columns(
        model, columns_from_applications(model, rows.applications)
    ), rows.labels


def split_rows(model: type[CreditModel], matrix: Matrix, labels: Labels) -> Iterator[Split]:
    """Split rows five times into five folds."""
    frame = frame_from_matrix(model, matrix)
    for repeat in range(REPEATS):
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=repeat)
        data = FoldedData(frame, labels, tuple(splitter.split(frame, labels)))
        yield from (Split(repeat, fold, data) for fold in range(FOLDS))


def predict_split(model: type[CreditModel], split: Split, cache: Path) -> Predictions:
    """Predict held-out rows by every contestant. Searches and calibrations use no such row."""
    fit = Fit(model, SEED, threads=1 if len(split.data.labels) < FEW_ROWS else 2)
    parameters = search_split(fit, split, cache)
    tuned = {
        name: candidate.with_parameters(parameters[name]) for name, candidate in tunable().items()
    }
    ours: dict[str, Candidate] = {c.family: c for c in CANDIDATES}
    ours |= {name: c for name, c in tuned.items() if not name.endswith("free")}
    predictions = {n: predict(fit, split, c) for n, c in tuned.items() if n.endswith("free")}
    log_odds = {name: predict_log_odds(fit, split, candidate) for name, candidate in ours.items()}
    calibrations: Mapping[str, BetaCalibration] = {}
    if split.repeat == 0 and split.fold < CALIBRATED_SPLITS:
        calibrations = calibrate_split(fit, split, ours)
    for name, values in log_odds.items():
        predictions[name] = probabilities_from_log_odds(
            calibrate(values, calibrations.get(name, BetaCalibration()))
        )
        if calibrations:
            predictions[f"{name}, not calibrated"] = probabilities_from_log_odds(values)
    return predictions | predict_rivals(fit, split)


def tunable() -> dict[str, Candidate]:
    """The contestants whose parameters are searched: of ours, and without constraints."""
    own = {f"{c.family}, tuned": c for c in CANDIDATES if c.family in SPACES}
    free = {f"{family}, tuned and free": free_candidate(family) for family in FREE}
    return own | free


def _free_xgboost(fit: Fit) -> Pipeline:
    [own] = [c for c in CANDIDATES if c.family == "xgboost"]
    return own.build(fit).set_params(classify__monotone_constraints=None)


def _free_lightgbm(fit: Fit) -> Pipeline:
    [own] = [c for c in CANDIDATES if c.family == "lightgbm"]
    return own.build(fit).set_params(
        classify__monotone_constraints=None, classify__monotone_constraints_method="basic"
    )


FREE: dict[str, Callable[[Fit], Pipeline]] = {"xgboost": _free_xgboost, "lightgbm": _free_lightgbm}


def free_candidate(family: str) -> Candidate:
    """A family of trees without its monotone constraints."""
    return Candidate("xgboost" if family == "xgboost" else "lightgbm", FREE[family])


def search_split(fit: Fit, split: Split, cache: Path) -> dict[str, dict[str, float]]:
    """Search within the training rows of the first repeat; later ones use what it found."""
    path = cache / f"{name_from_model(fit.model)}-parameters-{split.fold}.json"
    if not path.exists():
        if split.repeat:
            message = f"{path} is missing: measure the first repeat again"
            raise FileNotFoundError(message)
        data = split.data.select(split.train).fold(FOLDS, seed=fit.seed)
        plan = SearchPlan(trials=TRIALS)
        results = {name: search(c, fit, data, plan).parameters for name, c in tunable().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({name: dict(chosen) for name, chosen in results.items()}))
    parameters: dict[str, dict[str, float]] = json.loads(path.read_text())
    return parameters


def calibrate_split(
    fit: Fit, split: Split, ours: Mapping[str, Candidate]
) -> dict[str, BetaCalibration]:
    """Calibrate every model of ours by cross-validation within the training rows."""
    data = split.data.select(split.train).fold(FOLDS, fit.seed)
    results = {
        name: compare_families(fit, [candidate], data)[0] for name, candidate in ours.items()
    }
    return {name: result.calibration.calibration for name, result in results.items()}


def predict_log_odds(fit: Fit, split: Split, candidate: Candidate) -> NDArray[np.float64]:
    """Predict held-out rows, before calibration."""
    return predict_held(candidate, fit, split.data, split.data.folds[split.fold])


def predict(fit: Fit, split: Split, candidate: Candidate) -> Probabilities:
    """Predict held-out rows as the model itself does, without calibration."""
    return probabilities_from_log_odds(predict_log_odds(fit, split, candidate))


def predict_rivals(fit: Fit, split: Split) -> Predictions:
    """Predict held-out rows by what others would train: library defaults, and balanced rows."""
    xgboost = Candidate("xgboost", lambda f: _wrap(XGBClassifier(n_jobs=f.threads, random_state=1)))
    lightgbm = Candidate(
        "lightgbm",
        lambda f: _wrap(LGBMClassifier(n_jobs=f.threads, random_state=1, verbose=-1)),
    )
    rivals = {
        "XGBoost, library defaults": xgboost,
        "LightGBM, library defaults": lightgbm,
        "plain logistic regression": Candidate("logistic", _plain_logistic),
    }
    [boosted] = [c for c in CANDIDATES if c.family == "xgboost"]
    for balance, word in (("weights", "class weights"), ("oversample", "SMOTE")):
        rivals[f"plain logistic regression, {word}"] = rivals[
            "plain logistic regression"
        ].with_balance(balance)  # type: ignore[arg-type]  # one of the two
        rivals[f"xgboost, {word}"] = boosted.with_balance(balance)  # type: ignore[arg-type]
    return {name: predict(fit, split, candidate) for name, candidate in rivals.items()}


def _wrap(classifier: Any) -> Pipeline:  # noqa: ANN401 -- classifiers have no types
    return Pipeline([("array", FunctionTransformer(np.asarray)), ("classify", classifier)])


def _plain_logistic(_: Fit) -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=2_000),
    )


if __name__ == "__main__":
    main()
