"""Applications as columns: checked many at a time, without an object for each.

The contract's verdict on a row is pydantic's, and so is every message. But what a model declares of
most fields, types, bounds and levels, can be asked of whole columns. Where all of it holds, no row
can be refused; where anything does not, nothing is said, and each row is held against the contract.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from operator import attrgetter, ge, gt, le, lt
from typing import Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

from models.annotations import Column, Columns, Mark
from models.contract import Characteristic, CreditModel, characteristics

EXACT_INTEGERS = 2**53  # beyond it a bound on the number and on its double could differ

# With the bound on the left: a value at least 5 breaks it where 5 is greater.
BREACHES = ((Ge, "ge", gt), (Gt, "gt", ge), (Le, "le", lt), (Lt, "lt", le))

Values = Sequence[Any]
Breach = Callable[[Column], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Table:
    """Applications that follow the contract: values of every field as given, and as numbers.

    `values` has None for what is absent. `numbers` are of the scored fields alone: a level is its
    place in the declaration, what is absent is NaN.
    """

    model: type[CreditModel]
    values: Mapping[str, Values]
    numbers: Columns

    def __len__(self) -> int:
        """How many applications there are."""
        return len(next(iter(self.values.values())))

    def rows(self, names: Sequence[str]) -> Iterable[tuple[Any, ...]]:
        """Values of some fields, an application at a time."""
        return zip(*(self.values[name] for name in names), strict=True)


def table_from_applications(model: type[CreditModel], applications: Sequence[CreditModel]) -> Table:
    """Lay out applications that were checked one by one."""
    values = {name: list(map(attrgetter(name), applications)) for name in model.model_fields}
    scored = [rule for rule in _rules(model) if rule.scored]
    numbers = np.array([rule.numbers(values[rule.name]) for rule in scored], dtype=np.float64)
    return Table(model, values, dict(zip((rule.name for rule in scored), numbers, strict=True)))


def table_from_rows(model: type[CreditModel], rows: Sequence[object]) -> Table | None:
    """Lay out rows as they were sent if every one follows the contract; None is no verdict."""
    names, absent = _names(model)
    found: list[dict[str, Any]] = []
    for row in rows:
        if type(row) is not dict:
            return None
        found.append(row if len(row) == len(names) or not absent else absent | row)
    if not found or any(len(row) != len(names) for row in found):
        return None
    try:
        values = {name: [row[name] for row in found] for name in names}
    except KeyError:
        return None
    return table_from_columns(model, values)


def table_from_columns(model: type[CreditModel], values: Mapping[str, Values]) -> Table | None:
    """Take columns of all fields if every row follows the contract; None is no verdict."""
    numbers = {}
    for rule in _rules(model):
        column = rule.checked(values[rule.name])
        if column is None:
            return None
        if rule.scored:
            numbers[rule.name] = column
    return Table(model, values, numbers)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a field's declaration asks of its values; unless it is `complete`, it asks for more.

    `kinds` are types in Python, None's among them where a value may be absent.
    """

    name: str
    kinds: frozenset[type]
    places: Mapping[object, float] | None
    breaches: tuple[Breach, ...]
    scored: bool
    complete: bool

    def numbers(self, values: Values) -> list[Any]:
        """Numbers as they are, levels by their places; None becomes NaN with the others."""
        places = self.places
        return list(values) if places is None else [places[value] for value in values]

    def checked(self, values: Values) -> Column | None:
        """The values as numbers, if all of them keep the rule; text has no number."""
        kinds = set(map(type, values))
        if kinds == {type(None)} and type(None) in self.kinds:
            return np.full(len(values), np.nan)
        if not self.complete or not kinds <= self.kinds:
            return None
        if str in self.kinds and self.places is None:
            return np.full(len(values), np.nan)
        try:
            column = np.array(self.numbers(values), dtype=np.float64)
        except (KeyError, OverflowError):
            return None
        absent = values.count(None) if type(None) in kinds else 0
        doubtful = np.isnan(column).sum() != absent or (np.abs(column) >= EXACT_INTEGERS).any()
        if doubtful or any(breach(column).any() for breach in self.breaches):
            return None
        return column


@cache
def _names(model: type[CreditModel]) -> tuple[tuple[str, ...], dict[str, None]]:
    """All fields, and those that may be absent."""
    absent = {c.name: None for c in characteristics(model) if c.optional}
    return tuple(model.model_fields), absent


@cache
def _rules(model: type[CreditModel]) -> tuple[_Rule, ...]:
    fields = [c for c in characteristics(model) if c.compute is None]
    return tuple(_rule(model, c) for c in fields)


def _rule(model: type[CreditModel], c: Characteristic) -> _Rule:
    metadata = model.model_fields[c.name].metadata
    if c.levels:
        kinds: set[type] = {type(level) for level in c.levels}
    elif c.identifier:
        kinds = {str}
    else:
        kinds = {int} if c.whole else {int, float}
    levels: dict[object, float] = {level: float(i) for i, level in enumerate(c.levels)}
    bounds = [found for said in metadata if (found := _breach(said))]
    decorators = model.__pydantic_decorators__
    plain = not (decorators.validators or decorators.field_validators)
    plain &= not (decorators.root_validators or decorators.model_validators)
    return _Rule(
        name=c.name,
        kinds=frozenset(kinds | {type(None)} if c.optional else kinds),
        places=levels | {None: np.nan} if levels else None,
        breaches=tuple(bounds),
        scored=not c.protected,
        complete=plain and len(bounds) == sum(not isinstance(said, Mark) for said in metadata),
    )


def _breach(said: object) -> Breach | None:
    """How a bound is broken; no number is what is absent, and breaks none."""
    for kind, name, broken in BREACHES:
        if isinstance(said, kind):
            return partial(broken, float(getattr(said, name)))
    return None
