"""The smallest change that gets an application approved: what the applicant could do.

Smallest is: fewest fields, at most `MOST_FIELDS`; then the least sum of distances, each
`|change| / interquartile range` of the training rows, or 1 for another level. It is exact on the
grids of `recourse_grid`.

A box is a set of joint changes, between its nearest and its farthest corner. Where risk can only
fall on the way between them, a box whose farthest corner is not approved holds nothing, and no
change in a box is nearer than its nearest corner. Boxes are halved, the nearest first, until the
nearest one is a single change. A field whose effect has no documented direction has a box for each
of its values.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.annotations import Columns
from models.contract import CreditModel
from models.explaining.recourse_grid import Choice, Spreads, choices_from_columns
from models.features import (
    Matrix,
    columns_from_applications,
    columns_from_fields,
    features,
    matrix_from_columns,
    value_from_column,
)
from models.scorer import Scorer, probabilities_from_log_odds

MOST_FIELDS = 3
PROBES = 32  # pairs of joint changes on which a documented direction is tried
BOXES_AT_ONCE = 64

Corners = NDArray[np.int64]  # `(n, k)`: of each choice, the place of its value; 0 is the present


@dataclass(frozen=True, slots=True)
class Change:
    """One field's present value and the proposed one."""

    field: str
    present: str | float
    proposed: str | float


@dataclass(frozen=True, slots=True)
class Recourse:
    """The smallest change that reaches approval, and the application with it; none if approved."""

    changes: tuple[Change, ...]
    distance: float
    application: CreditModel


def smallest_change(scorer: Scorer, spreads: Spreads, application: CreditModel) -> Recourse | None:
    """Find the smallest change of changeable fields that reaches approval; None: there is none.

    Raises
    ------
    FeatureError
        If a proposed value makes a derived number infinite.
    """
    columns = columns_from_applications(scorer.model, [application])
    return smallest_change_among(
        scorer, choices_from_columns(scorer.model, spreads, columns), application
    )


def smallest_change_among(
    scorer: Scorer, choices: Sequence[Choice], application: CreditModel
) -> Recourse | None:
    """As `smallest_change`, among given choices of the application's fields."""
    columns = columns_from_applications(scorer.model, [application])
    search = _Search(scorer, columns, tuple(choices)).directed()
    for fields in range(min(MOST_FIELDS, len(choices)) + 1):
        found = search.nearest(fields)
        if found is not None:
            return search.recourse(found, application)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Boxes:
    """Joint changes between a nearest and a farthest corner each."""

    near: Corners
    far: Corners

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "_Boxes":
        return _Boxes(self.near[chosen], self.far[chosen])

    def beside(self, other: "_Boxes") -> "_Boxes":
        """Both, one after the other."""
        return _Boxes(np.vstack([self.near, other.near]), np.vstack([self.far, other.far]))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """One application, its choices, and which of them move the risk in a documented direction."""

    scorer: Scorer
    columns: Columns
    choices: tuple[Choice, ...]
    falling: tuple[bool, ...] = ()

    def directed(self) -> Self:
        """Keep only the safer values of fields with a documented direction that proves true."""
        random = np.random.default_rng(0)
        falling = [
            choice.characteristic.sign != 0 and self.risk_only_falls(i, random)
            for i, choice in enumerate(self.choices)
        ]
        kept = [_safer(c) if f else c for c, f in zip(self.choices, falling, strict=True)]
        moving = [i for i, choice in enumerate(kept) if len(choice.column) > 1]
        return replace(
            self,
            choices=tuple(kept[i] for i in moving),
            falling=tuple(falling[i] for i in moving),
        )

    def risk_only_falls(self, i: int, random: np.random.Generator) -> bool:
        """Whether all that moves with a choice is signed and moves to its safe side."""
        sizes = [len(choice.column) for choice in self.choices]
        near = random.integers(0, sizes, (PROBES, len(sizes)))
        far = near.copy()
        safer_last = np.argsort(-self.choices[i].characteristic.sign * self.choices[i].column)
        pairs = np.sort(random.integers(0, sizes[i], (PROBES, 2)), axis=1)
        pairs[0] = 0, sizes[i] - 1
        near[:, i], far[:, i] = safer_last[pairs].T
        signs = np.array([f.sign for f in features(self.scorer.model)])
        before, after = self.matrix(near), self.matrix(far)
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        return bool((same | ((after - before) * signs < 0)).all())

    def nearest(self, fields: int) -> Corners | None:
        """The nearest approved joint change of exactly so many fields, ties to the first found."""
        boxes = self.roots(fields)
        boxes = boxes[self.approved(boxes.far)]
        best, least = None, math.inf
        while len(boxes.near):
            farthest = self.distances(boxes.far)
            if farthest.min() < least:
                best, least = boxes.far[farthest.argmin()], float(farthest.min())
            bounds = self.distances(boxes.near)
            order = np.argsort(bounds, kind="stable")
            order = order[bounds[order] < least]
            halves = self.halved(boxes[order[:BOXES_AT_ONCE]])
            boxes = halves.beside(boxes[order[BOXES_AT_ONCE:]])
        return best

    def roots(self, fields: int) -> _Boxes:
        """Boxes of all joint changes of exactly so many fields."""
        near, far = [], []
        for chosen in combinations(range(len(self.choices)), fields):
            lows = np.zeros((1, len(self.choices)), dtype=np.int64)
            highs = lows.copy()
            for i in chosen:
                last = len(self.choices[i].column) - 1
                starts = np.arange(1, (1 if self.falling[i] else last) + 1)
                lows, highs = (np.repeat(c, len(starts), axis=0) for c in (lows, highs))
                lows[:, i] = np.resize(starts, len(lows))
                highs[:, i] = last if self.falling[i] else lows[:, i]
            near.append(lows)
            far.append(highs)
        if not near:
            none = np.empty((0, len(self.choices)), dtype=np.int64)
            return _Boxes(none, none)
        return _Boxes(np.vstack(near), np.vstack(far))

    def halved(self, boxes: _Boxes) -> _Boxes:
        """Both halves of each box, across its longest side, as far as they hold an approval."""
        boxes = boxes[np.flatnonzero(np.any(boxes.near < boxes.far, axis=1))]
        if not len(boxes.near):
            return boxes
        sides = self.each_distance(boxes.far) - self.each_distance(boxes.near)
        sides[boxes.near == boxes.far] = -1.0
        rows, longest = np.arange(len(sides)), sides.argmax(axis=1)
        middle = (boxes.near[rows, longest] + boxes.far[rows, longest]) // 2
        nearer, farther = boxes.far.copy(), boxes.near.copy()
        nearer[rows, longest], farther[rows, longest] = middle, middle + 1
        near_half = _Boxes(boxes.near, nearer)
        return near_half[self.approved(nearer)].beside(_Boxes(farther, boxes.far))

    def each_distance(self, corners: Corners) -> Matrix:
        """How far each choice has moved."""
        moved = [c.distances[corners[:, i]] for i, c in enumerate(self.choices)]
        return np.column_stack(moved) if moved else np.zeros((len(corners), 0))

    def distances(self, corners: Corners) -> NDArray[np.float64]:
        """How far each joint change is."""
        found: NDArray[np.float64] = self.each_distance(corners).sum(axis=1)
        return found

    def approved(self, corners: Corners) -> NDArray[np.bool_]:
        """Whether each joint change is approved."""
        if not len(corners):
            return np.zeros(0, dtype=bool)
        log_odds = self.scorer.log_odds_from_matrix(self.matrix(corners))
        found: NDArray[np.bool_] = np.less(
            probabilities_from_log_odds(log_odds), self.scorer.policy.approve_below
        )
        return found

    def matrix(self, corners: Corners) -> Matrix:
        """Joint changes as the estimator reads them."""
        model = self.scorer.model
        scored = [name for name in model.model_fields if name in self.columns]
        fields = {name: np.repeat(self.columns[name], len(corners)) for name in scored}
        for i, choice in enumerate(self.choices):
            fields[choice.characteristic.name] = choice.column[corners[:, i]]
        return matrix_from_columns(model, columns_from_fields(model, fields))

    def recourse(self, corner: Corners, application: CreditModel) -> Recourse:
        """A joint change in the application's own terms."""
        changes = [
            Change(c.characteristic.name, _said(c, 0), _said(c, place))
            for c, place in zip(self.choices, corner.tolist(), strict=True)
            if place
        ]
        proposed = {change.field: change.proposed for change in changes}
        distance = float(self.distances(corner[None, :])[0])
        changed = application.model_copy(update=proposed)
        return Recourse(tuple(changes), distance, changed)


def _safer(choice: Choice) -> Choice:
    """Only the values that a documented direction calls safer."""
    away = (choice.column - choice.column[0]) * choice.characteristic.sign
    kept = away <= 0
    return Choice(choice.characteristic, choice.column[kept], choice.distances[kept])


def _said(choice: Choice, place: int) -> str | float:
    value = value_from_column(choice.characteristic, float(choice.column[place]))
    if value is None:
        message = "a choice is never absent"
        raise ValueError(message)
    return value
