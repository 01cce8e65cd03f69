import json
import re
from pathlib import Path

import pandas as pd
import pytest

from models.registry.pointer import find_pointer
from models.stores.uri import open_store
from tests.support.dated_loan import dated_rows
from tests.support.running import last_line
from training.cli import main

MODEL = ["--model", "dated_loan"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows of two years, and a store with a model that was trained on them."""
    path = tmp_path_factory.mktemp("evaluate")
    dated_rows(4_000).to_csv(path / "rows.csv", index=False)
    dated_rows(1_500, seed=9).to_csv(path / "later.csv", index=False)
    data = ["--data", str(path / "rows.csv"), "--family", "logistic"]
    assert main(["train", *MODEL, *data], environment(path)) == 0
    return path


def environment(folder: Path) -> dict[str, str]:
    return {
        "CREDIT_MODELS": "tests.support.dated_loan",
        "MODEL_STORE": (folder / "store").as_uri(),
    }


def test_a_published_version_is_judged_by_period_and_segment(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ["evaluate", *MODEL, "--data", str(folder / "later.csv")]
    assert main(evaluate, environment(folder)) == 0
    captured = capsys.readouterr()
    assert re.search(r"\d+ of 1500 rows were fitted if .*; --held leaves them out", captured.err)
    summary = last_line(captured.out)
    assert summary["sample"]["rows"] == 1_500
    assert (summary["sample"]["first"], summary["sample"]["last"]) == ("2024-01-01", "2025-11-30")
    assert summary["sample"]["metrics"]["auc"]["value"] > 0.7
    assert sum(period["rows"] for period in summary["periods"]) == 1_500
    assert len(summary["periods"]) == 23
    assert {segment["field"] for segment in summary["segments"]} >= {"grade", "purpose", "amount"}
    assert summary["reliability"]["ece"] < 0.1


def test_only_rows_that_no_run_fits_are_used_if_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(folder / "rows.csv")]
    assert main(["evaluate", *MODEL, *data, "--held"], environment(folder)) == 0
    captured = capsys.readouterr()
    assert "--held leaves them out" not in captured.err
    summary = last_line(captured.out)
    assert summary["rows_never_fitted"] == summary["sample"]["rows"] < 1_200


def test_the_report_has_both_tests_out_of_time_and_in_time(folder: Path) -> None:
    store = open_store((folder / "store").as_uri())
    pointer = find_pointer(store, "dated_loan")
    assert pointer is not None
    path = f"versions/dated_loan/{pointer.champion.version}/report"
    document = json.loads(store.read(f"{path}.json").data)
    late, in_time = document["tests"]
    assert late["name"] == "the last months, out of time"
    assert in_time["last"] < late["first"]
    assert late["metrics"]["auc"]["value"] != in_time["metrics"]["auc"]["value"]
    assert document["data"]["window"] == {"from": "2024-01-01", "to": "2025-11-30"}
    assert document["manifest"]["provenance"]["test_dates"][1] == "2025-11-30"
    months = [period["group"] for period in document["discrimination"]["periods"]]
    assert months == sorted(months)
    assert months[-1] == "2025-11"
    page = store.read(f"{path}.html").data.decode()
    assert "the last months, out of time" in page
    assert "The data has no dates" not in page
    fields = {field["name"]: field for field in document["data"]["fields"]}
    assert (fields["applied"]["kind"], fields["grade"]["kind"]) == ("date", "3 levels in order")
    assert '">2024-01-0' in page  # the first percentile of the dates


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--data", "none.csv"], 2, "No such file"),
        (
            ["--data", "ROWS", "--version", "20200101T000000Z-000000000000"],
            1,
            "no object versions/",
        ),
        ([], 2, "has no bundled data and no generator"),
    ],
)
def test_what_cannot_be_evaluated_is_explained(
    arguments: list[str],
    code: int,
    message: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(folder / "rows.csv") if word == "ROWS" else word for word in arguments]
    assert main(["evaluate", *MODEL, *words], environment(folder)) == code
    assert message in capsys.readouterr().err


def test_without_a_champion_a_version_must_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "rows.csv", index=False)
    assert main(["evaluate", *MODEL], environment(tmp_path)) == 1
    assert "no champion; no version was published; train one first" in capsys.readouterr().err
