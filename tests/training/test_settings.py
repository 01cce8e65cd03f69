import os
from pathlib import Path

import pytest

from models.errors import DeclarationError
from training.settings import REPOSITORY, count_threads, settings_from_environment


def test_without_variables_models_are_published_below_var() -> None:
    settings = settings_from_environment({})
    assert settings.model_store == (REPOSITORY / "var" / "store").as_uri()
    assert settings.credit_models == ()
    assert 1 <= settings.threads <= len(os.sched_getaffinity(0))


def test_variables_set_the_store_and_the_modules() -> None:
    settings = settings_from_environment({"MODEL_STORE": "gs://b/p", "CREDIT_MODELS": "a.b,c"})
    assert (settings.model_store, settings.credit_models) == ("gs://b/p", ("a.b", "c"))


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    empty = settings_from_environment({"MODEL_STORE": "", "CREDIT_MODELS": ""})
    assert empty == settings_from_environment({})


def test_the_url_of_a_database_is_never_shown() -> None:
    settings = settings_from_environment({"DATA_URL": "sqlite:///loans.db"})
    assert settings.data_url == "sqlite:///loans.db"
    assert "sqlite" not in repr(settings)


def test_nothing_is_mirrored_unless_a_server_is_named() -> None:
    assert settings_from_environment({}).mlflow_tracking_uri == ""
    settings = settings_from_environment({"MLFLOW_TRACKING_URI": "https://mlflow.example/x"})
    assert settings.mlflow_tracking_uri == "https://mlflow.example/x"


@pytest.mark.parametrize("uri", ["file:///tmp/runs", "mlflow.example:5000", "http://", "http://["])
def test_a_mirror_is_an_mlflow_server(uri: str) -> None:
    with pytest.raises(DeclarationError, match="MLFLOW_TRACKING_URI must be the http"):
        settings_from_environment({"MLFLOW_TRACKING_URI": uri})


@pytest.mark.parametrize(
    "uri", ["http://me:secret@host", "http://secret@host", "http://h/?t=secret"]
)
def test_an_address_with_credentials_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(DeclarationError, match="must not contain credentials") as refused:
        settings_from_environment({"MLFLOW_TRACKING_URI": uri})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "1600000 100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
    ],
)
def test_the_quota_of_a_container_limits_the_threads(
    tmp_path: Path, files: dict[str, str], threads: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert count_threads(8, tmp_path) == threads
