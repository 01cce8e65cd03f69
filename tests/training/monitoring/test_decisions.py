import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from models.errors import DataError
from tests.support.decision_stream import write_decisions
from tests.support.monitored import DAYS, Champion
from training.monitoring.decisions import read_decisions


def test_a_log_is_read_by_column_and_by_day(champion: Champion, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    ids = write_decisions(log, champion.loaded, champion.part.matrix[:100], DAYS[:4])
    every = read_decisions("toy", log, DAYS[0], DAYS[-1])
    assert every.ids.tolist() == ids
    matrix, present = every.decode_features(champion.part.matrix.shape[1])
    assert present.all()
    np.testing.assert_allclose(matrix, champion.part.matrix[:100], rtol=1e-6)
    assert len(read_decisions("toy", log, DAYS[1], DAYS[2])) == 50
    assert len(read_decisions("other", log, DAYS[0], DAYS[-1])) == 0


def test_a_record_that_came_twice_counts_once(champion: Champion, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_decisions(log, champion.loaded, champion.part.matrix[:10], DAYS)
    log.write_text(log.read_text() * 2)
    assert len(read_decisions("toy", log, DAYS[0], DAYS[-1])) == 10


def test_lines_that_are_no_decisions_are_skipped(champion: Champion, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_decisions(log, champion.loaded, champion.part.matrix[:1], DAYS)
    record = json.loads(log.read_text())
    broken = [
        "no JSON",
        json.dumps(record | {"probability_of_default": 2, "decision_id": "b"}),
        json.dumps(record | {"decided_at": "yesterday", "decision_id": "c"}),
        json.dumps(record | {"record": "anchor", "decision_id": "e"}),
    ]
    log.write_text(log.read_text() + "\n".join(broken))
    assert read_decisions("toy", log, DAYS[0], DAYS[-1]).ids.tolist() == ["d000000"]


@pytest.mark.parametrize("features", [None, "", "no base64!", "AAAA"])
def test_a_decision_without_readable_features_still_counts(
    champion: Champion, tmp_path: Path, features: str | None
) -> None:
    log = tmp_path / "log.jsonl"
    write_decisions(log, champion.loaded, champion.part.matrix[:2], DAYS)
    first, second = map(json.loads, log.read_text().splitlines())
    log.write_text(f"{json.dumps(first | {'features': features})}\n{json.dumps(second)}\n")
    read = read_decisions("toy", log, DAYS[0], DAYS[-1])
    matrix, present = read.decode_features(champion.part.matrix.shape[1])
    assert (len(read), len(matrix), present.tolist()) == (2, 1, [False, True])


def test_a_log_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_decisions("toy", tmp_path / "none", date(2026, 1, 1), date(2026, 2, 1))
