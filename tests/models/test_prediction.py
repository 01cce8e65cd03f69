import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from models.prediction import ScoredRequest
from models.reasons import AdverseReason
from models.scorer import Decision
from models.table import table_from_applications
from tests.functions.scoring.recording import toy_version
from tests.support.toy import Toy, toy

REASONS = st.none() | st.lists(
    st.builds(AdverseReason, st.text(), st.text(), st.floats(-500, 0)), max_size=4
).map(tuple)
DECISIONS = st.builds(
    Decision,
    probability_of_default=st.floats(0, 1, exclude_min=True, exclude_max=True),
    credit_score=st.floats(-1e6, 1e6),
    risk_level=st.sampled_from(["low", "medium", "high"]),
    decision=st.sampled_from(["approve", "refer", "decline"]),
    rating=st.none() | st.text(),
    reasons=REASONS,
)
TABLE = table_from_applications(Toy, [toy()])
SCORED = ScoredRequest(
    variant="champion",
    loaded=toy_version(),
    table=TABLE,
    positions=[],
    decisions=[],
    matrix=toy_version().scorer.decide_table(TABLE).matrix,
    latency_ms=1.0,
)


@given(st.lists(DECISIONS, max_size=20))
def test_predictions_are_written_as_they_are_rendered(decisions: list[Decision]) -> None:
    scored = replace(SCORED, decisions=decisions)
    assert scored.write_predictions().encode() == to_json(scored.predictions())


def test_a_written_prediction_has_its_members_in_the_declared_order() -> None:
    decision = Decision(0.125, 640.5, "low", "approve")
    [prediction] = json.loads(replace(SCORED, decisions=[decision]).write_predictions())
    assert list(prediction.items()) == [
        ("probability_of_default", 0.125),
        ("credit_score", 640),
        ("risk_level", "low"),
        ("decision", "approve"),
        ("model", "toy"),
        ("model_version", SCORED.loaded.version),
        ("variant", "champion"),
        ("family", SCORED.loaded.manifest.family),
    ]
