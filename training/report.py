"""The report of a version: one document of figures, as JSON and as HTML."""

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
from training.gate import Gate
from training.model_review import measure_fairness, measure_importances, tabulate_cutoffs
from training.plots import (
    plot_calibration_curve,
    plot_importances,
    plot_roc_curve,
    plot_score_distribution,
)
from training.run import Trained
from training.settings import REPOSITORY

TEMPLATES = Path(__file__).parent / "templates"


def build_report_files(trained: Trained, outcome: str, gates: Sequence[Gate]) -> dict[str, bytes]:
    """Build `report.json` and `report.html`.

    Facts that differ between two runs of the same job, such as the commit, are only in these files
    and never in the bundle.
    """
    document = _build_document(trained, outcome, gates)
    return {
        "report.json": json.dumps(document, indent=1, allow_nan=False).encode(),
        "report.html": _render_page(document, _plot(trained, document)).encode(),
    }


def _build_document(trained: Trained, outcome: str, gates: Sequence[Gate]) -> dict[str, Any]:
    data, rows, test = trained.data, trained.data.rows, trained.test
    groups = measure_fairness(trained.scorer, test.columns, test.labels, trained.probabilities)
    policy = trained.scorer.policy
    own_cutoffs = (policy.approve_below, policy.decline_from, trained.fitted.default_from)
    cutoffs = tabulate_cutoffs(test.labels, trained.probabilities, own_cutoffs)
    families = trained.families
    return {
        "format": 1,
        "purpose": (trained.model.__doc__ or "").strip().splitlines()[0],
        "outcome": outcome,
        "manifest": trained.manifest.model_dump(mode="json"),
        "scale": str(trained.scorer.scale),
        "reference": dict(trained.scorer.baseline),
        "data": {
            "source": data.source,
            "accepted": len(rows.labels),
            "refused": rows.refused,
            "refusals": rows.refusals,
            "remarks": data.remarks,
            "ignored_columns": sorted(rows.ignored),
            "defaults": int(rows.labels.sum()),
        },
        "cross_validation": [asdict(fold) for result in families for fold in result.folds],
        "candidates": [_summarise_family(result) for result in families],
        "calibration": asdict(trained.fitted.result.calibration),
        "gates": [asdict(gate) | {"remedy": gate.remedy} for gate in gates],
        "cutoffs": [asdict(row) for row in cutoffs],
        "importances": measure_importances(trained.scorer, test.matrix, trained.job.seed),
        "signs": [asdict(check) for check in trained.signs],
        "fairness": [asdict(group) for group in groups],
        "reproduce": {"command": trained.job.build_command(), "commit": find_commit()},
    }


def _plot(trained: Trained, document: Mapping[str, Any]) -> dict[str, str]:
    labels, probabilities = trained.test.labels, trained.probabilities
    scale = trained.scorer.scale
    scores = np.array([score_from_probability(p, scale) for p in probabilities.tolist()])
    auc = trained.manifest.metrics["auc"].value
    return {
        "roc": plot_roc_curve(labels, probabilities, auc),
        "calibration": plot_calibration_curve(labels, probabilities),
        "scores": plot_score_distribution(labels, scores),
        "importances": plot_importances(document["importances"]),
    }


def _render_page(document: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    page: str = environment.get_template("report.html").render(**document, pictures=pictures)
    return page


def _summarise_family(result: FamilyResult) -> dict[str, Any]:
    return {
        "family": result.candidate.family,
        "calibrated_log_loss": result.calibration.log_loss,
        "log_loss": float(np.mean([fold.log_loss for fold in result.folds])),
        "auc": float(np.mean([fold.auc for fold in result.folds])),
    }


def find_commit() -> str | None:
    """Return the commit of the checkout, with `-dirty` if files were changed, or None."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- fixed words
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
