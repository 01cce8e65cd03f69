"""The commands as an operator calls them, on a small champion and a log."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.support.decision_stream import write_decisions
from tests.support.monitored import DAYS, Champion
from tests.support.running import last_line
from training.cli import main


@pytest.fixture
def own(champion: Champion, tmp_path: Path) -> Champion:
    """The champion in a store that this test may write to."""
    return champion.copy(tmp_path)


@pytest.fixture
def log(champion: Champion, tmp_path: Path) -> Path:
    path = tmp_path / "log"
    write_decisions(path, champion.loaded, champion.part.matrix, DAYS, prefix=tmp_path.name)
    return path


def arguments(command: str, log: Path, *more: str) -> list[str]:
    return [command, "--model", "toy", "--log", str(log), "--day", "2026-11-28", *more]


def test_outcomes_and_a_monitored_day_from_files(
    own: Champion,
    log: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = [json.loads(line)["decision_id"] for line in log.read_text().splitlines()]
    status = ["CHGOFF" if label else "P I F" for label in own.part.labels]
    file = tmp_path / "known.csv"
    pd.DataFrame({"decision_id": ids, "Status": status}).to_csv(file, index=False, sep=";")
    words = ["--outcome-column", "Status", "--outcome", "CHGOFF=1", "--outcome", "P I F=0"]
    data = ["--data", str(file), "--delimiter", ";", *words]
    assert main(arguments("outcomes", log, *data), own.environment) == 0
    summary = last_line(capsys.readouterr().out)
    assert summary["joined"] == len(ids)
    assert summary["defaults"] == int(own.part.labels.sum())
    page, metrics = tmp_path / "day.html", tmp_path / "day.prom"
    files = ["--output", str(page), "--metrics", str(metrics), "--fail-on-signal"]
    assert main(arguments("monitor", log, *files), own.environment) == 0
    summary = last_line(capsys.readouterr().out)
    assert (summary["status"], summary["fired"]) == ("OK", [])
    assert "observed AUC" in page.read_text()
    assert "surety_monitor_auc" in metrics.read_text()


def test_a_signal_is_named_and_may_end_the_command_with_1(
    own: Champion,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = tmp_path / "log"
    write_decisions(log, own.loaded, own.part.matrix[:1].repeat(600, axis=0), DAYS)
    assert main(arguments("monitor", log), own.environment) == 0
    summary = last_line(capsys.readouterr().out)
    assert summary["status"] == "DEGRADED"
    assert summary["fired"]
    failing = arguments("monitor", log, "--fail-on-signal")
    assert main(failing, own.environment) == 1
    assert f"{len(summary['fired'])} signals fired, first: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["monitor", "--output", "day.pdf"], "must end in .html"),
        (["monitor", "--output", "/nowhere/day.html"], "cannot be written"),
        (["monitor", "--metrics", "day.txt"], "must end in .prom"),
        (["monitor", "--metrics", "/dev/null/day.prom"], "cannot be written"),
        (["outcomes"], "name the file of outcomes with --data"),
        (["outcomes", "--data", "none.csv"], "No such file"),
    ],
)
def test_what_cannot_be_monitored_exits_2(
    own: Champion, log: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(words[0], log, *words[1:]), own.environment) == 2
    assert message in capsys.readouterr().err


def test_a_row_of_outcomes_with_another_shape_is_numbered(
    own: Champion, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "known.csv"
    file.write_text("decision_id,outcome\na,1\nb,0,0\n")
    assert main(arguments("outcomes", log, "--data", str(file)), own.environment) == 2
    assert "rows 2 have other numbers of cells than the header" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--day", "28.11.2026"], ["--window-days", "0"]])
def test_arguments_that_mean_nothing_are_refused(log: Path, more: list[str]) -> None:
    with pytest.raises(SystemExit):
        main([*arguments("monitor", log), *more], {})


def test_a_model_without_a_champion_is_named(
    tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"CREDIT_MODELS": "tests.support.toy", "MODEL_STORE": tmp_path.as_uri()}
    assert main(arguments("monitor", log), environment) == 1
    assert "toy has no champion" in capsys.readouterr().err
