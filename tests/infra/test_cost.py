"""What a month costs: sums a reader can do by hand, and the document as it is computed."""

import json
import math
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.local.cost import (
    BATCH_FIGURES,
    BENCH_FIGURES,
    DOCUMENT,
    LOAD_FIGURES,
    MARK,
    NOTHING,
    PRICES,
    Load,
    always,
    batch_cost,
    batch_hour_cost,
    billed_seconds,
    dashboard_cost,
    dashboard_hour_cost,
    database_cost,
    decision_log_cost,
    edge_cost,
    figures_from_documents,
    file_cost,
    file_from_document,
    file_seconds,
    file_storage_cost,
    fill,
    idle_edge_cost,
    instances,
    kept_instance_cost,
    lending_cost,
    pipeline_cost,
    render,
    request_log_cost,
    service_cost,
    sidecar_cost,
    table,
    training_cost,
    uptime_calls,
)
from infra.monitoring.alerts import POLICIES
from tests.support.running import REPOSITORY

LIST = tomllib.loads(PRICES.read_text())
MONTH_SECONDS = 1_000_000
# Prices and months that make sums easy.
EASY = {
    "service": {
        "cpu_second": 0.5,
        "memory_gib_second": 0.25,
        "idle_cpu_second": 0.125,
        "idle_memory_gib_second": 0.25,
        "million_requests": 8.0,
        "free_cpu_seconds": 10.0,
        "free_memory_gib_seconds": 4.0,
        "free_requests": 0.0,
        "rounding_seconds": 0.1,
    },
    "job": {
        "cpu_second": 1.0,
        "memory_gib_second": 0.5,
        "free_cpu_seconds": 100.0,
        "free_memory_gib_seconds": 400.0,
        "least_seconds": 60.0,
    },
    "database": {
        "cpu_hour": 0.5,
        "memory_gib_hour": 0.25,
        "disk_gib_month": 0.5,
        "backup_gib_month": 0.25,
        "endpoint_hour": 0.125,
    },
    "logging": {"gib": 0.5, "free_gib": 50.0},
    "bigquery": {
        "streamed_gib": 0.05,
        "least_row_bytes": 1_024.0,
        "active_gib_month": 0.02,
        "long_term_gib_month": 0.01,
        "active_months": 3.0,
        "free_gib": 10.0,
    },
    "other": {
        "scheduler_job_month": 0.25,
        "storage_gib_month": 0.5,
        "alert_condition_month": 0.1,
    },
    "edge": {
        "forwarding_rule_hour": 0.025,
        "policy_month": 5.0,
        "rule_month": 1.0,
        "million_requests": 0.75,
    },
    "installation": {
        "cpu": 1.0,
        "memory_gib": 0.5,
        "decision_log_days": 365.0,
        "armor_rules": 3.0,
        "training_jobs": 2.0,
        "training_cpu": 2.0,
        "training_memory_gib": 4.0,
        "pipeline_jobs": 7.0,
        "lending_alert_conditions": 5.0,
        "lending_jobs": 4.0,
        "lending_runs_day": 12.0,
        "lending_memory_gib": 0.5,
        "dashboard_alert_conditions": 1.0,
        "dashboard_memory_gib": 1.0,
        "batch_alert_conditions": 1.0,
        "batch_memory_gib": 1.0,
        "batch_tasks": 4.0,
        "database_cpu": 1.0,
        "database_memory_gib": 4.0,
        "database_disk_gib": 10.0,
        "sidecar_cpu": 1.0,
        "sidecar_memory_gib": 0.25,
        "uptime_period_seconds": 1e12,
    },
    "assumed": {
        "hours_month": MONTH_SECONDS / 3600,
        "target_cpu": 0.5,
        "uptime_places": 1.0,
        "request_log_bytes": 1_024.0,
        "training_seconds": 100.0,
        "training_runs_month": 4.0,
        "pipeline_seconds": 12.0,
        "lake_gib": 5.0,
        "lending_run_seconds": 15.0,
        "backups_gib": 8.0,
    },
}


def load(requests: float, seconds: float = 0.001) -> Load:
    return Load(scores=requests, requests=requests, seconds=seconds)


def test_rare_calls_are_billed_by_their_rounded_up_time() -> None:
    # A thousand of 1 ms are a thousand times 0.1 s.
    assert billed_seconds(load(1_000), EASY) == pytest.approx(100, rel=1e-3)
    assert billed_seconds(load(1_000, seconds=0.25), EASY) == pytest.approx(300, rel=1e-3)


def test_dense_calls_are_billed_by_the_clock() -> None:
    # 100 a second, each open for 0.1 s: there is always one.
    assert billed_seconds(load(100 * MONTH_SECONDS), EASY) == pytest.approx(MONTH_SECONDS, rel=1e-3)


def test_one_call_a_window_covers_1_less_1_over_e() -> None:
    assert billed_seconds(load(10 * MONTH_SECONDS), EASY) == pytest.approx(
        MONTH_SECONDS * (1 - 1 / math.e)
    )


@pytest.mark.parametrize(
    ("per_second", "expected"), [(0, 1), (1, 1), (500, 1), (501, 2), (2_000, 4)]
)
def test_an_instance_is_added_when_cpu_would_pass_the_target(
    per_second: int, expected: int
) -> None:
    # At 1 ms a call, 500 a second are half of an instance's CPU.
    assert instances(load(per_second * MONTH_SECONDS), EASY) == expected


def test_cloud_run_bills_cpu_memory_and_requests_beyond_what_is_free() -> None:
    # 100 s: (100 - 10) * .5 + (50 - 4) * .25 + a thousandth of 8.
    assert service_cost(load(1_000), EASY) == pytest.approx(45 + 11.5 + 0.008, rel=1e-3)
    assert service_cost(NOTHING, EASY) == pytest.approx(0, abs=1e-9)


def test_the_request_log_is_free_up_to_its_allotment() -> None:
    # A million entries of 1 KiB are .954 GiB.
    assert request_log_cost(1_000_000, EASY) == 0
    assert request_log_cost(100 * 2**20, EASY) == pytest.approx((100 - 50) * 0.5)


def test_a_record_is_written_once_and_kept_for_its_days() -> None:
    # 2**20 records of 1 KiB are 1 GiB a month; after a year 3 are active, 9 are old.
    written, active, old = 1 * 0.05, 0.0, 9 * 0.01
    assert decision_log_cost(2**20, 1_024, EASY) == pytest.approx(written + active + old)
    # Ten times as many: 20 of 30 active GiB are beyond what is free.
    assert decision_log_cost(10 * 2**20, 1_024, EASY) == pytest.approx(0.5 + 20 * 0.02 + 0.9)
    # Small rows are written as if they were of 1 KiB, and stored as they are.
    assert decision_log_cost(2**20, 512, EASY) == pytest.approx(0.05 + 4.5 * 0.01)


def test_the_edge_costs_a_rule_a_policy_and_every_request_twice_logged() -> None:
    assert idle_edge_cost(EASY) == pytest.approx(MONTH_SECONDS / 3600 * 0.025 + 5 + 3)
    million = 1_000_000
    assert edge_cost(million, EASY) == pytest.approx(0.75)  # the second log is still free
    assert edge_cost(100 * 2**20, EASY) == pytest.approx(100 * 2**20 / million * 0.75 + 100 * 0.5)


def test_a_kept_instance_costs_its_idle_price_all_month() -> None:
    assert kept_instance_cost(EASY) == pytest.approx(MONTH_SECONDS * (0.125 + 0.5 * 0.25))


def test_a_sidecar_bills_both_containers_all_month_because_the_uptime_check_calls() -> None:
    # 1 + 1 CPU at 1, and .5 + .25 GiB at .5, beyond what is free.
    cpu, memory = 2 * MONTH_SECONDS - 100, 0.75 * MONTH_SECONDS - 400
    assert sidecar_cost(EASY) == pytest.approx(cpu * 1.0 + memory * 0.5)


def test_a_kept_instance_is_one_however_many_revisions_have_a_tag() -> None:
    """A revision's own least number would be paid for each revision that has a tag."""
    text = (REPOSITORY / "terraform" / "scoring.tf").read_text()
    [template] = re.findall(r"^  template \{.*?^  \}", text, re.MULTILINE | re.DOTALL)
    assert "min_instance_count" not in template
    assert "min_instance_count = var.min_instances" in text.replace(template, "")
    assert "| `min_instances = 1` | 0.00 | 9.86 |" in DOCUMENT.read_text()


def test_training_costs_what_exceeds_the_free_tier() -> None:
    # 2 jobs, 4 runs of 100 s: 800 s, so 1,600 vCPU-s and 3,200 GiB-s.
    assert training_cost(EASY) == pytest.approx((1_600 - 100) * 1 + (3_200 - 400) * 0.5)


def test_the_uptime_check_calls_from_every_place_once_a_period() -> None:
    prices = EASY | {
        "installation": {"uptime_period_seconds": 100.0},
        "assumed": EASY["assumed"] | {"uptime_places": 6.0},
    }
    assert uptime_calls(prices) == pytest.approx(60_000)


def test_the_measured_is_read_from_the_figures_of_both_benchmarks() -> None:
    figures = {
        "CPU a score, us": {"surety": 200},
        "1,000 rows, rows/s": {"surety, as they come": 4},
        "bytes of a decision record, of 1,000": {"surety": 600},
    }
    bench = json.dumps({"medians": figures})
    measured = figures_from_documents(bench, '{"record_bytes": 800}')
    assert (measured.score_seconds, measured.batch_row_seconds, measured.record_bytes) == (
        2e-4,
        0.25,
        800,
    )
    assert measured.batch_record_bytes == 600
    assert figures_from_documents(bench, '{"record_bytes": 800}', cpu_us=100).score_seconds == 1e-4


def test_the_document_is_what_the_committed_figures_and_prices_give() -> None:
    measured = figures_from_documents(BENCH_FIGURES.read_text(), LOAD_FIGURES.read_text())
    text = DOCUMENT.read_text()
    scored = file_from_document(BATCH_FIGURES.read_text())
    assert fill(text, MARK, render(measured, scored, LIST)) == text


def test_another_cpu_time_is_printed_and_changes_nothing() -> None:
    before = DOCUMENT.read_text()
    done = subprocess.run(
        [sys.executable, "infra/local/cost.py", "--cpu-us", "150"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "A score takes 150 µs of CPU" in done.stdout
    assert DOCUMENT.read_text() == before


def test_nothing_waits_that_was_not_asked_for() -> None:
    costs = always(LIST)
    assert costs["scoring service, called by the uptime check"] == 0
    assert costs["training jobs"] == 0
    assert sum(costs.values()) < 2
    assert kept_instance_cost(LIST) > 5
    assert idle_edge_cost(LIST) > 20


def test_a_batch_is_the_cheaper_way_to_score_many() -> None:
    many = 1e9
    measured = figures_from_documents(BENCH_FIGURES.read_text(), LOAD_FIGURES.read_text())
    single = load(many, measured.score_seconds)
    batches = Load(scores=many, requests=many / 1_000, seconds=1_000 * measured.batch_row_seconds)

    def total(load_: Load) -> float:
        return service_cost(load_, LIST) + request_log_cost(load_.requests, LIST)

    assert total(batches) < total(single)


def test_a_document_without_its_marks_is_refused() -> None:
    marked = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb"
    assert fill(marked, "x", "new") == marked.replace("old", "new")
    with pytest.raises(ValueError, match="'y'"):
        fill(marked, "y", "new")


def test_a_table_has_its_first_column_to_the_left() -> None:
    assert table(("a", "b"), [["c", "1"]]) == "| a | b |\n| --- | ---: |\n| c | 1 |"


def test_the_pipeline_pays_for_its_schedules_its_nights_and_its_lake() -> None:
    # Training alone takes 800 s, of which the CPU is 1,500 beyond what is free. Seven jobs of 12 s
    # for 30.4 nights are 2,555 s more, each with two CPUs and four GiB at half a dollar.
    nights = 7 * 365 / 12 * 12
    assert pipeline_cost(EASY) == pytest.approx(7 * 0.25 + nights * (2 * 1.0 + 4 * 0.5) + 5 * 0.5)


def test_a_database_costs_its_hours_its_disk_and_its_backups() -> None:
    # 1 CPU at .5, 4 GiB at .25 and the address at .125 an hour; 10 GiB and 8 GiB a month.
    assert database_cost(EASY) == pytest.approx(MONTH_SECONDS / 3600 * 1.625 + 5 + 2)


def test_a_run_of_the_loan_book_is_billed_for_a_minute() -> None:
    # Twelve runs a day of 60 s are 21,900 s a month, beyond what training leaves free.
    runs = 12 * 365 / 12 * 60
    assert lending_cost(EASY) - database_cost(EASY) == pytest.approx(
        runs * (1 + 0.5 * 0.5) + 4 * 0.25 + 5 * 0.1
    )


def test_the_loan_books_part_is_that_of_terraform() -> None:
    made = LIST["installation"]
    files = {path.name: path.read_text() for path in (REPOSITORY / "terraform").glob("*.tf")}
    _, _, lending = files["alerts.tf"].partition("with_lending = !var")
    assert lending.partition("\n  }\n")[0].count("severity = ") == made["lending_alert_conditions"]
    assert files["lending_jobs.tf"].count("schedule = ") == made["lending_jobs"] + 1  # and none
    minutes = re.findall(r'optional\(string, "\*/(\d+) \* \* \* \*"\)', files["variables.tf"])
    assert sum(24 * 60 // int(minute) for minute in minutes) + 2 == made["lending_runs_day"]
    tier = f"db-custom-{made['database_cpu']}-{1024 * made['database_memory_gib']:.0f}"
    assert f'optional(string, "{tier}")' in files["variables.tf"]
    assert (
        f"disk_gb         = optional(number, {made['database_disk_gib']})" in files["variables.tf"]
    )
    memory = re.findall(r'memory +?= optional\(string, "(\d+)Mi"\)', files["variables.tf"])
    assert f"{1024 * made['lending_memory_gib']:.0f}" in memory


def test_the_dashboard_costs_its_alert_and_the_hours_in_which_a_page_is_open() -> None:
    assert dashboard_cost(EASY) == pytest.approx(0.1)
    service = EASY["service"]
    second = 1.0 * service["cpu_second"] + 1.0 * service["memory_gib_second"]
    assert dashboard_hour_cost(EASY) == pytest.approx(3600 * second)
    made = LIST["installation"]
    alerts = (REPOSITORY / "terraform" / "alerts.tf").read_text()
    _, _, part = alerts.partition("with_dashboard = !var")
    assert part.partition("\n  }\n")[0].count("severity = ") == made["dashboard_alert_conditions"]
    variables = (REPOSITORY / "terraform" / "variables.tf").read_text()
    assert f'optional(string, "{made["dashboard_memory_gib"]}Gi")' in variables


def test_batches_cost_their_alert_and_the_hours_of_an_instance_that_scores_between_requests() -> (
    None
):
    assert batch_cost(EASY) == pytest.approx(0.1)
    assert batch_hour_cost(EASY) == pytest.approx(3600 * (1.0 + 0.5))
    made = LIST["installation"]
    files = {path.name: path.read_text() for path in (REPOSITORY / "terraform").glob("*.tf")}
    _, _, part = files["alerts.tf"].partition("with_batch = !var")
    assert part.partition("\n  }\n")[0].count("severity = ") == made["batch_alert_conditions"]
    limits = f'{{ cpu = "{made["cpu"]}", memory = "{made["batch_memory_gib"]}Gi" }}'
    assert limits in files["batch.tf"]
    assert f"tasks           = optional(number, {made['batch_tasks']})" in files["variables.tf"]


def test_a_file_costs_the_seconds_of_its_tasks_and_what_it_leaves() -> None:
    """Of four tasks, each is billed a minute at least; a CPU and a GiB cost 1.5 a second."""
    assert file_seconds(1_000, 10, EASY) == 4 * 60
    assert file_seconds(4_000, 10, EASY) == 400
    assert file_cost(4_000, 10, EASY) == pytest.approx(400 * 1.5)
    assert file_storage_cost(1024**3, 2, EASY) == pytest.approx(2 * 12 * 0.5)
    figures = {
        "rows_a_second": {"parquet, no reasons": 4, "parquet, reasons of the not approved": 2},
        "bytes_a_row": {"results": 30, "records": 70},
    }
    scored = file_from_document(json.dumps(figures))
    assert (scored.rows_a_second, scored.with_reasons, scored.bytes_a_row) == (4, 2, 100)


def test_the_pipelines_jobs_are_those_of_terraform() -> None:
    """Three sources, quality and features, and monitoring of each model."""
    text = (REPOSITORY / "terraform" / "pipeline_jobs.tf").read_text()
    assert text.count('schedule = "0 2 * * *"') == text.count('schedule = "0 6 * * *"') == 1
    nightly = len(re.findall(r'schedule = "0 [34] \* \* \*"', text))
    made = LIST["installation"]
    assert made["pipeline_jobs"] == 3 + nightly + made["training_jobs"]
    assert f'cpu = "{made["training_cpu"]}"' in text


def test_the_installation_is_the_one_terraform_makes() -> None:
    made = LIST["installation"]
    files = {path.name: path.read_text() for path in (REPOSITORY / "terraform").glob("*.tf")}

    def default(variable: str) -> str:
        pattern = rf'variable "{variable}" \{{.*?default     = (\S+)'
        [block] = re.findall(pattern, files["variables.tf"], re.DOTALL)[:1]
        return str(block).strip('"')

    assert default("scoring_memory") == f"{made['memory_gib'] * 1024:.0f}Mi"
    assert int(default("decision_log_days")) == made["decision_log_days"]
    assert int(default("max_instances")) == made["max_instances"]
    [models] = re.findall(r"  default = \{\n(.*?)\n  \}", files["variables.tf"], re.DOTALL)
    assert len(models.splitlines()) == made["training_jobs"]
    every_model = r'resource "google_cloud_scheduler_job" "\w+" \{\n  for_each = var\.models'
    scheduled = len(re.findall(every_model, "\n".join(files.values())))
    assert scheduled * made["training_jobs"] == made["scheduler_jobs"]
    assert f'cpu = "{made["training_cpu"]}"' in files["training.tf"]
    assert f'optional(string, "{made["training_memory_gib"]}Gi")' in files["variables.tf"]
    assert f'cpu = "{made["cpu"]}"' in files["scoring.tf"]
    sidecar = (
        f'{{ cpu = "{made["sidecar_cpu"]}", memory = "{1024 * made["sidecar_memory_gib"]:.0f}Mi" }}'
    )
    assert sidecar in files["scoring.tf"]
    assert files["edge.tf"].count("\n  rule {") == made["armor_rules"]
    _, _, always = files["alerts.tf"].partition("  always = {\n")
    assert always.count("severity = ") == made["alert_conditions"]
    assert len(json.loads(POLICIES.read_text())) == made["prometheus_alert_conditions"]
    assert f'period       = "{made["uptime_period_seconds"]}s"' in files["monitoring.tf"]


def test_every_price_is_used_or_compared() -> None:
    code = (REPOSITORY / "infra/local/cost.py").read_text() + Path(__file__).read_text()
    names = [n for values in LIST.values() if isinstance(values, dict) for n in values]
    assert [name for name in names if f'"{name}"' not in code] == []
