import json
import re
from pathlib import Path

import pytest

from models.registry.pointer import Author, promote
from models.registry.versions import publish, read_by_name
from models.stores.uri import open_store
from tests.support.monitored import toy_rows
from tests.support.running import REPOSITORY
from tests.support.toy import Toy
from tests.training.reporting.conftest import NOW, judgement_on
from training.cli import main
from training.reading.options import DataOptions
from training.report import build_report_files
from training.run import TrainingJob, train

ENVIRONMENT = {"CREDIT_MODELS": "tests.support.toy"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A store, and two versions with their reports, oldest first."""
    folder = tmp_path_factory.mktemp("published")
    toy_rows(1_500).to_parquet(folder / "rows.parquet")
    job = TrainingJob(
        model=Toy,
        data=DataOptions(values={"data": str(folder / "rows.parquet")}),
        seed=1,
        threads=1,
        max_refused_share=0.01,
        families=("logistic",),
    )
    trained = train(job)
    files = build_report_files(trained, judgement_on(trained))
    uri = (folder / "store").as_uri()
    names = [
        publish(open_store(uri), "toy", trained.bundle.to_bytes(), files, NOW.replace(day=d))
        for d in (1, 2)
    ]
    return uri, [version.version for version in names]


def compare(uri: str, versions: list[str], *others: str) -> int:
    words = ["compare-versions", "--model", "toy", "--store", uri]
    words += [word for version in versions for word in ("--version", version)]
    return main([*words, *others], ENVIRONMENT)


def test_a_review_ranks_the_columns_of_a_file(
    published: tuple[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri, versions = published
    store = open_store(uri)
    promote(store, "toy", read_by_name(store, "toy", versions[0])[0], Author("tester", NOW))
    toy_rows(400).assign(extra=1.5).to_parquet(tmp_path / "rows.parquet")
    words = ["review", "--model", "toy", "--store", uri, "--data", str(tmp_path / "rows.parquet")]
    assert main(words, ENVIRONMENT) == 0
    captured = capsys.readouterr()
    review = json.loads(captured.out.splitlines()[-1])
    assert (review["champion"], review["rows"]) == (versions[0], 400)
    assert review["importances"][0]["now"] > 0
    assert {"extra", "income"} <= {one["column"] for one in review["candidates"]}
    assert "importances: " in captured.err
    assert "columns of 400 rows" in captured.err


def test_the_page_and_its_numbers_are_written(
    published: tuple[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri, versions = published
    toy_rows(300).to_csv(tmp_path / "fresh.csv", index=False)
    output = tmp_path / "page.html"
    data = str(tmp_path / "fresh.csv")
    assert compare(uri, versions, "--output", str(output), "--data", data) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line == {"old": versions[0], "new": versions[1], "output": str(output)}
    assert versions[1] in output.read_text()
    assert json.loads(output.with_suffix(".json").read_text())["paired"]["rows"] == 300


@pytest.mark.parametrize(
    "case",
    [
        (1, "page.html", "needs --version twice"),
        (2, "page.txt", "an --output that ends in .html"),
        (2, "nowhere/page.html", "cannot be written: No such file or directory"),
    ],
)
def test_wrong_arguments_are_named(
    published: tuple[str, list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    case: tuple[int, str, str],
) -> None:
    uri, versions = published
    count, output, message = case
    assert compare(uri, versions[:count], "--output", str(tmp_path / output)) == 2
    assert message in capsys.readouterr().err


def test_the_documented_command_runs(published: tuple[str, list[str]], tmp_path: Path) -> None:
    uri, versions = published
    text = " ".join((REPOSITORY / "docs" / "training.md").read_text().split())
    [command] = re.findall(r"`python -m training (compare-versions [^`]+)`", text)
    output = tmp_path / "page.html"
    words = {"M": "toy", "A": versions[0], "B": versions[1], "page.html": str(output)}
    arguments = [words.get(word, word) for word in command.split()]
    assert main([*arguments, "--store", uri], ENVIRONMENT) == 0
    assert output.exists()
