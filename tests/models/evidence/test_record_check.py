"""Whatever is done to one decision of a record is found at its place.

`make soak` does each of them 1,000 times, `make test` 50 times.
"""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.evidence.erasure import DecisionSelection, erase
from models.evidence.record_check import (
    NO_LINK,
    NOT_AS_DECIDED,
    NOT_THE_COUNTS,
    NOT_WHERE_RECORDED,
    RecordFault,
    check_record,
    is_of_version_2,
    list_decisions,
)
from models.evidence.records import OWN
from tests.functions.scoring.recording import SEAL, caller, toys
from tests.models.evidence.test_entries import write_records
from tests.support.counts import counts

pytestmark = pytest.mark.soak

TIMES = settings(max_examples=counts().audit_examples, deadline=None)
SEALS = {SEAL.name: SEAL}
SIZE = 12


@pytest.fixture(scope="module")
def batch() -> dict[str, Any]:
    [record] = write_records(toys(SIZE), caller("r", "applicant 1"), salts=bytes(range(16 * SIZE)))
    assert check_record(record, SEALS) == []
    return record


def changed(batch: dict[str, Any], decisions: list[dict[str, Any]]) -> list[RecordFault]:
    record = json.loads(json.dumps(batch | {"applications": decisions}))
    return check_record(record, SEALS)


@given(place=st.integers(1, SIZE), member=st.sampled_from([*OWN, "salt", "features", "inputs"]))
@TIMES
def test_an_edit_is_found_at_its_decision_and_at_no_other(
    batch: dict[str, Any], place: int, member: str
) -> None:
    decisions = [dict(decision) for decision in batch["applications"]]
    value = decisions[place - 1][member]
    new: object = [*value, "X"] if isinstance(value, list) else f"{value}0"
    if isinstance(value, int | float):
        new = value + 1
    decisions[place - 1][member] = new
    assert changed(batch, decisions) == [(place, NOT_AS_DECIDED)]


@given(first=st.integers(0, SIZE - 1), length=st.integers(1, SIZE))
@TIMES
def test_removed_decisions_are_found_where_they_stood(
    batch: dict[str, Any], first: int, length: int
) -> None:
    decisions = batch["applications"]
    left = [*decisions[:first], *decisions[first + length :]]
    assume(left)
    expected = [(first + 1, NOT_AS_DECIDED)] * (first + length < SIZE)
    assert changed(batch, left) == [*expected, (0, NOT_THE_COUNTS)]


@given(pair=st.lists(st.integers(0, SIZE - 1), min_size=2, max_size=2, unique=True))
@TIMES
def test_swapped_decisions_are_found_at_both_places(batch: dict[str, Any], pair: list[int]) -> None:
    decisions = [*batch["applications"]]
    one, other = sorted(pair)
    decisions[one], decisions[other] = decisions[other], decisions[one]
    expected = [(place + 1, NOT_WHERE_RECORDED) for place in (one, other)]
    assert changed(batch, decisions) == expected


@given(source=st.integers(0, SIZE - 1), target=st.integers(0, SIZE - 1))
@TIMES
def test_a_decision_that_was_moved_moves_those_between(
    batch: dict[str, Any], source: int, target: int
) -> None:
    decisions = [*batch["applications"]]
    decisions.insert(target, decisions.pop(source))
    first, last = sorted((source, target))
    moved = range(first + 1, last + 2) if first != last else ()
    assert changed(batch, decisions) == [(place, NOT_WHERE_RECORDED) for place in moved]


@pytest.mark.parametrize("member", ["approved", "referred", "declined"])
def test_an_edited_count_is_a_fault_of_the_record(batch: dict[str, Any], member: str) -> None:
    edited = batch | {member: batch[member] + 1}
    assert check_record(edited, SEALS) == [(0, NOT_THE_COUNTS)]


@given(place=st.integers(0, SIZE), source=st.integers(0, SIZE - 1))
@TIMES
def test_an_added_decision_is_found_where_it_stands(
    batch: dict[str, Any], place: int, source: int
) -> None:
    decisions = [*batch["applications"]]
    decisions.insert(place, decisions[source])
    assume(source not in {place, place - 1} or place != source)
    faults = changed(batch, decisions)
    assert (0, NOT_THE_COUNTS) in faults
    places_of_faults = {fault.place for fault in faults} - {0}
    assert places_of_faults <= {place + 1, place + 2}
    assert places_of_faults


def test_what_they_share_is_covered_by_the_link(batch: dict[str, Any]) -> None:
    assert check_record(batch | {"model_version": "another"}, SEALS) == [(0, NO_LINK)]
    fields = [*reversed(batch["fields"])]
    assert check_record(batch | {"fields": fields}, SEALS) == [(0, NO_LINK)]


def test_a_member_that_was_put_into_a_decision_is_found(batch: dict[str, Any]) -> None:
    first, *others = batch["applications"]
    [fault, *_] = check_record(batch | {"applications": [first | {"x": 1}, *others]}, SEALS)
    assert fault == (1, "edited: unexpected member")


def test_a_decision_behind_an_erased_one_still_verifies_and_is_found_when_edited(
    batch: dict[str, Any],
) -> None:
    decisions = [
        decision | {"applicant": None if place % 2 else decision["applicant"]}
        for place, decision in enumerate(batch["applications"])
    ]
    assert len(changed(batch, decisions)) == SIZE // 2  # whose applicant is gone
    selection = DecisionSelection(frozenset(filter(None, [SEAL.pseudonym("applicant 1")])))
    erased, count = erase(batch, selection, SEAL, "2026-11-30T00:00:00")
    assert (count, check_record(erased, SEALS)) == (SIZE, [])
    some = [
        e if i % 2 else d
        for i, (e, d) in enumerate(zip(erased["applications"], batch["applications"], strict=True))
    ]
    assert changed(batch, some) == []
    some[2] = some[2] | {"credit_score": 850}
    assert changed(batch, some) == [(3, NOT_AS_DECIDED)]


@pytest.mark.parametrize(
    "broken", [{}, {"applications": None}, {"applications": [5]}, {"approved": "many"}]
)
def test_what_has_not_the_shape_of_a_record_is_a_fault_and_no_crash(
    batch: dict[str, Any], broken: dict[str, Any]
) -> None:
    record = {"link": "x", "key": SEAL.name, "record_version": 3} if not broken else batch | broken
    [fault, *_] = check_record(record, SEALS)
    assert fault == (0, "edited: it does not have the shape of a record")


def test_a_record_of_version_2_is_its_one_decision(published_records: list[dict[str, Any]]) -> None:
    record = published_records[0]
    assert is_of_version_2(record)
    assert list_decisions(record) == [record]
