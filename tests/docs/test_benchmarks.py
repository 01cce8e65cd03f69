"""The benchmarks: budgets and their verdicts, the report as committed, what the timing rests on."""

import json
import sys
import threading
import time
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from infra.local.cost import PRICES, fill
from tests.benchmarks import contracts, loan_book, pipeline
from tests.benchmarks.budgets import (
    BUDGETS,
    MISSED,
    REACHED,
    STATED,
    Budget,
    figure,
    verdicts,
)
from tests.benchmarks.contestants import (
    BESIDE_NOTHING,
    BESIDE_PEERS,
    MLSERVER,
    OURS,
    Contestant,
)
from tests.benchmarks.distance import distant
from tests.benchmarks.environments import requirements_path, version_in
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.benchmarks.measuring import BATCHES, COLD, CPU, STAGES, WARM
from tests.benchmarks.peer_servers import present
from tests.benchmarks.processes import NotStartedError, family, started
from tests.benchmarks.report import (
    BENCH,
    BENCH_PEERS,
    DOCUMENT,
    Measured,
    Section,
    dollars,
    read,
    rendered,
)

LIST = tomllib.loads(PRICES.read_text())
ABOUT = {
    "date": "2026-01-02",
    "commit": "abc123",
    "machine": "A machine",
    "cores": 2,
    "load_average": 0.5,
    "python": "3.11.7",
    "libraries": {"numpy": "2.4.6"},
}
FIGURES = {
    COLD: {
        "surety": [300.0, 310.0, 360.0],
        "surety, gs:// at 80 ms": [500.0, 530.0, 560.0],
        "empty function": [100.0, 155.0, 200.0],
        "empty ASGI": [62.0, 62.0, 62.0],
    },
    WARM: {"surety": [0.3, 0.4, 0.5], "FastAPI + XGBoost": [0.8], "empty ASGI": [0.2]},
    CPU: {"surety": [160.0], "empty ASGI": [80.0]},
    BATCHES: {
        "surety": [200_000.0],
        "FastAPI + XGBoost": [100_000.0],
        "FastAPI + XGBoost, recording": [80_000.0],
    },
}


def test_the_report_shows_every_figure_with_its_spread_and_where_it_was_made() -> None:
    text = rendered(Measured.of(ABOUT, FIGURES), LIST)
    assert "Measured 2026-01-02 at commit `abc123` on A machine, 2 cores, load average 0.5" in text
    for figures in FIGURES.values():
        for who in figures:
            assert f"| {who} |" in text
    assert "| cold start, ms | surety | 310 ± 10 | 1.00 x |" in text
    assert "|  | empty function | 155 ± 45 | 2.00 x |" in text
    assert "|  | FastAPI + XGBoost | 100,000 ± 0 | 2.00 x |" in text


def test_a_budget_is_judged_and_a_loss_is_shown() -> None:
    text = rendered(Measured.of(ABOUT, FIGURES), LIST)
    assert "to the empty function's | 2.00 x | ≤ 1.70 x | **missed** |" in text  # 310 to 155
    assert "| 220 ms | ≤ 120 ms | **missed** |" in text
    assert "which records nothing | 0.50 x | ≤ 0.75 x | reached |" in text
    assert "both recording | 2.50 x | ≥ 2.50 x | reached |" in text
    assert "ours recording, theirs not | 2.00 x | ≥ 1.20 x | reached |" in text


def test_stages_of_a_request_have_a_table_of_their_own() -> None:
    measured = Measured.of(ABOUT, FIGURES | {STAGES: {"parse": [1.0, 2.0, 4.0]}})
    assert "| parse | 2.00 ± 1.00 |" in rendered(measured, LIST)
    assert STAGES not in rendered(measured, LIST)


def test_a_figure_is_compared_before_it_is_rounded() -> None:
    missed = Budget(what="x", measured=figure("x"), unit="ms", goal=150)
    assert missed.cells({"x": {"surety": 150.4}}) == ["x", "150 ms", "≤ 150 ms", MISSED]
    without_goal = Budget(what="x", measured=figure("x"))
    assert without_goal.cells({"x": {"surety": 2}}) == ["x", "2.00 x", "", STATED]


def test_who_could_not_be_measured_is_named_with_the_reason() -> None:
    measured = Measured.of(ABOUT, FIGURES, {"Some server": "does not install: no such package"})
    assert "| Some server |  | **does not install: no such package** |  |" in rendered(
        measured, LIST
    )


def test_a_peer_that_cannot_be_installed_or_run_is_left_out_with_its_error(tmp_path: Path) -> None:
    ends = (sys.executable, "-c", "raise SystemExit('it has no model')")
    fails = (sys.executable, "-c", "raise SystemExit('it has no folder')")
    broken = [
        Contestant("ends", ends, "/", package="p"),
        Contestant("fails", ends, "/", prepare=fails),
    ]
    here, absent = present(broken, {"MODEL_FILE": str(tmp_path / "model")})
    assert here == []
    assert absent == {
        "ends": "does not run here: it has no model",
        "fails": "cannot be set up with Python 3.11: it has no folder",
    }


def test_a_million_scores_cost_their_cpu_seconds() -> None:
    prices = {
        "service": {"cpu_second": 0.5, "memory_gib_second": 0.25},
        "installation": {"cpu": 1.0, "memory_gib": 2.0},
    }
    assert "take 150 s of CPU: $150.0000" in dollars(150, prices)


@pytest.mark.parametrize("section", [BENCH, BENCH_PEERS], ids=lambda section: section.mark)
def test_the_document_is_what_was_measured(section: Section) -> None:
    text = DOCUMENT.read_text()
    assert fill(text, section.mark, rendered(read(section), LIST)) == text


def test_the_part_of_the_loan_book_is_what_was_measured() -> None:
    measured = read(loan_book.SECTION)
    text = DOCUMENT.read_text()
    assert fill(text, loan_book.SECTION.mark, loan_book.rendered(measured)) == text
    copied = measured.medians[loan_book.SUMMARIES]
    assert set(copied) == {loan_book.SEEDED, loan_book.MILLION, loan_book.UNFOLDED}


def test_the_part_of_the_data_pipeline_is_what_was_measured() -> None:
    text = DOCUMENT.read_text()
    assert fill(text, pipeline.SECTION.mark, pipeline.rendered(read(pipeline.SECTION))) == text
    assert (pipeline.judge(60.0, 60), pipeline.judge(60.1, 60)) == (REACHED, MISSED)


def test_an_application_is_judged_by_what_it_takes_beside_two_commits_and_a_score() -> None:
    requests = {loan_book.COMMIT: [1.0], loan_book.SCORE: [2.5], loan_book.APPLY: [8.6]}
    summaries = {loan_book.SEEDED: [5.0], loan_book.MILLION: [51.0]}
    figures = {
        loan_book.REQUESTS: requests | {loan_book.REPAY: [9.9]},
        loan_book.SUMMARIES: summaries,
    }
    lines = loan_book.verdicts(Measured.of(ABOUT, figures))
    assert [cells[1:] for cells in lines] == [
        ["9.90 ms", "≤ 10 ms", REACHED],
        ["4.10 ms", "≤ 4 ms", MISSED],  # 8.6 - 2 x 1.0 - 2.5
        ["5.00 ms", "≤ 5 ms", REACHED],
        ["51.00 ms", "≤ 50 ms", MISSED],
    ]


def test_every_budget_is_judged_by_one_of_the_two_commands() -> None:
    sections = [read(BENCH), read(BENCH_PEERS)]
    judged = [line[0] for section in sections for line in verdicts(section.medians)]
    for budget in BUDGETS:
        assert budget.what in judged or MLSERVER.name in sections[1].absent, budget.what


def test_every_environment_is_pinned_and_holds_what_is_named() -> None:
    for contestant in {c.name: c for c in (*BESIDE_NOTHING, *BESIDE_PEERS)}.values():
        if contestant.package:
            name = str(contestant.environment)
            assert version_in(name, contestant.package)
            lines = requirements_path(name).read_text().splitlines()
            assert all("==" in line or line.startswith("#") for line in lines), name


def test_a_distant_server_answers_a_round_trip_later_and_as_fast(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(range(256)) * 40_000)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        with distant(f"http://127.0.0.1:{server.server_port}", 0.4) as url:
            began = time.perf_counter()
            answer = httpx.get(f"{url}/large", timeout=60, trust_env=False)
            took = time.perf_counter() - began
        server.shutdown()
    assert answer.content == (tmp_path / "large").read_bytes()
    # More than 150 pieces: if they waited for each other, it would take half a minute.
    assert 0.4 <= took < 10


def test_we_answer_the_same_however_we_are_asked(tmp_path: Path) -> None:
    settings = {"MODEL_STORE": (tmp_path / "store").as_uri()}
    publish_benchmark_model(settings["MODEL_STORE"], tmp_path / "model.ubj")
    with started(OURS, settings) as running:
        one = running.probability()
        for batch in OURS.batches:
            answer = running.post(batch.path, batch.body([contracts.example()] * 3))[1]
            assert contracts.probabilities_in(answer) == [one] * 3
        before = running.cpu_seconds()
        running.score()
        assert 0 < running.cpu_seconds() - before < 5
        assert 20 < running.resident_mb() < 1_000
        assert family(running.process.pid)[0] == running.process.pid
    assert running.process.returncode is not None


def test_a_server_that_ends_is_reported_by_its_last_word() -> None:
    fails = Contestant("fails", (sys.executable, "-c", "raise SystemExit('no model')"), "/")
    with pytest.raises(NotStartedError, match="no model"), started(fails, {}):
        pass


@pytest.mark.parametrize(
    "answer",
    [
        {"probability_of_default": 0.25},
        {"predictions": [0.25]},
        {"predictions": [{"probability_of_default": 0.25}]},
        {"outputs": [{"name": "predict", "data": [0.25]}]},
    ],
)
def test_a_probability_is_found_in_every_form_of_answer(answer: object) -> None:
    assert contracts.probabilities_in(json.dumps(answer).encode()) == [0.25]


def test_an_answer_without_a_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="no probability"):
        contracts.probabilities_in(b'{"detail": "no"}')
