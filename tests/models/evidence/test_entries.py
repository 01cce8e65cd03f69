import json
import math
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from functions.web.middleware import Caller
from models.evidence.entries import entries_from_request, features_as_text, recorded_fields
from models.evidence.hash_chain import Chain, Seal, commitment_from_decision, link_content
from models.evidence.log_reader import decisions_in
from models.evidence.record_check import check_record
from models.prediction import ScoredRequest
from models.reasons import AdverseReason
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


def write_records(
    rows: Sequence[Toy], who: Caller, seal: Seal = SEAL, salts: bytes | None = None
) -> list[dict[str, Any]]:
    random = salts or bytes(16 * len(rows))
    entries, _ = entries_from_request(score(rows), who, seal, NOW, random)
    return [json.loads(line) for line in Chain(seal, "c").extend(entries)[0]]


def write(
    rows: Sequence[Toy], who: Caller, seal: Seal = SEAL, salts: bytes | None = None
) -> list[dict[str, Any]]:
    """The decisions of a request, each with what its record says of all."""
    return [
        decision
        for record in write_records(rows, who, seal, salts)
        for decision in decisions_in(record)
    ]


def test_records_are_written_as_they_first_were(records_of_version_3: list[dict[str, Any]]) -> None:
    batch, single, _ = records_of_version_3
    chain = Chain(SEAL, batch["chain"])
    requests = (
        (toys(3), caller("r1", "applicant 1", "loan 4711"), batch),
        ([RENTING], caller("r2"), single),
    )
    for rows, who, record in requests:
        salts = bytes.fromhex("".join(decision["salt"] for decision in record["applications"]))
        decided_at = datetime.fromisoformat(record["decided_at"])
        entries, _ = entries_from_request(score(rows), who, SEAL, decided_at, salts)
        [line], chain.head = chain.extend(entries)
        assert list(json.loads(line).items()) == list(record.items())


def test_a_request_is_as_many_lines_as_cloud_logging_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    [one_line] = write_records(toys(50), caller())
    monkeypatch.setattr("models.evidence.entries.LINE_BYTES", 8_000)
    entries, _ = entries_from_request(score(toys(50)), caller(), SEAL, NOW, bytes(16 * 50))
    lines, _ = Chain(SEAL, "c").extend(entries)
    assert len(lines) > 2
    assert max(map(len, lines)) < 8_000 + 1_000  # what the decisions of a line share
    records = [json.loads(line) for line in lines]
    decisions = [decision for record in records for decision in record["applications"]]
    own = [{**d, "commitment": ""} for d in decisions]
    assert own == [{**d, "commitment": ""} for d in one_line["applications"]]
    for record in records:
        assert (
            commitment_from_decision("", record["applications"][0])
            == (record["applications"][0]["commitment"])
        )


def test_a_record_counts_its_decisions() -> None:
    [record] = write_records(toys(40), caller())
    made = Counter(decision["decision"] for decision in record["applications"])
    counted = {"approve": "approved", "refer": "referred", "decline": "declined"}
    assert {name: record[column] for name, column in counted.items()} == {
        name: made[name] for name in counted
    }
    assert sum(made.values()) == 40


def test_a_text_that_json_escapes_is_recorded_as_it_was_sent() -> None:
    scored = score([RENTING])
    odd = 'a "b" \\ c\n.0,'
    table = replace(scored.table, values={**scored.table.values, "home": [odd]})
    entries, _ = entries_from_request(replace(scored, table=table), caller(), SEAL, NOW, bytes(16))
    [line] = Chain(SEAL, "c").extend(entries)[0]
    record = json.loads(line)
    [decision] = decisions_in(record)
    assert decision["inputs"]["toy"]["home"] == odd
    [recorded] = record["applications"]
    assert commitment_from_decision("", recorded) == recorded["commitment"]


def test_codes_of_reasons_are_hashed_as_they_are_read() -> None:
    scored = score([RENTING])
    [decision] = scored.decisions
    reasons = tuple(AdverseReason(code, "text", 1.0, -1.0) for code in ("R1.0,", '"R"'))
    changed = replace(scored, decisions=[decision._replace(reasons=reasons)])
    entries, _ = entries_from_request(changed, caller(), SEAL, NOW, bytes(16))
    [line] = Chain(SEAL, "c").extend(entries)[0]
    record = json.loads(line)
    assert record["applications"][0]["reasons"] == ["R1.0,", '"R"']
    assert SEAL.link(link_content(record)) == record["link"]
    assert check_record(record, {SEAL.name: SEAL}) == []


def test_fields_are_recorded_without_protected_and_private_ones() -> None:
    assert recorded_fields(Toy) == ("home", "income", "months_since_default")
    [record] = write([RENTING], caller())
    assert record["withheld"] == ["age", "debt"]
    assert record["inputs"] == {
        "toy": {"home": "rent", "income": 50_000.0, "months_since_default": None}
    }


def test_rejected_rows_keep_their_index_in_the_request() -> None:
    scored = replace(score(toys(2)), positions=[1, 4])
    entries, _ = entries_from_request(scored, caller("r"), SEAL, NOW, bytes(32))
    [record] = [json.loads(line) for line in Chain(SEAL, "c").extend(entries)[0]]
    assert [decision["index"] for decision in record["applications"]] == [1, 4]
    assert [d["decision_id"][-2:] for d in record["applications"]] == ["-1", "-4"]


def test_a_repeated_request_has_the_same_decision_ids_under_its_key_only() -> None:
    def ids(who: Caller) -> list[str]:
        return [record["decision_id"] for record in write(toys(2), who)]

    assert ids(caller("a", key="k")) == ids(caller("b", key="k")) != ids(caller("a", key="l"))
    assert ids(caller("a")) != ids(caller("b"))
    assert ids(caller("a")) != ids(caller("b", key="a"))  # a key is no request id


def decision_ids(rows: Sequence[Toy], who: Caller, seal: Seal = SEAL) -> list[str]:
    return [record["decision_id"] for record in write(rows, who, seal)]


@pytest.mark.parametrize("key", [None, "k"])
def test_different_applications_never_share_a_decision_id(key: str | None) -> None:
    who = caller("r", key=key)
    changes: list[dict[str, Any]] = [
        {"income": 50_001.0},
        {"home": "own"},
        {"age": 41},  # protected: it is recorded nowhere
        {"debt": 30_001.0},  # private
        {"months_since_default": 3},
    ]
    rows = [RENTING, *(RENTING.model_copy(update=change) for change in changes)]
    ids = [decision_ids([row], who)[0] for row in rows]
    assert len(set(ids)) == len(rows)
    assert decision_ids(rows, who)[0] != ids[0]  # another request, with more rows


def test_another_callers_key_is_another_key() -> None:
    one, other = (replace(caller(key="k"), principal=name) for name in ("key 1", "key 2"))
    assert decision_ids(toys(2), one) == decision_ids(toys(2), one)
    assert not set(decision_ids(toys(2), one)) & set(decision_ids(toys(2), other))


def test_a_decision_id_reveals_nothing_without_the_key_of_what_is_not_recorded() -> None:
    older = RENTING.model_copy(update={"age": 41})
    assert decision_ids([RENTING], caller(), Seal()) == decision_ids([older], caller(), Seal())
    assert decision_ids([RENTING], caller(), Seal("k" * 40)) != decision_ids(
        [older], caller(), Seal("k" * 40)
    )


@pytest.mark.parametrize("income", [-0.0, 1e15, 1e16, 123456789012345680.0, 1.5e30, 2.0**53, 1e22])
def test_a_number_is_recorded_as_a_text_that_nobody_rewrites(income: float) -> None:
    scored = score([RENTING])
    table = replace(scored.table, values={**scored.table.values, "income": [income]})
    entries, _ = entries_from_request(replace(scored, table=table), caller(), SEAL, NOW, bytes(16))
    [line] = Chain(SEAL, "c").extend(entries)[0]
    [decision] = decisions_in(json.loads(line))
    assert decision["inputs"]["toy"]["income"] == income
    assert math.copysign(1, decision["inputs"]["toy"]["income"]) == math.copysign(1, income)


def test_only_a_keyed_log_has_pseudonyms() -> None:
    [keyed] = write([RENTING], caller(applicant="a-17"))
    [unkeyed] = write([RENTING], caller(applicant="a-17"), Seal())
    assert keyed["applicant"] == SEAL.pseudonym("a-17")
    assert unkeyed["applicant"] is None


def test_a_salt_changes_the_commitment_and_nothing_else() -> None:
    [one], [other] = (write([RENTING], caller(), salts=bytes([i]) * 16) for i in (1, 2))
    assert {name for name in one if one[name] != other[name]} == {"salt", "commitment"}


@pytest.mark.parametrize("value", [0.1, np.nan, -1e38])
def test_features_survive_as_single_precision(value: float) -> None:
    matrix = np.array([[value, 1.0], [2.0, value]])
    for text, row in zip(features_as_text(matrix), matrix, strict=True):
        data = np.frombuffer(b64decode(text), "<f4")
        np.testing.assert_array_equal(data, row.astype("<f4"))
