"""Steps of a day that are killed as processes are, and started again: the same tables."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.support.counts import counts
from tests.support.running import REPOSITORY
from tests.training.test_cli_pipeline import LAST_DAY, TABLE, Place, drop_months
from training.pipeline.tables import TABLES
from training.synthetic.bank import generate_bank

DAY = ("--day", str(LAST_DAY))
STEPS = (
    ("ingest", "--source", "drop", *DAY),
    ("quality", *DAY),
    ("features", *DAY),
    ("snapshot", *DAY),
)


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a bank of 400 customers drops on the last day of its first month."""
    folder = tmp_path_factory.mktemp("killed")
    drop_months(generate_bank(LAST_DAY, seed=2, customers=400, months=1), folder)
    tables = "".join(TABLE.format(name=name) for name in TABLES)
    (folder / "sources.toml").write_text(f"[sources.drop]\nkind = 'files'\n{tables}")
    (folder / "quality.toml").write_text("[defaults]\nmax_silent_days = 3660\nwindow_days = 366\n")
    return folder


def place_in(folder: Path, drop: Path) -> Place:
    """An empty lake and warehouse beside what was dropped."""
    folder.mkdir()
    for name in ("drop", "sources.toml", "quality.toml"):
        (folder / name).symlink_to(drop / name)
    return Place(folder, [LAST_DAY])


def start(place: Place, step: tuple[str, ...]) -> subprocess.Popen[bytes]:
    store = {"MODEL_STORE": (place.folder / "store").as_uri(), "PATH": os.defpath}
    return subprocess.Popen(
        [sys.executable, "-m", "training", *step],
        cwd=REPOSITORY,
        env=place.environment | store,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def read_everything(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, and the objects of lake and store with their sizes."""
    with duckdb.connect(place.folder / "w.duckdb", read_only=True) as database:
        names = [str(row[0]) for row in database.sql("SHOW TABLES").fetchall()]
        content = {name: database.sql(f"FROM {name} ORDER BY ALL").fetchall() for name in names}
    for folder in ("lake", "store"):
        files = [f for f in (place.folder / folder).rglob("*") if f.is_file()]
        content[folder] = sorted(
            (str(f.relative_to(place.folder)), f.stat().st_size) for f in files
        )
    return content


@pytest.mark.soak
def test_a_step_that_was_killed_and_started_again_leaves_what_it_always_leaves(
    drop: Path, tmp_path: Path
) -> None:
    sound, killed = place_in(tmp_path / "sound", drop), place_in(tmp_path / "killed", drop)
    chosen, died = random.Random(7), 0  # noqa: S311 -- moments, not secrets
    for step in STEPS:
        started = time.monotonic()
        assert start(sound, step).wait() == 0
        seconds = time.monotonic() - started
        for _ in range(counts().pipeline_kills):
            process = start(killed, step)
            time.sleep(chosen.uniform(0.3, 1) * seconds)
            process.send_signal(signal.SIGKILL)
            died += process.wait() == -signal.SIGKILL
        assert start(killed, step).wait() == 0, step
    assert died >= len(STEPS) / 2
    expected = read_everything(sound)
    assert expected["customer_features"]
    assert expected["store"]
    assert read_everything(killed) == expected
