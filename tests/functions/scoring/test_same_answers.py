"""The function is one, whoever starts it: functions-framework or `python -m functions.scoring`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.running import ModelStore, running_server

VOLATILE = {"timestamp", "processing_time_ms"}


def stable(document: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(document, dict):
        return {k: stable(v) for k, v in document.items() if k not in VOLATILE}
    return [stable(v) for v in document] if isinstance(document, list) else document


def test_both_servers_give_the_same_answers(
    made_models: ModelStore, example: Callable[[str], Any], tmp_path: Path
) -> None:
    body = example("application")
    requests: list[tuple[str, str, Any]] = [
        ("POST", "/predict", body),
        ("POST", "/predict", body | {"age": 5}),
        ("POST", "/predict/batch", {"applications": [body, {}]}),
        ("POST", "/v1/models/card_default:predict", example("card_default")),
        ("POST", "/v1/models/mortgage:predict", {}),
        ("GET", "/v1/models", None),
        ("GET", "/v1/models/card_default", None),
        ("GET", "/health", None),
        ("GET", "/health/live", None),
        ("GET", "/health/ready", None),
        ("GET", "/nowhere", None),
        ("PUT", "/predict", None),
    ]
    answers = {}
    for kind in ("module", "framework"):
        with running_server(tmp_path / kind, kind, MODEL_STORE=made_models.uri) as server:
            received = [server.client.request(m, path, json=j) for m, path, j in requests]
            answers[kind] = [
                (a.status_code, a.headers["content-type"], stable(a.json())) for a in received
            ]
    assert answers["module"] == answers["framework"]
    assert {status for status, _, _ in answers["module"]} == {200, 404, 405, 422}


def test_the_container_server_stops_when_told(made_models: ModelStore, tmp_path: Path) -> None:
    with running_server(tmp_path / "log", MODEL_STORE=made_models.uri) as server:
        server.process.terminate()
        assert server.process.wait(timeout=9) in {0, -15}
