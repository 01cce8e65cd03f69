"""The reference of a version: what later applications are compared with.

It is published as `reference.json` beside the report, and has shares and means of many rows only.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from models.annotations import Column
from models.contract import CreditModel, characteristics
from models.errors import DataError, ObjectMissingError
from models.features import Feature, Matrix, features, find_column_indices
from models.metrics import Probabilities
from models.policy import decide
from models.reasons import matrix_from_baseline
from models.registry.store_paths import REFERENCE, version_prefix
from models.scorer import Scorer
from models.stores.store import Reader
from models.weighting import Weights, select_weights, weighted_mean
from training.parts import Part
from training.reporting.binning import Indices, bin_indices, edges_of_equal_mass, thin_out
from training.reporting.stability import BINS, name_bins

MOST_EXPLAINED = 2_000  # rows whose contributions are averaged
NONE = "none of these"


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BinnedShares(_Document):
    """The shares of rows in bins: numbers between edges, each level and code, absence, and none."""

    edges: tuple[float, ...]
    bins: tuple[str, ...]
    shares: tuple[float, ...]


class CharacteristicReference(BinnedShares):
    """The bins of one characteristic, and its mean contribution to the log-odds.

    `mean` is of the rows that have a number; a version from before it was recorded has none.
    """

    name: str
    mean_contribution: float
    mean: float | None = None


class Reference(_Document):
    """The bins of the training part, and the probabilities and decisions of the test part."""

    format: Literal[1] = 1
    rows: float
    characteristics: tuple[CharacteristicReference, ...]
    rows_scored: float
    probabilities: BinnedShares
    decisions: Mapping[str, float]


def build_reference(
    scorer: Scorer, training: Part, test: Part, probabilities: Probabilities
) -> Reference:
    """Describe the rows of a training run; `probabilities` are those of the test part."""
    matrix = as_logged(training.matrix)
    contributions = mean_contributions(scorer, as_logged(test.matrix))
    edges = edges_of_equal_mass(probabilities, BINS, test.weights)
    decisions = np.array([decide(p, scorer.policy) for p in probabilities.tolist()])
    return Reference(
        rows=training.effective_rows,
        characteristics=tuple(
            CharacteristicReference(
                name=name,
                mean_contribution=contributions[name],
                mean=mean_number(scorer.model, name, matrix, training.weights),
                **_bin_characteristic(scorer.model, name, matrix, training.weights),
            )
            for name in contributions
        ),
        rows_scored=test.effective_rows,
        probabilities=BinnedShares(
            edges=tuple(edges.tolist()),
            bins=tuple(name_bins(edges)),
            shares=_share(bin_indices(probabilities, edges), len(edges) + 1, test.weights),
        ),
        decisions={
            name: weighted_mean(decisions == name, test.weights)
            for name in ("approve", "refer", "decline")
        },
    )


def read_reference(store: Reader, model_name: str, version: str) -> Reference:
    """Read the reference of a published version.

    Raises
    ------
    DataError
        If it has none, or one that cannot be read.
    """
    try:
        data = store.read(version_prefix(model_name, version) + REFERENCE).data
        return Reference.model_validate_json(data)
    except (ObjectMissingError, ValidationError) as error:
        message = (
            f"{model_name} {version}: it has no readable {REFERENCE}, which a version from before "
            "monitoring does not have; train the model again"
        )
        raise DataError(message) from error


def as_logged(matrix: Matrix) -> Matrix:
    """Round features to single precision, as the decision log has them.

    Otherwise a value equal to an edge would be in one bin here and in another there.
    """
    return matrix.astype(np.float32).astype(np.float64)


def find_bins(model: type[CreditModel], name: str, edges: Column, matrix: Matrix) -> Indices:
    """Return the bin of each row in the bins of a characteristic, shape `(n,)`."""
    numbers, indicators = _split_columns(model, name)
    count = len(edges) + 1 if numbers else 0
    bins = np.full(len(matrix), count + len(indicators), dtype=np.intp)
    for j in numbers:
        present = ~np.isnan(matrix[:, j])
        bins[present] = bin_indices(matrix[present, j], edges)
    for i, j in enumerate(indicators):
        bins[matrix[:, j] == 1.0] = count + i
    return bins


def mean_contributions(scorer: Scorer, matrix: Matrix) -> dict[str, float]:
    """Return what each characteristic adds to the log-odds on average, from at most 2,000 rows."""
    rows = matrix[thin_out(len(matrix), MOST_EXPLAINED)]
    baseline = matrix_from_baseline(scorer.model, scorer.baseline)
    values = scorer.estimator.contributions(rows, baseline).values.mean(axis=0)
    return {
        c.name: float(values[list(find_column_indices(scorer.model, c))].sum())
        for c in characteristics(scorer.model)
        if c.is_scored
    }


def mean_number(
    model: type[CreditModel], name: str, matrix: Matrix, weights: Weights | None = None
) -> float | None:
    """Return the mean of a characteristic where it is a number, or None if it is none."""
    numbers, _ = _split_columns(model, name)
    for j in numbers:
        present = ~np.isnan(matrix[:, j])
        if present.any():
            return weighted_mean(matrix[present, j], select_weights(weights, present))
    return None


def _bin_characteristic(
    model: type[CreditModel], name: str, matrix: Matrix, weights: Weights | None
) -> dict[str, tuple[float, ...] | tuple[str, ...]]:
    numbers, indicators = _split_columns(model, name)
    edges = np.empty(0)
    for j in numbers:
        present = ~np.isnan(matrix[:, j])
        edges = edges_of_equal_mass(matrix[present, j], BINS, select_weights(weights, present))
    names = [features(model)[j].name.partition("=")[2] for j in indicators]
    labels = (*(name_bins(edges) if numbers else ()), *names, NONE)
    shares = _share(find_bins(model, name, edges, matrix), len(labels), weights)
    return {"edges": tuple(edges.tolist()), "bins": labels, "shares": shares}


def _split_columns(model: type[CreditModel], name: str) -> tuple[list[int], list[int]]:
    """Return the columns with the number itself, of which there is one at most, and the others."""
    columns: list[tuple[int, Feature]] = [
        (j, feature) for j, feature in enumerate(features(model)) if feature.characteristic == name
    ]
    numbers = [j for j, feature in columns if feature.equals is None]
    return numbers, [j for j, feature in columns if feature.equals is not None]


def _share(bins: Indices, count: int, weights: Weights | None) -> tuple[float, ...]:
    totals = np.bincount(bins, weights=weights, minlength=count).astype(np.float64)
    return tuple((totals / totals.sum()).tolist())
