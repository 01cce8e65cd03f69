"""Rows of a batch erased and decided again by the command."""

import json
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from models.evidence.batch_tables import METADATA_KEY
from tests.functions.batch.conftest import KEY, ROWS, Run, find_run, score_arguments

OLD = "o" * 32


@pytest.fixture
def records(run: Run, applications: Path, tmp_path: Path) -> Path:
    """The records of a run in one part, made with a key that is an older one by now."""
    run(*score_arguments(applications, tmp_path / "out"), DECISION_LOG_KEY=OLD)
    return find_run(tmp_path / "out") / "records-00000.parquet"


def test_a_row_is_erased_and_the_run_verifies_with_an_older_key(
    run: Run, records: Path, tmp_path: Path
) -> None:
    keys = {"DECISION_LOG_KEY": f"{KEY} {OLD}"}
    output, erased = str(tmp_path / "out"), tmp_path / "erased.parquet"
    options = ("--records", str(records), "--row", "17", "--output", str(erased))
    last = run("erase", *options, **keys)
    assert (last["exit"], last["outcome"], last["rows"]) == (0, "erased", [17])
    assert stat.S_IMODE(erased.stat().st_mode) == 0o600
    assert pq.read_table(erased)["features"].null_count == 1
    erased.replace(records)
    verified = run("verify", "--output", output, **keys)
    assert (verified["exit"], verified["outcome"], verified["rows"]) == (0, "verified", ROWS)
    alone = run("verify", "--output", output, DECISION_LOG_KEY=KEY)
    assert alone["exit"] == 1
    assert "made with a key that is not in DECISION_LOG_KEY" in str(alone["first_faults"])


def test_every_row_is_replayed_without_a_difference_and_an_erased_one_is_counted(
    run: Run, records: Path, tmp_path: Path
) -> None:
    keys = {"DECISION_LOG_KEY": OLD}
    last = run("replay", "--records", str(records), **keys)
    assert (last["exit"], last["outcome"], last["replayed"]) == (0, "replayed", ROWS)
    assert last["differences"] == 0
    erased = tmp_path / "erased.parquet"
    run("erase", "--records", str(records), "--row", "3", "--output", str(erased), **keys)
    last = run("replay", "--records", str(erased), "--row", "3", "--row", "4", **keys)
    assert (last["replayed"], last["erased"], last["differences"]) == (1, 1, 0)
    last = run("replay", "--records", str(erased), "--row", "3", "--row", "999999", **keys)
    assert last["exit"] == 2
    assert "--row: the file has no record of row 999999" in last["errors"]


def test_a_decision_that_the_version_does_not_make_is_a_difference_at_its_row(
    run: Run, records: Path
) -> None:
    opened = pq.ParquetFile(records)
    table = opened.read()
    probabilities = table["probability_of_default"].to_pylist()
    probabilities[41] += 1e-4
    index = table.column_names.index("probability_of_default")
    edited = table.set_column(index, "probability_of_default", [probabilities])
    with pq.ParquetWriter(records, edited.schema) as writer:
        writer.write_table(edited)
        name = METADATA_KEY
        writer.add_key_value_metadata({name: opened.metadata.metadata[name.encode()].decode()})
    last = run("replay", "--records", str(records), DECISION_LOG_KEY=OLD)
    assert (last["exit"], last["outcome"], last["differences"]) == (1, "faulty", 1)
    assert last["first_differences"][0]["row"] == 42


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "erase needs --row or --applicant"),
        (("--row", "9999999"), "it has no such row, or it is erased already"),
        (("--applicant", "nobody"), "it has no such row, or it is erased already"),
    ],
)
def test_an_erasure_of_nothing_writes_nothing(
    run: Run, records: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    output = tmp_path / "erased.parquet"
    words = ("erase", "--records", str(records), "--output", str(output), *options)
    last = run(*words, DECISION_LOG_KEY=OLD)
    assert last["exit"] == 2
    assert message in last["errors"]
    assert not output.exists()


def test_what_is_no_file_of_records_and_an_output_that_is_there_are_refused(
    run: Run, records: Path, applications: Path
) -> None:
    last = run("replay", "--records", str(applications), DECISION_LOG_KEY=OLD)
    assert (last["exit"], "it has no metadata of records" in last["errors"]) == (2, True)
    words = ("erase", "--records", str(records), "--row", "1", "--output", str(records))
    last = run(*words, DECISION_LOG_KEY=OLD)
    assert last["exit"] == 2
    assert "name a file that does not exist yet" in last["errors"]


def test_without_a_key_nobody_is_found_by_name(
    run: Run, applications: Path, tmp_path: Path
) -> None:
    run(*score_arguments(applications, tmp_path), DECISION_LOG_KEY="")
    records = find_run(tmp_path) / "records-00000.parquet"
    words = ("--records", str(records), "--output", str(tmp_path / "e.parquet"))
    last = run("erase", *words, "--applicant", "A1", DECISION_LOG_KEY="")
    assert last["exit"] == 2
    assert "DECISION_LOG_KEY is not set" in last["errors"]
    assert json.loads(find_run(tmp_path).joinpath("manifest.json").read_text())["scored"] == ROWS
