"""The declaration of a credit model: its fields, label, score scale and cut-off policy.

A catalogue file subclasses `CreditModel`. Validation, the feature matrix, monotone constraints,
decision records and the contract hash all derive from this one declaration.
"""

import hashlib
import json
import math
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from string import Formatter
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from models.annotations import (
    Annotation,
    Codes,
    Column,
    Columns,
    Derived,
    FromColumn,
    Identifier,
    Ordered,
    Other,
    Reason,
    Risk,
    Special,
    days_from_date,
)
from models.data_file import DataFile
from models.errors import DeclarationError
from models.gate_policy import GatePolicy, check_gate_policy
from models.policy import CutoffRule, CutoffRules, Cutoffs, Fixed
from models.score_scale import Bands, Scale

Level = str | int

# Where a word begins in a class name: CardDefault, SBALoan.
WORD_STARTS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
# What the text of a reason must be able to write: a field's value is a float here, whatever it is.
TRIED_VALUES = (0.0, -1.5, 1e12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """One declared input of a credit model: a field of its contract or a derived number.

    `levels` is empty for numbers. A `special` code of a number is encoded as a missing value plus
    an indicator. Texts that are not among the levels count as `other`, if there is one.
    """

    name: str
    levels: tuple[Level, ...] = ()
    is_ordered: bool = False
    other: str | None = None
    special: Mapping[int, str] = field(default_factory=dict)
    unit: str | None = None
    sign: Literal[-1, 0, 1] = 0
    is_integer: bool = False
    is_date: bool = False
    optional: bool = False
    protected: bool = False
    identifier: bool = False
    private: bool = False
    changeable: bool = False
    step: float | None = None
    reason: Reason | None = None
    missing: str | None = None
    compute: Callable[[Columns], Column] | None = None
    source: FromColumn = FromColumn()

    @property
    def is_coded(self) -> bool:
        """Whether its levels are integers."""
        return any(isinstance(level, int) for level in self.levels)

    @property
    def is_text(self) -> bool:
        """Whether callers send it as a text."""
        return self.identifier or self.is_date or (bool(self.levels) and not self.is_coded)

    @property
    def is_scored(self) -> bool:
        """Whether it has columns in the feature matrix. A date has none, and derived numbers do."""
        return not self.protected and not self.is_date


class CreditModel(BaseModel):
    """Base class of every credit model: strict, closed and immutable.

    A subclass declares its fields and these class variables:

    - `label`: name of the outcome column in the training data; 1 means default.
    - `label_definition`: what counts as a default.
    - `horizon`: the period over which the model predicts the default.
    - `scale` and `policy`: how a probability becomes a score and a decision.
    - `bands`: ratings by score; optional.
    - `default_rule`: the probability from which a row is classified as a default. Accuracy,
      precision, recall and F1 use this class. Decisions do not.
    - `data_file`: how the training data is written; optional.
    - `gate_policy`: what a new version must meet before it is promoted.
    """

    model_config = ConfigDict(
        defer_build=True,  # a cold start needs only the default model
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
    data_file: ClassVar[DataFile] = DataFile()
    gate_policy: ClassVar[GatePolicy] = GatePolicy()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Refuse an incomplete or contradictory declaration at import."""
        super().__pydantic_init_subclass__(**kwargs)
        for name in ("label", "label_definition", "horizon", "scale", "policy"):
            if not hasattr(cls, name):
                message = f"{cls.__name__} declares no {name}; set it as a class variable"
                raise DeclarationError(message)
        for name, info in cls.model_fields.items():
            _check_field(cls, name, info)
        for c in characteristics(cls):
            _check_numbers(c, cls.model_fields.get(c.name))
        check_gate_policy(cls.gate_policy, [c.name for c in characteristics(cls) if c.protected])


@cache
def name_from_model(model: type[CreditModel]) -> str:
    """Return the name of a credit model in URLs and in the bucket: its class name in snake case."""
    return name_from_class(model.__name__)


def find_identifier(model: type[CreditModel]) -> str | None:
    """Return the first field that names an applicant, or None if there is none."""
    return next((c.name for c in characteristics(model) if c.identifier), None)


def name_from_class(class_name: str) -> str:
    """Return the name that a credit model of this class name has."""
    return re.sub(WORD_STARTS, "_", class_name).lower()


@cache
def characteristics(model: type[CreditModel]) -> tuple[Characteristic, ...]:
    """Return all characteristics: fields in order of declaration, then derived ones."""
    fields = tuple(_from_field(name, info) for name, info in model.model_fields.items())
    derivations = {
        name: value
        for owner in reversed(model.__mro__)
        for name, value in vars(owner).items()
        if isinstance(value, Derived)
    }
    computed = tuple(_from_derived(name, value) for name, value in derivations.items())
    if any((c.optional or c.special) and not c.protected for c in fields):
        for c in computed:
            _require_missing(c)
    return fields + computed


@cache
def contract_hash(model: type[CreditModel]) -> str:
    """Return the sha256, 64 hex digits, of what a model accepts and how it is encoded.

    A change of bounds, levels, special codes, signs or protection changes the hash. A change of
    descriptions, units, `Private` or `Changeable` does not. The bundle's golden rows detect a
    change in what a derived function computes.
    """
    declared = [
        {
            "name": c.name,
            "levels": c.levels,
            "special": sorted(c.special),
            "sign": c.sign,
            "whole": c.is_integer,  # the key is part of every published hash
            "optional": c.optional,
            "protected": c.protected,
            **({"identifier": True} if c.identifier else {}),
            **({"date": True} if c.is_date else {}),
            **({"ordered": True} if c.is_ordered else {}),
            **({"other": c.other} if c.other is not None else {}),
            "derived": c.compute is not None,
            "bounds": _format_bounds(model.model_fields.get(c.name)),
        }
        for c in characteristics(model)
    ]
    canonical = json.dumps(
        [name_from_model(model), declared], sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _check_field(model: type[CreditModel], name: str, info: FieldInfo) -> None:
    """Refuse what training or serving could not keep to."""
    if name in ("cls", "self"):
        message = f"{name}: Python reserves this name; use another one, with FromColumn({name!r})"
        raise DeclarationError(message)
    if name == model.label:
        message = f"{name}: a field cannot be the label; it is known only after the loan"
        raise DeclarationError(message)
    if info.alias or info.validation_alias or info.serialization_alias:
        message = f"{name}: an alias has no meaning here; name the field as callers send it"
        raise DeclarationError(message)
    if not info.is_required() and info.get_default(call_default_factory=True) is not None:
        message = (
            f"{name}: its default would be scored for every applicant who leaves it out; "
            "make it required, or allow None with a Missing"
        )
        raise DeclarationError(message)


def _check_numbers(c: Characteristic, info: FieldInfo | None) -> None:
    """Refuse bounds that admit no value, and special codes that they exclude."""
    if c.sign not in (-1, 0, 1):
        message = f"{c.name}: Risk takes 1 (riskier as it rises) or -1, not {c.sign!r}"
        raise DeclarationError(message)
    try:
        low, high = bounds_from_field(info)
    except (TypeError, ValueError):
        return  # a bound that is no number: building the contract says so
    if low > high:
        message = f"{c.name}: no number is within its bounds; the lower one is above the upper one"
        raise DeclarationError(message)
    outside = [code for code in c.special if not low <= code <= high]
    if outside:
        message = f"{c.name}: its bounds exclude its special codes {', '.join(map(str, outside))}"
        raise DeclarationError(message)


def bounds_from_field(info: FieldInfo | None) -> tuple[float, float]:
    """Return the least and the greatest number that a field accepts."""
    low, high = -math.inf, math.inf
    for rule in info.metadata if info else ():
        if isinstance(rule, Ge):
            low = max(low, number_from_bound(rule.ge))
        elif isinstance(rule, Gt):
            low = max(low, math.nextafter(number_from_bound(rule.gt), math.inf))
        elif isinstance(rule, Le):
            high = min(high, number_from_bound(rule.le))
        elif isinstance(rule, Lt):
            high = min(high, math.nextafter(number_from_bound(rule.lt), -math.inf))
    return low, high


def number_from_bound(bound: Any) -> float:  # noqa: ANN401 -- what a declaration says
    """Return a bound as the number that columns have: of a date, the days since 1970-01-01."""
    return days_from_date(bound) if isinstance(bound, date) else float(bound)


def _from_field(name: str, info: FieldInfo) -> Characteristic:
    kind, optional = _split_none(info.annotation)
    # CalendarDate | None has its annotation inside the union.
    inner = getattr(kind, "__metadata__", ())
    if inner and all(isinstance(a, Annotation) for a in inner):
        kind = get_args(kind)[0]
    annotations = tuple(a for a in (*info.metadata, *inner) if isinstance(a, Annotation))
    levels = get_args(kind) if get_origin(kind) is Literal else ()
    _check_source(name, levels, annotations)
    if Identifier() in annotations:
        _require_optional_text(name, kind, optional=optional)
    elif not levels and kind not in (int, float, date):
        message = (
            f"{name}: the type must be int, float, Literal or CalendarDate, or one with None; not "
            f"{kind}"
        )
        raise DeclarationError(message)
    plain = Characteristic(name=name, levels=levels, is_integer=kind is int, optional=optional)
    if plain.is_coded and Codes() not in annotations:
        message = f"{name}: a Literal of integers needs the annotation Codes()"
        raise DeclarationError(message)
    if kind is date and not any(a.attributes().get("is_date") for a in annotations):
        message = f"{name}: declare a date as CalendarDate, of models.annotations"
        raise DeclarationError(message)
    _check_levels(name, levels, annotations)
    return _annotate(plain, annotations)


def _check_source(
    name: str, levels: tuple[Level, ...], annotations: tuple[Annotation, ...]
) -> None:
    """Refuse a factor that is no factor, and words for what the field cannot be."""
    for source in (a for a in annotations if isinstance(a, FromColumn)):
        if not math.isfinite(source.factor) or not source.factor:
            message = f"{name}: the factor of FromColumn must be finite and not 0"
            raise DeclarationError(message)
        values = [value for value in source.words.values() if value is not None]
        if any(v not in levels if levels else not isinstance(v, int | float) for v in values):
            kind = "levels" if levels else "numbers"
            message = f"{name}: the words of FromColumn must stand for {kind} of the field, or None"
            raise DeclarationError(message)


def _check_levels(
    name: str, levels: tuple[Level, ...], annotations: tuple[Annotation, ...]
) -> None:
    """Refuse what levels cannot have, and what only levels can have."""
    is_ordered = Ordered() in annotations
    if levels and any(isinstance(a, Special) for a in annotations):
        message = f"{name}: Special applies to numbers; remove it from a Literal"
        raise DeclarationError(message)
    if levels and not is_ordered and any(isinstance(a, Risk) for a in annotations):
        message = (
            f"{name}: Risk applies to numbers and to levels in an order; add Ordered() to a "
            "Literal whose levels are declared in one"
        )
        raise DeclarationError(message)
    if is_ordered and not levels:
        message = f"{name}: Ordered applies to the levels of a Literal"
        raise DeclarationError(message)
    for other in (a.level for a in annotations if isinstance(a, Other)):
        if other not in levels or any(isinstance(level, int) for level in levels):
            message = f"{name}: Other names a level of a Literal of texts; {other!r} is none"
            raise DeclarationError(message)


def _require_optional_text(name: str, kind: object, *, optional: bool) -> None:
    """Training rows and golden rows contain no identifiers, so the field must accept None."""
    if kind is not str or not optional:
        message = f"{name}: an Identifier must have the type str | None"
        raise DeclarationError(message)


def _from_derived(name: str, value: Derived) -> Characteristic:
    return _annotate(Characteristic(name=name, compute=value.compute), value.annotations)


def _annotate(plain: Characteristic, annotations: tuple[Annotation, ...]) -> Characteristic:
    values: dict[str, Any] = {}
    for annotation in annotations:
        values |= annotation.attributes()
    complete = replace(plain, **values)
    if complete.is_scored:
        _require_reason(complete)
    if complete.changeable:
        return _add_step(complete)
    return complete


def _add_step(c: Characteristic) -> Characteristic:
    """Complete the step of a changeable field: recourse proposes multiples of it."""
    if not c.is_scored or c.compute is not None:
        message = f"{c.name}: a protected, derived or date characteristic cannot be Changeable"
        raise DeclarationError(message)
    step = c.step if c.step is not None or not c.is_integer else 1.0
    if c.levels:
        is_valid = step is None
    else:
        is_valid = step is not None and step > 0 and (not c.is_integer or float(step).is_integer())
    if not is_valid:
        message = (
            f"{c.name}: Changeable needs a step above 0 for a number, an integer step for an int "
            "and no step for a Literal"
        )
        raise DeclarationError(message)
    return replace(c, step=step)


def _require_reason(c: Characteristic) -> None:
    """Every scored characteristic can be a reason, whose text contains at most its own value."""
    if c.reason is None:
        message = f"{c.name}: a scored characteristic needs a Reason; add one, or add Protected()"
        raise DeclarationError(message)
    if c.optional:
        _require_missing(c)
    try:
        names = {name for _, name, _, _ in Formatter().parse(c.reason.text) if name is not None}
    except ValueError as error:
        message = f"{c.name}: the text of its Reason is not a format: {error}"
        raise DeclarationError(message) from error
    if not names <= {c.name} or (names and c.levels):
        message = (
            f"{c.name}: the text of its Reason may contain only {{{c.name}}}, "
            "and only if that is a number"
        )
        raise DeclarationError(message)
    try:
        for value in TRIED_VALUES:
            c.reason.text.format(**{c.name: value})
    except (ValueError, TypeError, IndexError, AttributeError, LookupError) as error:
        message = (
            f"{c.name}: the text of its Reason cannot write a float ({error}); "
            f"for a whole number use {{{c.name}:.0f}} or {{{c.name}:,.0f}}"
        )
        raise DeclarationError(message) from error


def _require_missing(c: Characteristic) -> None:
    """A number derived from fields that may be absent or special may be absent too."""
    if c.missing is None and not c.protected:
        message = f"{c.name}: a value that may be absent needs a Missing"
        raise DeclarationError(message)


def _split_none(annotation: Any) -> tuple[Any, bool]:  # noqa: ANN401 -- a type expression
    """Return the type without None, and whether None was part of it."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return (kinds[0] if len(kinds) == 1 else annotation), True


def _format_bounds(info: FieldInfo | None) -> list[str]:
    constraints = info.metadata if info else []
    return sorted(str(c) for c in constraints if isinstance(c, Ge | Gt | Le | Lt))
