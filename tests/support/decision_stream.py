"""Decisions as the log has them, made by a scorer for rows of its matrix, without a server."""

import json
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from models.features import Matrix
from models.registry.serving import LoadedVersion


def write_decisions(
    path: Path,
    loaded: LoadedVersion,
    matrix: Matrix,
    days: Sequence[date],
    prefix: str = "d",
) -> list[str]:
    """Append a record for each row, and return the decision ids; days are cycled through."""
    encoded = matrix.astype("<f4")
    scorer = loaded.scorer
    decisions = scorer.decisions_from_matrix(encoded.astype(np.float64))
    ids = [f"{prefix}{i:06d}" for i in range(len(matrix))]
    with path.open("a") as file:
        for i, (identity, decision) in enumerate(zip(ids, decisions, strict=True)):
            record = {
                "record": "decision",
                "decision_id": identity,
                "decided_at": f"{days[i % len(days)].isoformat()}T10:00:00.000000Z",
                "model": loaded.manifest.model,
                "model_version": loaded.version,
                "variant": "champion",
                "probability_of_default": decision.probability_of_default,
                "decision": decision.decision,
                "reasons": [] if decision.decision == "approve" else ["T1"],
                "features": b2a_base64(encoded[i].tobytes(), newline=False).decode(),
            }
            file.write(json.dumps(record) + "\n")
    return ids
