"""The report of a version: one document of figures, as JSON for machines and HTML for people."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.score_scale import score_from_probability
from training.families.selection import FamilyResult
from training.gates import Gate
from training.model_review import cutoff_table, fairness, importances
from training.plots import calibration_curve, importance_bars, roc_curve, score_distribution
from training.run import Trained
from training.settings import REPOSITORY

TEMPLATES = Path(__file__).parent / "templates"


def report_files(trained: Trained, outcome: str, gates: Sequence[Gate]) -> dict[str, bytes]:
    """Make `report.json` and `report.html`; figures of time and place stand only here."""
    document = _document(trained, outcome, gates)
    return {
        "report.json": json.dumps(document, indent=1, allow_nan=False).encode(),
        "report.html": _page(document, _pictures(trained, document)).encode(),
    }


def _document(trained: Trained, outcome: str, gates: Sequence[Gate]) -> dict[str, Any]:
    rows, test = trained.rows, trained.test
    groups = fairness(trained.scorer, test.applications, test.labels, trained.probabilities)
    policy, default_from = trained.scorer.policy, trained.bundle.manifest.default_from
    shown = (policy.approve_below, policy.decline_from, default_from)
    cutoffs = cutoff_table(test.labels, trained.probabilities, shown)
    return {
        "format": 1,
        "purpose": (trained.model.__doc__ or "").strip().splitlines()[0],
        "outcome": outcome,
        "manifest": trained.bundle.manifest.model_dump(mode="json"),
        "scale": str(trained.scorer.scale),
        "reference": dict(trained.bundle.baseline),
        "data": {
            "source": trained.source,
            "accepted": len(rows.labels),
            "refused": rows.refused,
            "refusals": rows.refusals,
            "remarks": trained.remarks,
            "ignored_columns": sorted(rows.ignored),
            "defaults": int(rows.labels.sum()),
        },
        "cross_validation": [asdict(f) for result in trained.families for f in result.folds],
        "candidates": [_candidate(result) for result in trained.families],
        "calibration": asdict(trained.families[0].calibration),
        "gates": [asdict(gate) for gate in gates],
        "cutoffs": [asdict(row) for row in cutoffs],
        "importances": importances(trained.scorer, test.matrix, trained.seed),
        "signs": [asdict(check) for check in trained.signs],
        "fairness": [asdict(group) for group in groups],
        "reproduce": {"command": trained.command, "commit": commit()},
    }


def _pictures(trained: Trained, document: Mapping[str, Any]) -> dict[str, str]:
    labels, probabilities = trained.test.labels, trained.probabilities
    scale = trained.bundle.manifest.scale
    scores = np.array([score_from_probability(p, scale) for p in probabilities.tolist()])
    auc = trained.bundle.manifest.metrics["auc"].value
    return {
        "roc": roc_curve(labels, probabilities, auc),
        "calibration": calibration_curve(labels, probabilities),
        "scores": score_distribution(labels, scores),
        "importances": importance_bars(document["importances"]),
    }


def _page(document: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    page: str = environment.get_template("report.html").render(**document, pictures=pictures)
    return page


def _candidate(result: FamilyResult) -> dict[str, Any]:
    return {
        "family": result.candidate.family,
        "calibrated_log_loss": result.calibration.log_loss,
        "log_loss": float(np.mean([fold.log_loss for fold in result.folds])),
        "auc": float(np.mean([fold.auc for fold in result.folds])),
    }


def commit() -> str | None:
    """Revision of the code, where it runs from a checkout; `-dirty` where that was changed."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- fixed words
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
