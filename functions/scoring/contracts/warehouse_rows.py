"""Rows as warehouses send them to a function: lists of arguments in the order of the declaration.

One faulty row fails the query, unless the query asks for errors by row: then its place has the
error, and the others are scored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import TypedDict

from functions.scoring.contracts.model_schemas import schema_from_model
from functions.scoring.decision_engine import (
    DecisionEngine,
    Rows,
    ScoringRequest,
    validate_each,
    validate_table,
)
from functions.web.examples import example_from_schema
from functions.web.middleware import REQUEST_ID, Caller
from functions.web.openapi import Schema
from functions.web.problems import Fault
from models.contract import Characteristic, CreditModel, characteristics
from models.prediction import Prediction

INTEGER = re.compile(r"-?[0-9]{1,19}")
NUMERIC = re.compile(r"-?[0-9]{1,39}(\.[0-9]{1,38})?")
BY_ROW = "by_row"
INVALID = "the row does not follow the contract"


class InvalidRow(TypedDict):
    """A row that was not scored, where the query asks for errors by row."""

    error: str
    errors: list[Fault]


Reply = Prediction | InvalidRow


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOptions:
    """What a query asks for: reasons for approvals too; errors in the places of their rows."""

    with_reasons: bool = False
    errors_by_row: bool = False


def arguments(model: type[CreditModel]) -> dict[str, str]:
    """Return BigQuery's type of every argument by name, in the order of the declaration."""
    return {c.name: _argument_type(c) for c in characteristics(model) if c.compute is None}


def _argument_type(c: Characteristic) -> str:
    if c.is_integer or c.is_coded:
        return "INT64"
    if c.is_date:
        return "DATE"
    return "STRING" if c.is_text else "FLOAT64"


async def score_calls(
    engine: DecisionEngine,
    model: type[CreditModel],
    calls: Rows,
    options: QueryOptions,
    caller: Caller,
) -> list[Reply]:
    """Score lists of arguments; the replies are as many, in order.

    Raises
    ------
    RequestError
        If a row is faulty and the query does not ask for errors by row: it has the faults of all.
    """
    rows, faults = rows_from_calls(calls, arguments(model))
    if not options.errors_by_row:
        table = validate_table(model, Rows(list(rows.values()), list(rows)), list(faults.values()))
        request = ScoringRequest(table=table, caller=caller, with_reasons=options.with_reasons)
        return list((await engine.decide(request)).predictions())
    indices = [i for i, path in enumerate(calls.paths) if path in rows]
    sound = validate_each(model, Rows(list(rows.values()), [""] * len(rows)))
    scored = await engine.decide(
        ScoringRequest(
            table=sound.table,
            caller=caller,
            with_reasons=options.with_reasons,
            positions=[indices[i] for i in sound.positions],
        )
    )
    replies: dict[int, Reply] = {
        i: InvalidRow(error=INVALID, errors=[Fault("", faults[path].message)])
        for i, path in enumerate(calls.paths)
        if path in faults
    }
    for i, row_faults in sound.faults.items():
        replies[indices[i]] = InvalidRow(error=INVALID, errors=list(row_faults))
    for i, prediction in zip(sound.positions, scored.predictions(), strict=True):
        replies[indices[i]] = prediction
    return [replies[i] for i in range(len(calls.paths))]


def rows_from_calls(
    calls: Rows, types: Mapping[str, str]
) -> tuple[dict[str, dict[str, object]], dict[str, Fault]]:
    """Turn calls with the right number of arguments into rows, the others into faults, by path."""
    rows: dict[str, dict[str, object]] = {}
    faults: dict[str, Fault] = {}
    for values, path in zip(calls.values, calls.paths, strict=True):
        if isinstance(values, list) and len(values) == len(types):
            pairs = zip(types.items(), values, strict=True)
            rows[path] = {name: _parse_value(value, kind) for (name, kind), value in pairs}
        else:
            faults[path] = Fault(path, f"Input should be a list of {len(types)} arguments")
    return rows, faults


def _parse_value(value: object, kind: str) -> object:
    """Return the value itself; warehouses write what a double may not hold exactly as text.

    That is a large INT64, and every NUMERIC and BIGNUMERIC.
    """
    if isinstance(value, str):
        if kind == "INT64" and INTEGER.fullmatch(value):
            return int(value)
        if kind in ("INT64", "FLOAT64") and NUMERIC.fullmatch(value):
            return float(value)
    return value


def with_request_id(caller: Caller, request_id: object) -> Caller:
    """Use the warehouse's own id, so that a repeated request gets the same decision ids.

    Snowflake's has colons, which ids here do not have.
    """
    if isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id.replace(":", ".")):
        return replace(caller, request_id=request_id.replace(":", "."))
    return caller


def call_schema(model: type[CreditModel], before: Sequence[Schema] = ()) -> Schema:
    """Schema of one call; `before` are what the list has before the arguments."""
    row, types = schema_from_model(model), arguments(model)
    example: Mapping[str, Any] = example_from_schema(row)
    text = {"type": "string", "pattern": f"^{NUMERIC.pattern}$"}
    values = [
        row["properties"][name] if kind == "STRING" else {"anyOf": [row["properties"][name], text]}
        for name, kind in types.items()
    ]
    return {
        "type": "array",
        "prefixItems": [*before, *values],
        "items": {},  # client generators want it; there are no more
        "minItems": len(before) + len(values),
        "maxItems": len(before) + len(values),
        "description": "Arguments in this order: " + ", ".join(types),
        "examples": [[*(0 for _ in before), *(example.get(name) for name in types)]],
    }
