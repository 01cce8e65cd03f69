"""Signals: figures of a day that left their bounds, or that there is not enough to judge.

The bounds are such that a model whose applicants do not change gives at most one false signal a
quarter: `tests/training/monitoring/test_signals.py` simulates it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from training.monitoring.drift import Drift, Shift
from training.monitoring.performance import (
    LEAST_DEFAULTS,
    LEAST_ROWS,
    RealisedPerformance,
)

State = Literal["fired", "quiet", "not enough"]
Severity = Literal["warning", "critical"]
FALSE_ALARM = 0.0005  # of one signal on one day, on either side
LEAST_CHANGE = 0.05  # of a share of decisions, below which nobody needs to know
LEAST_LOSS = 0.02  # of AUC
CRITICAL = NormalDist().inv_cdf(1 - FALSE_ALARM)


@dataclass(frozen=True, slots=True)
class Signal:
    """One figure, its bound, and whether it left it.

    `value` is None if there is not enough to judge.
    """

    name: str
    subject: str
    state: State
    severity: Severity
    value: float | None
    bound: float
    rows: int
    text: str


@dataclass(frozen=True, slots=True)
class TrainedFigures:
    """What the version had on its own test part: AUC and its standard error."""

    auc: float
    auc_error: float


def judge(
    rows: int, drift: Drift | None, realised: RealisedPerformance | None, trained: TrainedFigures
) -> tuple[Signal, ...]:
    """Judge a day's figures, those that fired first."""
    signals = [*_judge_drift(rows, drift), *_judge_performance(realised, trained)]
    order = {"fired": 0, "quiet": 1, "not enough": 2}
    return tuple(sorted(signals, key=lambda signal: order[signal.state]))


def is_degraded(signals: tuple[Signal, ...]) -> bool:
    """Return whether any signal fired."""
    return any(signal.state == "fired" for signal in signals)


def _judge_drift(rows: int, drift: Drift | None) -> Iterator[Signal]:
    if drift is None or rows < LEAST_ROWS:
        reason = f"{rows} decisions; from {LEAST_ROWS} on they are compared"
        for name in ("population_shift", "characteristic_shift", "decision_share"):
            yield Signal(name, "all", "not enough", "warning", None, 0.0, rows, reason)
        return
    yield _judge_shift("population_shift", drift.probability)
    for shift in drift.characteristics:
        yield _judge_shift("characteristic_shift", shift)
    for share in drift.decisions:
        change = share.actual - share.expected
        fired = abs(share.z) > CRITICAL and abs(change) > LEAST_CHANGE
        yield Signal(
            name="decision_share",
            subject=share.decision,
            state="fired" if fired else "quiet",
            severity="warning",
            value=share.actual,
            bound=share.expected,
            rows=rows,
            text=f"{share.actual:.1%} {share.decision}, {share.expected:.1%} on the test part",
        )


def _judge_shift(name: str, shift: Shift) -> Signal:
    return Signal(
        name=name,
        subject=shift.name,
        state="fired" if shift.psi > shift.bound else "quiet",
        severity="warning",
        value=shift.psi,
        bound=shift.bound,
        rows=shift.rows,
        text=f"PSI {shift.psi:.3f}; at most {shift.bound:.3f}",
    )


def _judge_performance(
    realised: RealisedPerformance | None, trained: TrainedFigures
) -> Iterator[Signal]:
    if realised is None:
        reason = (
            f"outcomes are judged from {LEAST_ROWS} on, with {LEAST_DEFAULTS} defaults and as many "
            "others"
        )
        for name in ("calibration", "auc"):
            yield Signal(name, "all", "not enough", "critical", None, 0.0, 0, reason)
        return
    yield Signal(
        name="calibration",
        subject="all",
        state="fired" if abs(realised.z) > CRITICAL else "quiet",
        severity="critical",
        value=realised.z,
        bound=CRITICAL,
        rows=realised.rows,
        text=f"{realised.default_rate:.2%} defaulted, {realised.mean_probability:.2%} expected: "
        f"{realised.z:+.1f} standard errors",
    )
    margin = CRITICAL * (realised.auc_error**2 + trained.auc_error**2) ** 0.5
    bound = trained.auc - max(margin, LEAST_LOSS)
    yield Signal(
        name="auc",
        subject="all",
        state="fired" if realised.auc < bound else "quiet",
        severity="critical",
        value=realised.auc,
        bound=bound,
        rows=realised.rows,
        text=f"AUC {realised.auc:.3f}, {trained.auc:.3f} on the test part; at least {bound:.3f}",
    )
