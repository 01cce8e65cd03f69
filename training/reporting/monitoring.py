"""Monitoring thresholds, and the limits that a reader of the report must know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.metrics import Probabilities
from models.registry.bundle import Manifest
from models.weighting import Weights, weighted_mean, weighted_variance
from training.reading.model_draft import PLACEHOLDERS
from training.reporting.stability import BINS, psi_bound

WINDOW_ROWS = 1_000
STANDARD_ERRORS = 3.0
FEW_BADS = 500
LIMITS_OF_EVERY_MODEL = (
    (
        "No reject inference was made. The rows are accounts whose outcome is known, that is, of "
        "applicants who were once accepted; those who were declined are absent. For applicants "
        "unlike those accepted before, the probabilities are extrapolations."
    ),
    (
        "The model is valid for the default definition and the horizon stated above, and for "
        "values between the 1st and 99th percentile of the training part. It accepts values up to "
        "the declared bounds, and extrapolates to them."
    ),
    (
        "Contributions and partial dependence describe the model, not causes. Fields that move "
        "together share their effect in ways that depend on the family."
    ),
    "Groups with fewer than 30 rows of the test part are left out of every table by group.",
)

LIMIT_OF_WEIGHTS = (
    "Rows have weights, and rates, shares and figures are those of the applications that the rows "
    "stand for. Unweighted, because they ask what a row is and not how frequent it is: the data "
    "dictionary, the leakage checks, importances, partial dependence, sensitivity, reasons, the "
    "sign checks, and every count of rows and defaults. The Hosmer-Lemeshow statistic is left out, "
    "because its distribution does not hold for weighted rows. Standard errors and intervals are "
    "those of the rows, however many applications they stand for."
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One figure to watch in service: act if it leaves `low` to `high` on `rows` applications."""

    figure: str
    kind: Literal["share", "number"]
    expected: float | None
    low: float | None
    high: float | None
    rows: int
    remark: str


def set_thresholds(
    manifest: Manifest,
    probabilities: Probabilities,
    base_rows: float,
    max_refused_share: float,
    weights: Weights | None = None,
) -> tuple[Threshold, ...]:
    """Set thresholds for a window of `WINDOW_ROWS` applications, from figures of the test part."""
    approval = weighted_mean(probabilities < manifest.policy.approve_below, weights)
    decline = weighted_mean(probabilities >= manifest.policy.decline_from, weights)
    mean = weighted_mean(probabilities, weights)
    deviation = weighted_variance(probabilities, weights) ** 0.5
    inner = weighted_mean(probabilities * (1 - probabilities), weights)
    return (
        _share("approval rate", approval, "every window"),
        _share("share declined", decline, "every window"),
        _around("mean probability of default", mean, deviation, "every window"),
        *_set_upper_bounds(psi_bound(BINS, base_rows, WINDOW_ROWS), max_refused_share),
        _around(
            "default rate, once the horizon has passed",
            mean,
            inner**0.5,
            "of a window with the applicants of the test part",
        ),
        Threshold(
            figure="AUC, once the horizon has passed",
            kind="number",
            expected=manifest.metrics["auc"].value,
            low=manifest.metrics["auc"].low,
            high=None,
            rows=manifest.provenance.rows_test,
            remark="below its 95 % interval on the test part",
        ),
    )


def _set_upper_bounds(psi: float, refused_share: float) -> tuple[Threshold, ...]:
    return (
        Threshold(
            figure="PSI of the score and of each main field",
            kind="number",
            expected=0.0,
            low=None,
            high=psi,
            rows=WINDOW_ROWS,
            remark="against the training part; the bound depends on the number of rows",
        ),
        Threshold(
            figure="rows that the contract refuses",
            kind="share",
            expected=0.0,
            low=None,
            high=refused_share,
            rows=WINDOW_ROWS,
            remark="as in training: --max-refused-share",
        ),
    )


def _share(figure: str, share: float, remark: str) -> Threshold:
    return _around(figure, share, (share * (1 - share)) ** 0.5, remark)


def _around(figure: str, value: float, deviation: float, remark: str) -> Threshold:
    margin = STANDARD_ERRORS * deviation / WINDOW_ROWS**0.5
    low, high = max(value - margin, 0.0), min(value + margin, 1.0)
    return Threshold(figure, "share", value, low, high, WINDOW_ROWS, remark)


def list_limits(
    manifest: Manifest, *, has_dates: bool, is_generated: bool, absent_fields: Sequence[str]
) -> list[str]:
    """List what the figures do not show, in sentences."""
    bads = manifest.provenance.bads_test
    limits = []
    if is_generated:
        limits.append(
            "The rows are synthetic. The figures show that the method works, and say nothing "
            "about real applicants."
        )
    if not has_dates:
        limits.append(
            "The data has no dates, so the test part is a random quarter of the same period. "
            "Out-of-time performance is unknown; expect it to be lower."
        )
    for name, placeholder in PLACEHOLDERS.items():
        if getattr(manifest, name) == placeholder:
            limits.append(f"{name} is still that of a draft: nobody stated what is predicted.")
    limits += LIMITS_OF_EVERY_MODEL
    if manifest.provenance.weights:
        limits.append(LIMIT_OF_WEIGHTS)
    if bads < FEW_BADS:
        limits.append(
            f"The test part has {bads} defaults. Below {FEW_BADS}, two models of similar quality "
            "cannot be told apart, and intervals are wide."
        )
    if absent_fields:
        limits.append(
            "More than half of the rows have no amount in: " + ", ".join(absent_fields) + "."
        )
    return limits
