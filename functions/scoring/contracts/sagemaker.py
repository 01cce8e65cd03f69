"""SageMaker's contract of a container: `GET /ping`, and the bodies of `POST /invocations`.

JSON is that of the canonical contract. A CSV has the fields in the order of the declaration, or a
first line that names them; an empty cell is an absent value.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.contracts.invocations import FileBody, Invocation, JsonBody
from functions.scoring.contracts.model_schemas import rows_body
from functions.scoring.contracts.parameters import parse_reasons_beside
from functions.scoring.decision_engine import MAX_ROWS, Rows, rows_from_document
from functions.scoring.operations.health import ModelReadiness
from functions.web.bodies import json_response
from functions.web.contract import PROBE, Contract
from functions.web.health import IsReady
from functions.web.openapi import Operation
from functions.web.problems import Fault, reject_faults
from models.contract import Characteristic, CreditModel, characteristics

MEMBER = "instances"
CSV = "text/csv"
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def contract(is_ready: IsReady) -> Contract:
    """`/ping`, which is 200 only once the default model is loaded."""

    async def ping(_request: Request) -> Response:
        return json_response(is_ready())

    summary = "SageMaker: check that the model is loaded; 503 until it is"
    return Contract(
        tag="SageMaker and MLflow",
        routes=[Route("/ping", ping, methods=["GET"])],
        scopes={"GET /ping": PROBE},
        paths=lambda: {"/ping": {"get": Operation(summary, response=ModelReadiness)}},
    )


def json_body(model_name: str) -> JsonBody:
    """The body of the canonical contract."""
    return JsonBody(member=MEMBER, parse=_parse, schema=rows_body(MEMBER, model_name))


def csv_body() -> FileBody:
    """Rows as CSV."""
    return FileBody(media_type=CSV, parse=_parse_csv)


def _parse(document: Mapping[str, Any]) -> Invocation:
    with_reasons, faults = parse_reasons_beside(document, MEMBER)
    return Invocation(rows_from_document(document, MEMBER, faults), with_reasons, faults)


def _parse_csv(model: type[CreditModel], body: bytes) -> Invocation:
    """Read the rows of a CSV.

    Raises
    ------
    RequestError
        If it is no CSV in UTF-8, has no row or too many, a row has another number of cells, or the
        first line names something that is no field, or a field twice.
    """
    lines = _read_lines(body)
    fields = {c.name: c for c in characteristics(model) if c.compute is None}
    names = list(fields)
    if lines and _is_header(lines[0], names):
        reject_faults(_check_header(lines[0], names))
        names, lines = [name.strip() for name in lines[0]], lines[1:]
    if not 1 <= len(lines) <= MAX_ROWS:
        reject_faults([Fault("body", f"The CSV should have 1 to {MAX_ROWS} rows")])
    paths = [f"rows[{i}]" for i in range(len(lines))]
    rule = f"There should be {len(names)} cells: {', '.join(names)}"
    reject_faults(
        [
            Fault(path, rule)
            for cells, path in zip(lines, paths, strict=True)
            if len(cells) != len(names)
        ]
    )
    rows = [_row_from_cells(cells, names, fields) for cells in lines]
    return Invocation(Rows(rows, paths), with_reasons=False, faults=[])


def _is_header(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a line names fields: half of its cells do, so that a misspelt one is no row."""
    return 2 * sum(cell.strip() in names for cell in cells) >= len(cells)


def _check_header(cells: Sequence[str], names: Sequence[str]) -> list[Fault]:
    counts = Counter(cell.strip() for cell in cells)
    others = [name for name in names if name not in counts]
    rule = f"This is no field; of the fields these are not named: {', '.join(others)}"
    unknown = [Fault(f"header.{name}", rule) for name in counts if name not in names]
    twice = [name for name, count in counts.items() if count > 1 and name in names]
    return unknown + [Fault(f"header.{name}", "This field is named twice") for name in twice]


def _read_lines(body: bytes) -> list[list[str]]:
    try:
        text = body.decode("utf-8-sig")
        return [cells for cells in csv.reader(StringIO(text, newline=""), strict=True) if cells]
    except (UnicodeDecodeError, csv.Error):
        reject_faults([Fault("body", "The body should be a CSV in UTF-8, with commas")])
        return []


def _row_from_cells(
    cells: Sequence[str], names: Sequence[str], fields: Mapping[str, Characteristic]
) -> dict[str, object]:
    return {
        name: _parse_cell(cell.strip(), fields[name])
        for name, cell in zip(names, cells, strict=True)
    }


def _parse_cell(cell: str, c: Characteristic) -> object:
    """Return the value that JSON would have; a word in the place of a number stays a word."""
    if not cell:
        return None
    if c.is_text or not NUMBER.fullmatch(cell):
        return cell
    return int(cell) if cell.lstrip("+-").isdecimal() else float(cell)
