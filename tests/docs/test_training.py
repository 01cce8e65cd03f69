"""The guide to training: its commands run, its tables are the code's, its model is served."""

import subprocess
from pathlib import Path
from typing import get_args

import pytest

from models.gate_policy import GATE_NAMES, GatePolicy
from tests.docs.markdown import commands, page, rows
from tests.support.running import REPOSITORY, TrainedStore, last_line
from training.families.candidates import CANDIDATES
from training.families.search_space import SPACES
from training.promotion import OutcomeName
from training.search_settings import BUDGETS

TEXT = page("training")
FIRST_COLUMN = [cells[0].strip("`") for cells in rows(TEXT)]
TRAIN, SEARCH, EVALUATE, GENERATE = commands(TEXT)


def run(command: str, **environment: str) -> str:
    assignments = (f"{name}={value}" for name, value in environment.items())
    done = subprocess.run(
        ["env", *assignments, "sh", "-c", command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_families_and_outcomes_are_the_codes() -> None:
    assert {c.family for c in CANDIDATES} <= set(FIRST_COLUMN)
    assert set(get_args(OutcomeName)) <= set(FIRST_COLUMN)
    assert f"at least {GatePolicy().least_bads} defaults" in TEXT


def test_every_gate_is_in_the_table_in_its_order() -> None:
    gates = [cells for cells in rows(TEXT) if cells[0].strip("`") in GATE_NAMES]
    assert [(cells[0].strip("`"), cells[-1]) for cells in gates] == [
        (name, GatePolicy().find_consequence(name)) for name in GATE_NAMES
    ]


def test_budgets_are_the_codes() -> None:
    assert {f"`{name}`" for name in BUDGETS} <= {cells[0].split(" (")[0] for cells in rows(TEXT)}
    assert BUDGETS["quick"].trials == 0
    standard, thorough = BUDGETS["standard"], BUDGETS["thorough"]
    assert f"up to {standard.trials} trials of each family, in {standard.seconds} s" in TEXT
    assert f"up to {thorough.trials} trials" in TEXT
    assert f"in {thorough.seconds / 60:.0f} minutes for all" in TEXT
    assert all(f"`{family}`" in TEXT for family in SPACES)


@pytest.mark.trained
def test_the_documented_search_says_how_many_trials_it_made(tmp_path: Path) -> None:
    searched = last_line(run(SEARCH.replace("var/search.log", str(tmp_path / "search.log"))))
    assert searched["search"]["logistic"]["trials"] == 5
    assert (tmp_path / "search.log").stat().st_size


@pytest.mark.trained
def test_a_dry_run_ends_with_the_documented_members() -> None:
    summary = last_line(run(TRAIN))
    assert summary["version"] is None
    assert set(summary) == {
        *("outcome", "model", "family", "passed_over", "version", "metrics", "gates"),
        *("warnings", "remedies", "rows_refused", "search", "would_promote"),
    }
    assert all(f"`{member}`" in TEXT for member in summary)


@pytest.mark.trained
def test_a_published_version_is_judged_on_rows_never_fitted(trained_store: TrainedStore) -> None:
    judged = last_line(run(EVALUATE, MODEL_STORE=trained_store.uri))
    assert judged["sample"]["rows"] == judged["rows_never_fitted"] > 200


def test_synthetic_rows_are_written(tmp_path: Path) -> None:
    output = tmp_path / "applications.csv"
    run(GENERATE.replace("var/applications.csv", str(output)))
    assert len(output.read_text().splitlines()) == 1_001
