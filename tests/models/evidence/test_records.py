from typing import Any

from models.evidence.records import (
    CHAIN,
    ERASURE_MARKS,
    OPTIONAL,
    OWN,
    PERSONAL,
    RECORD_VERSION,
    SHARED,
    DecisionRecord,
)

PREAMBLE = {"severity", "message", "time", "record"}


def test_members_stand_in_the_order_that_links_of_version_2_cover() -> None:
    assert RECORD_VERSION == 2
    assert (
        *("record_version", "decided_at", "request_id", "trace_id", "model", "model_version"),
        *("contract", "variant", "withheld", "latency_ms", "features_of"),
    ) == SHARED
    assert OPTIONAL == ("features_of",)
    assert (
        *("decision_id", "index", "probability_of_default", "credit_score", "risk_level"),
        *("decision", "reasons", "commitment"),
    ) == OWN
    assert CHAIN == ("key", "chain", "sequence", "previous")


def test_a_record_has_exactly_the_declared_members(
    published_records: list[dict[str, Any]],
) -> None:
    declared = set(DecisionRecord.__annotations__)
    assert declared == {*SHARED, *OWN, *PERSONAL, *CHAIN, "link", *ERASURE_MARKS}
    for record in published_records:
        assert set(record) - PREAMBLE == declared - {*ERASURE_MARKS, *OPTIONAL}
