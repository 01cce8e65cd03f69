"""Erasing an applicant from a record: the personal part goes, and a mark says who could do it."""

from collections.abc import Collection, Mapping
from typing import Any

from models.evidence.hash_chain import Seal
from models.evidence.record_check import is_of_version_2
from models.evidence.records import PERSONAL

Record = dict[str, Any]


def erase(
    record: Record, pseudonyms: Collection[str | None], seal: Seal, erased_at: str
) -> tuple[Record, int]:
    """Return a valid record without the personal parts of one applicant, and of how many.

    The record's link still holds. `erased_at` is the time as it is written into the record.
    """
    if is_of_version_2(record):
        return _without_personal_part(record, seal, record["link"], erased_at), 1
    decisions, count = [], 0
    for decision in record["applications"]:
        is_theirs = decision.get("applicant") in pseudonyms
        digest, count = decision["commitment"], count + is_theirs
        erased = _without_personal_part(decision, seal, digest, erased_at)
        decisions.append(erased if is_theirs else decision)
    return record | {"applications": decisions}, count


def _without_personal_part(
    decision: Mapping[str, Any], seal: Seal, digest: str, erased_at: str
) -> Record:
    remaining = {name: value for name, value in decision.items() if name not in PERSONAL}
    return remaining | {"erased_at": erased_at, "erasure": seal.erasure(digest, erased_at)}
