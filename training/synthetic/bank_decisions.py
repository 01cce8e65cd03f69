"""Decisions about the customers of the synthetic bank, as the service would have logged them.

The champion decides on every customer as of a year ago, and as of the day, spread over the 28 days
that monitoring compares. Of the first it is known by now who defaulted. A service that runs writes
such a log by itself; it dates its records by the clock, and the days of the bank are past.
"""

import csv
import json
import zlib
from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from models.catalogue.customer import Customer
from models.features import columns_from_applications, matrix_from_columns
from models.registry.serving import LoadedVersion
from training.pipeline.feature_table import compute_features
from training.pipeline.warehouse import Warehouse

LOG_NAME, OUTCOMES_NAME = "decisions.jsonl", "outcomes.csv"
WINDOW_DAYS = 28
Row = Mapping[str, Any]
Line = tuple[str, date, Row]  # decision id, day and features


def write_bank_decisions(
    warehouse: Warehouse, champion: LoadedVersion, day: date, folder: Path
) -> dict[str, int]:
    """Write the log, and the outcomes that are known at the end of the day; return their rows."""
    lines = list(list_lines(warehouse, day))
    folder.mkdir(parents=True, exist_ok=True)
    write_log(folder / LOG_NAME, champion, lines)
    outcomes = write_outcomes(folder / OUTCOMES_NAME, lines, read_defaults(warehouse), day)
    return {"decisions": len(lines), "outcomes": outcomes}


def list_lines(warehouse: Warehouse, day: date) -> Iterator[Line]:
    """Yield what is decided: every customer a year ago, and once in the last 28 days."""
    before = year_before(day)
    features = compute_features(warehouse, [before, day]).to_pylist()
    for row in features:
        customer, is_recent = row["customer_id"], row["as_of"] > day
        # The same customer on the same day in every run.
        ago = zlib.crc32(customer.encode()) % WINDOW_DAYS
        decided = day - timedelta(days=ago) if is_recent else before
        if None not in (row["payment_history_score"], row["interest_rate"]):
            yield f"{decided}-{customer}", decided, row


def year_before(day: date) -> date:
    """Return the same date of the year before; of 29 February, the day before."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def read_defaults(warehouse: Warehouse) -> dict[str, date]:
    """Return the first default of each customer that has one."""
    query = "SELECT customer_id, MIN(defaulted_on) AS first FROM defaults GROUP BY customer_id"
    return {row["customer_id"]: row["first"] for row in warehouse.read(query).to_pylist()}


def write_log(path: Path, champion: LoadedVersion, lines: Sequence[Line]) -> None:
    """Write a record for each line, with the features exactly as the model reads them."""
    names = [name for name in Customer.model_fields if name in lines[0][2]]
    applications = [Customer(**{name: row[name] for name in names}) for _, _, row in lines]
    columns = columns_from_applications(Customer, applications)
    matrix = matrix_from_columns(Customer, columns).astype("<f4")
    decisions = champion.scorer.decisions_from_matrix(matrix.astype(np.float64))
    with path.open("w") as file:
        for (identity, day, _), decision, encoded in zip(lines, decisions, matrix, strict=True):
            record = {
                "record": "decision",
                "decision_id": identity,
                "decided_at": f"{day}T12:00:00.000000Z",
                "model": champion.manifest.model,
                "model_version": champion.version,
                "variant": "champion",
                "probability_of_default": decision.probability_of_default,
                "decision": decision.decision,
                "reasons": [],
                "features": b2a_base64(encoded.tobytes(), newline=False).decode(),
            }
            file.write(json.dumps(record) + "\n")


def write_outcomes(
    path: Path, lines: Sequence[Line], defaults: Mapping[str, date], day: date
) -> int:
    """Write who defaulted within the year after a decision of a year ago; return how many lines."""
    before = year_before(day)
    outcomes = []
    for identity, decided, row in lines:
        defaulted = defaults.get(row["customer_id"])
        if decided == before and (defaulted is None or defaulted >= row["as_of"]):
            outcomes.append((identity, int(defaulted is not None and defaulted <= day)))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("decision_id", "outcome"), *outcomes])
    return len(outcomes)
