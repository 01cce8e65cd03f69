from typing import Any

from models.evidence.records import (
    CHAIN,
    OPTIONAL,
    OWN,
    RECORD_VERSION,
    SHARED,
    DecisionRecord,
    RecordedDecision,
)

PREAMBLE = {"severity", "message", "time", "record"}


def test_members_stand_in_the_order_that_links_of_version_3_cover() -> None:
    assert RECORD_VERSION == 3
    assert (
        *("record_version", "decided_at", "request_id", "trace_id", "model", "model_version"),
        *("contract", "variant", "withheld", "latency_ms", "fields"),
        *("approved", "referred", "declined", "features_of"),
    ) == SHARED
    assert OPTIONAL == ("features_of",)
    assert (
        *("decision_id", "index", "probability_of_default", "credit_score", "risk_level"),
        *("decision", "reasons", "commitment"),
    ) == OWN
    assert CHAIN == ("key", "chain", "sequence", "previous")


def test_a_record_has_exactly_the_declared_members(
    records_of_version_3: list[dict[str, Any]],
) -> None:
    batch, single, erased = records_of_version_3
    for record in (batch, single, erased):
        assert set(record) - PREAMBLE == set(DecisionRecord.__annotations__) - {*OPTIONAL}
    members = set(RecordedDecision.__annotations__)
    [decision] = single["applications"]
    assert set(decision) == members - {"erased_at", "erasure"}
    [decision] = erased["applications"]
    assert set(decision) == members - {"applicant", "inputs", "features", "salt"}
