"""Grafana's dashboards: each expression parses, and reads figures that the code gives."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from infra.monitoring.alerts import SOURCE, read_alerts
from tests.support.dashboards import DASHBOARDS, list_expressions
from tests.support.running import REPOSITORY

PATHS = sorted(DASHBOARDS.glob("*.json"))
COLUMNS = 24
OF_PROMETHEUS = {"up", "ALERTS"}
SUFFIXES = r"_(bucket|count|sum|total)$"


def dashboard(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def names(expression: str) -> set[str]:
    """The metrics that an expression selects."""
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(surety_\w+|up|ALERTS)\b", bare))


def declared() -> set[str]:
    """Every metric that the code names in full, and those whose name it puts together."""
    rooms = [REPOSITORY / room for room in ("functions", "models", "training")]
    paths = [path for room in rooms for path in room.rglob("*.py")]
    text = "\n".join(path.read_text() for path in paths)
    complete = set(re.findall(r'"(surety_[a-z_]+)"', text))
    for prefix in re.findall(r'f"(surety_[a-z]+_)\{name\}"', text):
        module = next(p for p in paths if f'f"{prefix}{{name}}"' in p.read_text()).read_text()
        complete |= {prefix + name for name in re.findall(r'"([a-z_]+)"', module)}
    return complete


def test_there_is_one_for_scoring_models_data_and_the_book() -> None:
    assert [path.stem for path in PATHS] == ["book", "data", "models", "scoring"]
    assert [dashboard(path)["uid"] for path in PATHS] == [f"surety-{path.stem}" for path in PATHS]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_expression_parses_and_reads_figures_that_there_are(path: Path) -> None:
    expressions = list_expressions(path)
    assert len(expressions) >= 12
    for expression in expressions:
        assert promql_parser.parse(expression)
        for name in names(expression) - OF_PROMETHEUS:
            assert {name, re.sub(SUFFIXES, "", name)} & declared(), name


def test_every_alert_reads_figures_that_there_are() -> None:
    for metric in read_alerts(SOURCE.read_text()).metrics.values():
        used = names(metric.query)
        assert used
        for name in used - OF_PROMETHEUS:
            assert {name, re.sub(SUFFIXES, "", name)} & declared(), name


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_panels_have_a_title_a_source_and_a_place_of_their_own(path: Path) -> None:
    panels = dashboard(path)["panels"]
    [source] = yaml.safe_load((DASHBOARDS.parent / "datasources.yaml").read_text())["datasources"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        for target in panel["targets"]:
            assert target["datasource"] == {"type": source["type"], "uid": source["uid"]}
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < COLUMNS
        taken |= cells
