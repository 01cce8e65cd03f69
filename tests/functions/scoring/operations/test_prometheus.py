"""`/metrics` counts what was answered, in Prometheus' own words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.running import ModelStore, Server, ServerKind, running_server

Samples = dict[str, list[tuple[dict[str, str], float]]]


def samples(server: Server) -> Samples:
    """Every sample by name: its labels and its value."""
    answer = server.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    metrics: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            metrics.setdefault(sample.name, []).append((sample.labels, sample.value))
    return metrics


@pytest.mark.parametrize("kind", ["module", "framework"])
def test_answers_and_decisions_are_counted(
    made_models: ModelStore, example: Callable[[str], Any], kind: ServerKind, tmp_path: Path
) -> None:
    with running_server(tmp_path / "log", kind, MODEL_STORE=made_models.uri) as server:
        before = samples(server)
        assert "surety_cold_start_seconds" not in before
        assert "surety_decisions_total" not in before
        rows = [example("application")] * 40
        answer = server.client.post("/predict/batch", json={"applications": rows})
        assert answer.status_code == httpx.codes.OK
        one = server.client.post("/predict", json=rows[0])
        server.client.post("/predict", json={})
        server.client.get("/nowhere")
        after = samples(server)
    counted = {
        (labels["route"], labels["status"]): value
        for labels, value in after["surety_request_seconds_count"]
        if not labels["route"].startswith("/health")
    }
    assert counted == {
        ("/metrics", "200"): 1,
        ("/predict/batch", "200"): 1,
        ("/predict", "200"): 1,
        ("/predict", "422"): 1,
        ("none", "404"): 1,
    }
    [(labels, decided)] = after["surety_decisions_total"]
    assert decided == 41
    assert (labels["model"], labels["variant"]) == ("application", "champion")
    assert labels["decision"] == one.json()["decision"]
    assert labels["risk_level"] == one.json()["risk_level"]
    [(_, cold)] = after["surety_cold_start_seconds"]
    assert 0.05 < cold < 60  # no interpreter has numpy and a model sooner


def test_buckets_of_latencies_add_up(service: Server, example: Callable[[str], Any]) -> None:
    service.client.post("/predict", json=example("application"))
    metrics = samples(service)
    ends = [(b, v) for b, v in metrics["surety_request_seconds_bucket"] if b["route"] == "/predict"]
    counts = [value for labels, value in ends if labels["status"] == "200"]
    assert counts == sorted(counts)
    assert ends[-1][0]["le"] == "+Inf"
    totals = metrics["surety_request_seconds_count"]
    [total] = [v for b, v in totals if (b["route"], b["status"]) == ("/predict", "200")]
    assert counts[-1] == total


def test_a_model_shows_when_it_was_published_and_promoted(
    service: Server, example: Callable[[str], Any]
) -> None:
    version = service.client.post("/predict", json=example("application")).json()["model_version"]
    metrics = samples(service)
    for name in ("published", "promoted"):
        times = {
            labels["version"]: seconds
            for labels, seconds in metrics[f"surety_model_{name}_timestamp_seconds"]
        }
        assert times[version] > 1_700_000_000
