"""The contract as SQL: columns of a table become the numbers of fields, and their rules a text.

A row that breaks a rule is never scored: the statement names the first field at fault.
"""

from dataclasses import dataclass
from datetime import date

from annotated_types import Ge, Gt, Le, Lt

from models.annotations import Annotation
from models.contract import Characteristic, CreditModel, characteristics, number_from_bound
from models.errors import DeclarationError
from models.features import LARGEST
from training.scoring_sql.sql_text import LARGEST_DOUBLE, SqlText

BOUNDS: tuple[tuple[type[Ge] | type[Gt] | type[Le] | type[Lt], str, str], ...] = (
    (Ge, "ge", ">="),
    (Gt, "gt", ">"),
    (Le, "le", "<="),
    (Lt, "lt", "<"),
)
UNKNOWN_LEVEL = -1.0  # of a text that is none of the levels


@dataclass(frozen=True, slots=True)
class Field:
    """One field that the statement reads: its name in it, its number, and its rules."""

    name: str
    column: str
    expression: str
    rule: str


def list_fields(model: type[CreditModel], without: frozenset[str]) -> list[Characteristic]:
    """Return the fields that the statement reads: all but identifiers and those left out.

    Raises
    ------
    DeclarationError
        If a field is left out that is required or unknown, or a check has no text.
    """
    fields = [c for c in characteristics(model) if c.compute is None and not c.identifier]
    names = {c.name for c in fields}
    for name in sorted(without - {c.name for c in fields if c.optional or c.protected}):
        reason = "is required" if name in names else "is no field of the contract"
        message = f"--without {name}: it {reason}; only optional and protected fields can be absent"
        raise DeclarationError(message)
    _require_plain(model, fields)
    return fields


def write_field(c: Characteristic, model: type[CreditModel], column: str, sql: SqlText) -> Field:
    """Write a field as a number: a level as its index, a date as days, NULL where it is absent."""
    name = f"f_{c.name}"
    return Field(c.name, name, _write_number(c, column, sql), _write_rule(c, model, name, sql))


def write_absent(c: Characteristic, sql: SqlText) -> Field:
    """Write a field that the table does not have."""
    return Field(c.name, f"f_{c.name}", sql.null, "TRUE")


def _require_plain(model: type[CreditModel], fields: list[Characteristic]) -> None:
    """Refuse checks that are functions of Python: a statement would score what they refuse."""
    decorators = model.__pydantic_decorators__
    functions = {
        **decorators.validators,
        **decorators.field_validators,
        **decorators.root_validators,
        **decorators.model_validators,
    }
    kinds = (Annotation, Ge, Gt, Le, Lt)
    others = [
        c.name
        for c in fields
        if not all(isinstance(item, kinds) for item in model.model_fields[c.name].metadata)
    ]
    if functions or others:
        names = ", ".join([*functions, *others])
        message = f"{names}: export-sql writes bounds and levels; this check cannot be written"
        raise DeclarationError(message)


def _write_number(c: Characteristic, column: str, sql: SqlText) -> str:
    if c.is_date:
        return sql.days(column)
    if not c.levels:
        return sql.drop_nan(f"CAST({column} AS {sql.double})")
    cases = []
    for i, level in enumerate(c.levels):
        text = str(level) if c.is_coded else sql.string(str(level))
        cases.append(f"WHEN {text} THEN {sql.number(i)}")
    other = UNKNOWN_LEVEL if c.other is None else float(c.levels.index(c.other))
    levels = f"CASE {column} {' '.join(cases)} ELSE {sql.number(other)} END"
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE {levels} END"


def _write_rule(c: Characteristic, model: type[CreditModel], name: str, sql: SqlText) -> str:
    """Write what holds of a sound value, absent ones aside."""
    rules = []
    if c.levels:
        rules.append(f"{name} >= {sql.number(0)}")
    elif not c.is_date:
        limit = LARGEST if c.is_scored else LARGEST_DOUBLE
        rules.append(f"ABS({name}) <= {sql.number(limit)}")
        if c.is_integer:
            rules.append(f"{name} = FLOOR({name})")
    rules += _write_bounds(c, model, name, sql)
    text = " AND ".join(rules) or "TRUE"
    return f"{name} IS NULL OR ({text})" if c.optional else f"{name} IS NOT NULL AND ({text})"


def _write_bounds(
    c: Characteristic, model: type[CreditModel], name: str, sql: SqlText
) -> list[str]:
    texts = []
    for item in model.model_fields[c.name].metadata:
        for kind, attribute, symbol in BOUNDS:
            if isinstance(item, kind):
                bound: float | date = getattr(item, attribute)
                texts.append(f"{name} {symbol} {sql.number(number_from_bound(bound))}")
    return texts
