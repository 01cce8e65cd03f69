"""The model itself: terms of a formula, points of a scorecard, or the shape of its trees."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column
from models.contract import Characteristic, CreditModel, characteristics
from models.errors import ModelRefusedError
from models.estimators.families import Additive, Trees
from models.estimators.flat_trees import FlatTrees
from models.estimators.formula import Formula, Steps, Term
from models.features import Matrix, features, find_column_indices
from models.reasons import matrix_from_baseline
from models.scorer import Scorer
from models.weighting import select_weights, weighted_mean
from training.model_review import name_edges
from training.parts import Part
from training.reporting.svg import plain

CURVE_POINTS = 24
LOWEST, HIGHEST = 0.01, 0.99
MOST_SPLITS = 20
PLAIN = (str, int, float, bool)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One term: its weight and shapes in words, and how far it moves the log-odds.

    `spread` is the difference of the 99th and the first percentile of the term over the training
    rows.
    """

    features: tuple[str, ...]
    description: str
    weight: float
    spread: float


@dataclass(frozen=True, slots=True)
class Attribute:
    """One line of a points table: a bin of a feature, with its rows in the training part.

    `points` are what the attribute adds to the score of the baseline applicant.
    """

    feature: str
    attribute: str
    log_odds: float
    points: float
    rows: int
    default_rate: float | None


@dataclass(frozen=True, slots=True)
class FeatureShape:
    """The sum of the single-feature terms of one feature, in log-odds, over its values."""

    feature: str
    sign: int
    values: tuple[float, ...]
    log_odds: tuple[float, ...]
    missing: float | None


@dataclass(frozen=True, slots=True)
class TreeShape:
    """The size of a tree ensemble, and how often each feature splits, most often first."""

    trees: int
    nodes: int
    leaves: int
    depth: int
    base_log_odds: float
    splits: Mapping[str, int]


def describe_contents(scorer: Scorer, part: Part) -> dict[str, Any]:
    """Describe an estimator by what it is made of, and by the rows of the training part."""
    estimator, matrix = scorer.estimator, part.matrix
    contents: dict[str, Any] = {
        "form": "other",
        "intercept": None,
        "coefficients": [],
        "points": [],
        "shapes": [],
        "trees": None,
    }
    if isinstance(estimator, Additive):
        formula = estimator.formula
        contents |= {
            "form": "formula",
            "intercept": formula.intercept,
            "coefficients": [asdict(one) for one in _describe_terms(formula, matrix)],
            "points": [asdict(one) for one in _tabulate_points(scorer, formula, part)],
            "shapes": [asdict(one) for one in _trace_shapes(scorer, formula, matrix)],
        }
    elif isinstance(estimator, Trees):
        shape = _describe_trees(scorer, estimator)
        contents |= {"form": "trees", "trees": asdict(shape) if shape else None}
    return contents


def describe_parameters(pipeline: Any) -> dict[str, Any]:  # noqa: ANN401 -- scikit-learn has no types
    """Return the plain hyper-parameters of a pipeline's last step, without threads."""
    steps = getattr(pipeline, "named_steps", {})
    classify = steps.get("classify", pipeline)
    parameters = classify.get_params(deep=False) if hasattr(classify, "get_params") else {}
    return {
        name: value
        for name, value in sorted(parameters.items())
        if isinstance(value, PLAIN) and name != "n_jobs" and value == value  # noqa: PLR0124 -- no NaN
    }


def _describe_terms(formula: Formula, matrix: Matrix) -> list[Coefficient]:
    described = []
    for term in formula.terms:
        alone = Formula(features=formula.features, intercept=0.0, terms=(term,))
        low, high = np.quantile(alone.log_odds(matrix), (LOWEST, HIGHEST)).tolist()
        names = tuple(shape.feature for shape in term.shapes)
        words = " times ".join(_describe_shape(shape) for shape in term.shapes)
        described.append(Coefficient(names, words, term.weight, high - low))
    return sorted(described, key=lambda one: -one.spread)


def _describe_shape(shape: Any) -> str:  # noqa: ANN401 -- four kinds of shapes
    if shape.kind == "steps":
        return f"{shape.feature} in {len(shape.values)} bins"
    absent = f"absent: {plain(shape.missing)}"
    if shape.kind == "value":
        is_indicator = "=" in shape.feature
        return shape.feature if is_indicator else f"{shape.feature} ({absent})"
    kind = "line" if shape.kind == "line" else f"log curve of unit {plain(shape.unit)}"
    ends = f"0 at {plain(shape.start)}, 1 at {plain(shape.end)}"
    return f"{shape.feature} as a {kind} ({ends}, {absent})"


def _tabulate_points(scorer: Scorer, formula: Formula, part: Part) -> list[Attribute]:
    """Tabulate the attributes of each characteristic of a formula with bins."""
    if not any(isinstance(shape, Steps) for term in formula.terms for shape in term.shapes):
        return []
    baseline_row = matrix_from_baseline(scorer.model, scorer.baseline)
    points_from = _PointsFromBaseline(scorer, float(formula.log_odds(baseline_row)[0]))
    attributes = []
    for c in characteristics(scorer.model):
        own = _restrict(formula, [] if c.protected else list(find_column_indices(scorer.model, c)))
        if not own.terms:
            continue
        here = float(own.log_odds(baseline_row)[0])
        for name, row, mask in _list_attributes(scorer.model, c, own, part.matrix):
            log_odds = float(own.log_odds(row[None])[0])
            attributes.append(
                Attribute(
                    feature=c.name,
                    attribute=name,
                    log_odds=log_odds,
                    points=points_from(log_odds - here),
                    rows=int(mask.sum()),
                    default_rate=_measure_rate(part, mask),
                )
            )
    return attributes


def _measure_rate(part: Part, rows: NDArray[np.bool_]) -> float | None:
    if not rows.any():
        return None
    return weighted_mean(part.labels[rows], select_weights(part.weights, rows))


def _restrict(formula: Formula, column_indices: Sequence[int]) -> Formula:
    """Return the single-feature terms of some columns, without the intercept."""
    names = {formula.features[j] for j in column_indices}
    terms = [t for t in formula.terms if len(t.shapes) == 1 and t.shapes[0].feature in names]
    return Formula(features=formula.features, intercept=0.0, terms=tuple(terms))


def _list_attributes(
    model: type[CreditModel], c: Characteristic, own: Formula, matrix: Matrix
) -> Iterator[tuple[str, Column, NDArray[np.bool_]]]:
    """Yield the name of each attribute, a row that has it, and a mask of the rows that have it."""
    empty = np.zeros(matrix.shape[1])
    columns = find_column_indices(model, c)
    indicators = [j for j in columns if features(model)[j].equals is not None]
    numbers = [j for j in columns if features(model)[j].equals is None]
    for j in numbers:
        edges = _list_edges(own, features(model)[j].name)
        bins = np.where(np.isnan(matrix[:, j]), -1, np.searchsorted(edges, matrix[:, j], "right"))
        below = np.nextafter(edges[:1], -np.inf).tolist() if edges else [0.0]
        for index, (name, value) in enumerate(zip(_name_bins(edges), below + edges, strict=True)):
            row = empty.copy()
            row[j] = value
            yield name, row, bins == index
    empty[numbers] = np.nan
    for j in indicators:
        row = empty.copy()
        row[j] = 1.0
        yield features(model)[j].name.partition("=")[2], row, matrix[:, j] == 1
    mask = np.isnan(matrix[:, numbers]).all(axis=1) & (matrix[:, indicators] == 0).all(axis=1)
    if numbers and mask.any():
        yield "absent", empty, mask


def _list_edges(own: Formula, feature: str) -> list[float]:
    shapes = (shape for term in own.terms for shape in term.shapes)
    return sorted(
        {e for s in shapes if isinstance(s, Steps) and s.feature == feature for e in s.edges}
    )


@dataclass(frozen=True, slots=True)
class _PointsFromBaseline:
    """Points that a difference in log-odds adds to the score of the baseline applicant."""

    scorer: Scorer
    log_odds: float

    def __call__(self, difference: float) -> float:
        """Return the points; more are safer."""
        pair = np.array([self.log_odds + difference, self.log_odds])
        after, before = self.scorer.points_from_log_odds(pair).tolist()
        return float(after - before)


def _name_bins(edges: Sequence[float]) -> list[str]:
    marks = name_edges(np.array(edges))
    if not marks:
        return ["any amount"]
    between = [f"{low} to {high}" for low, high in pairwise(marks)]
    return [f"below {marks[0]}", *between, f"from {marks[-1]}"]


def _trace_shapes(scorer: Scorer, formula: Formula, matrix: Matrix) -> list[FeatureShape]:
    """Trace each number's own effect; indicators and interactions are in the list of terms."""
    shapes = []
    for feature in features(scorer.model):
        terms = _select_terms(formula.terms, feature.name)
        column = matrix[:, formula.features.index(feature.name)]
        amounts = column[~np.isnan(column)]
        if feature.equals is not None or not terms or not len(amounts):
            continue
        grid = _choose_grid(amounts, terms)
        probe = np.full((len(grid) + 1, matrix.shape[1]), np.nan)
        probe[:-1, formula.features.index(feature.name)] = grid
        own = Formula(features=formula.features, intercept=0.0, terms=tuple(terms))
        effects: list[float] = own.log_odds(probe).tolist()
        missing = effects[-1] if np.isnan(column).any() else None
        shapes.append(
            FeatureShape(feature.name, feature.sign, tuple(grid), tuple(effects[:-1]), missing)
        )
    return shapes


def _select_terms(terms: Sequence[Term], feature: str) -> list[Term]:
    return [t for t in terms if len(t.shapes) == 1 and t.shapes[0].feature == feature]


def _choose_grid(amounts: Matrix, terms: Sequence[Term]) -> list[float]:
    """Choose values between the 1st and 99th percentile, and both sides of every step."""
    low, high = np.quantile(amounts, (LOWEST, HIGHEST)).tolist()
    edges = [
        e for t in terms for shape in t.shapes if isinstance(shape, Steps) for e in shape.edges
    ]
    inner = np.array([edge for edge in edges if low < edge <= high])
    sides = np.concatenate([inner, np.nextafter(inner, -np.inf)])
    grid: list[float] = np.unique(
        np.concatenate([np.linspace(low, high, 2 if edges else CURVE_POINTS), sides])
    ).tolist()
    return grid


def _describe_trees(scorer: Scorer, estimator: Trees) -> TreeShape | None:
    try:
        trees = FlatTrees.from_ubjson(estimator.to_bytes())
    except ModelRefusedError:  # of a kind that only XGBoost's library supports
        return None
    is_leaf = np.isinf(trees.thresholds)
    counts = np.bincount(trees.features[~is_leaf], minlength=trees.width).tolist()
    names = [f.name for f in features(scorer.model)]
    ranked = sorted(zip(names, counts, strict=False), key=lambda pair: -pair[1])
    return TreeShape(
        trees=len(trees.roots),
        nodes=len(is_leaf),
        leaves=int(is_leaf.sum()),
        depth=trees.depth,
        base_log_odds=float(trees.base_margin),
        splits={name: count for name, count in ranked[:MOST_SPLITS] if count},
    )
