"""The loans of a stored risk report as columns: what it was made from, and what came out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import Connection

from functions.lending.storage.binary_copy import FixedColumn, Rows, integers, read_rows
from functions.lending.storage.report_index import StoredReport
from functions.lending.storage.risk_tables import PROVISION_INPUTS, RISK_INPUTS, RISK_RESULTS
from models.lending.loan_arrays import LoanArrays
from models.lending.provision_arrays import ExposureArrays
from models.lending.risk_inputs import RiskInputs

CHUNK = 50_000
NOBODY = "00000000-0000-0000-0000-000000000000"
NUMBERS = ("class_index", *RISK_INPUTS, *PROVISION_INPUTS, *RISK_RESULTS)
STORED_COLUMNS = (FixedColumn("loan_id", "identifier"), *integers(*NUMBERS))
FLAGS = frozenset({"is_impaired", "is_unsecured"})
STORED_ROWS = f"""
SELECT loan_id, array_position(%(classes)s::text[], asset_class)::bigint - 1,
    {", ".join(NUMBERS[1:])}
FROM risk_loans WHERE report_id = %(report)s AND loan_id > %(last)s
ORDER BY loan_id LIMIT %(chunk)s
"""  # noqa: S608 -- names of ours


def read_report_rows(
    connection: Connection, report: StoredReport, classes: tuple[str, ...]
) -> Iterator[Rows]:
    """Yield the loans of a report that the caller may see, some thousands at a time."""
    values: dict[str, Any] = {"report": report.id, "classes": list(classes), "chunk": CHUNK}
    last: Any = NOBODY
    while True:
        rows = read_rows(connection, STORED_ROWS, values | {"last": last}, STORED_COLUMNS)
        if len(rows):
            yield rows
        if len(rows) < CHUNK:
            return
        last = bytes(rows["loan_id"][-1]).hex()


def inputs_from_rows(rows: Rows, classes: tuple[str, ...]) -> RiskInputs:
    """Return what a stored report was made from."""
    columns = {name: number_column(rows, name) for name in (*RISK_INPUTS, *PROVISION_INPUTS)}
    flags = {name: columns[name] != 0 for name in FLAGS}
    loans = {name: columns[name] for name in RISK_INPUTS if name not in FLAGS}
    return RiskInputs(
        loans=LoanArrays(**loans, is_impaired=flags["is_impaired"]),
        exposures=ExposureArrays(
            asset_class=number_column(rows, "class_index"),
            class_names=classes,
            outstanding=columns["outstanding"],
            realisable_security=columns["security"],
            is_unsecured=flags["is_unsecured"],
        ),
        unscored=0,
    )


def number_column(rows: Rows, name: str) -> Any:  # noqa: ANN401 -- an array
    """Return one column in the machine's own order of bytes, which numpy computes faster with."""
    return rows[name].astype(np.int64)
