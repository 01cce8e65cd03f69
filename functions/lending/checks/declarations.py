"""Declarations of external checks: what is sent, what of the answer is used, and for what.

They are data, in a TOML file that a lender may replace. Everything that a declaration leaves out
stays where it is: only the listed facts are sent, only the listed members are stored.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.contract import Characteristic, bounds_from_field, characteristics
from models.discovery import credit_models
from models.errors import DeclarationError

SHIPPED = Path(__file__).with_name("checks.toml")
MOST_ATTEMPTS, MOST_SECONDS, MOST_VALID_DAYS = 5, 30.0, 365

Sent = Literal[
    "full_name",
    "date_of_birth",
    "email",
    "phone",
    "city",
    "state",
    "identity_type",
    "identity_last_four",
    "employer_name",
    "monthly_income",
    "loan_amount",
    "loan_tenure_months",
    "loan_purpose",
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Value = int | float | bool | None


class Declared(BaseModel):
    """What every part of a declaration is: exact, closed, never changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class PolicyRule(Declared):
    """What the lender's policy does with a value, whatever the model says."""

    code: Name
    outcome: Literal["refer", "decline"]
    text: Annotated[str, Field(min_length=1, max_length=200)]
    at_least: float | None = None
    at_most: float | None = None
    equals: bool | None = None

    @model_validator(mode="after")
    def require_one_condition(self) -> Self:
        """Refuse a rule without a condition, or with two."""
        if sum(c is not None for c in (self.at_least, self.at_most, self.equals)) != 1:
            message = "give one of at_least, at_most and equals"
            raise ValueError(message)
        return self

    def is_tripped(self, value: Value) -> bool:
        """Whether the rule applies to a value; to a missing one it never does."""
        if value is None:
            return False
        if self.at_least is not None:
            return value >= self.at_least
        if self.at_most is not None:
            return value <= self.at_most
        return value is self.equals


class Member(Declared):
    """One member of an answer; dots lead into objects. Without null it must be there."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
    kind: Literal["integer", "number", "boolean"]
    least: float | None = None
    most: float | None = None
    may_be_null: bool = False
    fills: str | None = None
    rules: list[PolicyRule] = []

    def accepts(self, value: object) -> bool:
        """Whether a value is one that this member may have."""
        if value is None:
            return self.may_be_null
        if self.kind == "boolean" or isinstance(value, bool):
            return self.kind == "boolean" and isinstance(value, bool)
        if not isinstance(value, int if self.kind == "integer" else int | float):
            return False
        is_above = self.least is None or value >= self.least
        return is_above and (self.most is None or value <= self.most)


class CheckDeclaration(Declared):
    """One external check."""

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=80)]
    timeout_seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)]
    attempts: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)]
    valid_days: Annotated[int, Field(ge=1, le=MOST_VALID_DAYS)]
    sends: Annotated[list[Sent], Field(min_length=1)]
    members: Annotated[list[Member], Field(min_length=1)]


def read_declarations(path: Path) -> tuple[CheckDeclaration, ...]:
    """Read a file of declarations.

    Raises
    ------
    DeclarationError
        If the file cannot be read, or a declaration is wrong: by the name of the check.
    """
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise DeclarationError(message) from error
    checks = document.get("check")
    if set(document) != {"check"} or not isinstance(checks, list):
        message = f"{path} must hold tables [[check]], and nothing else"
        raise DeclarationError(message)
    declarations = tuple(_read_one(number, c) for number, c in enumerate(checks, start=1))
    _require_unique("check", [d.name for d in declarations])
    members = [m for d in declarations for m in d.members]
    _require_unique("filled field", [m.fills for m in members if m.fills])
    _require_unique("rule", [rule.code for m in members for rule in m.rules])
    return declarations


def _read_one(number: int, check: object) -> CheckDeclaration:
    name = check.get("name", number) if isinstance(check, Mapping) else number
    try:
        return CheckDeclaration.model_validate(check)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the check'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        message = f"check {name}: {faults}"
        raise DeclarationError(message) from error


def _require_unique(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"declared twice: {what} {', '.join(twice)}"
        raise DeclarationError(message)


def require_model_fields(declaration: CheckDeclaration, model_name: str) -> None:
    """Check what a declaration fills against the credit model that decides.

    A model that is not in the catalogue is checked by the scoring function alone.

    Raises
    ------
    DeclarationError
        If a field is none of the model's optional ones, or cannot hold what the member may be.
    """
    model = dict(credit_models()).get(model_name)
    if model is None:
        return
    fields = {c.name: c for c in characteristics(model) if c.optional and c.compute is None}
    for member in declaration.members:
        if member.fills is None:
            continue
        rule = _broken_rule(member, fields.get(member.fills), model.model_fields)
        if rule:
            message = f"check {declaration.name}: {member.name} fills {member.fills}, {rule}"
            raise DeclarationError(message)


def _broken_rule(
    member: Member, field: Characteristic | None, infos: Mapping[str, Any]
) -> str | None:
    if field is None:
        return "which is no optional field of the model"
    if field.levels or field.is_text or member.kind == "boolean":
        return "which is no number on both sides"
    if field.is_integer and member.kind != "integer":
        return "which is an integer in the model"
    low, high = bounds_from_field(infos[field.name])
    if member.least is None or member.most is None or member.least < low or member.most > high:
        return f"which the model bounds by {low:g} and {high:g}: set least and most within"
    return None
