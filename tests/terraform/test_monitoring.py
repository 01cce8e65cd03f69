"""Alerts and dashboard: their queries parse, and name figures that something writes."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from tests.terraform.conftest import planned

LOG_METRIC = re.compile(r"logging_googleapis_com:user_(\w+?)(?:_bucket)?(?=[\[{])")


@pytest.fixture(scope="module")
def plan(initialised: Path) -> list[dict[str, Any]]:
    return planned(initialised / "terraform", "-var=project_id=example-project")


def values(plan: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [resource["values"] for resource in plan if resource["type"] == kind]


def alert_queries(plan: list[dict[str, Any]]) -> dict[str, str]:
    """Every alert's query; the one of the uptime check names what only Google Cloud knows."""
    conditions = {
        policy["display_name"]: policy["conditions"][0]["condition_prometheus_query_language"][0]
        for policy in values(plan, "google_monitoring_alert_policy")
    }
    queries = {name: c["query"] for name, c in conditions.items() if c.get("query")}
    assert set(conditions) - set(queries) == {"prod: uptime"}
    return queries


def dashboard_queries(plan: list[dict[str, Any]]) -> list[str]:
    [dashboard] = values(plan, "google_monitoring_dashboard")
    tiles = json.loads(dashboard["dashboard_json"])["mosaicLayout"]["tiles"]
    return [
        series["timeSeriesQuery"]["prometheusQuery"]
        for tile in tiles
        for series in tile["widget"].get("xyChart", {}).get("dataSets", [])
    ]


def test_every_query_parses(plan: list[dict[str, Any]]) -> None:
    queries = [*alert_queries(plan).values(), *dashboard_queries(plan)]
    assert len(queries) >= 20
    for query in queries:
        assert promql_parser.parse(query)
        assert re.search(r"prod-(scoring|train-|decisions)|user_surety_prod_", query), query


def test_every_figure_read_from_logs_is_made(plan: list[dict[str, Any]]) -> None:
    made = {metric["name"] for metric in values(plan, "google_logging_metric")}
    queries = " ".join([*alert_queries(plan).values(), *dashboard_queries(plan)])
    assert set(LOG_METRIC.findall(queries)) == made


def test_a_burn_of_the_budget_is_seen_in_a_long_and_a_short_window(
    plan: list[dict[str, Any]],
) -> None:
    queries = alert_queries(plan)
    for name, windows in {"fast": {"1h", "5m"}, "slow": {"6h", "30m"}}.items():
        query = queries[f"prod: error-budget-{name}"]
        assert set(re.findall(r"\[(\w+)\]", query)) == windows
        assert query.count("* 0.001") == 2


def test_tiles_do_not_overlap(plan: list[dict[str, Any]]) -> None:
    [dashboard] = values(plan, "google_monitoring_dashboard")
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
