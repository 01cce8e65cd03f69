import json
import signal
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.batch.cli import build_parser, request_from_options
from tests.functions.batch.conftest import (
    ROWS,
    Run,
    find_run,
    read_results,
    score_arguments,
    start_task,
)
from training.synthetic.application import generate


def test_a_file_is_scored_and_the_last_line_counts_its_rows(
    run: Run, applications: Path, tmp_path: Path
) -> None:
    last = run(*score_arguments(applications, tmp_path, "--keep", "account"))
    assert (last["exit"], last["outcome"], last["scored"], last["faulty"]) == (0, "scored", ROWS, 0)
    folder = find_run(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sum(manifest["decisions"].values()) == sum(manifest["scores"].values()) == ROWS
    assert (folder / "_SUCCESS").exists()
    results = read_results(tmp_path)
    assert results["row"].to_pylist() == list(range(1, ROWS + 1))
    assert results["account"].to_pylist()[:2] == ["A0", "A1"]
    assert f"task 1 of 1: {ROWS}" not in last["errors"]
    assert f"rows: {ROWS} of {ROWS}" in last["errors"]


def test_the_same_command_again_writes_nothing_and_prints_the_same(
    run: Run, applications: Path, tmp_path: Path
) -> None:
    first = run(*score_arguments(applications, tmp_path))
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    again = run(*score_arguments(applications, tmp_path))
    assert first == again
    assert before == {path: path.stat().st_ino for path in tmp_path.rglob("*")}


def test_another_request_does_not_mix_with_a_run_that_is_there(
    run: Run, applications: Path, tmp_path: Path
) -> None:
    run(*score_arguments(applications, tmp_path))
    other = run(*score_arguments(applications, tmp_path, "--reasons"))
    assert other["exit"] == 2
    assert "is of a run of this file with other options" in other["errors"]


def test_a_dry_run_names_line_field_and_rule_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    header = "age;annual_income;credit_utilization;payment_history_score;employment_years;"
    header += "num_credit_accounts;total_debt;interest_rate;unemployment_rate"
    sound = "35;75000;0,35;720;8;5;25000;0,065;0,04"
    path.write_text(f"{header}\n{sound}\n\n17;75000;a lot;720;8;5;25000;0,065;0,04\n{sound};1\n")
    options = ["--input", str(path), "--output", str(tmp_path / "out"), "--dry-run"]
    options += ["--delimiter", ";", "--decimal", ","]
    last = run("score", "--model", "customer", *options)
    assert (last["exit"], last["outcome"], last["rows"], last["faulty"]) == (0, "checked", 3, 2)
    positions = [(f["line"], f["row"], f["field"]) for f in last["faults"]]
    assert positions == [(4, 2, "age"), (4, 2, "credit_utilization"), (5, 3, "the row")]
    assert last["faults"][1]["cell"] == "text"
    assert last["faults"][2]["rule"] == "10 cells, where the header has 9"
    assert not (tmp_path / "out").exists()


def test_faulty_rows_are_written_beside_the_scored_ones(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "few.parquet"
    row = {"age": 35, "annual_income": 75000.0, "credit_utilization": 0.35}
    row |= {"payment_history_score": 720, "employment_years": 8.0, "num_credit_accounts": 5}
    row |= {"total_debt": 25000.0, "interest_rate": 0.065, "unemployment_rate": 0.04}
    pq.write_table(pa.Table.from_pylist([row, row | {"age": 17}, row]), path)
    last = run("score", "--model", "customer", "--input", str(path), "--output", str(tmp_path))
    assert (last["scored"], last["faulty"]) == (2, 1)
    assert read_results(tmp_path)["row"].to_pylist() == [1, 3]
    fault = json.loads((find_run(tmp_path) / "faults-00000.jsonl").read_text())
    rule = "Input should be greater than or equal to 18"
    assert fault == {"row": 2, "field": "age", "rule": rule}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mapping", "income"], "--mapping income: it must be written as FIELD=COLUMN"),
        (["--mapping", "income=x"], "--mapping income=x: the file has no column x"),
        (["--keep", "nothing"], "--keep nothing: the file has no column nothing"),
        (["--skip-lines", "x"], "--skip-lines: must be a number from 0, not 'x'"),
        (["--decimal", ",,"], "data_file: decimal must be one character"),
    ],
)
def test_a_wrong_option_exits_2_and_says_what_to_do(
    run: Run, applications: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    last = run(*score_arguments(applications, tmp_path, *options))
    assert last["exit"] == 2
    assert message in last["errors"]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_and_an_unknown_model_exit_2(run: Run, tmp_path: Path) -> None:
    last = run(*score_arguments(tmp_path / "none.csv", tmp_path))
    assert last["exit"] == 2
    assert "none.csv: no object none.csv in the store" in last["errors"]
    arguments = ["--model", "nothing", "--input", "x.csv", "--output", str(tmp_path)]
    assert run("score", *arguments)["exit"] == 2


def test_the_options_of_a_dialect_become_the_request() -> None:
    options = score_arguments(Path("a.csv"), Path("out"), "--delimiter", "\\t", "--missing", "NA")
    options += ["--columns", "a,b", "--skip-lines", "1", "--mapping", "income=salary"]
    request = request_from_options(build_parser().parse_args(options))
    dialect = {"delimiter": "\t", "missing": ("NA",), "columns": ("a", "b"), "skip_lines": 1}
    assert request.dialect == dialect
    assert request.mapping == {"income": "salary"}


def test_sigterm_stops_at_a_chunk_and_the_same_command_goes_on(
    environment: dict[str, str], run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "many.parquet"
    pq.write_table(pa.Table.from_pandas(generate(60_000, seed=6)), path)
    task = start_task(score_arguments(path, tmp_path / "out"), environment)
    while not list((tmp_path / "out").rglob("plan.json")):
        assert task.poll() is None
        time.sleep(0.01)
    task.send_signal(signal.SIGTERM)
    output, _ = task.communicate(timeout=60)
    if task.returncode:  # else it was done before the signal came
        assert (task.returncode, json.loads(output)) == (1, {"outcome": "stopped"})
        assert not list((tmp_path / "out").rglob("_SUCCESS"))
    assert run(*score_arguments(path, tmp_path / "out"))["scored"] == 60_000
