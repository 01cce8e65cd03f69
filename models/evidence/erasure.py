"""Erasing decisions from a record: the personal part goes, and a mark says who could do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.evidence.hash_chain import Seal
from models.evidence.record_check import is_of_version_2
from models.evidence.records import PERSONAL

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DecisionSelection:
    """Decisions about an applicant, by the pseudonyms under each key, and those of some ids."""

    pseudonyms: frozenset[str] = frozenset()
    decision_ids: frozenset[str] = frozenset()

    def includes(self, decision: Mapping[str, Any]) -> bool:
        """Whether a decision is one of them."""
        if decision.get("decision_id") in self.decision_ids:
            return True
        return decision.get("applicant") in self.pseudonyms


def erase(
    record: Record, selection: DecisionSelection, seal: Seal, erased_at: str
) -> tuple[Record, int]:
    """Return a valid record without the personal parts of some decisions, and of how many.

    The record's link still holds. `erased_at` is the time as it is written into the record.
    """
    if is_of_version_2(record):
        return _without_personal_part(record, seal, record["link"], erased_at), 1
    decisions, count = [], 0
    for decision in record["applications"]:
        is_selected = selection.includes(decision) and not is_erased(decision)
        digest, count = decision["commitment"], count + is_selected
        erased = _without_personal_part(decision, seal, digest, erased_at)
        decisions.append(erased if is_selected else decision)
    return record | {"applications": decisions}, count


def is_erased(decision: Mapping[str, Any]) -> bool:
    """Whether a decision's personal part is gone."""
    return decision.get("erased_at") is not None


def _without_personal_part(
    decision: Mapping[str, Any], seal: Seal, digest: str, erased_at: str
) -> Record:
    remaining = {name: value for name, value in decision.items() if name not in PERSONAL}
    return remaining | {"erased_at": erased_at, "erasure": seal.erasure(digest, erased_at)}
