"""Verification of one decision record by itself: whether it is as it was written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from models.evidence import version_2
from models.evidence.hash_chain import Seal, commitment_from_decision, link_content
from models.evidence.records import ERASURE_MARKS, PERSONAL, DecisionRecord, RecordedDecision

PREAMBLE = {"severity": "INFO", "message": "decision", "record": "decision"}
ADDED = {*PREAMBLE, "time"}
MEMBERS = {*ADDED, *DecisionRecord.__annotations__}
MEMBERS_OF_VERSION_2 = {*ADDED, *version_2.MEMBERS}
OF_A_DECISION = set(RecordedDecision.__annotations__)
COUNTS = ("approved", "referred", "declined")
NO_SHAPE = "edited: it does not have the shape of a record"
NO_LINK = "edited: its link does not match its content"
NOT_AS_DECIDED = "edited: it is not what was recorded, or not where it was recorded"
NOT_WHERE_RECORDED = "moved: it is what was recorded, but not where it was recorded"
NOT_THE_COUNTS = "edited: its counts are not those of its decisions, or some of these are gone"

Record = Mapping[str, Any]


class RecordFault(NamedTuple):
    """What is wrong with a record; `place` counts its decisions from 1, 0 is the whole of it."""

    place: int
    detail: str


def check_record(record: Record, seals: Mapping[str, Seal]) -> list[RecordFault]:
    """Say what is wrong with a record by itself."""
    try:
        return _check(record, seals)
    except (TypeError, ValueError, AttributeError, KeyError):
        return [RecordFault(0, NO_SHAPE)]


def list_decisions(record: Record) -> Sequence[Record]:
    """Return the decisions of a valid record as they stand in it; one of version 2 is its own."""
    return [record] if is_of_version_2(record) else record["applications"]


def is_of_version_2(record: Record) -> bool:
    """Whether a record is of the version that had one decision each."""
    return bool(record.get("record_version") == version_2.VERSION)


def is_erased(decision: Record) -> bool:
    """Whether a valid record's decision has lost its personal part."""
    return decision.get("erasure") is not None


def _check(record: Record, seals: Mapping[str, Seal]) -> list[RecordFault]:
    if record.get("link") is None:
        return [RecordFault(0, "it is not part of any chain")]
    seal = seals.get(str(record.get("key")))
    if seal is None:
        return [RecordFault(0, "made with a key that is not in DECISION_LOG_KEY")]
    is_old = is_of_version_2(record)
    expected = PREAMBLE | {"time": record.get("decided_at")}
    members = MEMBERS_OF_VERSION_2 if is_old else MEMBERS
    if _has_others(record, members) or any(
        record.get(name, value) != value for name, value in expected.items()
    ):
        return [RecordFault(0, "edited: unexpected member or value")]
    if is_old:
        return _check_version_2(record, seal)
    return list(_check_version_3(record, seal))


def _has_others(document: Record, members: set[str]) -> bool:
    # BigQuery gives a row the columns of other versions: null, or a list without items.
    return any(value not in (None, []) and name not in members for name, value in document.items())


def _check_version_2(record: Record, seal: Seal) -> list[RecordFault]:
    if record["link"] != seal.link(version_2.link_content(record)):
        return [RecordFault(0, NO_LINK)]
    fault = _check_erasure(record, seal, record["link"])
    if fault is None and not is_erased(record):
        is_intact = version_2.commitment(record) == record["commitment"]
        fault = None if is_intact else "edited: its personal data is not what was recorded"
    return [RecordFault(0, fault)] if fault else []


def _check_version_3(record: Record, seal: Seal) -> Iterator[RecordFault]:
    """Find each decision that is not what was recorded; the link says whether anything is."""
    decisions = record["applications"]
    previous: tuple[str, ...] = ("",)
    faults = []
    for place, decision in enumerate(decisions, 1):
        fault, previous = _check_decision(decision, seal, previous)
        if fault:
            faults.append(RecordFault(place, fault))
    # What was erased no longer says what it followed.
    if (
        faults
        and all(f.detail == NOT_AS_DECIDED for f in faults)
        and not any(map(is_erased, decisions))
    ):
        faults = _find_moved(decisions) or faults
    yield from faults
    if len(decisions) != sum(record[name] for name in COUNTS):
        yield RecordFault(0, NOT_THE_COUNTS)
    elif not faults and record["link"] != seal.link(link_content(record)):
        yield RecordFault(0, NO_LINK)


def _find_moved(decisions: Sequence[Record]) -> list[RecordFault]:
    """Find the decisions that only stand elsewhere, if each follows exactly one of the others.

    What stands behind one that was moved does not follow from what is before it now: it is no
    fault of its own.
    """
    commitments = ["", *(decision["commitment"] for decision in decisions)]
    followers: dict[str, int] = {}
    for place, decision in enumerate(decisions, 1):
        # What stands before it first: most follow that.
        for before in (commitments[place - 1], *commitments):
            if commitment_from_decision(before, decision) == decision["commitment"]:
                followers[before] = place
                break
    order: list[int] = []
    before = ""
    while len(order) < len(decisions) and before in followers:
        order.append(followers[before])
        before = decisions[order[-1] - 1]["commitment"]
    if sorted(order) != list(range(1, len(decisions) + 1)):
        return []
    moved = sorted(place for number, place in enumerate(order, 1) if number != place)
    return [RecordFault(place, NOT_WHERE_RECORDED) for place in moved]


def _check_decision(
    decision: Record, seal: Seal, previous: tuple[str, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """Check one decision after the commitments that the one before it has, or should have.

    Where the commitment alone was edited, the next decision follows from the right one.
    """
    if _has_others(decision, OF_A_DECISION):
        return "edited: unexpected member", (decision["commitment"],)
    fault = _check_erasure(decision, seal, decision["commitment"])
    if fault or is_erased(decision):
        return fault, (decision["commitment"],)
    computed = [commitment_from_decision(before, decision) for before in previous]
    if decision["commitment"] in computed:
        return None, (decision["commitment"],)
    return NOT_AS_DECIDED, (decision["commitment"], *computed)


def _check_erasure(decision: Record, seal: Seal, digest: str) -> str | None:
    """Say what is wrong with what stands, or is absent, in place of a personal part."""
    if all(decision.get(name) is None for name in PERSONAL):
        mark = seal.erasure(digest, str(decision.get("erased_at")))
        is_marked = decision.get("erasure") == mark
        return None if is_marked else "its personal data is gone, but was not erased with the key"
    if any(decision.get(name) is not None for name in ERASURE_MARKS):
        return "edited: it is marked as erased, but holds personal data"
    return None
