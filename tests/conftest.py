"""What tests share: trained models, the running service, a bucket server, documented requests."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings
from moto.server import ThreadedMotoServer
from xdist.remote import Producer

from tests.support.bucket import running_bucket_server
from tests.support.counts import FULL, REDUCED, choose, counts
from tests.support.published import publish_all_by_hand, published_summaries
from tests.support.running import (
    MODELS,
    REPOSITORY,
    TOOLS,
    MadeRun,
    ModelStore,
    Server,
    TrainedStore,
    make_run,
    running_server,
    s3_environment,
)
from tests.support.scheduling import GroupScheduling, begin_with_the_longest

# Fixtures that install packages, or start the browser.
ENVIRONMENTS = {
    *("image", "scoring_image", "lending_image", "batch_image", "dashboard_image"),
    *("training_image", "policy_tools", "browser"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="full counts: tests/support/counts.py")


def pytest_configure(config: pytest.Config) -> None:
    choose(FULL if config.getoption("soak") else REDUCED)
    settings.register_profile("counts", max_examples=counts().examples)
    settings.load_profile("counts")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what follows from the fixtures of a test."""
    fixtures: tuple[str, ...] = getattr(item, "fixturenames", ())
    if "made_run" in fixtures:
        item.add_marker(pytest.mark.trained)
    if ENVIRONMENTS.intersection(fixtures):
        item.add_marker(pytest.mark.environments)
    if item.get_closest_marker("timing"):
        item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, where tests run in several processes."""
    if hasattr(config, "workerinput"):
        files = [item.nodeid.partition("::")[0] for item in items]
        items[:] = [items[i] for i in begin_with_the_longest(files)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    """Keep what is expensive to make in one process; the order is that of the collection."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
    """The first command of the README: it trains every model, serves them and shows two answers."""
    return make_run(tmp_path_factory.mktemp("store").as_uri())


@pytest.fixture(scope="session")
def trained_store(made_run: MadeRun) -> TrainedStore:
    """Models that were really trained, for tests of accuracy, reports and documented answers."""
    outcomes = [line for line in made_run.output.splitlines() if line.startswith('{"outcome"')]
    summaries = {summary["model"]: summary for summary in map(json.loads, outcomes)}
    assert set(summaries) == set(MODELS)
    return TrainedStore(made_run.store, summaries)


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a champion of each catalogue model and of the toy, made by hand."""
    uri = tmp_path_factory.mktemp("made").as_uri()
    publish_all_by_hand(uri, datetime.now(UTC))
    return uri


@pytest.fixture(scope="session")
def made_models(made_store: str) -> ModelStore:
    """The same store, and what a training run would have printed of each champion."""
    return ModelStore(made_store, published_summaries(made_store))


@pytest.fixture(scope="session", params=["module", "framework"])
def service(
    request: pytest.FixtureRequest, made_store: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The scoring function with all models, as the container and as functions-framework run it."""
    log_path = tmp_path_factory.mktemp("service") / "log"
    with running_server(log_path, request.param, MODEL_STORE=made_store) as server:
        yield server


@pytest.fixture(scope="session", params=["module", "framework"])
def trained_service(
    request: pytest.FixtureRequest,
    trained_store: TrainedStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The scoring function with the models that `make run` trains, for documented answers."""
    log_path = tmp_path_factory.mktemp("trained") / "log"
    with running_server(log_path, request.param, MODEL_STORE=trained_store.uri) as server:
        yield server


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[str]:
    """A real HTTP server that speaks Cloud Storage; clients find it by STORAGE_EMULATOR_HOST."""
    with running_bucket_server() as url:
        yield url


@pytest.fixture
def s3_server(monkeypatch: pytest.MonkeyPatch, _moto: str) -> str:
    """A real HTTP server that speaks S3; clients find it by AWS_ENDPOINT_URL_S3."""
    for name, value in s3_environment(_moto).items():
        monkeypatch.setenv(name, value)
    return _moto


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    httpx.put(f"{url}/models", trust_env=False)
    yield url
    server.stop()


@pytest.fixture
def example() -> Callable[[str], Any]:
    """Documented requests by name."""
    return lambda name: json.loads((REPOSITORY / "docs" / "examples" / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def policy_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """checkov, kubectl and kubernetes-validate in an environment of their own, as locked."""
    folder = tmp_path_factory.mktemp("policies") / "venv"
    project = REPOSITORY / "infra" / "policies"
    uv = ["env", f"UV_PROJECT_ENVIRONMENT={folder}", str(TOOLS / "uv")]
    options = ["--quiet", "--frozen", "--project", str(project), "--python", sys.executable]
    subprocess.run([*uv, "sync", *options], check=True)
    return folder / "bin"
