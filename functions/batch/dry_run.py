"""A dry run: every row is read and validated, nothing is scored and nothing is written."""

from itertools import islice
from typing import Any

from functions.batch.plans import RunPlan, read_columns
from functions.batch.rows import RowValidator
from functions.batch.sources import FilePart, InputFile
from models.contract import CreditModel

MOST_FAULTS = 100  # that are listed; all are counted


def check_file(file: InputFile, model: type[CreditModel], plan: RunPlan) -> dict[str, Any]:
    """Check every row; return the counts and the first faults, each with line, field and rule.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    validator = RowValidator(model, plan.columns, file.dialect)
    faulty, listed = 0, list[dict[str, Any]]()
    for part in plan.list_parts():
        faults = _check_part(file, part, read_columns(plan, model), validator)
        faulty += len({fault["row"] for fault in faults})
        listed += islice(faults, MOST_FAULTS - len(listed))
    return {
        "outcome": "checked",
        "model": plan.request.model,
        "model_version": plan.version.version,
        "rows": plan.rows,
        "faulty": faulty,
        "columns": plan.columns,
        "faults": listed,
    }


def _check_part(
    file: InputFile, part: FilePart, columns: list[str], validator: RowValidator
) -> list[dict[str, Any]]:
    rows = file.read(part, columns)
    faults: list[dict[str, Any]] = [
        {"row": row, "field": "the row", "rule": rule} for row, rule in rows.misshapen
    ]
    for chunk in rows.chunks:
        for fault in validator.validate(chunk.batch).faults:
            cell = {"cell": fault.kind} if fault.kind else {}
            row = chunk.first_row + fault.row_index
            faults.append({"row": row, "field": fault.field, "rule": fault.rule, **cell})
    if rows.lines is not None:
        for entry in faults:
            entry["line"] = int(rows.lines[entry["row"] - part.rows_before - 1])
    return sorted(faults, key=lambda entry: (entry["row"], entry["field"]))
