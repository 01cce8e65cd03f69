from pathlib import Path
from typing import Any

import pytest

from models.evidence import version_2
from models.evidence.erasure import DecisionSelection, erase
from models.evidence.log_reader import LogFiles, decisions_in, read_lines
from models.evidence.log_verification import verify
from models.evidence.record_check import check_record
from tests.functions.scoring.recording import SEAL
from tests.models.evidence.conftest import VERSION_2
from tests.support.google_logs import SHAPES

Records = list[dict[str, Any]]


def test_links_and_commitments_of_release_0_1_0_hold(published_records: Records) -> None:
    for record in published_records:
        assert SEAL.link(version_2.link_content(record)) == record["link"]
        assert version_2.commitment(record) == record["commitment"]
        assert check_record(record, {SEAL.name: SEAL}) == []


def test_a_commitment_survives_a_store_that_drops_nulls_and_sorts(
    published_records: Records,
) -> None:
    for record in published_records:
        [(model, fields)] = record["inputs"].items()
        stored = {name: fields[name] for name in sorted(fields, reverse=True) if fields[name]}
        again = record | {"inputs": {"another": None, model: stored}}
        assert version_2.commitment(again) == record["commitment"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_log_verifies_as_it_was_and_as_google_cloud_returns_it(
    published_records: Records, tmp_path: Path, shape: str
) -> None:
    for files in (read_lines(VERSION_2), LogFiles([SHAPES[shape](published_records, tmp_path)])):
        findings = verify(files, [SEAL])
        assert (findings.faults, findings.records, findings.decisions) == ([], 3, 3)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"credit_score": 800}, "edited: its link does not match its content"),
        ({"salt": "00"}, "edited: its personal data is not what was recorded"),
        ({"applications": [{}]}, "edited: unexpected member or value"),
        ({"record_version": 3}, "edited: unexpected member or value"),
    ],
)
def test_an_edit_is_found(published_records: Records, change: dict[str, Any], detail: str) -> None:
    record = published_records[0] | change
    assert check_record(record, {SEAL.name: SEAL}) == [(0, detail)]


def test_an_erased_record_still_verifies(published_records: Records) -> None:
    record = published_records[0]
    selection = DecisionSelection(frozenset([record["applicant"]]))
    erased, count = erase(record, selection, SEAL, "2026-11-30T00:00:00+00:00")
    assert count == 1
    assert check_record(erased, {SEAL.name: SEAL}) == []
    assert set(record) - set(erased) == {"applicant", "inputs", "features", "salt"}


def test_a_record_is_its_own_decision(published_records: Records) -> None:
    assert [list(decisions_in(record)) for record in published_records] == [
        [record] for record in published_records
    ]
