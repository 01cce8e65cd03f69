import pytest

from models.errors import DeclarationError
from models.policy import RISK_LEVELS, Cutoffs, decide

POLICY = Cutoffs(approve_below=0.30, decline_from=0.60)


@pytest.mark.parametrize(
    ("probability", "decision", "level"),
    [
        (0.01, "approve", "low"),
        (0.2999999, "approve", "low"),
        (0.30, "refer", "medium"),
        (0.5999999, "refer", "medium"),
        (0.60, "decline", "high"),
        (0.99, "decline", "high"),
    ],
)
def test_a_cutoff_belongs_to_its_riskier_side(
    probability: float, decision: str, level: str
) -> None:
    decided = decide(probability, POLICY)
    assert (decided, RISK_LEVELS[decided]) == (decision, level)


@pytest.mark.parametrize(("approve", "decline"), [(0.6, 0.3), (0.0, 0.5), (0.5, 1.0)])
def test_cutoffs_with_a_gap_or_overlap_are_refused(approve: float, decline: float) -> None:
    with pytest.raises(DeclarationError, match="cut-offs must satisfy"):
        Cutoffs(approve_below=approve, decline_from=decline)
