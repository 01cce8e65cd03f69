"""The guide to a model of one's own: its commands run one after the other, on its own file."""

import random
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

import models.annotations
from models.data_file import CsvDialect, DataFile
from tests.docs.markdown import blocks, commands, page, rows
from tests.support.running import REPOSITORY, last_line, running_server
from training.reading.arguments import OPTIONS

TEXT = page("your-own-model")
INSPECT, GENERATE, DRAFT, TRAIN, SERVE = commands(TEXT)


def run(command: str, folder: Path) -> str:
    """Run a command of the guide in a folder, with the clone's environment and a store there."""
    paths = {"PYTHONPATH": f"{REPOSITORY}:{folder}", "MODEL_STORE": (folder / "store").as_uri()}
    assignments = [f"{name}={value}" for name, value in paths.items()]
    line = command.replace(".venv/bin/python", shlex.quote(str(REPOSITORY / ".venv/bin/python")))
    words = ["env", *assignments, "sh", "-c", line]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.trained
def test_a_file_becomes_a_served_score_by_the_commands_of_the_guide(tmp_path: Path) -> None:
    run(GENERATE, tmp_path)
    assert "credit_score" in run(INSPECT, tmp_path)
    assert last_line(run(DRAFT, tmp_path))["model_file"] == "my_loans.py"
    trained = last_line(run(f"{TRAIN} --family scorecard", tmp_path))
    assert trained["outcome"] == "promoted"
    row: dict[str, Any] = {
        "income": 48_000,
        "employment_length": 3,
        "credit_score": 610,
        "num_credit_lines": 4,
        "credit_utilization": 0.6,
        "debt_to_income": 0.4,
        "total_debt": 19_000,
        "age": 30,
        "savings": 2_000,
        "loan_amount": 15_000,
        "loan_term": 36,
        "num_late_payments": 2,
        "num_bankruptcies": 0,
        "inquiries_last_6m": 3,
        "employment_status": "employed",
        "home_ownership": "rent",
        "loan_purpose": "business",
        "true_probability": 0.4,
    }
    settings = dict(word.split("=") for word in shlex.split(SERVE) if "=" in word)
    environment = {
        "PYTHONPATH": f"{REPOSITORY}:{tmp_path}",
        "MODEL_STORE": (tmp_path / "store").as_uri(),
    }
    with running_server(tmp_path / "log", "module", **environment, **settings) as server:
        answer = server.client.post("/v1/models/my_loans:predict", json={"instances": [row]})
    assert answer.status_code == 200, answer.text
    [prediction] = answer.json()["predictions"]
    assert prediction["model_version"] == trained["version"]


def write_loans(path: Path) -> None:
    """Rows in which debt, and renting, raise the risk."""
    chance = random.Random(1)  # noqa: S311 -- rows of a test
    lines = ["age,debt_to_income,home,is_default"]
    for _ in range(3_000):
        debt, home = round(chance.uniform(0, 1), 3), chance.choice(["own", "rent"])
        is_default = chance.random() < 0.05 + 0.4 * debt + 0.1 * (home == "rent")
        lines.append(f"{chance.randint(18, 80)},{debt},{home},{int(is_default)}")
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.trained
def test_the_model_written_by_hand_is_trained(tmp_path: Path) -> None:
    [code] = blocks(TEXT, "python")
    (tmp_path / "personal_loan.py").write_text(code)
    write_loans(tmp_path / "loans.csv")
    command = TRAIN.replace("my_loans", "personal_loan")
    assert last_line(run(f"{command} --family logistic", tmp_path))["outcome"] == "promoted"


def test_the_table_of_annotations_names_what_exists() -> None:
    declared = [cells[0] for cells in rows(TEXT) if cells[0].startswith("`") and "(" in cells[0]]
    names = {cell.split("(")[0].strip("`@") for cell in declared if not cell.startswith("`--")}
    assert names >= {"Risk", "Reason", "Protected", "Special", "Changeable", "Ordered", "Other"}
    assert all(hasattr(models.annotations, name) for name in names)


def test_the_table_of_options_has_every_option_and_every_declaration() -> None:
    options = {
        word.strip("`,").removeprefix("--")
        for cells in rows(TEXT)
        for word in cells[0].split()
        if word.strip("`").startswith("--")
    }
    assert options == set(OPTIONS) - {"data", "query"}
    table = " ".join(cells[1] for cells in rows(TEXT) if cells[0].startswith("`--"))
    missing = [n for n in (*CsvDialect.__slots__, *DataFile.__slots__) if n not in table]
    assert missing == ["csv"]
