import json
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from functions.web.middleware import Caller
from models.evidence.entries import entries_from_request, features_as_text, recorded_fields
from models.evidence.hash_chain import Chain, Seal
from models.prediction import ScoredRequest
from models.table import table_from_applications
from tests.functions.scoring.recording import SEAL, caller, toy_version, toys
from tests.support.toy import Toy, toy

NOW = datetime.fromisoformat("2026-11-21T01:44:00+00:00")
RENTING = toy(home="rent", debt=30_000.0, months_since_default=None)


def score(rows: Sequence[Toy]) -> ScoredRequest:
    loaded, table = toy_version(), table_from_applications(Toy, rows)
    decisions, matrix = loaded.scorer.decide_table(table)
    return ScoredRequest(
        variant="champion",
        loaded=loaded,
        table=table,
        positions=range(len(rows)),
        decisions=decisions,
        matrix=matrix,
        latency_ms=1.0,
    )


def write(
    rows: Sequence[Toy], who: Caller, seal: Seal = SEAL, salts: bytes | None = None
) -> list[dict[str, Any]]:
    random = salts or bytes(16 * len(rows))
    entries = entries_from_request(score(rows), who, seal, NOW, random)
    return [json.loads(line) for line in Chain(seal, "c").extend(entries)[0]]


def test_records_are_written_as_release_0_1_0_wrote_them(
    published_lines: list[bytes], published_records: list[dict[str, Any]]
) -> None:
    requests = (
        (toys(2), caller("r1", "applicant 1", "loan 4711"), published_records[:2]),
        ([RENTING], caller("r2"), published_records[2:]),
    )
    chain, lines = Chain(SEAL, published_records[0]["chain"]), []
    for rows, who, records in requests:
        salts = bytes.fromhex("".join(record["salt"] for record in records))
        decided_at = datetime.fromisoformat(records[0]["decided_at"])
        entries = entries_from_request(score(rows), who, SEAL, decided_at, salts)
        lines_of_request, chain.head = chain.extend(entries)
        lines += lines_of_request
    assert lines == published_lines


def test_fields_are_recorded_without_protected_and_private_ones() -> None:
    assert recorded_fields(Toy) == ("home", "income", "months_since_default")
    [record] = write([RENTING], caller())
    assert record["withheld"] == ["age", "debt"]
    assert record["inputs"] == {
        "toy": {"home": "rent", "income": 50_000.0, "months_since_default": None}
    }


def test_rejected_rows_keep_their_index_in_the_request() -> None:
    scored = replace(score(toys(2)), positions=[1, 4])
    entries = entries_from_request(scored, caller("r"), SEAL, NOW, bytes(32))
    records = [json.loads(line) for line in Chain(SEAL, "c").extend(entries)[0]]
    assert [record["index"] for record in records] == [1, 4]
    assert [record["decision_id"][-2:] for record in records] == ["-1", "-4"]


def test_a_repeated_request_has_the_same_decision_ids_under_its_key_only() -> None:
    def ids(who: Caller) -> list[str]:
        return [record["decision_id"] for record in write(toys(2), who)]

    assert ids(caller("a", key="k")) == ids(caller("b", key="k")) != ids(caller("a", key="l"))
    assert ids(caller("a")) != ids(caller("b"))
    assert ids(caller("a")) != ids(caller("b", key="a"))  # a key is no request id


def test_only_a_keyed_log_has_pseudonyms() -> None:
    [keyed] = write([RENTING], caller(applicant="a-17"))
    [unkeyed] = write([RENTING], caller(applicant="a-17"), Seal())
    assert keyed["applicant"] == SEAL.pseudonym("a-17")
    assert unkeyed["applicant"] is None


def test_a_salt_changes_the_commitment_and_nothing_else() -> None:
    [one], [other] = (write([RENTING], caller(), salts=bytes([i]) * 16) for i in (1, 2))
    assert {name for name in one if one[name] != other[name]} == {"salt", "commitment", "link"}


@pytest.mark.parametrize("value", [0.1, np.nan, -1e38])
def test_features_survive_as_single_precision(value: float) -> None:
    matrix = np.array([[value, 1.0], [2.0, value]])
    for text, row in zip(features_as_text(matrix), matrix, strict=True):
        data = np.frombuffer(b64decode(text), "<f4")
        np.testing.assert_array_equal(data, row.astype("<f4"))
