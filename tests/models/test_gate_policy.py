from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field

from models.annotations import Reason, Risk
from models.contract import CreditModel, contract_hash
from models.errors import DeclarationError
from models.gate_policy import GATE_NAMES, Floor, GatePolicy
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds
from tests.support.toy import Toy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"auc_margin": -0.1}, r"GatePolicy.auc_margin must be above 0 and below 1, got -0.1"),
        ({"alpha": 0}, r"GatePolicy.alpha must be above 0"),
        ({"least_selection_ratio": 1.2}, r"GatePolicy.least_selection_ratio must be above 0"),
        ({"highest_information_value": 100.0}, "highest_information_value must be .* below 100"),
        ({"brier_margin": "much"}, "GatePolicy.brier_margin must be .*, got 'much'"),
        ({"least_bads": 0}, "GatePolicy.least_bads must be an integer of at least 1, got 0"),
        ({"most_steps": 1.5}, "GatePolicy.most_steps must be an integer"),
        ({"consequences": {"fairness": "warn"}}, "GatePolicy.consequences must be one of ranks_"),
        ({"consequences": {"floor": "stop"}}, r"GatePolicy.consequences\[floor\] must be one of"),
        ({"fairness": {"age": "stop"}}, r"GatePolicy.fairness\[age\] must be one of report, warn"),
    ],
)
def test_a_policy_out_of_its_range_is_refused_by_name(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        GatePolicy(**changes)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"figure": "auk", "least": 0.8}, "Floor.figure must be one of auc, gini, ks, accuracy"),
        ({"figure": "auc", "least": 82}, "Floor.least must be above 0 and below 1, got 82"),
        ({"figure": "auc", "least": 0.8, "cutoff": 0.5}, "Floor.cutoff: auc has no cut-off"),
        ({"figure": "recall", "least": 0.8, "cutoff": 1.5}, "Floor.cutoff must be above 0"),
        ({"figure": "recall", "least": 0.8, "consequence": "no"}, "Floor.consequence must be"),
    ],
)
def test_a_floor_that_nothing_can_be_compared_with_is_refused(
    members: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        Floor(**members)


def declare(gates: object) -> type[CreditModel]:
    class Loan(CreditModel):
        """A loan."""

        label: ClassVar = "is_default"
        label_definition: ClassVar = "made up"
        horizon: ClassVar = "12 months"
        scale: ClassVar = PointsToDoubleOdds()
        policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)
        gate_policy: ClassVar[Any] = gates

        debt: Annotated[float, Field(ge=0), Risk(+1), Reason("L1", "Debt is high")]

    return Loan


def test_a_declaration_with_a_wrong_policy_is_refused_at_import() -> None:
    with pytest.raises(DeclarationError, match="gate_policy must be a GatePolicy, not dict"):
        declare({"auc_margin": 0.01})
    with pytest.raises(DeclarationError, match=r"\.fairness: debt is no protected field"):
        declare(GatePolicy(fairness={"debt": "refuse"}))


def test_a_policy_of_ones_own_leaves_the_contract_as_it_is() -> None:
    own = declare(GatePolicy(auc_margin=0.01, floors=(Floor(figure="auc", least=0.8),)))
    assert contract_hash(own) == contract_hash(declare(GatePolicy()))


def test_fairness_has_a_consequence_for_each_field_and_a_default() -> None:
    policy = GatePolicy(fairness={"sex": "refuse"}, consequences={"four_fifths": "report"})
    assert policy.find_fairness_consequence("four_fifths", "sex") == "refuse"
    assert policy.find_fairness_consequence("four_fifths", "age") == "report"
    assert policy.find_fairness_consequence("equal_opportunity", "age") == "warn"


def test_every_gate_has_a_consequence_and_most_refuse() -> None:
    consequences = [Toy.gate_policy.find_consequence(name) for name in GATE_NAMES]
    assert (consequences.count("refuse"), consequences.count("warn")) == (16, 7)


def test_three_checks_of_calibration_share_their_alpha() -> None:
    assert GatePolicy(calibration_alpha=0.03).calibration_confidence == pytest.approx(0.99)
