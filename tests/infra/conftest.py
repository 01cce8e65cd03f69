"""The images' contents, made once for all tests, and a project to release into."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from infra import google_api, smoke
from tests.infra.dockerfile import Image, build
from tests.infra.rehearsal import Candidate, Cloud, Google, listening, new_cloud

# The same locked files by the tool that needs a tenth of the time for a gigabyte.
FASTER_PIP = """#!/bin/sh
set -eu
[ "$1 $3 $4 $5" = "--python install --no-cache-dir --no-compile" ]
[ "$6 $7" = "--require-hashes --requirement" ]
exec uv pip install --quiet --link-mode copy --python "$2" --require-hashes --requirement "$8"
"""


@pytest.fixture(scope="session")
def scoring_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build("scoring", tmp_path_factory.mktemp("scoring"))


@pytest.fixture(scope="session")
def lending_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build("lending", tmp_path_factory.mktemp("lending"))


@pytest.fixture(scope="session")
def batch_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build("batch", tmp_path_factory.mktemp("batch"))


@pytest.fixture(scope="session")
def dashboard_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build("dashboard", tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="session")
def training_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder: Path = tmp_path_factory.mktemp("pip")
    (folder / "pip").write_text(FASTER_PIP)
    (folder / "pip").chmod(0o755)
    return build("training", tmp_path_factory.mktemp("training"), pip=folder)


@pytest.fixture
def candidate() -> Iterator[Candidate]:
    service = Candidate()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        service.requests.append((request.command, request.path, request.headers["authorization"]))
        service.bodies[request.path] = json.loads(body or b"null")
        service.names.add(request.headers["x-request-id"])
        service.meanwhile.pop(len(service.requests), lambda: None)()
        return service.first.pop(0) if service.first else service.always

    with listening(answer) as service.url:
        yield service


@pytest.fixture
def google() -> Iterator[Google]:
    answers = Google()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        assert request.headers["authorization"] == "Bearer access.secret"
        return answers.answer(request.path, body)

    with listening(answer) as answers.url:
        yield answers


@pytest.fixture
def cloud(
    tmp_path: Path, candidate: Candidate, google: Google, monkeypatch: pytest.MonkeyPatch
) -> Cloud:
    for module in (smoke, google_api):  # nobody is given time to recover
        monkeypatch.setattr(module, "BETWEEN_SECONDS", 0.01)
    monkeypatch.setattr(smoke, "WATCH_SECONDS", 0.1)
    return new_cloud(tmp_path, google.url, candidate.url)
