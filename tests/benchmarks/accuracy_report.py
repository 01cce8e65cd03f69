"""docs/accuracy.md: the table of `make bench-accuracy`, from docs/figures/accuracy.json."""

import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from models.metrics import Labels, Probabilities, auc, log_loss
from models.reliability import expected_calibration_error, simulate_ece_floor
from tests.support.running import REPOSITORY

FIGURES = REPOSITORY / "docs" / "figures" / "accuracy.json"
DOCUMENT = REPOSITORY / "docs" / "accuracy.md"
MARGIN = 0.001  # of AUC
ENOUGH_ROWS = 10_000  # from which the interval must exclude a loss of the margin
NOT_CALIBRATED = ", not calibrated"
RIVALS = ("xgboost, tuned and free", "lightgbm, tuned and free")
LIBRARIES = ("lightgbm", "numpy", "optuna", "scikit-learn", "xgboost-cpu")

Splits = Sequence[tuple[NDArray[np.int64], int, Mapping[str, Probabilities]]]


def summarise(labels: Labels, splits: Splits) -> dict[str, Any]:
    """Sum up splits, each with its held-out rows, its repeat, and the predictions by name."""
    names = [n for n in splits[0][2] if not n.endswith(NOT_CALIBRATED)]
    aucs = {
        n: np.array([auc(labels[held], predictions[n]) for held, _, predictions in splits])
        for n in names
    }
    calibrated = [
        (held, predictions)
        for held, _, predictions in splits
        if f"logistic{NOT_CALIBRATED}" in predictions
    ]
    best = max((n for n in names if is_ours(n)), key=lambda n: float(aucs[n].mean()))
    return {
        "rows": len(labels),
        "default_rate": float(labels.mean()),
        "splits": len(splits),
        "calibrated_splits": len(calibrated),
        "best": best,
        "contestants": {
            name: {
                "auc": float(aucs[name].mean()),
                **measure_probabilities(labels, calibrated, name),
            }
            for name in names
        },
        "differences": {
            rival: difference(aucs[best], aucs[rival], len(splits[0][0]) / len(labels))
            for rival in names
            if rival != best
        },
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def is_ours(name: str) -> bool:
    """Whether a contestant is a family of this project, with signs."""
    family = name.removesuffix(", tuned")
    return family in ("logistic", "scorecard", "additive", "random_forest", "xgboost", "lightgbm")


def measure_probabilities(
    labels: Labels,
    splits: Sequence[tuple[NDArray[np.int64], Mapping[str, Probabilities]]],
    name: str,
) -> dict[str, float]:
    """Measure log-loss and calibration of predictions pooled over splits."""
    rows = np.concatenate([held for held, _ in splits])
    predicted = np.concatenate([predictions[name] for _, predictions in splits])
    clipped = np.clip(predicted, 1e-8, 1 - 1e-8)
    figures = {
        "log_loss": log_loss(labels[rows], clipped),
        "ece": expected_calibration_error(labels[rows], clipped),
        "ece_floor_high": float(np.quantile(simulate_ece_floor(clipped, 0), 0.95)),
    }
    if f"{name}{NOT_CALIBRATED}" in splits[0][1]:
        raw = np.concatenate([predictions[f"{name}{NOT_CALIBRATED}"] for _, predictions in splits])
        figures["log_loss_not_calibrated"] = log_loss(labels[rows], raw)
    return figures


def difference(
    first: NDArray[np.float64], second: NDArray[np.float64], test_share: float
) -> dict[str, float]:
    """Compare two contestants on the same splits: mean difference and its 95 % interval.

    Splits overlap, so their variance is corrected. Source: Nadeau & Bengio, Inference for the
    generalization error, Machine Learning 52, 2003.
    """
    differences = first - second
    count, mean = len(differences), float(differences.mean())
    if count == 1:
        return {"mean": mean, "low": -math.inf, "high": math.inf}
    variance = (1 / count + test_share / (1 - test_share)) * float(differences.var(ddof=1))
    half = float(student.ppf(0.975, count - 1)) * math.sqrt(variance)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def judge_difference(rows: int, figures: Mapping[str, float]) -> str:
    """Say whether the best model of ours is never worse than a rival by more than the margin."""
    if rows >= ENOUGH_ROWS:
        return "yes" if figures["low"] > -MARGIN else "**no**"
    return "yes" if figures["high"] >= 0 else "**no**"


def render(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Render the document."""
    parts = [INTRODUCTION]
    for model_name, result in results.items():
        parts.append(_render_set(model_name, result))
    return "\n".join(parts)


INTRODUCTION = """# Accuracy

Every family of this project beside what others would train, on the same splits.
`make bench-accuracy` measures the figures and writes this page; no figure is typed by hand.

- Protected fields are left out of every model. Documented signs hold in every model of ours, and
  in no other.
- A split holds out one of five folds; folds are drawn anew for each repeat. AUC is the mean over
  all splits.
- *Tuned* parameters come from a search within the training rows of each split of the first repeat:
  8 trials of each model, also of those without constraints. Later repeats use the parameters of
  the first one's fold of the same number.
- Log-loss and calibration error (ECE) are those of the pooled predictions of the first splits, as
  many as stated. Ours are calibrated within the training rows, as in service. Others are as their
  library predicts. The *noise floor* is the 95th percentile of the ECE of a perfect model.
- The best model of ours is the one of the highest AUC on these splits, which flatters it a little.
  Differences are those of it to each other model, paired by split, with a 95 % interval
  (Nadeau & Bengio 2003). *Not worse* means: on 10,000 rows or more, the interval excludes
  a loss of .001 or more; on fewer rows, it does not lie below 0.
"""


def _render_set(model_name: str, result: Mapping[str, Any]) -> str:
    rows, best = result["rows"], result["best"]
    libraries = ", ".join(f"{name} {number}" for name, number in result["libraries"].items())
    lines = [
        f"## {model_name}",
        "",
        (
            f"{rows:,} rows, {result['default_rate']:.1%} defaults. {result['splits']} splits; "
            f"log-loss and ECE from {result['calibrated_splits']}."
        ),
        f"{result['machine']}, {libraries}.",
        "",
        f"| model | AUC | log-loss | ECE | noise floor | {best} minus it | not worse |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    ordered = sorted(result["contestants"].items(), key=lambda item: -item[1]["auc"])
    lines += [_render_row(rows, name, figures, result["differences"]) for name, figures in ordered]
    return "\n".join([*lines, "", *_render_findings(result), ""])


def _render_row(
    rows: int, name: str, figures: Mapping[str, float], differences: Mapping[str, Any]
) -> str:
    ece = f"{figures['ece']:.4f}"
    if figures["ece"] > figures["ece_floor_high"]:
        ece = f"**{ece}**"
    apart, verdict = "", ""
    if name in differences:
        apart = "{mean:+.4f} ({low:+.4f} to {high:+.4f})".format(**differences[name])
        verdict = "" if is_ours(name) else judge_difference(rows, differences[name])
    label = f"{name} (ours)" if is_ours(name) else name
    return (
        f"| {label} | {figures['auc']:.4f} | {figures['log_loss']:.4f} | {ece} | "
        f"{figures['ece_floor_high']:.4f} | {apart} | {verdict} |"
    )


def _render_findings(result: Mapping[str, Any]) -> list[str]:
    ours = {n: f for n, f in result["contestants"].items() if is_ours(n)}
    off = [n for n, f in ours.items() if f["ece"] > f["ece_floor_high"]]
    worse = [n for n, f in ours.items() if f["log_loss"] > f["log_loss_not_calibrated"] + 1e-4]
    rivals = [r for r in RIVALS if r in result["differences"]]
    losses = [
        r for r in rivals if judge_difference(result["rows"], result["differences"][r]) != "yes"
    ]
    return [
        f"- Best of ours: {result['best']}, AUC {ours[result['best']]['auc']:.4f}.",
        f"- Not shown to be as good as, within .001: {', '.join(losses) or 'none of the rivals'}.",
        f"- Of ours, calibration error above its noise floor: {', '.join(off) or 'none'}.",
        f"- Of ours, calibration raised the log-loss by over .0001: {', '.join(worse) or 'none'}.",
    ]
