"""The result of one promotion gate, and what would help a model that fails it."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.gate_policy import Consequence, GateName

KEEP_CHAMPION = (
    "keep the champion; if the difference may be chance, more rows would measure it more closely"
)
REVIEW_FIELDS = "review the fields that stand in for the protected one, and the approval cut-off"

REMEDIES: Mapping[GateName, str] = {
    "ranks_better_than_chance": "add fields that tell good from bad, or more rows",
    "fits_better_than_base_rate": "check the label and the fields: the model knows no more than "
    "the default rate",
    "calibration_error_within_noise": "compare the default rates of the training and the test "
    "part; if they agree, try another family",
    "calibrated_in_the_large": "check whether the default rate changed between the training and "
    "the test part",
    "calibration_slope_is_one": "train on more rows or with a simpler family: the probabilities "
    "are too extreme or too timid",
    "documented_signs_hold": "report this as a bug: every family should follow the signs",
    "reasons_are_complete": "raise approve_below above the probability of the reference applicant, "
    "or declare signs for more fields",
    "reasons_are_adverse": "report this as a bug: a reason must name what raises the risk",
    "no_feature_reveals_the_outcome": "remove the named field if it is known only after the loan; "
    "otherwise raise highest_feature_auc in the policy",
    "information_values_are_plausible": "find out how the named field comes about, and remove it "
    "if it is known only after the loan",
    "parts_share_no_rows": "remove repeated rows from the data, or declare a group column",
    "rows_are_not_repeated": "remove repeated rows from the data",
    "score_is_stable": "compare the fields of the training and the test part: their applicants "
    "differ",
    "served_form_is_light": "train a smaller model, or raise most_steps in the policy",
    "four_fifths": REVIEW_FIELDS,
    "equal_opportunity": REVIEW_FIELDS,
    "calibrated_by_group": "look for a field that explains why the named group defaults more or "
    "less often",
    "floor": "improve the data or the fields; or lower the floor, if the policy asks too much",
    "auc_not_worse_than_champion": KEEP_CHAMPION,
    "log_loss_not_worse_than_champion": KEEP_CHAMPION,
    "brier_not_worse_than_champion": KEEP_CHAMPION,
    "score_is_stable_against_champion": "review the swap set: decisions change for many applicants",
    "enough_evidence_to_replace": "wait for more outcomes, or promote the version by hand with a "
    "reason",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition: its figure and bound, whether it is met, and what follows if it is not.

    `figure` and `bound` are None where nothing could be measured. `reason` is the result as a
    sentence.
    """

    name: str
    figure: float | None
    bound: float | None
    passed: bool
    consequence: Consequence
    reason: str

    @property
    def base_name(self) -> GateName:
        """The gate's name without the field or figure it is about."""
        name: GateName = self.name.partition("[")[0]  # type: ignore[assignment]  # names are ours
        return name

    @property
    def refuses(self) -> bool:
        """Whether the gate prevents the promotion."""
        return not self.passed and self.consequence == "refuse"

    @property
    def warns(self) -> bool:
        """Whether the gate is listed as a warning."""
        return not self.passed and self.consequence == "warn"

    @property
    def verdict(self) -> str:
        """The result in a word or two: passed, not measured, or what the failure means."""
        words = {"report": "noted", "warn": "WARNING", "refuse": "FAILED"}
        passed = "not measured" if self.figure is None else "passed"
        return passed if self.passed else words[self.consequence]

    @property
    def remedy(self) -> str:
        """What would help a model that fails this gate."""
        return REMEDIES[self.base_name]
