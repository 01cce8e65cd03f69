"""The load figures: measured on a real server, shown as they were measured."""

import json
import re
from pathlib import Path

import pytest

from functions.scoring.decision_engine import MAX_ROWS, ROWS_ON_THE_LOOP
from functions.web.bodies import MAX_BODY_BYTES
from infra.local.cost import LOAD_FIGURES, fill
from models.contract import name_from_model
from models.discovery import credit_models
from tests.benchmarks.contestants import OURS
from tests.benchmarks.contracts import SINGLE
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.benchmarks.load import (
    BATCHES,
    CLIENTS,
    DOCUMENT,
    MARK,
    batch,
    measure,
    record_bytes,
    rendered,
    request_to,
)
from tests.benchmarks.processes import started
from training.reading.sources import read_source

SECONDS = 0.3


def test_the_table_is_what_was_measured() -> None:
    text = DOCUMENT.read_text()
    figures = json.loads(LOAD_FIGURES.read_text())
    assert fill(text, MARK, rendered(figures)) == text
    steps = [(step["rows"], step["clients"]) for step in figures["steps"]]
    assert steps == [*((1, n) for n in CLIENTS), *BATCHES]


def test_steps_are_measured_on_a_real_server(tmp_path: Path) -> None:
    settings = {"MODEL_STORE": (tmp_path / "store").as_uri()}
    publish_benchmark_model(settings["MODEL_STORE"], tmp_path / "model.ubj")
    assert 300 < record_bytes(settings, tmp_path / "log") < 3_000
    with started(OURS, settings) as running:
        single = measure(running, 1, 4, request_to(OURS.single, SINGLE), SECONDS)
        many = measure(running, 100, 2, request_to(OURS.batches[0].path, batch(100)), SECONDS)
        for step in (single, many):
            assert step.requests_per_second > 0
            assert 0 < step.p50_ms <= step.p99_ms
            assert 20 < step.resident_mib < 1_000
        assert single.cpu_us == pytest.approx(
            1e6 * single.cpu_share / single.requests_per_second, rel=1e-3
        )
        with pytest.raises(RuntimeError, match="422"):
            measure(running, 1, 1, request_to(OURS.single, b"{}"), SECONDS)


def test_most_requests_a_second_and_the_clients_that_are_enough_are_read_from_the_table() -> None:
    figures = json.loads(LOAD_FIGURES.read_text())
    blank = figures["steps"][0]
    rates = {1: 100.0, 2: 190.0, 4: 199.0, 8: 200.0}
    figures["steps"] = [
        blank | {"clients": clients, "requests_per_second": rate} for clients, rate in rates.items()
    ]
    assert "at most 200 single scores a second; 2 clients at once" in rendered(figures)


def test_a_thousand_rows_of_every_bundled_model_fit_into_a_body() -> None:
    for model in credit_models().values():
        frame = read_source(model, None, seed=1).frame.head(MAX_ROWS)
        rows = json.loads(frame[list(model.model_fields)].to_json(orient="records"))
        assert len(rows) == MAX_ROWS
        assert len(json.dumps({"instances": rows})) < MAX_BODY_BYTES, name_from_model(model)


def test_the_limits_named_are_those_of_the_code() -> None:
    text = DOCUMENT.read_text()
    variables = (DOCUMENT.parent.parent / "terraform/variables.tf").read_text()
    assert f"more than {ROWS_ON_THE_LOOP} rows" in text
    assert f"{MAX_ROWS:,} rows and {MAX_BODY_BYTES // 2**20} MiB are our limits" in text
    for name in ("concurrency", "max_instances"):
        [default] = re.findall(
            rf'variable "{name}" \{{.*?default     = (\d+)', variables, re.DOTALL
        )
        assert f"`{name}` ({default})" in text
