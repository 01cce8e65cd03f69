"""Simulated champions and challengers whose truth is known, judged by the gates as they are.

The true log-odds of a row are normal. A model sees them with noise of its own and returns the
expected probability given what it sees, so it is perfectly calibrated and its AUC follows from the
noise. Two models with correlated noise are as alike as a retrained model and its predecessor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.gate_policy import GatePolicy
from models.metrics import Estimate, Labels, Probabilities, auc
from models.reliability import measure_reliability
from models.stability import Stability
from training.gate import Gate
from training.gate_evidence import GateEvidence
from training.gates import ChampionScores, Evaluation, judge_against, judge_difference
from training.leakage import FieldStrength, Repetition
from training.promotion import share_alpha
from training.reason_check import ReasonCheck

SPREAD = 1.6  # standard deviation of the true log-odds
SIGHT = 0.9  # correlation of a model's view with the truth
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
EVIDENCE = GateEvidence(
    strengths=(FieldStrength("x", 0.7, 0.4),),
    repetition=Repetition(0.0, 0.0),
    stability=Stability(0.0, 0.1),
    reasons=ReasonCheck(0, 0, 0, 0),
    groups=(),
    steps=1,
)
POLICY = GatePolicy()

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Size:
    """The rows of a test part, and about how many of them default."""

    rows: int
    bads: int

    @property
    def intercept(self) -> float:
        """The mean of the true log-odds at which this share of rows defaults."""
        return _find_intercept(self.bads / self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenger:
    """How a challenger differs from its champion.

    `auc_gain` is the difference of the true AUCs. `likeness` is the correlation of the two models'
    views. `slope` and `shift` distort its log-odds; 1 and 0 leave it calibrated.
    """

    auc_gain: float = 0.0
    likeness: float = 0.99
    slope: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """Outcomes of one test part, the champion's probabilities and those of challengers."""

    labels: Labels
    champion: Probabilities
    challengers: tuple[Probabilities, ...]


def draw_trial(size: Size, challengers: Sequence[Challenger], seed: int) -> Trial:
    """Draw one test part and what champion and challengers say of it."""
    random = np.random.default_rng(seed)
    truth, own = random.normal(size=(2, size.rows))
    log_odds = size.intercept + SPREAD * truth
    labels = (random.random(size.rows) < _logistic(log_odds)).astype(np.int64)
    champion = _predict(size, SIGHT, SIGHT * truth + (1 - SIGHT**2) ** 0.5 * own)
    predictions = []
    for challenger in challengers:
        sight = _find_sight(size, round(challenger.auc_gain, 6))
        noise = _correlate(own, random.normal(size=size.rows), sight, challenger.likeness)
        seen = _predict(size, sight, sight * truth + (1 - sight**2) ** 0.5 * noise)
        distorted = challenger.slope * np.log(seen / (1 - seen)) + challenger.shift
        predictions.append(_logistic(distorted))
    return Trial(labels, champion, tuple(predictions))


def is_promoted(size: Size, challenger: Challenger, seed: int) -> bool:
    """Judge one challenger by every gate."""
    trial = draw_trial(size, [challenger], seed)
    ours = trial.challengers[0]
    # Calibration takes most of the time, and is of no consequence to what is refused already.
    compared = _evaluate(trial.labels, ours, seed, is_calibration_measured=False)
    if _refused(judge_difference(compared, trial.champion, 1.0)):
        return False
    return not _refused(
        judge_against(_evaluate(trial.labels, ours, seed), ChampionScores.of_all(trial.champion))
    )


def is_any_promoted(
    size: Size, challengers: Sequence[Challenger], seed: int, *, shared: bool
) -> bool:
    """Judge families in turn by the comparison with the champion, until one passes it."""
    trial = draw_trial(size, challengers, seed)
    shares = share_alpha(len(challengers)) if shared else (1.0,) * len(challengers)
    for ours, alpha_share in zip(trial.challengers, shares, strict=True):
        evaluation = _evaluate(trial.labels, ours, seed, is_calibration_measured=False)
        if not _refused(judge_difference(evaluation, trial.champion, alpha_share)):
            return True
    return False


def _refused(gates: Sequence[Gate]) -> list[str]:
    # The number of defaults of a trial varies around its size, which is what is stated.
    return [g.name for g in gates if g.refuses and g.name != "enough_evidence_to_replace"]


def _evaluate(
    labels: Labels, ours: Probabilities, seed: int, *, is_calibration_measured: bool = True
) -> Evaluation:
    rows = slice(None) if is_calibration_measured else slice(0, 200)
    return Evaluation(
        labels=labels,
        probabilities=ours,
        base_rate=float(labels.mean()),
        auc=Estimate(0.8, 0.75, 0.85),  # far above chance in every scenario
        reliability=measure_reliability(
            labels[rows], ours[rows], POLICY.calibration_confidence, seed
        ),
        signs=(),
        policy=POLICY,
        default_from=0.5,
        evidence=EVIDENCE,
        seed=seed,
    )


def _correlate(own: Floats, other: Floats, sight: float, likeness: float) -> Floats:
    """Return noise so that the views of champion and challenger have this correlation."""
    shared = (likeness - SIGHT * sight) / ((1 - SIGHT**2) * (1 - sight**2)) ** 0.5
    shared = min(shared, 1.0)
    noise: Floats = shared * own + (1 - shared**2) ** 0.5 * other
    return noise


def _predict(size: Size, sight: float, view: Floats) -> Probabilities:
    """Return the expected probability given a view, which has a standard normal distribution."""
    spread = SPREAD * (1 - sight**2) ** 0.5
    means = size.intercept + SPREAD * sight * view
    grid = np.linspace(means.min(), means.max(), 2_000)
    expected = _logistic(grid[:, None] + spread * NODES) @ WEIGHTS / WEIGHTS.sum()
    probabilities: Probabilities = np.interp(means, grid, expected)
    return probabilities


@cache
def _find_intercept(rate: float) -> float:
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float(_logistic(middle + SPREAD * NODES) @ WEIGHTS / WEIGHTS.sum())
        low, high = (middle, high) if mean < rate else (low, middle)
    return low


@cache
def _find_sight(size: Size, auc_gain: float) -> float:
    """Find the correlation with the truth whose AUC differs from the champion's by `auc_gain`."""
    if not auc_gain:
        return SIGHT
    wanted = _true_auc(size, SIGHT) + auc_gain
    low, high = 0.5, 0.999
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if _true_auc(size, middle) < wanted else (low, middle)
    return low


@cache
def _true_auc(size: Size, sight: float) -> float:
    """Return the AUC of a large sample; the same random numbers each time make it monotone."""
    random = np.random.default_rng(0)
    truth, noise, chance = random.normal(size=(3, 400_000))
    uniform = np.argsort(np.argsort(chance)) / len(chance)
    labels = (uniform < _logistic(size.intercept + SPREAD * truth)).astype(np.int64)
    return auc(labels, sight * truth + (1 - sight**2) ** 0.5 * noise)


def _logistic(log_odds: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -log_odds))
