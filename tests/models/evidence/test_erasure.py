from typing import Any

import pytest

from models.evidence.erasure import DecisionSelection, erase
from models.evidence.record_check import check_record
from tests.functions.scoring.recording import SEAL

AT = "2026-11-30T00:00:00+00:00"


def applicant(pseudonym: str) -> DecisionSelection:
    return DecisionSelection(frozenset([pseudonym]))


def test_only_the_applicants_own_decisions_lose_their_personal_part(
    records_of_version_3: list[dict[str, Any]],
) -> None:
    batch, *_ = records_of_version_3
    decisions = [
        {**decision, "applicant": f"applicant {place}"}
        for place, decision in enumerate(batch["applications"])
    ]
    erased, count = erase(batch | {"applications": decisions}, applicant("applicant 1"), SEAL, AT)
    assert count == 1
    first, second, third = erased["applications"]
    assert [first, third] == [decisions[0], decisions[2]]
    assert set(decisions[1]) - set(second) == {"applicant", "inputs", "features", "salt"}
    assert second["erased_at"] == AT


def test_what_is_erased_still_verifies_and_hides_no_other_edit(
    records_of_version_3: list[dict[str, Any]],
) -> None:
    batch, *_ = records_of_version_3
    seals = {SEAL.name: SEAL}
    erased, count = erase(batch, applicant(batch["applications"][0]["applicant"]), SEAL, AT)
    assert count == 3
    assert check_record(erased, seals) == []
    first, *others = erased["applications"]
    edited = erased | {"applications": [first | {"credit_score": 800}, *others]}
    assert check_record(edited, seals) == [(0, "edited: its link does not match its content")]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"erasure": "00"}, "its personal data is gone, but was not erased with the key"),
        ({"salt": "00"}, "edited: it is marked as erased, but holds personal data"),
    ],
)
def test_an_erasure_needs_the_key(
    records_of_version_3: list[dict[str, Any]], change: dict[str, str], detail: str
) -> None:
    *_, erased = records_of_version_3
    [decision] = erased["applications"]
    edited = erased | {"applications": [decision | change]}
    assert check_record(edited, {SEAL.name: SEAL}) == [(1, detail)]


def test_a_decision_without_an_applicant_is_erased_by_its_id_and_once(
    records_of_version_3: list[dict[str, Any]],
) -> None:
    batch, *_ = records_of_version_3
    selection = DecisionSelection(
        decision_ids=frozenset([batch["applications"][1]["decision_id"], "another"])
    )
    erased, count = erase(batch, selection, SEAL, AT)
    assert count == 1
    assert [a == b for a, b in zip(erased["applications"], batch["applications"], strict=True)] == [
        True,
        False,
        True,
    ]
    assert check_record(erased, {SEAL.name: SEAL}) == []
    assert erase(erased, selection, SEAL, "later") == (erased, 0)
