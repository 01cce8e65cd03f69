"""Bodies of MLflow's scoring protocol: `dataframe_split`, `dataframe_records` and `inputs`.

The rows of a frame are applications; its index means nothing. `params` may ask for reasons.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from functions.scoring.contracts.invocations import Invocation, JsonBody
from functions.scoring.contracts.parameters import REASONS, parse_reasons
from functions.scoring.decision_engine import MAX_ROWS, Rows, rows_from_document
from functions.web.bodies import unknown_members
from functions.web.openapi import Schema, array, closed_object, reference
from functions.web.problems import Fault, reject_faults

PARAMS: Schema = REASONS
SPLIT, RECORDS, INPUTS = "dataframe_split", "dataframe_records", "inputs"
NAME: Schema = {"type": "string"}
ANY: Schema = {}


def bodies(model_name: str) -> list[JsonBody]:
    """The three bodies, for rows of one model."""
    split = closed_object(
        {
            "columns": array(NAME, MAX_ROWS),
            "data": array(array(ANY, MAX_ROWS), MAX_ROWS),
            "index": {"type": ["array", "null"], "items": ANY},
        },
        required=["columns", "data"],
    )
    records = array(reference(model_name), MAX_ROWS)
    columns: Schema = {"type": "object", "additionalProperties": array(ANY, MAX_ROWS)}
    return [
        _body(SPLIT, _rows_from_split, split),
        _body(RECORDS, _rows_from_records, records),
        _body(INPUTS, _rows_from_inputs, {"anyOf": [columns, records]}),
    ]


def _body(member: str, parse: Callable[[Mapping[str, Any]], Rows], schema: Schema) -> JsonBody:
    return JsonBody(
        member=member,
        parse=partial(_parse, member, parse),
        schema=closed_object({member: schema, "params": PARAMS}, required=[member]),
    )


def _parse(
    member: str, parse: Callable[[Mapping[str, Any]], Rows], document: Mapping[str, Any]
) -> Invocation:
    with_reasons, faults = parse_reasons(document.get("params"), "params")
    faults = [*unknown_members(document, {member, "params"}), *faults]
    return Invocation(parse(document), with_reasons, faults)


def _rows_from_records(document: Mapping[str, Any]) -> Rows:
    return rows_from_document(document, RECORDS)


def _rows_from_split(document: Mapping[str, Any]) -> Rows:
    """Turn names and lists of values into rows.

    Raises
    ------
    RequestError
        If there is no name or no row, a name is repeated, or a row has another number of values.
    """
    frame = document[SPLIT]
    if not isinstance(frame, dict):
        return _reject(SPLIT, "Input should be an object")
    reject_faults(unknown_members(frame, {"columns", "data", "index"}, SPLIT))
    names = _read_names(frame.get("columns"))
    values = rows_from_document(frame, "data")
    rule = f"Input should be a list of {len(names)} values"
    reject_faults(
        [
            Fault(f"{SPLIT}.{path}", rule)
            for row, path in zip(values.values, values.paths, strict=True)
            if not isinstance(row, list) or len(row) != len(names)
        ]
    )
    rows = [dict(zip(names, row, strict=True)) for row in values.values if isinstance(row, list)]
    return Rows(rows, [f"{SPLIT}.{path}" for path in values.paths])


def _read_names(names: object) -> list[str]:
    path = f"{SPLIT}.columns"
    if not isinstance(names, list) or not names:
        _reject(path, "Input should be a list of names")
        return []
    texts = [name for name in names if isinstance(name, str)]
    if len(set(texts)) != len(names):
        _reject(path, "Input should be a list of different names")
    return texts


def _rows_from_inputs(document: Mapping[str, Any]) -> Rows:
    """Turn columns, or a list of rows, into rows.

    Raises
    ------
    RequestError
        If there are no columns, or they are not equally long.
    """
    inputs = document[INPUTS]
    if isinstance(inputs, list):
        return rows_from_document(document, INPUTS)
    if not isinstance(inputs, dict) or not inputs:
        return _reject(INPUTS, "Input should be an object of columns, or a list of rows")
    columns = {name: _flatten(values) for name, values in inputs.items()}
    count = max(len(values) for values in columns.values())
    rule = f"Input should be a list of 1 to {MAX_ROWS} values, as long as the other columns"
    reject_faults(
        [
            Fault(f"{INPUTS}.{name}", rule)
            for name, values in columns.items()
            if not 1 <= len(values) <= MAX_ROWS or len(values) != count
        ]
    )
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return Rows(rows, [f"{INPUTS}[{i}]" for i in range(count)])


def _flatten(values: object) -> list[Any]:
    """Return a column's values; those inside if it is a column of shape `[n, 1]`."""
    if not isinstance(values, list):
        return []
    if all(isinstance(value, list) and len(value) == 1 for value in values):
        return [value[0] for value in values]
    return values


def _reject(path: str, rule: str) -> Rows:
    reject_faults([Fault(path, rule)])
    return Rows([], [])
