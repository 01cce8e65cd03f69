"""Runs verified after somebody with write access to the results, and no more, has changed them."""

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from functions.batch.runs import sha256_hex
from models.evidence.batch_tables import METADATA_KEY
from tests.functions.batch.conftest import ROWS, Run, find_run, score_arguments

Tamper = Callable[[Path], None]


@pytest.fixture
def scored(run: Run, applications: Path, tmp_path: Path) -> Path:
    """The folder of a run in three parts with a refused row, anchored elsewhere."""
    table = pq.read_table(applications)
    ages = table["age"].to_pylist()
    ages[9] = 1000
    path = tmp_path / "applications.csv"
    arrow_csv.write_csv(table.set_column(table.column_names.index("age"), "age", [ages]), path)
    run(*score_arguments(path, tmp_path / "out"), **anchored(tmp_path))
    return find_run(tmp_path / "out")


def anchored(folder: Path) -> dict[str, str]:
    return {"DECISION_ANCHOR_STORE": (folder / "evidence").as_uri()}


def replace(path: Path, table: pa.Table, members: dict[str, str] | None = None) -> None:
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table, row_group_size=max(1, table.num_rows))
        writer.add_key_value_metadata(members or {})


def approve_in_results(folder: Path) -> None:
    """Change one decision, and every hash of it that stands beside the results."""
    path = folder / "part-00000.parquet"
    before, table = sha256_hex(path.read_bytes()), pq.read_table(path)
    scores = table["credit_score"].to_pylist()
    scores[4] += 200
    index = table.column_names.index("credit_score")
    replace(path, table.set_column(index, "credit_score", [scores]))
    for name in ("summary-00000.json", "manifest.json"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(before, sha256_hex(path.read_bytes())))


def take_row_from_records(folder: Path) -> None:
    path = folder / "records-00000.parquet"
    opened = pq.ParquetFile(path)
    table = opened.read()
    members = {METADATA_KEY: opened.metadata.metadata[METADATA_KEY.encode()].decode()}
    replace(path, pa.concat_tables([table[:30], table[31:]]), members)


def remove_part(folder: Path) -> None:
    """Remove the only part and its entry in the manifest."""
    for path in [*folder.glob("*-00000.*")]:
        path.unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"parts": []}))


def empty_records(folder: Path) -> None:
    path = folder / "records-00000.parquet"
    opened = pq.ParquetFile(path)
    members = {METADATA_KEY: opened.metadata.metadata[METADATA_KEY.encode()].decode()}
    replace(path, opened.read()[:0], members)


def remove(*names: str) -> Tamper:
    def tamper(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return tamper


def write(name: str, content: Callable[[bytes], bytes]) -> Tamper:
    def tamper(folder: Path) -> None:
        path = folder / name
        path.write_bytes(content(path.read_bytes() if path.exists() else b""))

    return tamper


@pytest.mark.parametrize(
    ("tamper", "details"),
    [
        (approve_in_results, [r"part-00000.* 5 edited: the results are not those of the records"]),
        (take_row_from_records, [r"records-.* removed: rows \d+ to \d+ have no record"]),
        (remove_part, [r"records-00000\S+ 0 removed", r"part-00000\S+ 0 removed"]),
        (empty_records, [r"records-00000\S+ 1 removed: rows 1 to 9 have no record"]),
        (shutil.rmtree, [r"applications\S+ 0 removed: it was begun"]),
        (remove("_SUCCESS"), ["_SUCCESS 0 every part is anchored"]),
        (remove("plan.json"), ["plan.json 0 .*no part can be checked"]),
        (remove("manifest.json"), ["manifest.json 0 every part is anchored"]),
        (remove("summary-00000.json"), ["summary-00000.json 0 removed"]),
        (remove("faults-00000.jsonl"), ["faults-00000.jsonl 0 removed"]),
        (write("faults-00000.jsonl", lambda _: b""), ["faults-00000.jsonl 0 edited"]),
        (write("faults-00000.jsonl", lambda _: b"{"), ["faults-00000.jsonl 0 edited"]),
        (write("manifest.json", lambda _: b"{"), ["manifest.json 0 edited"]),
        (
            write("manifest.json", lambda d: d.replace(b'"faulty": 1', b'"faulty": 2')),
            ["manifest.json 0 edited"],
        ),
        (
            write("summary-00000.json", lambda d: d.replace(b'"part": 0', b'"part": 7')),
            ["summary-00000.json 0 edited"],
        ),
        (write("summary-00000.json", lambda _: b"{"), ["summary-00000.json 0 edited"]),
        (write("plan.json", lambda _: b"{"), ["plan.json 0 .*not a plan"]),
        (
            write("plan.json", lambda d: d.replace(b'"none"', b'"all"')),
            ["plan.json 0 edited: it is not the plan that was anchored"],
        ),
        (write("records-00000.parquet", lambda _: b"x"), [r"records\S+ 0 edited: not readable"]),
        (write("part-00000.parquet", lambda _: b"x"), [r"part\S+ 0 edited: not readable"]),
        (write("part-00000.parquet", lambda d: d + b"x"), [r"part\S+ 0 edited"]),
        (write("records-00001.parquet", lambda _: b"x"), [r"records-00001\S+ 0 it is none of"]),
    ],
)
def test_what_was_changed_beside_its_anchors_is_named(
    run: Run, scored: Path, tmp_path: Path, tamper: Tamper, details: list[str]
) -> None:
    output = ("verify", "--output", str(tmp_path / "out"))
    before = run(*output, **anchored(tmp_path))
    assert (before["exit"], before["outcome"], before["rows"]) == (0, "verified", ROWS - 1)
    tamper(scored)
    after = run(*output, **anchored(tmp_path))
    assert (after["exit"], after["outcome"]) == (1, "faulty")
    faults = [f"{f['object']} {f['row']} {f['detail']}" for f in after["first_faults"]]
    for detail in details:
        assert any(re.search(detail, fault) for fault in faults), faults


def test_an_anchor_that_is_missing_or_marked_by_nobody_with_the_key_is_a_fault(
    run: Run, applications: Path, tmp_path: Path
) -> None:
    run(*score_arguments(applications, tmp_path))
    folder = find_run(tmp_path)
    for anchor in folder.rglob("anchors/*/*.json"):
        document = json.loads(anchor.read_text())
        anchor.write_text(json.dumps(document | {"mark": "0" * 64}))
    verified = run("verify", "--output", str(tmp_path))
    assert verified["anchors"] == "beside the results"
    objects = {fault["object"].partition("/")[2] for fault in verified["first_faults"]}
    assert objects == {"plan.json", "records-00000.parquet"}
    shutil.rmtree(folder / "anchors")
    assert run("verify", "--output", str(tmp_path))["faults"] == verified["faults"]
    assert run("verify", "--output", str(tmp_path / "none"))["exit"] == 2


def test_a_run_that_has_not_ended_is_counted_and_what_it_has_is_verified(
    run: Run, scored: Path, tmp_path: Path
) -> None:
    for path in [*scored.glob("*-00000.*"), scored / "_SUCCESS", scored / "manifest.json"]:
        path.unlink()
    for anchor in (tmp_path / "evidence" / "anchors").glob("*/0*.json"):
        anchor.unlink()
    verified = run("verify", "--output", str(tmp_path / "out"), **anchored(tmp_path))
    assert (verified["outcome"], verified["unfinished"], verified["rows"]) == ("verified", 1, 0)


def test_a_row_erased_from_records_may_be_erased_from_the_results_too(
    run: Run, scored: Path, tmp_path: Path
) -> None:
    records, results = scored / "records-00000.parquet", scored / "part-00000.parquet"
    erased = tmp_path / "erased.parquet"
    run("erase", "--records", str(records), "--row", "17", "--output", str(erased))
    erased.replace(records)
    table = pq.read_table(results)
    keep = pa.array([row != 17 for row in table["row"].to_pylist()])
    replace(results, table.filter(keep))
    output = ("verify", "--output", str(tmp_path / "out"))
    assert run(*output, **anchored(tmp_path))["outcome"] == "verified"
    buffer = io.BytesIO(results.read_bytes())
    replace(results, pq.read_table(buffer)[1:])
    [fault] = run(*output, **anchored(tmp_path))["first_faults"]
    assert (fault["row"], "not those of the records" in fault["detail"]) == (1, True)
