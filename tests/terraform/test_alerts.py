"""Alerts and dashboard: they fire when they should, and name figures that something writes."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from infra.google_api import DECISIONS
from infra.monitoring.alerts import POLICIES, RULES, SOURCE, read_alerts
from tests.terraform.conftest import Planned

LOG_METRIC = re.compile(r"logging_googleapis_com:user_(\w+?)(?:_bucket)?(?=[\[{])")
SCENARIOS = Path(__file__).with_name("alerts.yaml")
COMPILED: dict[str, dict[str, str]] = json.loads(POLICIES.read_text())


@pytest.fixture(scope="module")
def everything(plans: dict[str, Planned]) -> Planned:
    """Every alert there is: some come with a flag."""
    return plans["everything"]


def alert_rules(plan: Planned) -> list[dict[str, Any]]:
    """Every planned alert as a rule of Prometheus."""
    rules = []
    for policy in plan.of_kind("google_monitoring_alert_policy").values():
        [condition] = policy["conditions"]
        [prometheus] = condition["condition_prometheus_query_language"]
        rules.append(
            {
                "alert": condition["display_name"],
                "expr": prometheus["query"],
                "for": prometheus["duration"],
                "labels": {"severity": policy["severity"]},
            }
        )
    return rules


def own_rules(plan: Planned) -> list[dict[str, Any]]:
    """Those of the rules whose queries terraform/alerts.tf has; tests/infra tries the others."""
    return [rule for rule in alert_rules(plan) if rule["alert"] not in COMPILED]


def dashboard_queries(plan: Planned) -> list[str]:
    [dashboard] = plan.of_kind("google_monitoring_dashboard").values()
    tiles = json.loads(dashboard["dashboard_json"])["mosaicLayout"]["tiles"]
    return [
        series["timeSeriesQuery"]["prometheusQuery"]
        for tile in tiles
        for series in tile["widget"].get("xyChart", {}).get("dataSets", [])
    ]


def run_promtool(folder: Path, rules: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """Run the scenarios against these rules."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's prometheus): no alert was tried")
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    shutil.copy(SCENARIOS, folder)
    return subprocess.run(
        ["promtool", "test", "rules", SCENARIOS.name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_alert_fires_when_it_should_and_only_then(
    everything: Planned, tmp_path: Path
) -> None:
    done = run_promtool(tmp_path, own_rules(everything))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("expected", [r"\[\]", r"\[\{exp_labels: "], ids=["quiet", "firing"])
def test_every_alert_has_a_time_at_which_it_fires_and_one_at_which_it_does_not(
    everything: Planned, expected: str
) -> None:
    pattern = rf"alertname: ([a-z-]+), exp_alerts: {expected}"
    tried = set(re.findall(pattern, SCENARIOS.read_text()))
    assert tried == {rule["alert"] for rule in own_rules(everything)}


def test_what_surety_measures_has_policies_where_its_figures_are_collected(
    plans: dict[str, Planned],
) -> None:
    """Their very text is tried by promtool: tests/infra/monitoring/test_alerts.py."""
    compiled = {
        rule["alert"]: rule["expr"]
        for group in yaml.safe_load(RULES.read_text())["groups"]
        for rule in group["rules"]
    }
    planned = {r["alert"]: r for r in alert_rules(plans["everything"]) if r["alert"] in COMPILED}
    assert set(planned) == set(COMPILED)
    for name, rule in planned.items():
        assert rule["expr"] == compiled[name]
        assert rule["for"] == COMPILED[name]["duration"]
        assert rule["labels"]["severity"] == COMPILED[name]["severity"]
    assert not set(COMPILED) & {rule["alert"] for rule in alert_rules(plans["shipped"])}


def test_an_alert_that_both_files_have_has_one_limit(plans: dict[str, Planned]) -> None:
    """What Google measures itself is also measured for Prometheus, under the same name."""
    google = {rule["alert"]: rule for rule in own_rules(plans["everything"])}
    both = [alert for alert in read_alerts(SOURCE.read_text()).alerts if alert.name in google]
    limits = {
        "latency": ["> 200", ">= 20"],
        "server-errors": ["> 0.01", ">= 3"],
        "dashboard-errors": ["> 0.01", ">= 3"],
        "error-budget-fast": ["> 14.4 * 0.001", "> 14.4 * 0.001", ">= 10"],
        "error-budget-slow": ["> 6 * 0.001", "> 6 * 0.001", ">= 10"],
        "uptime": ["< 1"],
        "model-age": ["> 60"],
        "reload-failures": ["> 0"],
        "anchors-failing": [">= 3"],  # extrapolated, so that the other file has 2.5
    }
    assert {alert.name for alert in both} == set(limits)
    for alert in both:
        rule = google[alert.name]
        assert re.findall(r"[<>]=? [\d.]+(?: \* 0\.001)?", rule["expr"]) == limits[alert.name]
        assert f"{alert.threshold:g}" in {*limits[alert.name][0].split(), "2.5"}
        assert rule["labels"]["severity"] == alert.severity.upper()
        assert rule["for"] == f"{alert.seconds}s"


def test_every_query_parses(everything: Planned) -> None:
    queries = [*(rule["expr"] for rule in alert_rules(everything)), *dashboard_queries(everything)]
    assert len(queries) >= 25
    for query in queries:
        assert promql_parser.parse(query)
        pattern = (
            r"prod-(scoring|retrain|train-|decisions|pipeline-|lending|batch|dashboard)|_surety_prod_|<(check|copy)"
            r"|surety_monitor_"
        )
        assert re.search(pattern, query), query


def test_every_figure_read_from_logs_is_made(everything: Planned) -> None:
    metrics = {m["name"] for m in everything.of_kind("google_logging_metric").values()}
    queries = [*(rule["expr"] for rule in alert_rules(everything)), *dashboard_queries(everything)]
    released = {f"surety_prod_decisions_{counted}" for counted in DECISIONS.values()}
    assert set(LOG_METRIC.findall(" ".join(queries))) | released == metrics


def test_no_query_looks_further_back_than_google_does(everything: Planned) -> None:
    """The window of a query and the time for which it must hold: 25 hours together."""
    hours = {"m": 1 / 60, "h": 1.0}
    for rule in alert_rules(everything):
        windows = re.findall(r"\[(\d+)([mh])\]", rule["expr"])
        longest = max((int(number) * hours[unit] for number, unit in windows), default=0.0)
        assert longest + int(rule["for"].removesuffix("s")) / 3600 <= 25, rule["alert"]


def test_a_burn_of_the_budget_is_seen_in_a_long_and_a_short_window(everything: Planned) -> None:
    queries = {rule["alert"]: rule["expr"] for rule in alert_rules(everything)}
    for name, windows in {"fast": {"1h", "5m"}, "slow": {"6h", "30m"}}.items():
        query = queries[f"error-budget-{name}"]
        assert set(re.findall(r"\[(\w+)\]", query)) == windows
        assert query.count("* 0.001") == 2


def test_tiles_do_not_overlap(everything: Planned) -> None:
    [dashboard] = everything.of_kind("google_monitoring_dashboard").values()
    layout = json.loads(dashboard["dashboard_json"])["mosaicLayout"]
    taken: set[tuple[int, int]] = set()
    for tile in layout["tiles"]:
        # The API leaves zeros out, and would differ for ever from a file that states them.
        assert 0 not in tile.values()
        left, top = tile.get("xPos", 0), tile.get("yPos", 0)
        cells = {
            (x, y)
            for x in range(left, left + tile["width"])
            for y in range(top, top + tile["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < layout["columns"]
        taken |= cells
