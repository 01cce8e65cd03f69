"""A credit model as one declaration: fields, marks, label, scale and policy.

A catalogue file subclasses `CreditModel`. Validation, the feature matrix, monotone constraints,
decision records and the contract hash are derived from what it declares, here and nowhere else.
"""

import hashlib
import json
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from string import Formatter
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from models.annotations import (
    Codes,
    Column,
    Columns,
    Derived,
    Identifier,
    Mark,
    Reason,
    Risk,
    Special,
)
from models.errors import DeclarationError
from models.policy import CutoffRule, CutoffRules, Cutoffs, Fixed
from models.score_scale import Bands, Scale

Level = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """One input of a credit model, as declared: a field of its contract or a derived number.

    `levels` is empty for numbers. A number's `special` codes become missing plus an indicator.
    """

    name: str
    levels: tuple[Level, ...] = ()
    special: Mapping[int, str] = field(default_factory=dict)
    unit: str | None = None
    sign: Literal[-1, 0, 1] = 0
    whole: bool = False
    optional: bool = False
    protected: bool = False
    identifier: bool = False
    private: bool = False
    changeable: bool = False
    step: float | None = None
    reason: Reason | None = None
    missing: str | None = None
    compute: Callable[[Columns], Column] | None = None

    @property
    def is_coded(self) -> bool:
        """Its levels are whole numbers."""
        return any(isinstance(level, int) for level in self.levels)


class CreditModel(BaseModel):
    """Base of every credit model: strict, closed and immutable.

    A subclass declares its fields and
    `label` (name of the outcome column of training data, 1 = default), `label_definition`,
    `horizon` (over which the default is predicted), `scale`, `policy` and, if scores are rated,
    `bands`. `default_rule` sets from which probability on a row is called a default: a class
    beside the decision, by which accuracy, precision, recall and F1 are counted.
    """

    model_config = ConfigDict(
        defer_build=True,  # a cold start needs the default model's alone
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        ignored_types=(Derived,),
        hide_input_in_errors=True,
    )

    label: ClassVar[str]
    label_definition: ClassVar[str]
    horizon: ClassVar[str]
    scale: ClassVar[Scale]
    policy: ClassVar[Cutoffs | CutoffRules]
    bands: ClassVar[Bands | None] = None
    default_rule: ClassVar[CutoffRule] = Fixed(0.5)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Refuse an incomplete or contradictory declaration when its module is imported."""
        super().__pydantic_init_subclass__(**kwargs)
        for name in ("label", "label_definition", "horizon", "scale", "policy"):
            if not hasattr(cls, name):
                message = f"{cls.__name__} declares no {name}"
                raise DeclarationError(message)
        characteristics(cls)


@cache
def name_from_model(model: type[CreditModel]) -> str:
    """Name of a credit model in URLs and the bucket: its class name in snake case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


@cache
def characteristics(model: type[CreditModel]) -> tuple[Characteristic, ...]:
    """All characteristics of a model: fields in order of declaration, then the derived ones."""
    fields = tuple(_from_field(name, info) for name, info in model.model_fields.items())
    derivations = {
        name: value
        for owner in reversed(model.__mro__)
        for name, value in vars(owner).items()
        if isinstance(value, Derived)
    }
    derived = tuple(_from_derived(name, value) for name, value in derivations.items())
    if any((c.optional or c.special) and not c.protected for c in fields):
        for c in derived:
            _require_missing(c)
    return fields + derived


@cache
def contract_hash(model: type[CreditModel]) -> str:
    """Identify what a model accepts and how it is encoded: sha256, 64 hex digits.

    Descriptions, units and what is private or changeable may change without changing it; bounds,
    levels, special codes, signs and what is protected may not. What a derived function computes is
    held by the bundle's golden rows.
    """
    described = [
        {
            "name": c.name,
            "levels": c.levels,
            "special": sorted(c.special),
            "sign": c.sign,
            "whole": c.whole,
            "optional": c.optional,
            "protected": c.protected,
            **({"identifier": True} if c.identifier else {}),
            "derived": c.compute is not None,
            "bounds": _bounds(model.model_fields.get(c.name)),
        }
        for c in characteristics(model)
    ]
    canonical = json.dumps(
        [name_from_model(model), described], sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _from_field(name: str, info: FieldInfo) -> Characteristic:
    kind, optional = _without_none(info.annotation)
    marks = tuple(m for m in info.metadata if isinstance(m, Mark))
    levels = get_args(kind) if get_origin(kind) is Literal else ()
    if Identifier() in marks:
        _require_optional_text(name, kind, optional=optional)
    elif not levels and kind not in (int, float):
        message = f"{name}: a field is an int, a float or a Literal, optionally None; not {kind}"
        raise DeclarationError(message)
    plain = Characteristic(name=name, levels=levels, whole=kind is int, optional=optional)
    if plain.is_coded and Codes() not in marks:
        message = f"{name}: levels that are whole numbers need the mark Codes()"
        raise DeclarationError(message)
    if levels and any(isinstance(m, Risk | Special) for m in marks):
        message = f"{name}: Risk and Special are for numbers, not for levels"
        raise DeclarationError(message)
    return _marked(plain, marks)


def _require_optional_text(name: str, kind: object, *, optional: bool) -> None:
    """A training row, and a golden one, has nobody's name."""
    if kind is not str or not optional:
        message = f"{name}: an identifier is a str or None"
        raise DeclarationError(message)


def _from_derived(name: str, value: Derived) -> Characteristic:
    return _marked(Characteristic(name=name, compute=value.compute), value.marks)


def _marked(plain: Characteristic, marks: tuple[Mark, ...]) -> Characteristic:
    values: dict[str, Any] = {}
    for mark in marks:
        values |= mark.said()
    complete = replace(plain, **values)
    if not complete.protected:
        _require_reason(complete)
    if complete.changeable:
        return _with_step(complete)
    return complete


def _with_step(c: Characteristic) -> Characteristic:
    """A changeable number has a grid of values an applicant can be told."""
    if c.protected or c.compute is not None:
        message = f"{c.name}: what is protected or derived cannot be Changeable"
        raise DeclarationError(message)
    step = c.step if c.step is not None or not c.whole else 1.0
    if c.levels:
        fits = step is None
    else:
        fits = step is not None and step > 0 and (not c.whole or float(step).is_integer())
    if not fits:
        message = f"{c.name}: Changeable needs a step above 0 for a number, whole for whole numbers"
        raise DeclarationError(message)
    return replace(c, step=step)


def _require_reason(c: Characteristic) -> None:
    """Whatever is scored can be told to an applicant; a text shows no other value than its own."""
    if c.reason is None:
        message = f"{c.name}: it is scored, so it needs a Reason"
        raise DeclarationError(message)
    if c.optional:
        _require_missing(c)
    shown = {name for _, name, _, _ in Formatter().parse(c.reason.text) if name is not None}
    if not shown <= {c.name} or (shown and c.levels):
        message = f"{c.name}: its reason may show its own value, if that is a number, and no other"
        raise DeclarationError(message)


def _require_missing(c: Characteristic) -> None:
    """Also what derives from fields that may be absent or special may be absent."""
    if c.missing is None and not c.protected:
        message = f"{c.name}: it may be absent, so it needs a Missing"
        raise DeclarationError(message)


def _without_none(annotation: Any) -> tuple[Any, bool]:  # noqa: ANN401 -- a type expression
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return (kinds[0] if len(kinds) == 1 else annotation), True


def _bounds(info: FieldInfo | None) -> list[str]:
    constraints = info.metadata if info else []
    return sorted(str(c) for c in constraints if isinstance(c, Ge | Gt | Le | Lt))
