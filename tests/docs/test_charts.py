"""The charts show the figures as they stand, and the pictures stay readable."""

import json
import re
import tomllib

import pytest

from infra.local.cost import (
    BENCH_FIGURES,
    DOCUMENT,
    LOAD_FIGURES,
    PRICES,
    figures_from_documents,
    month_costs,
    single_load,
)
from tests.docs.charts import CHARTS, PICTURES
from tests.docs.markdown import rows

MOST_BYTES = 200_000


@pytest.mark.parametrize("name", CHARTS)
def test_a_committed_chart_is_what_the_command_draws(name: str) -> None:
    assert (PICTURES / name).read_text() == CHARTS[name](), "run make charts"


def test_the_chart_adds_up_as_the_table_does() -> None:
    measured = figures_from_documents(BENCH_FIGURES.read_text(), LOAD_FIGURES.read_text())
    prices = tomllib.loads(PRICES.read_text())
    million = 10_000_000
    load = single_load(million, measured)
    sums = [cells[6] for cells in rows(DOCUMENT.read_text()) if cells[0] == "10,000,000"]
    assert sums[0] == f"{sum(month_costs(load, prices)):.2f}"


def test_the_load_chart_has_a_tick_for_every_number_of_clients() -> None:
    steps = json.loads(LOAD_FIGURES.read_text())["steps"]
    text = (PICTURES / "load.svg").read_text()
    for clients in {step["clients"] for step in steps if step["rows"] == 1}:
        assert re.search(rf">{clients}</text>", text), clients


def test_pictures_are_small_and_load_nothing_from_outside() -> None:
    pictures = [path for path in PICTURES.iterdir() if path.suffix in {".svg", ".png"}]
    assert len(pictures) == 12
    for path in pictures:
        assert path.stat().st_size < MOST_BYTES, path.name
        if path.suffix == ".svg":
            text = path.read_text()
            assert not re.search(r"<script|<image|url\(http", text), path.name
            assert not re.search(r"href=\"http", text), path.name
