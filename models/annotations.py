"""Annotations of contract fields: unit, risk direction, protection, adverse-action reason."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

Column = NDArray[np.float64]
Columns = Mapping[str, Column]

EPOCH = date(1970, 1, 1)
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Annotation:
    """Base of everything a field can declare beside its type and its bounds."""

    __slots__ = ()

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of `Characteristic` that this annotation sets."""
        return {}


@dataclass(frozen=True, slots=True)
class Unit(Annotation):
    """The unit of a number, for people."""

    name: str

    def attributes(self) -> dict[str, Any]:
        """Set the unit."""
        return {"unit": self.name}


@dataclass(frozen=True, slots=True)
class Risk(Annotation):
    """Documented direction of a number: +1 riskier as it rises, -1 safer as it rises."""

    sign: Literal[-1, 1]

    def attributes(self) -> dict[str, Any]:
        """Set the sign."""
        return {"sign": self.sign}


@dataclass(frozen=True, slots=True)
class Protected(Annotation):
    """The field is accepted and used to test fairness.

    It is never scored and never written to the decision record.
    """

    def attributes(self) -> dict[str, Any]:
        """Mark the field as protected."""
        return {"protected": True}


@dataclass(frozen=True, slots=True)
class Private(Annotation):
    """The field is scored, but the decision record omits its input.

    The features of the record still hold its value.
    """

    def attributes(self) -> dict[str, Any]:
        """Mark the field as private."""
        return {"private": True}


@dataclass(frozen=True, slots=True)
class Identifier(Annotation):
    """The field identifies the applicant to the caller.

    It is a protected text. Training does not read it.
    """

    def attributes(self) -> dict[str, Any]:
        """Mark the field as an identifier, which is always protected."""
        return {"identifier": True, "protected": True}


@dataclass(frozen=True, slots=True)
class Changeable(Annotation):
    """The applicant can change the field, so recourse may propose another value.

    Proposed numbers are multiples of `step`. An integer defaults to steps of 1. Levels have no
    step.
    """

    step: float | None = None

    def attributes(self) -> dict[str, Any]:
        """Mark the field as changeable and set its step."""
        return {"changeable": True, "step": self.step}


@dataclass(frozen=True, slots=True)
class Special(Annotation):
    """Codes of a number that are not amounts, each with its sentence for the applicant."""

    codes: Mapping[int, str]

    def attributes(self) -> dict[str, Any]:
        """Set the special codes."""
        return {"special": dict(self.codes)}


@dataclass(frozen=True, slots=True)
class Reason(Annotation):
    """The adverse-action reason an applicant reads when a characteristic raises their risk.

    `text` may contain the characteristic's own value, as in `"Debt is {debt_to_income:.0%} of
    income"`. Characteristics with the same code form one reason, so related inputs are reported
    once.
    """

    code: str
    text: str

    def attributes(self) -> dict[str, Any]:
        """Set the reason."""
        return {"reason": self}


@dataclass(frozen=True, slots=True)
class Missing(Annotation):
    """The sentence an applicant reads when the absence of an optional value raises their risk."""

    text: str

    def attributes(self) -> dict[str, Any]:
        """Set the sentence for a missing value."""
        return {"missing": self.text}


@dataclass(frozen=True, slots=True, init=False)
class FromColumn(Annotation):
    """The column of the training data that has the field, if it is written differently there.

    `names` are the names that the column may have. A number is multiplied by `factor`. `words` maps
    what the column says to values of the field, such as `{"Y": "yes"}`. Requests are not affected:
    callers send the field by its own name.
    """

    names: tuple[str, ...]
    factor: float
    words: Mapping[str, str | int | float | None]

    def __init__(
        self,
        *names: str,
        factor: float = 1.0,
        words: Mapping[str, str | int | float | None] | None = None,
    ) -> None:
        """Declare any number of names, a factor and words; each is optional."""
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "factor", factor)
        object.__setattr__(self, "words", dict(words or {}))

    def attributes(self) -> dict[str, Any]:
        """Set where the training data has the field."""
        return {"source": self}


@dataclass(frozen=True, slots=True)
class Codes(Annotation):
    """The levels of the field are integers.

    Python considers 1.0 and true equal to 1. This annotation refuses both.
    """

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Check the type before pydantic looks up the level."""
        return core_schema.no_info_before_validator_function(_require_integer, handler(source))


def _require_integer(value: object) -> object:
    if type(value) in (bool, float):
        kind, message = "int_type", "Input should be a valid integer"
        raise PydanticCustomError(kind, message)
    return value


@dataclass(frozen=True, slots=True)
class Ordered(Annotation):
    """The levels of the field are declared in an order, which a sign can refer to.

    They count as one number: 0 for the first, 1 for the second, and so on.
    """

    def attributes(self) -> dict[str, Any]:
        """Mark the levels as ordered."""
        return {"is_ordered": True}


@dataclass(frozen=True, slots=True)
class Other(Annotation):
    """Texts that are not among the levels count as one of them, `level`.

    Without it such a text is refused. With it, a level that training had not seen is scored.
    """

    level: str

    def attributes(self) -> dict[str, Any]:
        """Set the level for other texts."""
        return {"other": self.level}

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Replace other texts before pydantic looks up the level."""
        levels = {level for kind in (source, *get_args(source)) for level in get_args(kind)}
        levels |= set(get_args(source))

        def replace_unlisted(value: object) -> object:
            return self.level if isinstance(value, str) and value not in levels else value

        return core_schema.no_info_before_validator_function(replace_unlisted, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the field as any text, with its levels as examples."""
        listed = handler(schema)
        options = listed.get("anyOf", [listed])
        levels = [level for option in options for level in option.get("enum", [])]
        text: dict[str, Any] = {"type": "string", "examples": levels}
        has_null = any(option.get("type") == "null" for option in options)
        return {"anyOf": [text, {"type": "null"}]} if has_null else text


@dataclass(frozen=True, slots=True)
class _IsoDate(Annotation):
    """The field is a date, written as in ISO 8601: 2026-11-30."""

    def attributes(self) -> dict[str, Any]:
        """Mark the field as a date."""
        return {"is_date": True}

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Read the text before pydantic checks the type and the bounds."""
        return core_schema.no_info_before_validator_function(_date_from_text, handler(source))


def _date_from_text(value: object) -> object:
    if isinstance(value, str) and ISO_DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:  # a day that no month has
            pass
    if type(value) is date or value is None:
        return value
    kind, message = "date_type", "Input should be a date such as 2026-11-30"
    raise PydanticCustomError(kind, message)


# A date is never scored itself: derived numbers read it, as days since 1970-01-01.
CalendarDate = Annotated[date, _IsoDate()]


def days_from_date(value: date | str) -> float:
    """Return the days since 1970-01-01 of a date, or of its text."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return float((day - EPOCH).days)


def date_from_days(days: float) -> date:
    """Return the date of a number of days since 1970-01-01."""
    return EPOCH + timedelta(days=int(days))


@dataclass(frozen=True, slots=True)
class Derived:
    """A characteristic that one function computes from the fields, for any number of rows."""

    compute: Callable[[Columns], Column]
    annotations: tuple[Annotation, ...]


def derived(*annotations: Annotation) -> Callable[[Callable[[Columns], Column]], Derived]:
    """Declare the decorated function `columns -> column` as a derived characteristic."""
    return lambda compute: Derived(compute, annotations)
