"""Gate policy: what a model must meet before it replaces another, as data.

A credit model declares it as the class variable `gate_policy`. Training judges by it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from models.errors import DeclarationError

Consequence = Literal["report", "warn", "refuse"]
GateName = Literal[
    "ranks_better_than_chance",
    "fits_better_than_base_rate",
    "calibration_error_within_noise",
    "calibrated_in_the_large",
    "calibration_slope_is_one",
    "documented_signs_hold",
    "reasons_are_complete",
    "reasons_are_adverse",
    "no_feature_reveals_the_outcome",
    "information_values_are_plausible",
    "parts_share_no_rows",
    "rows_are_not_repeated",
    "score_is_stable",
    "served_form_is_light",
    "four_fifths",
    "equal_opportunity",
    "calibrated_by_group",
    "floor",
    "auc_not_worse_than_champion",
    "log_loss_not_worse_than_champion",
    "brier_not_worse_than_champion",
    "score_is_stable_against_champion",
    "enough_evidence_to_replace",
]
FairnessGate = Literal["four_fifths", "equal_opportunity", "calibrated_by_group"]
RankFigure = Literal["auc", "gini", "ks"]
ClassFigure = Literal["accuracy", "precision", "recall", "f1"]
FloorFigure = RankFigure | ClassFigure

CONSEQUENCES: tuple[Consequence, ...] = get_args(Consequence)
GATE_NAMES: tuple[GateName, ...] = get_args(GateName)
FAIRNESS_GATES: tuple[FairnessGate, ...] = get_args(FairnessGate)
CLASS_FIGURES: tuple[ClassFigure, ...] = get_args(ClassFigure)
FLOOR_FIGURES: tuple[FloorFigure, ...] = (*get_args(RankFigure), *CLASS_FIGURES)

# What a policy does not say. A better model moves scores, so a move alone refuses no model.
# Fairness and repeated rows need a person who knows the data. A cut-off below the reference
# applicant's probability leaves some without a reason, whatever the model: a person must move it.
DEFAULT_CONSEQUENCES: Mapping[GateName, Consequence] = {
    **dict.fromkeys(GATE_NAMES, "refuse"),
    **dict.fromkeys(FAIRNESS_GATES, "warn"),
    "reasons_are_complete": "warn",
    "information_values_are_plausible": "warn",
    "rows_are_not_repeated": "warn",
    "score_is_stable_against_champion": "warn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The least value of one figure on the test part, such as an AUC of .82.

    `cutoff` is the probability from which a row is classified as a default. It applies to accuracy,
    precision, recall and F1, and defaults to the model's `default_rule`.
    """

    figure: FloorFigure
    least: float
    cutoff: float | None = None
    consequence: Consequence = "refuse"

    def __post_init__(self) -> None:
        """Refuse a floor that no model can be compared with."""
        _require_choice("Floor.figure", self.figure, FLOOR_FIGURES)
        _require_choice("Floor.consequence", self.consequence, CONSEQUENCES)
        _require_share("Floor.least", self.least)
        if self.cutoff is None:
            return
        _require_share("Floor.cutoff", self.cutoff)
        if self.figure not in CLASS_FIGURES:
            message = f"Floor.cutoff: {self.figure} has no cut-off; remove it"
            raise DeclarationError(message)

    @property
    def gate_name(self) -> str:
        """The name of this floor's gate."""
        at = "" if self.cutoff is None else f" at {self.cutoff:g}"
        return f"floor[{self.figure}{at}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """Margins, error probabilities, bounds and consequences of the gates.

    - `auc_margin`, `log_loss_margin` (nats) and `brier_margin` are what a challenger may lose to
      the champion. `alpha` is the probability of promoting one that loses exactly a margin.
    - `calibration_alpha` is the probability of refusing a perfectly calibrated model, over the
      three checks of calibration.
    - `stability_psi` is the least population stability index that counts. Chance alone exceeds the
      bound with a probability of at most `stability_alpha`.
    - `least_bads` is the number of defaults in the test part that replacing a champion needs.
    - `highest_feature_auc` and `highest_information_value` bound what one field may tell alone.
    - `most_shared_rows` bounds the share of test rows that repeat a training row, and
      `most_repeated_rows` the share of all rows that repeat another.
    - `most_steps` bounds the work of scoring one row: visited nodes and evaluated shapes.
    - `least_selection_ratio` (four fifths) and `most_opportunity_difference` judge approvals by
      group, and `group_alpha` is the probability of a false alarm for each protected field.
    - `consequences` overrides the consequence of a gate, and `fairness` that of the three fairness
      gates for one protected field. `report` is only shown, `warn` is shown and listed as a
      warning, `refuse` prevents the promotion.
    - `floors` are absolute: no model below one is promoted.
    - `second_person` requires another person for promoting by hand what a gate refused.
    """

    auc_margin: float = 0.005
    log_loss_margin: float = 0.004
    brier_margin: float = 0.0015
    alpha: float = 0.05
    calibration_alpha: float = 0.05
    stability_psi: float = 0.10
    stability_alpha: float = 0.001
    group_alpha: float = 0.05
    least_bads: int = 500
    highest_feature_auc: float = 0.95
    highest_information_value: float = 3.0
    most_shared_rows: float = 0.02
    most_repeated_rows: float = 0.05
    most_steps: int = 100_000
    least_selection_ratio: float = 0.8
    most_opportunity_difference: float = 0.1
    consequences: Mapping[GateName, Consequence] = field(default_factory=dict)
    fairness: Mapping[str, Consequence] = field(default_factory=dict)
    floors: tuple[Floor, ...] = ()
    second_person: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers out of their range, and names that no gate has."""
        for name in NUMBERS:
            _require_share(f"GatePolicy.{name}", getattr(self, name))
        for name in ("least_bads", "most_steps"):
            _require_count(f"GatePolicy.{name}", getattr(self, name))
        for gate, consequence in self.consequences.items():
            _require_choice("GatePolicy.consequences", gate, GATE_NAMES)
            _require_choice(f"GatePolicy.consequences[{gate}]", consequence, CONSEQUENCES)
        for name, consequence in self.fairness.items():
            _require_choice(f"GatePolicy.fairness[{name}]", consequence, CONSEQUENCES)

    @property
    def calibration_confidence(self) -> float:
        """Confidence of each of the three calibration checks (Bonferroni)."""
        return 1 - self.calibration_alpha / 3

    def find_consequence(self, gate: GateName) -> Consequence:
        """Return the consequence of a gate."""
        return self.consequences.get(gate, DEFAULT_CONSEQUENCES[gate])

    def find_fairness_consequence(self, gate: FairnessGate, name: str) -> Consequence:
        """Return the consequence of a fairness gate for one protected field."""
        return self.fairness.get(name, self.find_consequence(gate))


HIGHEST_VALUES = 100.0
# Every number that is not a count; only an information value may exceed 1.
NUMBERS = tuple(f.name for f in fields(GatePolicy) if f.type is float or f.type == "float")


def check_gate_policy(policy: object, protected: Collection[str]) -> None:
    """Refuse what is not a gate policy, or one that names a field which is not protected.

    Raises
    ------
    DeclarationError
        With the name of the field.
    """
    if not isinstance(policy, GatePolicy):
        message = f"gate_policy must be a GatePolicy, not {type(policy).__name__}"
        raise DeclarationError(message)
    for name in policy.fairness:
        if name not in protected:
            message = f"gate_policy.fairness: {name} is no protected field; add Protected() to it"
            raise DeclarationError(message)


def _require_share(name: str, value: float) -> None:
    highest = HIGHEST_VALUES if name.endswith("information_value") else 1.0
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < highest:
        message = f"{name} must be above 0 and below {highest:g}, got {value!r}"
        raise DeclarationError(message)


def _require_count(name: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        message = f"{name} must be an integer of at least 1, got {value!r}"
        raise DeclarationError(message)


def _require_choice(name: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        message = f"{name} must be one of {', '.join(choices)}, got {value!r}"
        raise DeclarationError(message)
