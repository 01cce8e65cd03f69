"""The families that compete: scikit-learn pipelines over the model's own matrix of features."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from models.contract import CreditModel
from models.estimators import Family
from models.features import Matrix, features
from training.signed import SignedLogisticRegression

LOGISTIC_ITERATIONS = 2_000


@dataclass(frozen=True, slots=True)
class Fit:
    """What a candidate needs to know beside its data."""

    model: type[CreditModel]
    seed: int
    threads: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family and how its unfitted pipeline is made."""

    family: Family
    build: Callable[[Fit], Pipeline]


def frame_from_matrix(model: type[CreditModel], matrix: Matrix) -> pd.DataFrame:
    """Name the columns of a matrix, as the pipelines select them."""
    return pd.DataFrame(matrix, columns=[f.name for f in features(model)])


def logistic(fit: Fit) -> Pipeline:
    """Build a logistic regression: numbers imputed and standardised, documented signs kept."""
    numbers = [f.name for f in features(fit.model) if f.equals is None]
    indicators = [f.name for f in features(fit.model) if f.equals is not None]
    signs = [f.sign for f in features(fit.model) if f.equals is None] + [0] * len(indicators)
    scale = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("standardise", StandardScaler()),
        ]
    )
    columns = ColumnTransformer(
        [("numbers", scale, numbers), ("indicators", "passthrough", indicators)]
    )
    classify = SignedLogisticRegression(signs=signs, max_iter=LOGISTIC_ITERATIONS)
    return Pipeline([("columns", columns), ("classify", classify)])


def xgboost(fit: Fit) -> Pipeline:
    """Build boosted trees whose documented signs are monotone constraints."""
    names = [f.name for f in features(fit.model)]
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
    columns = ColumnTransformer([("all", "passthrough", names)])
    return Pipeline([("columns", columns), ("classify", classify)])


# The plainer family first: it wins ties.
CANDIDATES = (Candidate("logistic", logistic), Candidate("xgboost", xgboost))
