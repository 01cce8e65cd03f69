import re
from collections import Counter
from pathlib import Path

import pytest

from functions.batch.settings import BATCH_VARIABLES
from functions.dashboard.settings import DASHBOARD_VARIABLES
from functions.lending.settings import LENDING_VARIABLES
from functions.retrain.settings import TRAINING_VARIABLES
from functions.scoring.app import create_app
from functions.scoring.documents import settings_by_concern
from functions.scoring.settings import settings_from
from models.errors import DeclarationError
from tests.support.running import REPOSITORY, run_module
from tests.support.source_tree import python_files


def test_defaults_serve_this_machine_only_from_the_embedded_store() -> None:
    settings = settings_from({})
    assert (settings.listening.host, settings.access.auth) == ("127.0.0.1", "none")
    assert (settings.default_model, settings.decision_log) == ("application", "stdout")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MODEL_REFRESH_SECONDS": "-1"}, "MODEL_REFRESH_SECONDS: must be a number from 0"),
        ({"MODEL_REFRESH_SECONDS": "1e3"}, "MODEL_REFRESH_SECONDS: must be a number from 0"),
        ({"DECISION_LOG_KEY": "hunter2"}, "DECISION_LOG_KEY: a key has at least 32 characters"),
        ({"DECISION_ANCHOR_STORE": "x"}, "DECISION_ANCHOR_STORE: a store is file:///path, gs://"),
        ({"MODEL_STORE": "var/store"}, "MODEL_STORE: a store is file:///path, gs://"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        settings_from(environment)
    assert message in str(caught.value)


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(DeclarationError) as caught:
        settings_from({"PORT": "x", "AUTH": "x", "MODEL_STORE": "x", "DEFAULT_MODEL": "x"})
    assert all(n in str(caught.value) for n in ("PORT", "AUTH", "MODEL_STORE", "DEFAULT_MODEL"))


def test_the_process_ends_at_start_when_a_setting_is_wrong(tmp_path: Path) -> None:
    done = run_module("functions.scoring", PORT="x", DECISION_LOG=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == "error: wrong settings: PORT: must be a number from 0 to 65535, not 'x'\n"


def test_a_model_module_that_fails_ends_the_process_by_name() -> None:
    done = run_module("functions.scoring", CREDIT_MODELS="tests.support.broken_model")
    assert done.returncode == 2
    assert "CREDIT_MODELS: credit model module tests.support.broken_model" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_process_ends_at_start_when_the_decision_log_cannot_be_opened(tmp_path: Path) -> None:
    done = run_module("functions.scoring", DECISION_LOG=str(tmp_path / "no" / "log"))
    assert done.returncode == 2
    assert "error: DECISION_LOG: " in done.stderr


def test_the_variables_that_are_read_are_those_that_are_declared_and_documented() -> None:
    files = [path for path in python_files("functions") if path.parent.name != "client"]
    reading = r'environment\.get\("([A-Z_]+)"'
    text = "\n".join(path.read_text() for path in files)
    read = set(re.findall(reading, text))
    groups = {"Retraining": [v._asdict() for v in TRAINING_VARIABLES]} | settings_by_concern()
    others = (*LENDING_VARIABLES, *BATCH_VARIABLES, *DASHBOARD_VARIABLES)
    groups |= {"Others": [v._asdict() for v in others]}
    declared = {variable["name"] for variables in groups.values() for variable in variables}
    assert read - declared == set()
    literals = Counter(re.findall(r'"([A-Z][A-Z_]+)"', text))
    assert [name for name in declared if literals[name] < 2] == []  # declared, and read
    page = (REPOSITORY / "docs" / "settings.md").read_text()
    assert {name for name in declared if f"`{name}`" not in page} == set()


@pytest.mark.parametrize(("host", "warnings"), [("127.0.0.1", 0), ("0.0.0.0", 1)])  # noqa: S104
def test_a_port_open_to_everyone_is_said_at_start(
    host: str, warnings: int, capsys: pytest.CaptureFixture[str]
) -> None:
    create_app(settings_from({"HOST": host, "AUTH": "none"}))
    assert capsys.readouterr().out.count("anyone who can reach this port is answered") == warnings
