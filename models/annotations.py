"""What a declaration may say of a field, beside its type and its bounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

Column = NDArray[np.float64]
Columns = Mapping[str, Column]


class Mark:
    """What a declaration says of a field beyond its type and bounds."""

    __slots__ = ()

    def said(self) -> dict[str, Any]:
        """What the mark says, as attributes of `Characteristic`."""
        return {}


@dataclass(frozen=True, slots=True)
class Unit(Mark):
    """The unit of a number, for people."""

    name: str

    def said(self) -> dict[str, Any]:
        """Say the unit."""
        return {"unit": self.name}


@dataclass(frozen=True, slots=True)
class Risk(Mark):
    """Documented direction of a number: +1 riskier as it rises, -1 safer as it rises."""

    sign: Literal[-1, 1]

    def said(self) -> dict[str, Any]:
        """Say the direction."""
        return {"sign": self.sign}


@dataclass(frozen=True, slots=True)
class Protected(Mark):
    """Accepted and used to test fairness; never scored, never written to the decision record."""

    def said(self) -> dict[str, Any]:
        """Say that it is protected."""
        return {"protected": True}


@dataclass(frozen=True, slots=True)
class Private(Mark):
    """Scored, but withheld from the inputs of the decision record; its features hold it."""

    def said(self) -> dict[str, Any]:
        """Say that it is private."""
        return {"private": True}


@dataclass(frozen=True, slots=True)
class Identifier(Mark):
    """Names the applicant to the caller: a protected text, which training does not even read."""

    def said(self) -> dict[str, Any]:
        """Say that it is an identifier."""
        return {"identifier": True, "protected": True}


@dataclass(frozen=True, slots=True)
class Changeable(Mark):
    """The applicant can change it, so recourse may propose another value.

    `step` is the grid of proposed numbers: multiples of it. Whole numbers need none; levels have
    none.
    """

    step: float | None = None

    def said(self) -> dict[str, Any]:
        """Say that it can be changed, and in which steps."""
        return {"changeable": True, "step": self.step}


@dataclass(frozen=True, slots=True)
class Special(Mark):
    """Codes of a number that are no amounts, each with the sentence an applicant is told."""

    codes: Mapping[int, str]

    def said(self) -> dict[str, Any]:
        """Say the codes."""
        return {"special": dict(self.codes)}


@dataclass(frozen=True, slots=True)
class Reason(Mark):
    """What an applicant is told when a characteristic counts against them.

    `text` may show the characteristic's own value, as in `"Debt is {debt_to_income:.0%} of
    income"`. Characteristics with the same code are one reason: what moves together is said once.
    """

    code: str
    text: str

    def said(self) -> dict[str, Any]:
        """Say the reason."""
        return {"reason": self}


@dataclass(frozen=True, slots=True)
class Missing(Mark):
    """What an applicant is told when the absence of an optional value counts against them."""

    text: str

    def said(self) -> dict[str, Any]:
        """Say the sentence."""
        return {"missing": self.text}


@dataclass(frozen=True, slots=True)
class Codes(Mark):
    """Levels are whole numbers: 1.0 and true, which Python takes for 1, are refused."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Look at the type before pydantic looks the level up."""
        return core_schema.no_info_before_validator_function(_whole_number, handler(source))


def _whole_number(value: object) -> object:
    if type(value) in (bool, float):
        kind, message = "int_type", "Input should be a valid integer"
        raise PydanticCustomError(kind, message)
    return value


@dataclass(frozen=True, slots=True)
class Derived:
    """A characteristic computed from the fields, by one function for any number of rows."""

    compute: Callable[[Columns], Column]
    marks: tuple[Mark, ...]


def derived(*marks: Mark) -> Callable[[Callable[[Columns], Column]], Derived]:
    """Declare the decorated function `columns -> column` as a derived characteristic."""
    return lambda compute: Derived(compute, marks)
