"""How each contestant wants to be asked, and where in its answer the probabilities stand."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.peers import rows as peer_rows
from tests.support.running import REPOSITORY

SINGLE = (REPOSITORY / "docs/examples/application.json").read_bytes()

Row = dict[str, Any]
Rows = list[Row]


@dataclass(frozen=True)
class Batch:
    """A way to ask about many rows; `variant` tells it from a contestant's first.

    Rows are applications that are approved, so that nobody gives reasons, unless `mixed`.
    """

    path: str
    body: Callable[[Rows], bytes]
    variant: str = ""
    mixed: bool = False


def example() -> Row:
    """The documented application."""
    row: Row = json.loads(SINGLE)
    return row


def as_row(rows: Rows) -> bytes:
    """One application by itself."""
    return json.dumps(rows[0]).encode()


def as_instances(rows: Rows) -> bytes:
    """A list of applications."""
    return json.dumps({"instances": rows}).encode()


def as_argument(rows: Rows) -> bytes:
    """BentoML: by the name of the method's argument."""
    return json.dumps({"application": rows[0]}).encode()


def as_frame(rows: Rows) -> bytes:
    """MLflow: a data frame's names and values."""
    values = [list(row.values()) for row in rows]
    return json.dumps({"dataframe_split": {"columns": list(rows[0]), "data": values}}).encode()


def as_columns(rows: Rows) -> bytes:
    """Open Inference Protocol, one tensor a field."""
    tensors = [
        {
            "name": name,
            "shape": [len(rows)],
            "datatype": "BYTES" if isinstance(value, str) else "FP64",
            "data": [row[name] for row in rows],
        }
        for name, value in rows[0].items()
    ]
    return json.dumps({"inputs": tensors}).encode()


def as_columns_for_one(rows: Rows) -> bytes:
    """The same, of which only the probability is asked."""
    wanted = {"outputs": [{"name": "probability_of_default"}]}
    return json.dumps(json.loads(as_columns(rows)) | wanted).encode()


def as_matrix(rows: Rows) -> bytes:
    """Open Inference Protocol, one tensor of what the trees read: the client computes features."""
    matrix = peer_rows.matrix([peer_rows.Application(**row) for row in rows])
    tensor = {"name": "rows", "shape": matrix.shape, "datatype": "FP64", "data": matrix.tolist()}
    return json.dumps({"inputs": [tensor], "outputs": [{"name": "predict"}]}).encode()


def probabilities_in(answer: bytes) -> list[float]:
    """What was answered, whoever it was."""
    match json.loads(answer):
        case {"probability_of_default": float(one)}:
            return [one]
        case {"predictions": list(many)}:
            return [p["probability_of_default"] if isinstance(p, dict) else p for p in many]
        case {"outputs": [{"data": list(data)}, *_]}:
            return data
    message = f"no probability in {answer[:200]!r}"
    raise ValueError(message)
