import hashlib
import hmac
import json
from typing import Any

import pytest

from models.evidence.hash_chain import (
    UNKEYED,
    Chain,
    Entry,
    Head,
    Seal,
    canonical_json,
    commitment_from_record,
    link_content,
)
from tests.functions.scoring.recording import KEY, SEAL

ENTRIES = [Entry(b'{"n":%d' % i, b"hashed %d" % i) for i in range(3)]


def derive(purpose: bytes, content: bytes, key: str = KEY) -> str:
    """Compute a keyed digest from its definition alone."""
    own_key = hmac.digest(key.encode(), purpose, "sha256")
    return hmac.new(own_key, content, hashlib.sha256).hexdigest()


def test_every_purpose_has_its_own_key() -> None:
    assert SEAL.link(b"content") == derive(b"link", b"content")
    assert SEAL.pseudonym("a-17") == derive(b"applicant", b"a-17")[:32]
    assert SEAL.erasure("ab", "now") == derive(b"erasure", b'["ab","now"]')
    assert SEAL.name == hmac.new(KEY.encode(), b"name", hashlib.sha256).hexdigest()[:8]


def test_a_log_without_a_key_has_links_and_no_pseudonyms() -> None:
    seal = Seal()
    assert seal.name == UNKEYED
    assert seal.link(b"content") == derive(b"link", b"content", key="")
    assert seal.pseudonym("a-17") is None


@pytest.mark.parametrize("applicant", [None, ""])
def test_nobody_has_no_pseudonym(applicant: str | None) -> None:
    assert SEAL.pseudonym(applicant) is None


def test_a_whole_number_is_hashed_the_same_however_it_is_stored() -> None:
    assert canonical_json(b'{"a":5.0,"b":5,"c":5.05,"d":-0.0}') == b'{"a":5,"b":5,"c":5.05,"d":-0}'


def test_each_link_covers_the_one_before() -> None:
    chain = Chain(SEAL, "c")
    lines, head = chain.extend(ENTRIES)
    records = [json.loads(line) for line in lines]
    assert [record["sequence"] for record in records] == [0, 1, 2]
    assert [record["previous"] for record in records] == ["", *(r["link"] for r in records[:2])]
    position = json.dumps([SEAL.name, "c", 0, ""], separators=(",", ":")).encode()
    assert records[0]["link"] == derive(b"link", b"hashed 0" + position)
    assert head == Head("c", 2, records[2]["link"])
    assert str(head) == f"c:2:{records[2]['link']}"


def test_a_chain_continues_from_its_head_and_only_from_there() -> None:
    at_once, _ = Chain(SEAL, "c").extend(ENTRIES)
    chain = Chain(SEAL, "c")
    first, head = chain.extend(ENTRIES[:1])
    again, _ = chain.extend(ENTRIES[:1])
    assert again == first  # the head moves once the lines are written, which the caller knows
    chain.head = head
    rest, _ = chain.extend(ENTRIES[1:])
    assert first + rest == at_once


def test_nothing_to_write_leaves_the_head() -> None:
    assert Chain(SEAL, "c").extend([]) == ([], None)


def test_links_and_commitments_of_release_0_1_0_hold(
    published_records: list[dict[str, Any]],
) -> None:
    for record in published_records:
        assert SEAL.link(link_content(record)) == record["link"]
        assert commitment_from_record(record) == record["commitment"]


def test_a_commitment_survives_a_store_that_drops_nulls_and_sorts(
    published_records: list[dict[str, Any]],
) -> None:
    for record in published_records:
        [(model, fields)] = record["inputs"].items()
        stored = {name: fields[name] for name in sorted(fields, reverse=True) if fields[name]}
        again = record | {"inputs": {"another": None, model: stored}}
        assert commitment_from_record(again) == record["commitment"]
