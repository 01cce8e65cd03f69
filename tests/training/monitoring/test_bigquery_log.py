"""The decision log in BigQuery: what is asked, and what becomes of the answer."""

import importlib.util
import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from models.errors import DataError, LibraryMissingError
from models.evidence.log_reader import decisions_in
from tests.support.bigquery_emulator import running_emulator
from tests.support.foreign_features import find_python
from tests.support.running import REPOSITORY
from training.monitoring.bigquery_log import LogQuery, fetch_lines, open_log

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 28)
QUERY = LogQuery("a-project", "prod_decisions", "stdout", "customer", FIRST, LAST)


@dataclass
class ScriptedClient:
    """Answers each query with the same rows."""

    lines: list[str]
    queries: list[str] = field(default_factory=list)

    def query(self, query: str) -> "ScriptedClient":
        self.queries.append(query)
        return self

    def result(self) -> Iterable[Mapping[str, str]]:
        return [{"line": line} for line in self.lines]


def test_a_day_more_is_asked_for_on_both_sides_of_one_model() -> None:
    assert QUERY.write_statement() == (
        "SELECT TO_JSON_STRING(jsonPayload) AS line FROM `a-project.prod_decisions.stdout` "
        "WHERE timestamp >= TIMESTAMP('2026-10-31') AND timestamp < TIMESTAMP('2026-11-30') "
        "AND jsonPayload.record = 'decision' AND jsonPayload.model = 'customer'"
    )


def test_columns_that_another_model_brought_are_left_out(tmp_path: Path) -> None:
    client = ScriptedClient(['{"record":"decision","decision_id":"a","features":null}'])
    fetch_lines(QUERY, client, tmp_path / "log")
    assert client.queries == [QUERY.write_statement()]
    [line] = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line) == {"record": "decision", "decision_id": "a"}


def test_a_path_is_a_log_as_it_is(tmp_path: Path) -> None:
    with open_log(str(tmp_path), "customer", FIRST, LAST) as path:
        assert path == tmp_path


@pytest.mark.parametrize("log", ["bigquery://a-project/table", "bigquery://a/b/c`--"])
def test_an_address_of_another_form_is_refused(log: str) -> None:
    with (
        pytest.raises(DataError, match="bigquery://PROJECT/DATASET/TABLE"),
        open_log(log, "customer", FIRST, LAST),
    ):
        pytest.fail("it was opened")


@pytest.mark.skipif(
    importlib.util.find_spec("google.cloud.bigquery") is not None, reason="the client is installed"
)
def test_a_missing_client_is_named_with_its_file() -> None:
    with (
        pytest.raises(LibraryMissingError, match=r"training/bigquery\.txt"),
        open_log("bigquery://a-project/b/c", "customer", FIRST, LAST),
    ):
        pytest.fail("it was opened")


@pytest.mark.environments
def test_what_an_emulator_of_bigquery_answers_is_a_log(tmp_path: Path) -> None:
    script = REPOSITORY / "tests" / "support" / "foreign_log.py"
    schema = REPOSITORY / "terraform" / "schemas" / "decisions.json"
    file = tmp_path / "decisions.jsonl"
    with running_emulator(tmp_path) as url:
        done = subprocess.run(
            [str(find_python("bigquery")), str(script), url, str(schema), str(file)],
            env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    [line] = file.read_text().splitlines()
    [decision] = decisions_in(json.loads(line) | {"fields": ["income", "debt"]})
    assert (decision["decision_id"], decision["probability_of_default"]) == ("a", 0.25)
    assert decision["reasons"] == ["R01", "R02"]
    assert decision["inputs"] == {"customer": {"income": 5.0, "debt": None}}
