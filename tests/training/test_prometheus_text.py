from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.errors import DataError
from models.figures import Figure
from training.prometheus_text import text_from_figures, write_figures

FIGURES = [
    Figure("surety_b", "The second.", {"model": 'a "toy"\\'}, 0.25),
    Figure("surety_a", "The first.", {}, 1_795_824_000),
    Figure("surety_b", "The second.", {"model": "c"}, 1e-9),
]


def test_samples_of_a_name_stand_together_under_its_meaning() -> None:
    assert text_from_figures(FIGURES).splitlines() == [
        "# HELP surety_a The first.",
        "# TYPE surety_a gauge",
        "surety_a 1795824000",
        "# HELP surety_b The second.",
        "# TYPE surety_b gauge",
        r'surety_b{model="a \"toy\"\\"} 0.25',
        'surety_b{model="c"} 1e-09',
    ]


def test_prometheus_own_parser_reads_what_was_written(tmp_path: Path) -> None:
    write_figures(tmp_path / "day.prom", FIGURES)
    families = text_string_to_metric_families((tmp_path / "day.prom").read_text())
    read = [(s.name, s.labels, s.value) for family in families for s in family.samples]
    assert sorted(read, key=str) == sorted(((f.name, f.labels, f.value) for f in FIGURES), key=str)
    assert list(tmp_path.iterdir()) == [tmp_path / "day.prom"]


def test_a_name_that_no_collector_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"day\.txt: the file name must end in \.prom"):
        write_figures(tmp_path / "day.txt", FIGURES)


def test_a_folder_is_made_and_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    write_figures(tmp_path / "new" / "day.prom", FIGURES)
    with pytest.raises(DataError, match=r"day\.prom: cannot be written: "):
        write_figures(tmp_path / "new" / "day.prom" / "day.prom", FIGURES)
