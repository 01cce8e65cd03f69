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
from tests.benchmarks.book_load import book_steps
from tests.benchmarks.contestants import OURS
from tests.benchmarks.contracts import SINGLE
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.benchmarks.load import (
    BATCHES,
    CLIENTS,
    DOCUMENT,
    batch,
    measure,
    record_bytes,
    rendered,
    request_to,
    sections,
)
from tests.benchmarks.processes import started
from tests.benchmarks.scale_tables import stack_table
from tests.benchmarks.scaling import Service, simulate
from training.reading.sources import read_source

SECONDS = 1.0


def test_the_tables_are_what_was_measured() -> None:
    text = DOCUMENT.read_text()
    for mark, content in sections().items():
        assert fill(text, mark, content) == text, mark
    figures = json.loads(LOAD_FIGURES.read_text())
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


def test_requests_of_the_loan_book_are_measured_on_real_servers() -> None:
    steps = book_steps(SECONDS, customers=60)
    assert [(step.request, step.clients) for step in steps] == [
        (request, clients) for request in ("apply", "repay", "summary") for clients in (1, 8)
    ]
    for step in steps:
        assert step.requests_per_second > 0
        assert 0 < step.p50_ms <= step.p99_ms
        assert step.book_ms > 0
        assert step.database_ms > 0


SERVICE = Service(request_seconds=0.001, start_seconds=0.5)


def test_a_service_within_its_ceiling_is_slow_only_while_it_starts() -> None:
    one = simulate(SERVICE, ceiling=10, share=0.5)
    assert one.rate == pytest.approx(5_000)
    assert one.instances == 10
    assert one.refused == 0
    assert one.first_p50 == one.last_p99 == pytest.approx(0.001)
    assert 0.05 < one.first_p99 < 0.5  # of a minute, .6 s are a hundredth


def test_a_service_beyond_its_ceiling_refuses_what_it_cannot_do() -> None:
    one = simulate(SERVICE, ceiling=2, share=1.5)
    assert one.refused == pytest.approx(1 - 1 / 1.5, abs=0.05)  # less what waits in the end
    assert one.last_p99 == pytest.approx(10, rel=0.02)


def test_an_idle_service_adds_an_instance_when_a_minute_was_busy() -> None:
    quick = Service(request_seconds=0.001, start_seconds=0.05)  # few wait for its first instance
    assert simulate(quick, ceiling=100, share=0.004).instances == 1  # 40 % of one
    assert simulate(quick, ceiling=100, share=0.007).instances == 2  # 70 % of one


def test_the_loan_book_grows_until_its_database_is_busy() -> None:
    steps = [
        {"request": name, "requests_per_second": 9, "book_ms": 4.0, "database_ms": 1.0}
        for name in ("apply", "repay", "summary")
    ]
    load = json.loads(LOAD_FIGURES.read_text()) | {"book": steps}
    figures = {"rows_a_second": {"parquet": 100.0}}
    pipeline = {"medians": {"by the clock, s": {"ingest": 3.0}}}
    text = stack_table(load, figures, pipeline)
    limit = "PostgreSQL with 1 vCPU, from 4.0 instances"
    assert f"| `apply` of the loan book a second | 250 | 1,000 | 1,000 | {limit} |" in text
    assert "| rows of a file a second, parquet | 100 | 1,000 | 10,000 |" in text
