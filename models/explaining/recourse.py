"""Recourse: the smallest change of an application that gets it approved.

The smallest change has the fewest fields, at most `search_limits`. Among those it has the least sum
of distances. A distance is `|change| / interquartile range` of the training rows, or 1 for another
level. The result is exact on the grids of `recourse_grid`.

The search is branch and bound. A box is a set of joint changes between a nearest and a farthest
corner. If risk can only fall from the nearest to the farthest corner, two bounds hold: a box whose
farthest corner is not approved contains no approved change, and no change in a box is nearer than
its nearest corner. The search halves boxes, the nearest first, until the nearest box is a single
change. A field without a documented direction gets one box for each of its values. A number whose
documented direction does not hold here is searched on as many values as one without, spread evenly.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.annotations import Columns
from models.contract import CreditModel
from models.explaining.recourse_grid import (
    Choice,
    SearchLimits,
    Spreads,
    choices_from_columns,
    search_limits,
)
from models.features import (
    Matrix,
    columns_from_applications,
    columns_from_fields,
    features,
    matrix_from_columns,
    value_from_column,
)
from models.scorer import Scorer, probabilities_from_log_odds

PROBES = 32  # pairs of joint changes on which a documented direction is checked
BOXES_AT_ONCE = 64
ROOTS_AT_ONCE = 4_096  # bounds the memory of a search

Corners = NDArray[np.int64]  # `(n, k)`: the value index of each choice; 0 is the present value


@dataclass(frozen=True, slots=True)
class Change:
    """The present and the proposed value of one field."""

    field: str
    present: str | int | float
    proposed: str | int | float


@dataclass(frozen=True, slots=True)
class Recourse:
    """The smallest change that reaches approval, and the changed application.

    `changes` is empty if the application is approved already.
    """

    changes: tuple[Change, ...]
    distance: float
    application: CreditModel


def smallest_change(scorer: Scorer, spreads: Spreads, application: CreditModel) -> Recourse | None:
    """Find the smallest change of changeable fields that reaches approval, or None.

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
    """Find the smallest change among these choices; otherwise like `smallest_change`."""
    columns = columns_from_applications(scorer.model, [application])
    limits = search_limits(scorer.model)
    search = _RecourseSearch(scorer, columns, tuple(choices)).restrict_to_safer(limits)
    for fields in range(min(limits.fields, len(choices)) + 1):
        corner = search.find_nearest(fields)
        if corner is not None:
            return search.recourse_from_corner(corner, application)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Boxes:
    """Sets of joint changes, each between a nearest and a farthest corner."""

    near: Corners
    far: Corners

    def __getitem__(self, selection: NDArray[np.bool_] | NDArray[np.int64]) -> "_Boxes":
        return _Boxes(self.near[selection], self.far[selection])

    def append(self, other: "_Boxes") -> "_Boxes":
        """Return these boxes followed by the others."""
        return _Boxes(np.vstack([self.near, other.near]), np.vstack([self.far, other.far]))


@dataclass(frozen=True, slots=True, eq=False)
class _RecourseSearch:
    """One application, its choices, and for each whether risk can only fall along it."""

    scorer: Scorer
    columns: Columns
    choices: tuple[Choice, ...]
    is_falling: tuple[bool, ...] = ()

    def restrict_to_safer(self, limits: SearchLimits) -> Self:
        """Drop riskier values of each field whose documented direction holds on every probe."""
        random = np.random.default_rng(0)
        is_falling = [
            choice.characteristic.sign != 0 and self.has_falling_risk(i, random)
            for i, choice in enumerate(self.choices)
        ]
        choices = [
            _select_safer(c) if f else _thin(c, limits.values)
            for c, f in zip(self.choices, is_falling, strict=True)
        ]
        choice_indices = [i for i, choice in enumerate(choices) if len(choice.column) > 1]
        return replace(
            self,
            choices=tuple(choices[i] for i in choice_indices),
            is_falling=tuple(is_falling[i] for i in choice_indices),
        )

    def has_falling_risk(self, i: int, random: np.random.Generator) -> bool:
        """Whether every feature that moves with a choice is signed and moves to its safe side."""
        sizes = [len(choice.column) for choice in self.choices]
        near = random.integers(0, sizes, (PROBES, len(sizes)))
        far = near.copy()
        safer_last = np.argsort(-self.choices[i].characteristic.sign * self.choices[i].column)
        pairs = np.sort(random.integers(0, sizes[i], (PROBES, 2)), axis=1)
        pairs[0] = 0, sizes[i] - 1
        near[:, i], far[:, i] = safer_last[pairs].T
        signs = np.array([f.sign for f in features(self.scorer.model)])
        before, after = self.build_matrix(near), self.build_matrix(far)
        is_same = (before == after) | (np.isnan(before) & np.isnan(after))
        return bool((is_same | ((after - before) * signs < 0)).all())

    def find_nearest(self, fields: int) -> Corners | None:
        """Find the nearest approved joint change of exactly `fields` fields; ties to the first."""
        best, least = None, math.inf
        for roots in self.build_roots(fields):
            is_near = self.measure_distances(roots.near) < least
            boxes = roots[is_near]
            boxes = boxes[self.is_approved(boxes.far)]
            best, least = self.search_boxes(boxes, best, least)
        return best

    def search_boxes(
        self, boxes: _Boxes, best: Corners | None, least: float
    ) -> tuple[Corners | None, float]:
        """Find a joint change in these boxes that is nearer than the best so far, at `least`."""
        while len(boxes.near):
            farthest = self.measure_distances(boxes.far)
            if farthest.min() < least:
                best, least = boxes.far[farthest.argmin()], float(farthest.min())
            bounds = self.measure_distances(boxes.near)
            order = np.argsort(bounds, kind="stable")
            order = order[bounds[order] < least]
            halves = self.halve(boxes[order[:BOXES_AT_ONCE]])
            boxes = halves.append(boxes[order[BOXES_AT_ONCE:]])
        return best, least

    def build_roots(self, fields: int) -> Iterator[_Boxes]:
        """Build boxes that together contain all joint changes of exactly `fields` fields."""
        for choice_indices in combinations(range(len(self.choices)), fields):
            lasts = [len(self.choices[i].column) - 1 for i in choice_indices]
            shape = [
                1 if self.is_falling[i] else last
                for i, last in zip(choice_indices, lasts, strict=True)
            ]
            for start in range(0, math.prod(shape), ROOTS_AT_ONCE):
                stop = min(start + ROOTS_AT_ONCE, math.prod(shape))
                near = np.zeros((stop - start, len(self.choices)), dtype=np.int64)
                values = np.unravel_index(np.arange(start, stop), shape) if shape else ()
                for i, value in zip(choice_indices, values, strict=True):
                    near[:, i] = value + 1
                far = near.copy()
                for i, last in zip(choice_indices, lasts, strict=True):
                    far[:, i] = last if self.is_falling[i] else near[:, i]
                yield _Boxes(near, far)

    def halve(self, boxes: _Boxes) -> _Boxes:
        """Halve each box across its longest side, without halves that contain no approval.

        The far half shares the farthest corner of its box, which is approved, so only the near
        half has to be scored.
        """
        boxes = boxes[np.flatnonzero(np.any(boxes.near < boxes.far, axis=1))]
        if not len(boxes.near):
            return boxes
        sides = self.distances_by_choice(boxes.far) - self.distances_by_choice(boxes.near)
        sides[boxes.near == boxes.far] = -1.0
        rows, longest = np.arange(len(sides)), sides.argmax(axis=1)
        middle = (boxes.near[rows, longest] + boxes.far[rows, longest]) // 2
        nearer, farther = boxes.far.copy(), boxes.near.copy()
        nearer[rows, longest], farther[rows, longest] = middle, middle + 1
        near_half = _Boxes(boxes.near, nearer)
        return near_half[self.is_approved(nearer)].append(_Boxes(farther, boxes.far))

    def distances_by_choice(self, corners: Corners) -> Matrix:
        """Return the distance of each choice, shape `(n, k)`."""
        distances = [c.distances[corners[:, i]] for i, c in enumerate(self.choices)]
        return np.column_stack(distances) if distances else np.zeros((len(corners), 0))

    def measure_distances(self, corners: Corners) -> NDArray[np.float64]:
        """Return the distance of each joint change, shape `(n,)`."""
        distances: NDArray[np.float64] = self.distances_by_choice(corners).sum(axis=1)
        return distances

    def is_approved(self, corners: Corners) -> NDArray[np.bool_]:
        """Return for each joint change whether it is approved, shape `(n,)`."""
        if not len(corners):
            return np.zeros(0, dtype=bool)
        log_odds = self.scorer.log_odds_from_matrix(self.build_matrix(corners))
        below: NDArray[np.bool_] = np.less(
            probabilities_from_log_odds(log_odds), self.scorer.policy.approve_below
        )
        return below

    def build_matrix(self, corners: Corners) -> Matrix:
        """Build the feature matrix of joint changes, one row each."""
        model = self.scorer.model
        scored = [name for name in model.model_fields if name in self.columns]
        fields = {name: np.repeat(self.columns[name], len(corners)) for name in scored}
        for i, choice in enumerate(self.choices):
            fields[choice.characteristic.name] = choice.column[corners[:, i]]
        return matrix_from_columns(model, columns_from_fields(model, fields))

    def recourse_from_corner(self, corner: Corners, application: CreditModel) -> Recourse:
        """Convert one joint change, shape `(k,)`, to values of the application's fields."""
        changes = [
            Change(c.characteristic.name, _value_from_choice(c, 0), _value_from_choice(c, index))
            for c, index in zip(self.choices, corner.tolist(), strict=True)
            if index
        ]
        proposed = {change.field: change.proposed for change in changes}
        distance = float(self.measure_distances(corner[None, :])[0])
        changed = application.model_copy(update=proposed)
        return Recourse(tuple(changes), distance, changed)


def _select_safer(choice: Choice) -> Choice:
    """Select the present value and those that the documented direction makes safer."""
    away = (choice.column - choice.column[0]) * choice.characteristic.sign
    is_safer = away <= 0
    return Choice(choice.characteristic, choice.column[is_safer], choice.distances[is_safer])


def _thin(choice: Choice, most: int) -> Choice:
    """Keep the present value and at most so many others, spread evenly; levels are all kept."""
    others = len(choice.column) - 1
    if choice.characteristic.levels or others <= most:
        return choice
    spread = np.unique(np.linspace(1, others, most).round().astype(np.int64))
    indices = np.concatenate([[0], spread])
    return Choice(choice.characteristic, choice.column[indices], choice.distances[indices])


def _value_from_choice(choice: Choice, index: int) -> str | float:
    value = value_from_column(choice.characteristic, float(choice.column[index]))
    if value is None:
        message = f"{choice.characteristic.name}: a choice must not contain NaN"
        raise ValueError(message)
    return value
