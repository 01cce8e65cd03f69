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
    commitment,
    commitment_from_decision,
    link_content,
    personal_content,
)
from tests.functions.scoring.recording import KEY, SEAL
from tests.support.google_logs import as_doubles

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


def test_links_and_commitments_hold_as_they_were_defined(
    records_of_version_3: list[dict[str, Any]],
) -> None:
    for record in records_of_version_3:
        assert SEAL.link(link_content(record)) == record["link"]
        previous = ""
        for decision in record["applications"]:
            if "erasure" not in decision:
                assert commitment_from_decision(previous, decision) == decision["commitment"]
            previous = decision["commitment"]


def test_a_commitment_is_a_hash_of_what_its_definition_names() -> None:
    own = b'{"decision_id":"a-0","index":0,"reasons":["R1"]}'
    personal = b'["salt","","AAAA"][5,"rent",null]'
    expected = hashlib.sha256(b"before" + own + personal).hexdigest()
    text = personal_content("salt", None, "AAAA", '[5,"rent",null]')
    assert commitment("before", own.decode(), text) == expected


def test_doubles_and_the_order_of_members_change_no_link(
    records_of_version_3: list[dict[str, Any]],
) -> None:
    for record in records_of_version_3:
        stored = as_doubles(record)
        assert SEAL.link(link_content(stored)) == record["link"]
        # BigQuery leaves an empty list out of an export.
        for decision in stored["applications"]:
            if not decision["reasons"]:
                del decision["reasons"]
        assert SEAL.link(link_content(stored)) == record["link"]
