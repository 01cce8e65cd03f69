"""Monitored years of a model, simulated: judged day by day by the function that monitoring uses.

The model has 20 characteristics, each in tenths, and calibrated probabilities. Its reference is a
sample, too. 40 applications are decided a day, and outcomes of 175 decisions come once a week.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.metrics import Labels, Probabilities, auc_with_error
from training.model_review import calibration_z
from training.monitoring.drift import (
    DecisionShare,
    Drift,
    Shift,
    compare_counts,
    compare_share,
)
from training.monitoring.performance import RealisedPerformance, expect_performance
from training.monitoring.reference import BinnedShares
from training.monitoring.signals import Signal, TrainedFigures, judge

CHARACTERISTICS, BINS = 20, 10
WINDOW_DAYS, YEAR = 28, 365
A_DAY, A_WEEK, WEEKS = 40, 175, 52
TRAINING_ROWS, TEST_ROWS = 8_000, 2_000
DECISIONS = {"approve": 0.7, "refer": 0.2, "decline": 0.1}
BETA = (1, 6)  # of the probabilities: a default rate of 1 in 7

Counts = NDArray[np.int64]
Fired = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Change:
    """What changes on the first day: shares of one characteristic, odds, or the slope of the logit.

    A slope below 1 leaves as many defaults as before, and the model ranks them worse.
    """

    shares: tuple[float, ...] | None = None
    odds: float = 1.0
    slope: float = 1.0


@dataclass(frozen=True, slots=True)
class Detection:
    """When a change was found in each stream, in days since it could first be seen.

    `expected` is the day on which the mean figure leaves its bound: no earlier day can be asked
    for. `days` has that of each stream, infinity where it was never found.
    """

    expected: float
    days: NDArray[np.float64]

    def share_until(self, day: float) -> float:
        """Return the share of streams that were found by a day."""
        return float((self.days <= day).mean())

    def find_day(self, share: float) -> float:
        """Return the day by which a share of the streams was found; infinity if never."""
        return float(np.quantile(self.days, share, method="higher"))


def count_alarms(years: int, seed: int = 10) -> Counter[str]:
    """Count the alarms of unchanged years by signal; a run of fired days is one alarm."""
    alarms: Counter[str] = Counter()
    for number in range(years):
        before: Fired = frozenset()
        for signals in judge_year(np.random.default_rng((seed, number))):
            fired = frozenset((s.name, s.subject) for s in signals if s.state == "fired")
            alarms.update(name for name, _ in fired - before)
            before = fired
    return alarms


def judge_year(random: np.random.Generator) -> Iterator[tuple[Signal, ...]]:
    """Yield the signals of each day of a year in which nothing changes."""
    tenths, days = (1 / BINS,) * BINS, YEAR + WINDOW_DAYS
    references = [_draw_reference(random, TEST_ROWS)] + [
        _draw_reference(random, TRAINING_ROWS) for _ in range(CHARACTERISTICS)
    ]
    windows = _sum_windows(random.multinomial(A_DAY, tenths, (days, 1 + CHARACTERISTICS)))
    shares = random.multinomial(TEST_ROWS, tuple(DECISIONS.values())) / TEST_ROWS
    decided = _sum_windows(random.multinomial(A_DAY, tuple(DECISIONS.values()), days))
    trained = _draw_trained(random)
    probabilities, labels = draw_outcomes(random, 2 * WEEKS, Change())
    realised = None
    for day in range(YEAR):
        if day % 7 == 0:
            week = WEEKS + day // 7
            since, until = (week - WEEKS) * A_WEEK, week * A_WEEK
            realised = _realise(labels[since:until], probabilities[since:until])
        shifts = [
            compare_counts(f"field {i}", reference, windows[day, i].astype(np.float64), rows)
            for i, (reference, rows) in enumerate(
                zip(references, (TEST_ROWS, *[TRAINING_ROWS] * CHARACTERISTICS), strict=True)
            )
        ]
        drift = Drift(shifts[0], tuple(shifts[1:]), _decide(decided[day], shares), (), {})
        yield judge(A_DAY * WINDOW_DAYS, drift, realised, trained)


def detect_shift(shares: Sequence[float], streams: int, seed: int = 20) -> Detection:
    """Find a characteristic whose shares change from one day on."""
    random = np.random.default_rng(seed)
    mixes = [_mix(shares, min(day, WINDOW_DAYS)) for day in range(1, 2 * WINDOW_DAYS + 1)]
    exact = BinnedShares(edges=(), bins=("",) * BINS, shares=(1 / BINS,) * BINS)
    means = [compare_counts("x", exact, mix * 1e6, 1e6) for mix in mixes]
    limit = _compare_window(random, mixes[0]).bound
    expected = next((day for day, one in enumerate(means, 1) if one.psi > limit), np.inf)
    days = []
    for _ in range(streams):
        reference = _draw_reference(random, TRAINING_ROWS)
        before = random.multinomial(A_DAY, (1 / BINS,) * BINS, WINDOW_DAYS)
        after = random.multinomial(A_DAY, tuple(shares), 2 * WINDOW_DAYS)
        windows = _sum_windows(np.concatenate([before, after]))[1:]
        shifts = (
            compare_counts("x", reference, one.astype(np.float64), TRAINING_ROWS) for one in windows
        )
        days.append(next((day for day, s in enumerate(shifts, 1) if s.psi > s.bound), np.inf))
    return Detection(expected, np.array(days))


def detect_outcomes(change: Change, signal: str, streams: int, seed: int = 30) -> Detection:
    """Find a change of outcomes by a signal of performance, in days since the first came."""
    random, values, bounds, days = np.random.default_rng(seed), [], [], []
    for _ in range(streams):
        before, after = (draw_outcomes(random, WEEKS, one) for one in (Change(), change))
        probabilities, labels = (np.concatenate(pair) for pair in zip(before, after, strict=True))
        trained, judged = _draw_trained(random), []
        for week in range(1, WEEKS + 1):
            part = slice(week * A_WEEK, (week + WEEKS) * A_WEEK)
            realised = _realise(labels[part], probabilities[part], ranks=signal == "auc")
            judged += [s for s in judge(0, None, realised, trained) if s.name == signal]
        values.append([s.value or 0.0 for s in judged])
        bounds.append([s.bound for s in judged])
        fired = (week for week, s in enumerate(judged, 1) if s.state == "fired")
        days.append(7.0 * next(fired, np.inf))
    value, bound = np.mean(values, axis=0), np.mean(bounds, axis=0)
    is_beyond = np.abs(value) > bound if signal == "calibration" else value < bound
    expected = 7.0 * (int(is_beyond.argmax()) + 1) if is_beyond.any() else np.inf
    return Detection(expected, np.array(days))


def measure_psi(shares: Sequence[float]) -> float:
    """Return the index of changed shares against tenths."""
    changed = np.array(shares)
    return float(np.sum((changed - 1 / BINS) * np.log(changed * BINS)))


def measure_auc(change: Change, weeks: int = 5_700) -> float:
    """Return the AUC of a model after a change, of a million outcomes by default."""
    probabilities, labels = draw_outcomes(np.random.default_rng(1), weeks, change)
    return auc_with_error(labels, probabilities)[0]


def _sum_windows(daily: Counts) -> Counts:
    """Sum each window of days, shape `(days - 27, ...)`."""
    sums = np.cumsum(np.concatenate([np.zeros((1, *daily.shape[1:]), np.int64), daily]), axis=0)
    return np.asarray(sums[WINDOW_DAYS:] - sums[:-WINDOW_DAYS])


def _mix(shares: Sequence[float], days: int) -> NDArray[np.float64]:
    changed = days / WINDOW_DAYS
    return np.asarray(changed * np.array(shares) + (1 - changed) / BINS)


def _compare_window(random: np.random.Generator, shares: NDArray[np.float64]) -> Shift:
    counts = random.multinomial(A_DAY * WINDOW_DAYS, shares).astype(np.float64)
    return compare_counts("x", _draw_reference(random, TRAINING_ROWS), counts, TRAINING_ROWS)


def _draw_reference(random: np.random.Generator, rows: int) -> BinnedShares:
    shares = random.multinomial(rows, (1 / BINS,) * BINS) / rows
    return BinnedShares(
        edges=tuple(range(1, BINS)), bins=("",) * BINS, shares=tuple(shares.tolist())
    )


def _draw_trained(random: np.random.Generator) -> TrainedFigures:
    """Draw the AUC of the test part, which errs as any sample does."""
    probabilities = random.beta(*BETA, TEST_ROWS)
    return TrainedFigures(*auc_with_error(random.binomial(1, probabilities), probabilities))


def draw_outcomes(
    random: np.random.Generator, weeks: int, change: Change
) -> tuple[Probabilities, Labels]:
    """Draw the probabilities and outcomes of so many weeks, in order."""
    probabilities = random.beta(*BETA, weeks * A_WEEK)
    logits = np.log(probabilities / (1 - probabilities))
    logits = change.slope * logits + np.log(change.odds) + _find_intercept(change.slope)
    return probabilities, random.binomial(1, 1 / (1 + np.exp(-logits)))


def _find_intercept(slope: float) -> float:
    """Return what keeps the default rate where a slope would move it."""
    if slope == 1.0:
        return 0.0
    grid = (np.arange(20_000) + 0.5) / 20_000
    probabilities = 1 - (1 - grid) ** (1 / BETA[1])  # quantiles of Beta(1, 6)
    logits = np.log(probabilities / (1 - probabilities))
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        rate = float((1 / (1 + np.exp(-(slope * logits + middle)))).mean())
        low, high = (middle, high) if rate < float(probabilities.mean()) else (low, middle)
    return low


def _realise(
    labels: Labels, probabilities: Probabilities, *, ranks: bool = True
) -> RealisedPerformance:
    """Measure what the signals judge; the other members are not read."""
    value, error = auc_with_error(labels, probabilities) if ranks else (0.5, 0.0)
    return replace(
        NOTHING,
        rows=len(labels),
        bads=int(labels.sum()),
        default_rate=float(labels.mean()),
        mean_probability=float(probabilities.mean()),
        z=calibration_z(labels, probabilities),
        auc=value,
        auc_error=error,
    )


NOTHING = RealisedPerformance(
    rows=0,
    bads=0,
    default_rate=0.0,
    mean_probability=0.0,
    z=0.0,
    auc=0.0,
    auc_error=0.0,
    gini=0.0,
    ks=0.0,
    brier=0.0,
    accuracy=0.0,
    precision=0.0,
    recall=0.0,
    bands=(),
    vintages=(),
)


def _decide(counts: Counts, shares: NDArray[np.float64]) -> tuple[DecisionShare, ...]:
    rows = int(counts.sum())
    return tuple(
        compare_share(name, (share, TEST_ROWS), (count / rows, rows))
        for name, share, count in zip(DECISIONS, shares.tolist(), counts.tolist(), strict=True)
    )


def expected_auc() -> float:
    """Return the AUC of the model as it was trained."""
    return expect_performance(np.random.default_rng(2).beta(*BETA, 100_000)).auc
