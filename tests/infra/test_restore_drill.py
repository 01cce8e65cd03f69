"""The restore drill on copies that stand in folders, with stand-ins for gcloud and bq."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.catalogue.application import Application
from models.registry.pointer import Author, promote
from models.stores.uri import open_store
from tests.support.google_logs import query
from tests.support.published import NOW, publish_by_hand
from tests.support.running import REPOSITORY, running_server

pytestmark = pytest.mark.slow

# Only these two calls are made, and only of copies.
GCLOUD = """#!/bin/sh
echo "gcloud $*" >>{folder}/calls
case $3 in gs://money-prod-backup-*) ;; *) exit 1 ;; esac
cp -R {folder}/"${{3#gs://money-prod-backup-}}"/. "$4"
"""
BQ = """#!/bin/sh
echo "bq $*" >>{folder}/calls
cat {folder}/lines.json
"""


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """What a second region holds: a champion, its decision, and where the chain ended."""
    row = json.loads((REPOSITORY / "docs/examples/application.json").read_text())
    store, evidence = (tmp_path / "models").as_uri(), (tmp_path / "evidence").as_uri()
    version = publish_by_hand(open_store(store), Application, row)
    promote(open_store(store), "application", version, Author(who="tester", when=NOW))
    log = tmp_path / "decisions.log"
    settings = {"DECISION_LOG": str(log), "DECISION_ANCHOR_STORE": evidence}
    with running_server(tmp_path / "log", "module", MODEL_STORE=store, **settings) as server:
        for _ in range(2):
            answer = server.client.post("/v1/models/application:predict", json={"instances": [row]})
            assert answer.status_code == 200, answer.text
    query([json.loads(line) for line in log.read_text().splitlines()], tmp_path)
    for name, text in {"gcloud": GCLOUD, "bq": BQ}.items():
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    return tmp_path


def drill(copies: Path, into: Path) -> subprocess.CompletedProcess[str]:
    words = ["--project=money", "--environment=prod", f"--into={into}"]
    return subprocess.run(
        [
            "env",
            f"PATH={copies}:/usr/bin:/bin",
            sys.executable,
            "-m",
            "infra.restore_drill",
            *words,
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_copies_that_are_whole_verify_and_score_and_each_steps_time_is_told(copies: Path) -> None:
    done = drill(copies, copies / "into")
    assert done.returncode == 0, done.stderr
    seconds = json.loads(done.stdout.splitlines()[-1])
    assert list(seconds) == [
        *("models copied", "anchors copied", "decisions copied"),
        *("models verified", "decisions verified", "every model scores"),
    ]
    calls = (copies / "calls").read_text()
    assert calls.count("gcloud storage rsync gs://money-prod-backup-") == 2
    assert "money.prod_decisions_backup.run_googleapis_com_stdout" in calls
    assert calls.count("\n") == 3

    # The same copies, spoilt: a decision that was changed, then a bundle that was.
    lines = copies / "lines.json"
    lines.write_text(lines.read_text().replace("approve", "decline").replace("refer", "decline"))
    done = drill(copies, copies / "changed")
    assert done.returncode == 1
    assert "error: decisions verified" in done.stderr
    [bundle] = (copies / "models").glob("versions/*/*/bundle.zip")
    bundle.write_bytes(bundle.read_bytes()[:-1])
    done = drill(copies, copies / "spoilt")
    assert done.returncode == 1
    assert "error: models verified" in done.stderr


def test_an_empty_copy_is_no_success(copies: Path) -> None:
    shutil.rmtree(copies / "models")
    (copies / "models").mkdir()
    done = drill(copies, copies / "into")
    assert done.returncode == 1
    assert "has no champion: nothing was copied, or nothing published" in done.stderr
