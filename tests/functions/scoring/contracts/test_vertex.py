"""Vertex AI's way of running a container, against the real command."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.scoring.settings import settings_from
from models.errors import DeclarationError
from tests.support.running import Server, free_port, running_server

Rows = dict[str, dict[str, Any]]
PREDICT = "/v1/endpoints/7/deployedModels/8:predict"
HEALTH = "/v1/endpoints/7/deployedModels/8"


@contextlib.contextmanager
def on_vertex(store: str, log_path: Path, **more: str) -> Iterator[Server]:
    """The container as Vertex AI starts it: with its own port, routes and storage."""
    settings = {
        "AIP_HTTP_PORT": str(free_port()),
        "PORT": "9",  # which it does not listen on
        "AIP_HEALTH_ROUTE": HEALTH,
        "AIP_PREDICT_ROUTE": PREDICT,
        "AIP_STORAGE_URI": store,
        "HOST": "127.0.0.1",
    }
    with running_server(log_path, "module", **(settings | more)) as server:
        yield server


@pytest.fixture
def vertex(made_store: str, tmp_path: Path) -> Iterator[Server]:
    with on_vertex(made_store, tmp_path / "log") as server:
        yield server


def test_instances_are_answered_on_the_named_route(vertex: Server, rows: Rows) -> None:
    sent = {"instances": [rows["application"]] * 3, "parameters": {"reasons": True}}
    answer = vertex.client.post(PREDICT, json=sent)
    assert answer.status_code == 200
    assert list(answer.json()) == ["predictions"]
    assert len(answer.json()["predictions"]) == 3
    assert "reasons" in answer.json()["predictions"][0]
    assert vertex.client.post(PREDICT, json={"instances": [{}]}).status_code == 422


def test_health_is_200_only_when_ready(vertex: Server) -> None:
    statuses = [vertex.client.get(HEALTH).status_code]
    while statuses[-1] != 200:
        statuses.append(vertex.client.get(HEALTH).status_code)
        assert len(statuses) < 1_000
    assert statuses[0] == 503


def test_its_routes_are_described(vertex: Server) -> None:
    paths = vertex.client.get("/openapi.json").json()["paths"]
    assert "post" in paths[PREDICT]
    assert "get" in paths[HEALTH]


def test_a_named_route_wins_over_one_of_ours(made_store: str, rows: Rows, tmp_path: Path) -> None:
    routes = {"AIP_PREDICT_ROUTE": "/predict", "AIP_HEALTH_ROUTE": "/health/live2"}
    with on_vertex(made_store, tmp_path / "log", **routes) as server:
        answer = server.client.post("/predict", json={"instances": [rows["application"]]})
        assert len(answer.json()["predictions"]) == 1


def test_the_port_is_opened_to_vertex_and_access_must_be_decided() -> None:
    settings = settings_from({"AIP_HTTP_PORT": "8123", "PORT": "9", "AUTH": "none"})
    assert (settings.listening.host, settings.listening.port) == ("0.0.0.0", 8123)  # noqa: S104
    with pytest.raises(DeclarationError, match="AUTH: must be set"):
        settings_from({"AIP_HTTP_PORT": "8123"})


def test_wrong_settings_of_vertex_are_all_named() -> None:
    wrong = {
        "AIP_HTTP_PORT": "http",
        "AIP_HEALTH_ROUTE": "health",
        "AIP_PREDICT_ROUTE": "/{predict}",
        "AIP_STORAGE_URI": "bucket",
    }
    with pytest.raises(DeclarationError) as caught:
        settings_from(wrong)
    assert all(f"{name}: " in str(caught.value) for name in wrong)


def test_a_store_of_ones_own_comes_before_the_one_of_vertex(tmp_path: Path) -> None:
    environment = {"MODEL_STORE": tmp_path.as_uri(), "AIP_STORAGE_URI": "no store"}
    assert settings_from(environment).store.names("") == []


def test_without_vertex_there_is_no_such_route(contracts: Server) -> None:
    assert contracts.client.get(HEALTH).status_code == httpx.codes.NOT_FOUND
