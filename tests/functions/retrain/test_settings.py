import sys
from datetime import timedelta
from pathlib import Path

import pytest

from functions.retrain.app import create_app, create_runner
from functions.retrain.cloud_run import CloudRunJobs
from functions.retrain.local import LocalTraining
from functions.retrain.settings import settings_from
from models.errors import DeclarationError
from tests.functions.retrain.cloud_run_api import JOB_TEMPLATE
from tests.support.running import REPOSITORY, run_module

JOB = {"TRAINING_JOB": JOB_TEMPLATE}
CLOUD_RUN = JOB | {"K_SERVICE": "retrain", "AUTH": "iam"}


def test_by_default_this_machine_trains_and_nothing_is_overdue() -> None:
    settings = settings_from({})
    assert settings.training_job is None
    assert settings.training_python == sys.executable
    assert settings.training_logs == REPOSITORY / "var" / "training"
    assert settings.overdue_after is None
    assert settings.listening.host == "127.0.0.1"


def test_with_a_job_named_cloud_run_trains(tmp_path: Path) -> None:
    assert isinstance(create_runner(settings_from(CLOUD_RUN)), CloudRunJobs)
    local = settings_from({"TRAINING_LOGS": str(tmp_path)})
    assert isinstance(create_runner(local), LocalTraining)


def test_the_training_environment_may_be_named_from_where_the_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    settings = settings_from({"TRAINING_PYTHON": "bin/python"})
    assert settings.training_python == str(tmp_path / "bin" / "python")


def test_hours_may_have_a_fraction() -> None:
    settings = settings_from({"TRAINING_OVERDUE_HOURS": "36.5"})
    assert settings.overdue_after == timedelta(hours=36, minutes=30)


@pytest.mark.parametrize(
    "address",
    ["https://run.googleapis.com", "https://europe-west1-run.googleapis.com", "http://127.0.0.1:1"],
)
def test_an_api_that_encrypts_or_is_on_this_machine_is_accepted(address: str) -> None:
    assert settings_from(JOB | {"TRAINING_API": address}).training_api == address


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TRAINING_API": "http://run.googleapis.com"}, "TRAINING_API: must be https://host"),
        ({"TRAINING_API": "http://127.0.0.1.example.com"}, "TRAINING_API: must be"),
        ({"TRAINING_API": "https://run.googleapis.com/v2"}, "TRAINING_API: must be"),
        ({"TRAINING_API": "https://a@run.googleapis.com"}, "TRAINING_API: must be"),
        ({"TRAINING_API": "file:///etc"}, "TRAINING_API: must be"),
        ({"TRAINING_JOB": "train-{model}"}, "TRAINING_JOB: must be projects/P/locations/R/jobs/J"),
        ({"TRAINING_JOB": JOB_TEMPLATE.replace("{model}", "x")}, "TRAINING_JOB: must be"),
        ({"TRAINING_JOB": JOB_TEMPLATE + "{model}"}, "TRAINING_JOB: must be"),
        ({"TRAINING_JOB": JOB_TEMPLATE + "/../x"}, "TRAINING_JOB: must be"),
        ({"TRAINING_JOB": JOB_TEMPLATE + "{0}"}, "TRAINING_JOB: must be"),
        ({"K_SERVICE": "retrain"}, "TRAINING_JOB: must be set on Cloud Run"),
        (
            {"TRAINING_PYTHON": "no-such-python"},
            "TRAINING_PYTHON: 'no-such-python' is not an executable",
        ),
        ({"TRAINING_OVERDUE_HOURS": "-1"}, "TRAINING_OVERDUE_HOURS: must be a number from 0"),
        ({"AUTH": "iam"}, "AUTH: iam works only on Cloud Run"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        settings_from(environment)
    assert message in str(caught.value)


def test_the_process_ends_at_start_and_names_all_wrong_settings() -> None:
    wrong = {"PORT": "x", "AUTH": "x", "TRAINING_JOB": "x", "TRAINING_API": "x"}
    done = run_module("functions.retrain", **wrong, TRAINING_OVERDUE_HOURS="x")
    assert done.returncode == 2
    assert done.stderr.startswith("error: wrong settings: ")
    assert all(f"{name}: " in done.stderr for name in [*wrong, "TRAINING_OVERDUE_HOURS"])


def test_a_log_folder_that_cannot_be_made_ends_the_process_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_module("functions.retrain", TRAINING_LOGS=str(tmp_path / "file" / "logs"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: TRAINING_LOGS: ")


def test_a_port_open_to_everyone_is_said_at_start(capsys: pytest.CaptureFixture[str]) -> None:
    create_app(settings_from(CLOUD_RUN | {"AUTH": "none"}))
    assert "anyone who can reach this port is answered" in capsys.readouterr().out
    create_app(settings_from(CLOUD_RUN))
    assert capsys.readouterr().out == ""
