"""The mirror in MLflow: in memory, and by real commands on a real server."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest

from models.errors import LibraryMissingError, MirrorError
from models.registry.pointer import Author, Challenger, challenge, promote, read_pointer, retire
from models.registry.store_paths import bundle_path
from models.registry.versions import Version, publish, read_by_name, version_names
from models.stores.store import OpenedStore
from models.stores.uri import open_store
from tests.support.memory_mlflow import MemoryMlflow
from tests.support.mlflow_server import MlflowServer, running_mlflow, training_python
from tests.support.running import REPOSITORY, last_line, s3_environment
from training import mlflow_mirror
from training.cli import main
from training.mlflow_mirror import (
    MirrorTask,
    metrics_from_version,
    mirror_every_version,
    mirror_or_warn,
    mirror_versions,
    parameters_from_version,
    read_version,
    require_mlflow,
    versions_from_pointer,
)

SERVER = "http://mlflow.example:5000"
REPORT = {
    "identity": {"outcome": "kept"},
    "parts": [{"name": "auc", "train": 0.81, "folds": 0.79}],
    "gates": [
        {"name": "four_fifths[age]", "figure": 0.9},
        {"name": "documented_signs_hold", "figure": None},
    ],
    "parameters": {"C": 0.5},
}


def author(minute: int) -> Author:
    return Author("tester", datetime(2027, 1, 2, 3, minute, tzinfo=UTC))


@dataclass(frozen=True)
class Registry:
    """A store where the toy model has two versions, of which the first is the champion."""

    store: OpenedStore
    task: MirrorTask
    first: Version
    second: Version


@pytest.fixture
def registry(made_store: str, tmp_path: Path) -> Registry:
    uri = (tmp_path / "store").as_uri()
    made = open_store(made_store)
    bundle = read_by_name(made, "toy", version_names(made, "toy")[0])[1]
    store = open_store(uri)
    files = {"report.json": json.dumps(REPORT).encode(), "report.html": b"<p>a report</p>"}
    first = publish(store, "toy", bundle, files, author(1).when)
    second = publish(store, "toy", bundle, {}, author(2).when)
    promote(store, "toy", first, author(3))
    task = MirrorTask(tracking_uri=SERVER, store_uri=uri, model_name="toy")
    return Registry(store, task, first, second)


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> MemoryMlflow:
    memory = MemoryMlflow()
    for name, module in memory.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return memory


def aliases(mlflow: MemoryMlflow) -> dict[str, str]:
    """The version of ours that each alias names."""
    names = {str(one.version): one.tags["surety.version"] for one in mlflow.versions}
    return {alias: names[n] for alias, n in mlflow.models["toy"].aliases.items()}


def test_a_version_becomes_a_run_with_its_report_and_a_version_with_its_source(
    registry: Registry, mlflow: MemoryMlflow
) -> None:
    mirror_versions(registry.task)
    [run], [version] = mlflow.runs.values(), mlflow.versions
    assert run.run_name == registry.first.version
    assert run.files == {"report.json": json.dumps(REPORT), "report.html": "<p>a report</p>"}
    assert ("family", "logistic") in run.batch["params"]
    assert run.info.status == "FINISHED"
    assert version.tags == {
        "surety.version": registry.first.version,
        "surety.bundle": f"{registry.task.store_uri}/{bundle_path('toy', registry.first.version)}",
        "surety.sha256": registry.first.sha256,
        "surety.contract_hash": version.tags["surety.contract_hash"],
        "surety.family": "logistic",
        "surety.outcome": "kept",
    }
    assert (
        version.source == run.info.artifact_uri
    )  # the server cannot read a folder of this machine
    assert aliases(mlflow) == {"champion": registry.first.version}


def test_figures_and_parameters_have_flat_names(registry: Registry) -> None:
    version = read_version(registry.task, registry.store, registry.first.version)
    metrics = metrics_from_version(version)
    assert {n: metrics[n] for n in ("auc_train", "auc_folds", "gate.four_fifths.age")} == {
        "auc_train": 0.81,
        "auc_folds": 0.79,
        "gate.four_fifths.age": 0.9,
    }
    assert "gate.documented_signs_hold" not in metrics
    for name, estimate in version.manifest.metrics.items():
        interval = (metrics[f"{name}_low"], metrics[name], metrics[f"{name}_high"])
        assert interval == (estimate.low, estimate.value, estimate.high)
    parameters = parameters_from_version(version)
    assert (parameters["logistic.C"], parameters["family"]) == ("0.5", "logistic")
    assert parameters["seed"] == str(version.manifest.provenance.seed)


def test_aliases_follow_every_move_of_the_pointer(registry: Registry, mlflow: MemoryMlflow) -> None:
    store, first, second = registry.store, registry.first, registry.second
    mirror_versions(registry.task, [second.version])
    assert aliases(mlflow) == {"champion": first.version}
    challenge(store, "toy", Challenger(version=second, share=0.1), author(4))
    mirror_versions(registry.task)
    assert aliases(mlflow) == {"champion": first.version, "challenger": second.version}
    promote(store, "toy", second, author(5))
    mirror_versions(registry.task)
    assert aliases(mlflow) == {"champion": second.version}
    challenge(store, "toy", Challenger(version=first, share=0.1), author(6))
    mirror_versions(registry.task)
    retire(store, "toy", author(7))
    mirror_versions(registry.task)
    assert aliases(mlflow) == {"champion": second.version}
    assert len(mlflow.runs) == len(mlflow.versions) == 2
    assert mlflow.models["toy"].aliases == {"champion": "2"}


def test_the_aliases_of_other_people_stay(registry: Registry, mlflow: MemoryMlflow) -> None:
    mirror_versions(registry.task)
    mlflow.models["toy"].aliases["audited"] = "1"
    mlflow.writes.clear()
    mirror_versions(registry.task)
    assert mlflow.models["toy"].aliases == {"champion": "1", "audited": "1"}
    assert mlflow.writes == []


def test_a_pointer_that_moves_meanwhile_is_followed(
    registry: Registry, mlflow: MemoryMlflow
) -> None:
    moves = iter([registry.second])

    def move() -> None:
        for version in moves:
            promote(registry.store, "toy", version, author(4))

    mlflow.before_alias = move
    mirror_versions(registry.task)
    assert mlflow.writes == ["champion = 1", "champion = 2"]
    assert aliases(mlflow) == {"champion": registry.second.version}


def test_what_an_earlier_attempt_left_is_completed(
    registry: Registry, mlflow: MemoryMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        message = "503\n  for http://mlflow.example"
        raise OSError(message)

    with monkeypatch.context() as broken:
        broken.setattr(MemoryMlflow, "log_text", fail)
        with pytest.raises(MirrorError, match="mirror toy: OSError: 503 for http:"):
            mirror_versions(registry.task)
    [run] = mlflow.runs.values()
    assert (run.info.status, mlflow.versions) == ("RUNNING", [])
    mirror_versions(registry.task)
    assert list(mlflow.runs.values()) == [run]
    assert (run.info.status, len(mlflow.versions)) == ("FINISHED", 1)


def test_every_version_of_the_store_is_mirrored_oldest_first(
    registry: Registry, mlflow: MemoryMlflow
) -> None:
    assert mirror_every_version(registry.task) == 2
    names = [one.tags["surety.version"] for one in mlflow.versions]
    assert names == [registry.first.version, registry.second.version]
    assert mlflow.versions[1].tags["surety.outcome"] == "unknown"  # it has no report


def test_a_model_without_a_champion_has_no_alias() -> None:
    assert versions_from_pointer(None) == {"champion": None, "challenger": None}


def test_without_the_setting_nothing_is_mirrored(
    mlflow: MemoryMlflow, capsys: pytest.CaptureFixture[str]
) -> None:
    task = MirrorTask(tracking_uri="", store_uri="not a store", model_name="toy")
    mirror_or_warn(task)
    assert (mlflow.models, capsys.readouterr()) == ({}, ("", ""))


def test_a_missing_package_is_named_before_a_command_begins(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LibraryMissingError):
        require_mlflow()
    words = ["retire", "--model", "toy", "--store", registry.task.store_uri]
    assert main(words, {"MLFLOW_TRACKING_URI": SERVER, "CREDIT_MODELS": "tests.support.toy"}) == 1
    assert capsys.readouterr().err == (
        "error: MLFLOW_TRACKING_URI needs mlflow-skinny: "
        "pip install --requirement training/mlflow.txt\n"
    )


def run_in_process(task: MirrorTask, name: str, *options: str, uri: str = SERVER) -> int:
    words = [name, "--model", "toy", "--store", task.store_uri, *options]
    return main(words, {"MLFLOW_TRACKING_URI": uri, "CREDIT_MODELS": "tests.support.toy"})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.cli.require_mlflow", lambda: None)


@pytest.mark.usefixtures("installed")
def test_commands_that_move_the_pointer_are_mirrored_and_their_result_stays_the_last_line(
    registry: Registry, mlflow: MemoryMlflow, capsys: pytest.CaptureFixture[str]
) -> None:
    task, second = registry.task, registry.second.version
    assert run_in_process(task, "challenge", "--version", second) == 0
    assert aliases(mlflow)["challenger"] == second
    assert last_line(capsys.readouterr().out)["outcome"] == "challenged"
    assert run_in_process(task, "retire") == 0
    assert "challenger" not in aliases(mlflow)
    assert run_in_process(task, "mirror") == 0
    out, err = capsys.readouterr()
    assert last_line(out) == {"outcome": "mirrored", "model": "toy", "versions": 2}
    assert err == ""


@pytest.mark.usefixtures("installed")
def test_a_mirror_that_fails_is_one_warning_and_no_failure(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: str) -> None:
        message = "nobody listens"
        raise ConnectionRefusedError(message)

    monkeypatch.setattr(mlflow_mirror, "connect", refuse)
    assert run_in_process(registry.task, "challenge", "--version", registry.second.version) == 0
    assert capsys.readouterr().err == (
        "warning: MLflow does not mirror toy: ConnectionRefusedError: nobody listens; "
        "to try again, run python -m training mirror\n"
    )
    pointer = read_pointer(registry.store, "toy")
    assert pointer.challenger
    assert run_in_process(registry.task, "mirror") == 1
    assert run_in_process(registry.task, "mirror", uri="") == 2
    assert "mirror needs MLFLOW_TRACKING_URI" in capsys.readouterr().err


class Unavailable(BaseHTTPRequestHandler):
    """Answers every request with 503."""

    def do_GET(self) -> None:
        self.send_error(503)

    do_POST = do_GET  # noqa: N815 -- the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(params=["refuses", "is unavailable", "never answers"])
def broken_server(request: pytest.FixtureRequest) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        if request.param == "never answers":
            yield url
            return
    if request.param == "refuses":
        yield url
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), Unavailable) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Command:
    """`python -m training` where mlflow-skinny is installed."""

    python: Path
    variables: dict[str, str]
    store: str

    def __call__(self, name: str, *options: str) -> tuple[dict[str, Any], str]:
        """Run a command that must succeed, and return its result and its standard error."""
        words = [str(self.python), "-m", "training", name, "--model", "toy", "--store", self.store]
        done = subprocess.run(
            [*words, *options],
            cwd=REPOSITORY,
            env={"PATH": os.defpath, "CREDIT_MODELS": "tests.support.toy"} | self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return last_line(done.stdout), done.stderr


@pytest.mark.environments
def test_a_server_that_is_down_is_one_warning(registry: Registry, broken_server: str) -> None:
    variables = {"MLFLOW_TRACKING_URI": broken_server}
    command = Command(training_python(), variables, registry.task.store_uri)
    summary, stderr = command("challenge", "--version", registry.second.version)
    assert summary["outcome"] == "challenged"
    [line] = stderr.splitlines()
    assert line.startswith("warning: MLflow does not mirror toy: ")
    assert line.endswith("; to try again, run python -m training mirror")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with running_mlflow(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@dataclass(frozen=True)
class Mirrored:
    """What a server has of the toy model."""

    server: MlflowServer

    def versions(self) -> list[dict[str, Any]]:
        answer = self.server.get("model-versions/search", filter="name='toy'")
        return sorted(answer["model_versions"], key=lambda one: int(one["version"]))

    def aliases(self) -> dict[str, str]:
        """The version of ours that each alias names."""
        model = self.server.get("registered-models/get", name="toy")["registered_model"]
        ours = {one["version"]: tags(one)["surety.version"] for one in self.versions()}
        return {one["alias"]: ours[one["version"]] for one in model.get("aliases", ())}

    def runs(self) -> list[dict[str, Any]]:
        experiment = self.server.get("experiments/get-by-name", experiment_name="toy")
        ids = [experiment["experiment"]["experiment_id"]]
        runs: list[dict[str, Any]] = self.server.post("runs/search", experiment_ids=ids)["runs"]
        return runs


def tags(entity: dict[str, Any], key: str = "tags") -> dict[str, Any]:
    return {one["key"]: one["value"] for one in entity[key]}


@pytest.mark.environments
def test_a_real_server_shows_what_was_trained_and_where_the_pointer_is(
    server: MlflowServer, s3_server: str, tmp_path: Path, toy_frame: pd.DataFrame
) -> None:
    toy_frame.to_parquet(tmp_path / "rows.parquet")
    variables = {"MLFLOW_TRACKING_URI": server.uri, "HOME": str(tmp_path)}
    variables |= s3_environment(s3_server)
    store = f"s3://models/{tmp_path.name}"
    command, mirrored = Command(training_python(), variables, store), Mirrored(server)
    train = ("train", "--data", str(tmp_path / "rows.parquet"), "--family")
    summary, _ = command(*train, "logistic")
    first = str(summary["version"])
    [run], [version] = mirrored.runs(), mirrored.versions()
    check_run(server, run, summary)
    assert version["source"] == f"{store}/{bundle_path('toy', first)}"
    assert tags(version)["surety.outcome"] == "promoted"
    assert mirrored.aliases() == {"champion": first}
    second = str(command(*train, "scorecard")[0]["version"])
    assert mirrored.aliases() == {"champion": first}
    command("promote", "--version", second, "--reason", "a person decides")
    assert mirrored.aliases() == {"champion": second}
    command("rollback", "--version", first)
    assert mirrored.aliases() == {"champion": first}
    command("challenge", "--version", second)
    assert mirrored.aliases() == {"champion": first, "challenger": second}
    command("retire")
    assert mirrored.aliases() == {"champion": first}
    assert command(*train, "logistic")[0]["version"] == first
    assert command("mirror")[0]["versions"] == 2
    assert [tags(one)["surety.version"] for one in mirrored.versions()] == [first, second]
    assert len(mirrored.runs()) == 2


def check_run(server: MlflowServer, run: dict[str, Any], summary: dict[str, Any]) -> None:
    assert (run["info"]["run_name"], run["info"]["status"]) == (summary["version"], "FINISHED")
    metrics, parameters = tags(run["data"], "metrics"), tags(run["data"], "params")
    for name, value in summary["metrics"].items():
        assert metrics[name] == pytest.approx(value, abs=1e-6)
    assert (parameters["family"], parameters["seed"]) == ("logistic", "42")
    listed = server.get("artifacts/list", run_id=run["info"]["run_id"])
    assert [file["path"] for file in listed["files"]] == ["report.html", "report.json"]
