"""Candidate families: scikit-learn pipelines over the feature matrix of a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from xgboost import XGBClassifier, XGBRFClassifier

from models.contract import CreditModel
from models.errors import DataError, LibraryMissingError
from models.estimators.families import Family
from models.features import Matrix, features
from models.metrics import Labels
from models.weighting import Weights
from training.families.balance import BalancedPipeline
from training.families.formula_search import SparseAdditiveClassifier
from training.families.number_standardiser import NumberStandardiser
from training.families.signed_logistic import SignedLogisticRegression
from training.families.woe import WoeTransformer
from training.search_settings import Balance

LOGISTIC_ITERATIONS = 2_000
WEIGHTED_STEPS = ("standardise", "woe", "classify")  # of a pipeline, that use sample weights


@dataclass(frozen=True, slots=True)
class Fit:
    """The parameters of a candidate besides its data."""

    model: type[CreditModel]
    seed: int
    threads: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family, and the function that builds its unfitted pipeline.

    `parameters` are those of its classifier that differ from the family's own. `balance` tells how
    its training rows are balanced, if they are.
    """

    family: Family
    build: Callable[[Fit], Pipeline]
    parameters: Mapping[str, float] = field(default_factory=dict)
    balance: Balance | None = None

    def with_parameters(self, parameters: Mapping[str, float]) -> "Candidate":
        """Return the same family with other parameters of its classifier."""

        def build(fit: Fit) -> Pipeline:
            steps = {f"classify__{name}": value for name, value in parameters.items()}
            return self.build(fit).set_params(**steps)

        return replace(self, build=build, parameters={**self.parameters, **parameters})

    def with_balance(self, balance: Balance | None) -> "Candidate":
        """Return the same family, fitted to balanced rows, or to the rows as they are."""
        if balance is None:
            return self

        def build(fit: Fit) -> Pipeline:
            return BalancedPipeline(self.build(fit).steps, balance=balance, seed=fit.seed)

        return replace(self, build=build, balance=balance)

    def fit(
        self, fit: Fit, frame: pd.DataFrame, labels: Labels, weights: Weights | None = None
    ) -> Pipeline:
        """Build the pipeline and fit it. A row of weight 2 counts as two equal rows.

        Raises
        ------
        DataError
            If rows are to be balanced and have weights.
        """
        pipeline = self.build(fit)
        if weights is None:
            return pipeline.fit(frame, labels)
        if self.balance is not None:
            message = "--balance and --weight-column exclude each other; leave out one of them"
            raise DataError(message)
        steps = [name for name in WEIGHTED_STEPS if name in pipeline.named_steps]
        return pipeline.fit(frame, labels, **{f"{name}__sample_weight": weights for name in steps})


def frame_from_matrix(model: type[CreditModel], matrix: Matrix) -> pd.DataFrame:
    """Return a matrix as a frame with column names, by which the pipelines select columns."""
    return pd.DataFrame(matrix, columns=[f.name for f in features(model)])


def build_logistic(fit: Fit) -> Pipeline:
    """Build a logistic regression: imputed and standardised numbers, documented signs enforced."""
    numbers = [f.name for f in features(fit.model) if f.equals is None]
    indicators = [f.name for f in features(fit.model) if f.equals is not None]
    signs = [f.sign for f in features(fit.model) if f.equals is None] + [0] * len(indicators)
    columns = ColumnTransformer(
        [("numbers", "passthrough", numbers), ("indicators", "passthrough", indicators)]
    )
    standardise = NumberStandardiser(count=len(numbers))
    classify = SignedLogisticRegression(signs=signs, max_iter=LOGISTIC_ITERATIONS)
    return Pipeline([("columns", columns), ("standardise", standardise), ("classify", classify)])


def build_scorecard(fit: Fit) -> Pipeline:
    """Build a scorecard on weights of evidence, none of which may have the wrong sign."""
    woe = WoeTransformer(features=features(fit.model))
    characteristics = {f.characteristic for f in features(fit.model)}
    classify = SignedLogisticRegression(
        signs=[-1] * len(characteristics), max_iter=LOGISTIC_ITERATIONS
    )
    return Pipeline([("columns", _pass_all(fit)), ("woe", woe), ("classify", classify)])


def build_additive(fit: Fit) -> Pipeline:
    """Build a sparse additive model with interactions. Every term follows documented signs."""
    classify = SparseAdditiveClassifier(features=features(fit.model), seed=fit.seed)
    return Pipeline([("columns", _pass_all(fit)), ("classify", classify)])


def build_random_forest(fit: Fit) -> Pipeline:
    """Build a random forest, grown by XGBoost, with documented signs as monotone constraints."""
    classify = XGBRFClassifier(
        n_estimators=200,
        max_depth=8,
        min_child_weight=5,
        subsample=0.7,
        colsample_bynode=0.3,
        monotone_constraints=tuple(f.sign for f in features(fit.model)),
        random_state=fit.seed,
        n_jobs=fit.threads,
    )
    return Pipeline([("columns", _pass_all(fit)), ("classify", classify)])


def build_xgboost(fit: Fit) -> Pipeline:
    """Build boosted trees with documented signs as monotone constraints."""
    classify = XGBClassifier(
        n_estimators=400,
        learning_rate=0.03,
        max_depth=4,
        min_child_weight=10,
        subsample=0.7,
        colsample_bytree=0.5,
        reg_lambda=5,
        monotone_constraints=tuple(f.sign for f in features(fit.model)),
        random_state=fit.seed,
        n_jobs=fit.threads,
    )
    return Pipeline([("columns", _pass_all(fit)), ("classify", classify)])


def build_lightgbm(fit: Fit) -> Pipeline:
    """Build boosted trees by LightGBM with documented signs as monotone constraints.

    Inputs are rounded to single precision, in which the exported trees compare.

    Raises
    ------
    LibraryMissingError
        If the system has no OpenMP library, which LightGBM's package does not bring.
    """
    classify = _import_lightgbm()(
        n_estimators=300,
        learning_rate=0.03,
        num_leaves=12,
        max_depth=5,
        min_child_samples=40,
        subsample=0.7,
        subsample_freq=1,
        colsample_bytree=0.5,
        reg_lambda=5,
        monotone_constraints=[f.sign for f in features(fit.model)],
        # Not "advanced": LightGBM 4.7 then breaks signs in a few rows of ten thousand.
        monotone_constraints_method="intermediate",
        random_state=fit.seed,
        n_jobs=fit.threads,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
    single = FunctionTransformer(_round_to_single)
    return Pipeline([("columns", _pass_all(fit)), ("round", single), ("classify", classify)])


def _import_lightgbm() -> Any:  # noqa: ANN401 -- a class without types
    try:
        from lightgbm import LGBMClassifier  # noqa: PLC0415 -- the other families do without
    except OSError as error:
        message = (
            f"the family lightgbm cannot be loaded: {error}; install the system's OpenMP library "
            "(libgomp1 on Debian), or choose other families with --family"
        )
        raise LibraryMissingError(message) from error
    return LGBMClassifier


def _round_to_single(matrix: Matrix) -> NDArray[np.float32]:
    return np.asarray(matrix, dtype=np.float32)


def _pass_all(fit: Fit) -> ColumnTransformer:
    """Pass every column through unchanged."""
    return ColumnTransformer([("all", "passthrough", [f.name for f in features(fit.model)])])


# In order of simplicity: the simpler family wins a tie.
CANDIDATES = (
    Candidate("logistic", build_logistic),
    Candidate("scorecard", build_scorecard),
    Candidate("additive", build_additive),
    Candidate("random_forest", build_random_forest),
    Candidate("xgboost", build_xgboost),
    Candidate("lightgbm", build_lightgbm),
)
