"""Columnar validation: a table of applications, checked a column at a time.

Pydantic validates rows and words every error message. Types, bounds and levels can also be checked
for a whole column at once, which is faster. If every check passes, pydantic would accept every row.
If any check fails, this module returns None, and the caller validates each row with pydantic.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from operator import attrgetter, ge, gt, le, lt
from sys import maxsize
from typing import Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from numpy.typing import NDArray

from models.annotations import Annotation, Column, Columns, days_from_date
from models.contract import Characteristic, CreditModel, characteristics, number_from_bound

EXACT_INTEGERS = 2**53  # above it an integer and its double can fall on two sides of a bound

# Each operator is true where the bound is broken, with the bound on the left: `ge=5` is broken
# where 5 > value.
BREACHES = ((Ge, "ge", gt), (Gt, "gt", ge), (Le, "le", lt), (Lt, "lt", le))

Values = Sequence[Any]
Breach = Callable[[Column], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Table:
    """Applications that follow the contract, by column.

    `values` has the values of every field as they were sent, with None for an absent value.
    `numbers` has only scored fields: a level is its index in the declaration, an absent value is
    NaN.
    """

    model: type[CreditModel]
    values: Mapping[str, Values]
    numbers: Columns

    def __len__(self) -> int:
        """Return the number of applications."""
        return len(next(iter(self.values.values())))

    def rows(self, names: Sequence[str]) -> Iterable[tuple[Any, ...]]:
        """Return the values of some fields, one tuple for each application."""
        return zip(*(self.values[name] for name in names), strict=True)


def table_from_applications(model: type[CreditModel], applications: Sequence[CreditModel]) -> Table:
    """Build a table from validated applications."""
    values = {name: list(map(attrgetter(name), applications)) for name in model.model_fields}
    for name in _list_dates(model):  # as they are sent
        values[name] = [str(value) if value else None for value in values[name]]
    scored = [rule for rule in _list_rules(model) if rule.is_scored]
    numbers = np.array([rule.encode(values[rule.name]) for rule in scored], dtype=np.float64)
    return Table(model, values, dict(zip((rule.name for rule in scored), numbers, strict=True)))


def table_from_rows(model: type[CreditModel], rows: Sequence[object]) -> Table | None:
    """Build a table from rows as they were sent, or return None if any needs row validation."""
    names, absent = _list_names(model)
    complete: list[dict[str, Any]] = []
    for row in rows:
        if type(row) is not dict:
            return None
        complete.append(row if len(row) == len(names) or not absent else absent | row)
    if not complete or any(len(row) != len(names) for row in complete):
        return None
    try:
        values = {name: [row[name] for row in complete] for name in names}
    except KeyError:
        return None
    return table_from_columns(model, values)


def table_from_columns(model: type[CreditModel], values: Mapping[str, Values]) -> Table | None:
    """Build a table from columns of all fields, or return None if any needs row validation."""
    numbers = {}
    for rule in _list_rules(model):
        column = rule.check(values[rule.name])
        if column is None:
            return None
        if rule.is_scored:
            numbers[rule.name] = column
    return Table(model, values, numbers)


def join_tables(tables: Sequence[Table]) -> Table:
    """Put tables of one model below each other."""
    first = tables[0]
    values = {name: [v for table in tables for v in table.values[name]] for name in first.values}
    numbers = {name: np.concatenate([t.numbers[name] for t in tables]) for name in first.numbers}
    return Table(first.model, values, numbers)


def find_doubtful(model: type[CreditModel], numbers: Columns) -> NDArray[np.bool_]:
    """Return a mask of the rows that may break a rule, so that pydantic must validate them.

    `numbers` has every field but identifiers, in the form of `Table.numbers`.
    """
    doubts = [
        rule.find_doubtful(numbers[rule.name])
        for rule in _list_rules(model)
        if rule.name in numbers
    ]
    doubtful: NDArray[np.bool_] = np.logical_or.reduce(doubts)
    return doubtful


@dataclass(frozen=True, slots=True)
class _Rule:
    """The checks of one field that work on a whole column.

    `kinds` are the accepted Python types, with the type of None if a value may be absent.
    `level_codes` maps each level to its index. `lengths` are the least and the most characters of a
    text without levels. `is_complete` is false if the declaration has
    further checks that work only on single values.
    """

    name: str
    kinds: frozenset[type]
    level_codes: Mapping[object, float] | None
    breaches: tuple[Breach, ...]
    lengths: tuple[int, int]
    is_scored: bool
    is_complete: bool

    def encode(self, values: Values) -> list[Any]:
        """Return numbers as they are, and levels as their indices.

        None stays None for numbers, which numpy converts to NaN.
        """
        codes = self.level_codes
        if date in self.kinds:
            return [None if value is None else days_from_date(value) for value in values]
        return list(values) if codes is None else [codes[value] for value in values]

    def check(self, values: Values) -> Column | None:
        """Return the values as numbers, NaN for text, or None if any value may break the rule."""
        kinds = set(map(type, values))
        if kinds == {type(None)} and type(None) in self.kinds:
            return np.full(len(values), np.nan)
        if not self.is_complete or not kinds <= self.kinds:
            return None
        if str in self.kinds and self.level_codes is None:
            return self._check_lengths(values)
        try:
            column = np.array(self.encode(values), dtype=np.float64)
        except (KeyError, OverflowError):
            return None
        absent = values.count(None) if type(None) in kinds else 0
        is_doubtful = np.isnan(column).sum() != absent or (np.abs(column) >= EXACT_INTEGERS).any()
        if is_doubtful or any(breach(column).any() for breach in self.breaches):
            return None
        return column

    def _check_lengths(self, values: Values) -> Column | None:
        least, most = self.lengths
        if all(value is None or least <= len(value) <= most for value in values):
            return np.full(len(values), np.nan)
        return None

    def find_doubtful(self, column: Column) -> NDArray[np.bool_]:
        """Return a mask of the numbers that may break the rule; NaN is an absent value."""
        if not self.is_complete:
            return np.ones(len(column), dtype=bool)
        doubtful: NDArray[np.bool_] = np.abs(column) >= EXACT_INTEGERS
        if type(None) not in self.kinds:
            doubtful |= np.isnan(column)
        if int in self.kinds and float not in self.kinds:
            doubtful |= column % 1 > 0
        for breach in self.breaches:
            doubtful |= breach(column)
        return doubtful


@cache
def _list_names(model: type[CreditModel]) -> tuple[tuple[str, ...], dict[str, None]]:
    """Return the names of all fields, and of those that may be absent."""
    absent = {c.name: None for c in characteristics(model) if c.optional}
    return tuple(model.model_fields), absent


@cache
def _list_dates(model: type[CreditModel]) -> tuple[str, ...]:
    return tuple(c.name for c in characteristics(model) if c.is_date)


@cache
def _list_rules(model: type[CreditModel]) -> tuple[_Rule, ...]:
    fields = [c for c in characteristics(model) if c.compute is None]
    return tuple(_rule_from_field(model, c) for c in fields)


def _rule_from_field(model: type[CreditModel], c: Characteristic) -> _Rule:
    metadata = model.model_fields[c.name].metadata
    if c.levels:
        kinds: set[type] = {type(level) for level in c.levels}
    elif c.identifier:
        kinds = {str}
    elif c.is_date:
        kinds = {date}
    else:
        kinds = {int} if c.is_integer else {int, float}
    levels: dict[object, float] = {level: float(i) for i, level in enumerate(c.levels)}
    breaches = [breach for item in metadata if (breach := _breach_from_bound(item))]
    bounded = [item for item in metadata if isinstance(item, MinLen | MaxLen) and c.identifier]
    decorators = model.__pydantic_decorators__
    is_plain = not (decorators.validators or decorators.field_validators)
    is_plain &= not (decorators.root_validators or decorators.model_validators)
    return _Rule(
        name=c.name,
        kinds=frozenset(kinds | {type(None)} if c.optional else kinds),
        level_codes=levels | {None: np.nan} if levels else None,
        breaches=tuple(breaches),
        lengths=(
            max((item.min_length for item in bounded if isinstance(item, MinLen)), default=0),
            min((item.max_length for item in bounded if isinstance(item, MaxLen)), default=maxsize),
        ),
        is_scored=not c.protected,
        # Every item of the metadata must be a bound or an annotation. Anything else is a check
        # that this module does not know, such as the pattern of a text.
        is_complete=is_plain
        and len(breaches) + len(bounded)
        == sum(not isinstance(item, Annotation) for item in metadata),
    )


def _breach_from_bound(item: object) -> Breach | None:
    """Return the test for values that break a bound. NaN, an absent value, breaks none."""
    for kind, name, is_broken in BREACHES:
        if isinstance(item, kind):
            return partial(is_broken, number_from_bound(getattr(item, name)))
    return None
