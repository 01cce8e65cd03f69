"""What a developer runs: `make stress`, the examples, the list of targets."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY, MadeRun, Server, free_port, make_run
from tests.support.source_tree import project_files

# 38 s on two quiet cores of an AMD EPYC; 75 s on slower ones with other work beside.
FIRST_ANSWER_SECONDS = 120


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", "--no-print-directory", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_thousand_requests_ten_at_a_time_have_no_failure(service: Server) -> None:
    done = make("stress", f"URL={str(service.client.base_url).rstrip('/')}")
    figures = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0
    assert (figures["requests"], figures["failures"]) == (1_000, 0)
    assert figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]


def test_a_single_request_can_be_sent(service: Server) -> None:
    done = make("stress", "ONE=1", f"URL={str(service.client.base_url).rstrip('/')}")
    assert json.loads(done.stdout.splitlines()[-1])["requests"] == 1


def test_failures_are_counted_and_exit_with_1() -> None:
    done = make("stress", f"URL=http://127.0.0.1:{free_port()}")
    assert done.returncode != 0
    assert json.loads(done.stdout.splitlines()[-1])["failures"] == 1_000


def test_make_run_answers_before_it_trains_the_other_models(made_run: MadeRun) -> None:
    text = made_run.output
    before, _, after = text.partition(f"Serving on http://localhost:{made_run.port} after ")
    assert before.count('"outcome": "promoted"') == 1
    assert '"status": "success"' in before
    assert before.count('"probability_of_default": 0.') == 1
    assert after.count('"outcome": "promoted"') == 4
    assert '"model": "card_default"' in after
    assert after.splitlines()[-1].startswith("All 5 models are served")


@pytest.mark.environments
@pytest.mark.timing
def test_a_fresh_clone_answers_within_two_minutes_of_its_packages(tmp_path: Path) -> None:
    """The packages are in uv's cache."""
    clone = tmp_path / "clone"
    for path in project_files():
        target = clone / path.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    began = time.monotonic()
    run = make_run((tmp_path / "store").as_uri(), clone, until="Serving on ")
    assert '"status": "success"' in run.output
    assert time.monotonic() - began <= FIRST_ANSWER_SECONDS


def test_help_lists_every_target_a_user_may_call() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    lines = make("help").stdout.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert listed == phony.split()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings == ["Set up", "Run", "Test", "Benchmarks", "Documents", "Cloud"]
