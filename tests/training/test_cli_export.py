"""The command `export-sql`, on a store of models made by hand."""

import json
from pathlib import Path

import duckdb
import pytest

from models.catalogue.german_credit import GermanCredit
from models.registry.bundle import bundle_from_bytes, scorer_from_bundle
from models.registry.versions import read_by_name
from models.stores.uri import open_store
from tests.support.published import ROWS
from tests.support.running import ModelStore, last_line
from training.cli import main


def export(store: str, output: Path, *options: str, model: str = "german_credit") -> int:
    words = ["export-sql", "--model", model, "--store", store, "--output", str(output)]
    return main([*words, "--dialect", "duckdb", *options], {})


def test_the_statement_of_the_champion_scores_a_file(
    made_models: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "made" / "score.sql"
    loans = tmp_path / "loans.json"
    loans.write_text(json.dumps({"id": 7, "months": 24, **ROWS["german_credit"]}))
    options = ("--table", "loans", "--key", "id", "--mapping", "month=months")
    assert export(made_models.uri, output, *options) == 0
    summary = last_line(capsys.readouterr().out)
    version = summary["version"]
    assert summary == {
        "outcome": "written",
        "model": "german_credit",
        "version": version,
        "family": "logistic",
        "dialect": "duckdb",
        "output": str(output),
    }
    data = read_by_name(open_store(made_models.uri), "german_credit", version)[1]
    scorer = scorer_from_bundle(bundle_from_bytes(data), GermanCredit)
    [decision] = scorer.decide([GermanCredit.model_validate(ROWS["german_credit"] | {"month": 24})])
    with duckdb.connect() as database:
        database.execute("CREATE TABLE loans AS SELECT * FROM read_json(?)", [str(loans)])
        [[key, probability, score, *_, version_name, invalid]] = database.execute(
            output.read_text()
        ).fetchall()
    assert (key, version_name, invalid) == (7, version, None)
    assert probability == pytest.approx(decision.probability_of_default, rel=1e-12)
    assert score == round(decision.credit_score)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mapping", "month"), "--mapping month: must be FIELD=COLUMN"),
        (("--without", "month"), "--without month: it is required"),
    ],
)
def test_what_cannot_be_written_is_refused_and_no_file_is_left(
    made_models: ModelStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    output = tmp_path / "score.sql"
    assert export(made_models.uri, output, *options) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_a_store_without_a_champion_needs_the_name_of_a_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(tmp_path.as_uri(), tmp_path / "score.sql") == 1
    assert "german_credit has no champion; set --version" in capsys.readouterr().err
