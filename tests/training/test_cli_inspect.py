import json
from pathlib import Path

import pandas as pd
import pytest

from tests.support.running import last_line
from training.cli import main


@pytest.fixture
def messy(tmp_path: Path, toy_frame: pd.DataFrame) -> Path:
    """The toy rows as a German spreadsheet writes them, with words as outcome."""
    path = tmp_path / "my loans.csv"
    status = toy_frame["is_default"].map({1: "CHGOFF", 0: "P I F"})
    frame = toy_frame.drop(columns="is_default").assign(Status=status)
    frame.insert(0, "Loan", [f"L{i}" for i in range(len(frame))])
    frame.to_csv(path, index=False, sep=";", decimal=",", encoding="utf-16", na_rep="n/a")
    return path


OUTCOME = ["--outcome-column", "Status", "--outcome", "CHGOFF=1", "--outcome", "P I F=0"]


def test_a_messy_file_is_inspected_drafted_trained_and_published(
    messy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model_file = tmp_path / "drafted_loans.py"
    inspect = ["inspect", "--data", str(messy), *OUTCOME, "--write-model", str(model_file)]
    assert main(inspect, {}) == 0
    output = capsys.readouterr().out
    summary = last_line(output)
    assert summary["rows"] == 4_000
    assert summary["options"] == [
        *("--delimiter", ";", "--decimal", ",", "--missing", "n/a", "--encoding", "utf-16")
    ]
    assert "one value per row: an identifier?" in output
    assert summary["consider"] == ["--id-column", "Loan"]
    monkeypatch.syspath_prepend(tmp_path)
    environment = {"CREDIT_MODELS": "drafted_loans", "MODEL_STORE": (tmp_path / "s").as_uri()}
    train = ["train", "--model", "drafted_loans", "--data", str(messy), "--family", "logistic"]
    assert main(train, environment) == 0
    trained = last_line(capsys.readouterr().out)
    assert (trained["outcome"], trained["rows_refused"]) == ("promoted", 0)
    assert main(inspect, {}) == 2
    assert "File exists; choose another name" in capsys.readouterr().err


def test_options_win_over_what_is_detected(messy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--data", str(messy), "--decimal", "."], {}) == 0
    assert "--decimal" not in last_line(capsys.readouterr().out)["options"]


def test_parquet_has_no_dialect(
    tmp_path: Path, toy_frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_frame.to_parquet(tmp_path / "rows.parquet")
    assert main(["inspect", "--data", str(tmp_path / "rows.parquet")], {}) == 0
    summary = last_line(capsys.readouterr().out)
    assert summary["options"] == []
    by_name = {column["name"]: column for column in summary["columns"]}
    assert by_name["home"]["levels"] == ["own", "rent"]
    assert by_name["debt"]["auc"] > 0.6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the file with --data, or the query with --query"),
        (["--data", "none.csv"], "No such file"),
        (["--data", "MESSY", "--outcome-column", "none"], "the data has no column none"),
        (
            ["--data", "MESSY", "--id-column", "Laon", "--group-column", "customer"],
            "column Laon; is Loan meant?; group_column: the data has no column customer",
        ),
        (["--data", "MESSY", "--write-model", "m.py"], "--write-model needs the outcome"),
    ],
)
def test_what_cannot_be_inspected_exits_2(
    arguments: list[str], message: str, messy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(messy) if word == "MESSY" else word for word in arguments]
    assert main(["inspect", *words], {}) == 2
    assert message in capsys.readouterr().err


def test_words_of_an_undeclared_outcome_are_listed(
    messy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "--data", str(messy), "--outcome-column", "Status"], {}) == 0
    assert "--outcome 'P I F=...' --outcome CHGOFF=..." in capsys.readouterr().err


def test_a_large_file_shows_its_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"a": range(500_000), "b": 1.5}).to_parquet(tmp_path / "rows.parquet")
    assert main(["inspect", "--data", str(tmp_path / "rows.parquet")], {}) == 0
    captured = capsys.readouterr()
    assert "columns: 2 of 2" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["columns"][1]["remarks"] == ["constant"]


def test_the_draft_of_weighted_rows_has_cut_offs_of_the_applications(
    tmp_path: Path, toy_frame: pd.DataFrame
) -> None:
    weighted = toy_frame.assign(wt=toy_frame["is_default"].map({0: "9", 1: "1"}))
    weighted.to_csv(tmp_path / "rows.csv", index=False)
    model_file = tmp_path / "weighted_loans.py"
    inspect = ["inspect", "--data", str(tmp_path / "rows.csv"), "--weight-column", "wt"]
    assert main([*inspect, "--write-model", str(model_file)], {}) == 0
    bads = int(toy_frame["is_default"].sum())
    share = bads / (bads + 9 * (len(toy_frame) - bads))
    assert f"A share of {share:.4f} defaults" in model_file.read_text()
    assert "known_afterwards" not in model_file.read_text()


def test_an_outcome_of_ones_and_twos_has_both_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"a": 3, "bad": [1, 1, 2]}).to_csv(tmp_path / "rows.csv", index=False)
    inspect = ["inspect", "--data", str(tmp_path / "rows.csv"), "--outcome-column", "bad"]
    assert main(inspect, {}) == 0
    assert "--outcome 1=... --outcome 2=..." in capsys.readouterr().err


def test_the_name_of_a_drafted_model_is_told(
    tmp_path: Path, toy_frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_frame.to_csv(tmp_path / "rows.csv", index=False)
    write = ["--write-model", str(tmp_path / "m_a_serial.py")]
    assert main(["inspect", "--data", str(tmp_path / "rows.csv"), *write], {}) == 0
    sentence = "CREDIT_MODELS=m_a_serial trains it as --model ma_serial"
    assert sentence in capsys.readouterr().out
