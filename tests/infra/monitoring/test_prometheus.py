"""A real Prometheus scrapes real services: every panel has an answer, every rule is evaluated."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from infra.monitoring.alerts import SOURCE, read_alerts
from tests.support.dashboards import DASHBOARDS, list_expressions
from tests.support.decision_stream import write_decisions
from tests.support.lending import client_on, fresh_database, prepare_book
from tests.support.monitored import Champion, toy_rows, train_champion
from tests.support.postgres import running_postgres
from tests.support.prometheus import Prometheus, running_prometheus, served_folder
from tests.support.running import Server, running_server
from training.cli import main
from training.pipeline.quality import Check
from training.pipeline.quality_figures import list_quality_figures
from training.prometheus_text import text_from_figures

pytestmark = [
    pytest.mark.environments,
    pytest.mark.skipif(
        shutil.which("prometheus") is None,
        reason="prometheus is not installed (Debian's prometheus): no dashboard was answered",
    ),
]
APPLICANT = {"age": 40, "income": 50_000, "debt": 10_000, "home": "own"}
CHECKS = [
    Check(name="arrived", figure=1.0, low=1),
    Check(name="row_count", figure=10.0, low=500, high=2_000),
    Check(name="refused_share", figure=0.0, high=0.01),
    Check(name="silent_days", figure=1, high=31),
    Check(name="repeated_keys", figure=0, high=0),
    Check(name="newest_age_days", column="due_date", figure=3, high=120),
    Check(name="outside_contract", column="amount", figure=0.0, high=0),
    Check(name="null_share", column="limit", figure=0.2),
]


def monitor(champion: Champion, folder: Path, today: date) -> None:
    """Measure a day whose outcomes are known, and write it to the store."""
    log, outcomes = folder / "log", folder / "outcomes.csv"
    days = [today - timedelta(days=27 - i) for i in range(28)]
    ids = write_decisions(log, champion.loaded, champion.part.matrix, days)
    frame = pd.DataFrame({"decision_id": ids, "outcome": champion.part.labels})
    frame.to_csv(outcomes, index=False)
    shared = ["--model", "toy", "--log", str(log), "--day", today.isoformat()]
    assert main(["outcomes", *shared, "--data", str(outcomes)], champion.environment) == 0
    assert main(["monitor", *shared], champion.environment) == 0


def fill_book(url: str) -> None:
    """Pay a loan out whose first instalments are overdue."""
    prepare_book(url)
    with client_on(url) as book:
        loan = book.disburse()
        book.move_to(date(2026, 5, 7))
        book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "1", "value_date": "2026-05-07"})


def ask_until_monitored(scoring: Server) -> None:
    """Score until the refresh of the model has read what was monitored."""
    for _ in range(200):
        scored = scoring.client.post("/v1/models/toy:predict", json={"instances": [APPLICANT]})
        assert scored.is_success, scored.text
        if "surety_monitor_auc" in scoring.client.get("/metrics").text:
            return
        time.sleep(0.05)  # a refresh is started once a second
    pytest.fail("scoring does not show what was monitored")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus beside scoring with a monitored model, a book, and a checked day of data."""
    folder = tmp_path_factory.mktemp("monitoring")
    today = datetime.now(UTC).date()
    (folder / "champion").mkdir()
    champion = train_champion(folder / "champion", toy_rows(6_000))
    monitor(champion, folder, today)
    (folder / "served").mkdir()
    figures = list_quality_figures({("accounts", today): CHECKS}, today)
    (folder / "served" / "metrics").write_text(text_from_figures(figures))
    with ExitStack() as stack:
        # Not below pytest's folder: as root the server runs as somebody else, who may not enter it.
        postgres = Path(stack.enter_context(TemporaryDirectory(prefix="book-")))
        url = stack.enter_context(running_postgres(postgres))
        book_url = stack.enter_context(fresh_database(url))
        fill_book(book_url)
        scoring = stack.enter_context(
            running_server(
                folder / "scoring.log",
                MODEL_STORE=champion.environment["MODEL_STORE"],
                CREDIT_MODELS="tests.support.toy",
                DEFAULT_MODEL="toy",
                MODEL_REFRESH_SECONDS="1",
            )
        )
        lending = stack.enter_context(
            running_server(folder / "lending.log", "lending module", DATABASE_URL=book_url)
        )
        ask_until_monitored(scoring)
        assert lending.client.get("/api/portfolio/summary").is_success
        files = stack.enter_context(served_folder(folder / "served"))
        addresses = {
            "scoring": [scoring.client.base_url.netloc.decode()],
            "lending": [lending.client.base_url.netloc.decode()],
            # Of its requests every function has the same metrics: another server stands in.
            "dashboard": [lending.client.base_url.netloc.decode()],
            "files": [files],
        }
        running = stack.enter_context(running_prometheus(folder / "prometheus", addresses))
        running.wait("count_over_time(surety_book_on_time_rate_percent[1m]) >= 2")
        running.wait('count_over_time(up{job="scoring"}[1m]) >= 4')
        yield running


@pytest.mark.parametrize("path", sorted(DASHBOARDS.glob("*.json")), ids=lambda path: path.stem)
def test_every_expression_of_a_dashboard_is_answered(prometheus: Prometheus, path: Path) -> None:
    unanswered = [e for e in list_expressions(path) if not prometheus.query(e)]
    assert unanswered == []


def test_figures_are_those_that_were_measured(prometheus: Prometheus) -> None:
    [auc] = prometheus.query('surety_monitor_auc{model="toy"}')
    assert 0.6 < float(auc["value"][1]) < 0.9
    [npa] = prometheus.query('surety_book_npa_ratio_percent{job="lending"}')
    assert float(npa["value"][1]) == 100
    failed = prometheus.query("surety_quality_failed == 1")
    assert [(one["metric"]["table"], one["metric"]["check"]) for one in failed] == [
        ("accounts", "row_count")
    ]


def test_every_rule_is_evaluated_and_those_whose_figures_are_beyond_a_limit_wait(
    prometheus: Prometheus,
) -> None:
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {r["name"] for r in rules} == {a.name for a in read_alerts(SOURCE.read_text()).alerts}
    assert {rule["health"] for rule in rules} == {"ok"}
    waiting = {rule["name"] for rule in rules if rule["state"] != "inactive"}
    assert waiting >= {"row-counts", "npa-ratio", "npa-ratio-critical", "on-time-payments"}
    assert not waiting & {"uptime", "latency", "server-errors", "data-late", "monitoring-overdue"}


def test_every_metric_of_an_alert_can_be_asked(prometheus: Prometheus) -> None:
    """Those of errors, and of models that this store lacks, have nothing to show."""
    absent = {
        *("api_latency_p95", "server_error_share", "error_burn_rate_1h", "error_burn_rate_6h"),
        *("anchor_failures", "accuracy", "dashboard_error_share"),
        # This book was not checked, and has too few applications for a mean.
        *("book_checked_age_hours", "book_differences", "book_debt_to_income_change"),
    }
    metrics = read_alerts(SOURCE.read_text()).metrics
    answered = {name for name, metric in metrics.items() if prometheus.query(metric.query)}
    assert answered == set(metrics) - absent
