"""The report data of a version: everything a reviewer asks for, as one JSON document."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict

from training.gates import Gate
from training.run import Trained
from training.settings import REPOSITORY


def report_json(trained: Trained, outcome: str, gates: Sequence[Gate]) -> bytes:
    """Lay out the report; figures of time and place stand here, never in the bundle."""
    rows = trained.rows
    document = {
        "format": 1,
        "outcome": outcome,
        "manifest": trained.bundle.manifest.model_dump(mode="json"),
        "data": {
            "source": trained.source,
            "accepted": len(rows.labels),
            "refused": rows.refused,
            "refusals": rows.refusals,
            "ignored_columns": sorted(rows.ignored),
            "defaults": int(rows.labels.sum()),
        },
        "cross_validation": [asdict(fold) for fold in trained.folds],
        "calibration": asdict(trained.calibration),
        "gates": [asdict(gate) for gate in gates],
        "reproduce": {"command": trained.command, "commit": commit()},
    }
    return json.dumps(document, indent=1).encode()


def commit() -> str | None:
    """Revision of the code, where it runs from a checkout."""
    command = ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- fixed words
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
