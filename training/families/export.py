"""Export of fitted scikit-learn pipelines to estimators that are served, with a parity check."""

import numpy as np
from sklearn.pipeline import Pipeline

from models.contract import CreditModel
from models.errors import ModelRefusedError
from models.estimators.families import Additive, Estimator, Family, estimator_from_bytes
from models.estimators.formula import Formula, Term, Value
from models.features import Matrix, features
from models.metrics import Probabilities
from models.scorer import probabilities_from_log_odds
from training.families.candidates import frame_from_matrix
from training.families.lightgbm_export import ubjson_from_lightgbm

PARITY_TOLERANCE = 1e-6  # in probability


def export(family: Family, pipeline: Pipeline, model: type[CreditModel]) -> Estimator:
    """Export a fitted pipeline of `training.families.candidates`."""
    classify = pipeline.named_steps["classify"]
    if family == "lightgbm":
        dump = classify.booster_.dump_model()
        return estimator_from_bytes(family, ubjson_from_lightgbm(dump))
    if family == "xgboost" or family == "random_forest":  # noqa: PLR1714 -- mypy narrows this only
        return estimator_from_bytes(family, bytes(classify.get_booster().save_raw("ubj")))
    if family == "additive":
        return Additive(family, classify.formula_)
    if family == "scorecard":
        return Additive(family, _formula_from_scorecard(pipeline, model))
    return Additive(family, _formula_from_logistic(pipeline, model))


def check_parity(
    estimator: Estimator, pipeline: Pipeline, model: type[CreditModel], matrix: Matrix
) -> None:
    """Score rows with the estimator and with its pipeline, before calibration, and compare.

    Raises
    ------
    ModelRefusedError
        If the two scores of a row differ by more than `PARITY_TOLERANCE`.
    """
    fitted = pipeline.predict_proba(frame_from_matrix(model, matrix))[:, 1]
    check_predictions(estimator, fitted, matrix)


def check_predictions(estimator: Estimator, fitted: Probabilities, matrix: Matrix) -> None:
    """Compare what an estimator answers with the probabilities of what it was exported from.

    Errors are those of `check_parity`.
    """
    served = probabilities_from_log_odds(estimator.log_odds(matrix))
    off = float(np.abs(served - fitted).max())
    if not off <= PARITY_TOLERANCE:
        message = f"the exported {estimator.family} differs from its pipeline by {off:.3g}"
        raise ModelRefusedError(message)


def _formula_from_scorecard(pipeline: Pipeline, model: type[CreditModel]) -> Formula:
    """Multiply weights of evidence by their coefficients: the unscaled points of each bin."""
    classify = pipeline.named_steps["classify"]
    weighted = zip(classify.coef_[0].tolist(), pipeline.named_steps["woe"].woe_, strict=True)
    return Formula(
        features=tuple(f.name for f in features(model)),
        intercept=float(classify.intercept_[0]),
        terms=tuple(
            Term(weight=weight * term.weight, shapes=term.shapes)
            for weight, terms in weighted
            for term in terms
            if weight * term.weight
        ),
    )


def _formula_from_logistic(pipeline: Pipeline, model: type[CreditModel]) -> Formula:
    """Undo the standardisation: `w (x - mean) / scale` is a weight on `x` plus a constant."""
    columns, standardise = pipeline.named_steps["columns"], pipeline.named_steps["standardise"]
    classify = pipeline.named_steps["classify"]
    numbers, indicators = columns.transformers_[0][2], columns.transformers_[1][2]
    weights = dict(zip([*numbers, *indicators], classify.coef_[0].tolist(), strict=True))
    intercept = float(classify.intercept_[0])
    fills = dict.fromkeys(weights, 0.0)
    for i, name in enumerate(numbers):
        weights[name] /= float(standardise.scales_[i])
        intercept -= weights[name] * float(standardise.means_[i])
        fills[name] = float(standardise.medians_[i])
    return Formula(
        features=tuple(f.name for f in features(model)),
        intercept=intercept,
        terms=tuple(
            Term(weight=weight, shapes=(Value(feature=name, missing=fills[name]),))
            for name, weight in weights.items()
            if weight
        ),
    )
