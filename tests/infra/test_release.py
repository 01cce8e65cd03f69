"""A release against a stand-in for gcloud and a real HTTP server as the candidate."""

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.running import REPOSITORY, Server

OLD, NEW = "prod-scoring-0", "prod-scoring-1"
MODELS = ["application", "card_default"]
DECISION = b'{"decision": "approve"}'


@dataclass
class Candidate:
    """What the candidate answers: `first` once each, then `always`."""

    first: list[tuple[int, bytes]] = field(default_factory=list)
    always: tuple[int, bytes] = (200, DECISION)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def candidate() -> Iterator[Candidate]:
    told = Candidate()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append((self.command, self.path, self.headers["authorization"]))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, body = told.first.pop(0) if told.first else told.always
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 -- the library's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Cloud:
    """A folder with a `gcloud`, and what it knows."""

    folder: Path

    def state(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads((self.folder / "state").read_text())
        return known

    def told(self, **changes: object) -> None:
        (self.folder / "state").write_text(json.dumps(self.state() | changes))

    def start(self, *words: str) -> subprocess.Popen[str]:
        path = f"PATH={self.folder}:/usr/bin:/bin"
        return subprocess.Popen(
            ["env", path, *words], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code and what was said of it."""
        process = self.start(*words)
        _, said = process.communicate(timeout=60)
        return process.returncode, said

    def calls(self, part: str) -> list[str]:
        return [call for call in self.state()["calls"] if part in call]


@pytest.fixture
def cloud(tmp_path: Path, candidate: Candidate) -> Cloud:
    made = Cloud(tmp_path)
    script = Path(__file__).parent / "gcloud.py"
    (tmp_path / "gcloud").write_text(
        f'#!/bin/sh\nexec {sys.executable} {script} {tmp_path}/state "$@"\n'
    )
    (tmp_path / "gcloud").chmod(0o755)
    (tmp_path / "state").write_text("{}")
    made.told(url=candidate.url, calls=[], failing="", champions=MODELS)
    made.told(revisions=[OLD], shares={OLD: 100}, tags={})
    return made


RELEASE = [
    *(sys.executable, "infra/release.py", "--project=money", "--region=here"),
    *("--environment=prod", "--scoring-image=scoring:2", "--training-image=training:2"),
    *("--canary-percent=10", "--canary-seconds=1"),
]


def test_a_release_is_smoke_tested_then_a_canary_then_promoted(
    cloud: Cloud, candidate: Candidate
) -> None:
    code, said = cloud.run(*RELEASE)
    assert code == 0, said
    assert cloud.state()["shares"] == {NEW: 100}
    assert cloud.state()["tags"]["previous"] == OLD
    changing = [c for c in cloud.state()["calls"] if " update" in c or "execute" in c]
    assert [c.removesuffix(" --project=money --region=here --quiet") for c in changing] == [
        (
            "run services update prod-scoring --image=scoring:2 "
            "--command= --args= --no-traffic --tag=candidate"
        ),
        f"run services update-traffic prod-scoring --to-revisions={NEW}=10",
        (
            "run services update-traffic prod-scoring "
            f"--to-revisions={NEW}=100 --update-tags=previous={OLD}"
        ),
        (
            "run services update prod-retrain --image=scoring:2 "
            "--command=python --args=-m,functions.retrain"
        ),
        "run jobs update prod-train-application --image=training:2 --command=",
        "run jobs update prod-train-card-default --image=training:2 --command=",
    ]
    assert candidate.asked[:3] == [
        ("GET", "/health/live", "Bearer token"),
        ("POST", "/predict", "Bearer token"),
        ("POST", "/v1/models/card_default:predict", "Bearer token"),
    ]
    assert len(candidate.asked) >= 9  # before the canary, with its share, and once more at least
    assert set(cloud.calls("identity-token")) == {
        "auth print-identity-token --audiences=https://service --quiet"
    }


def test_the_same_release_again_keeps_whom_a_rollback_goes_back_to(cloud: Cloud) -> None:
    cloud.told(shares={NEW: 100}, tags={"previous": OLD}, revisions=[OLD])
    code, said = cloud.run(*RELEASE)
    assert code == 0, said
    assert cloud.state()["shares"] == {NEW: 100}
    assert cloud.state()["tags"]["previous"] == OLD


def test_a_first_deployment_trains_what_has_no_champion_and_needs_no_canary(cloud: Cloud) -> None:
    cloud.told(shares={}, revisions=[OLD], champions=[])
    code, said = cloud.run(*RELEASE)
    assert code == 0, said
    assert cloud.state()["shares"] == {NEW: 100}
    assert cloud.state()["champions"] == MODELS
    [first, *_] = cloud.calls("prod-train-application")
    assert "jobs update" in first  # the new image trains


def test_only_a_model_without_a_champion_is_trained(cloud: Cloud) -> None:
    cloud.told(champions=["application"])
    assert cloud.run(*RELEASE)[0] == 0
    assert [call.split()[3] for call in cloud.calls("execute")] == ["prod-train-card-default"]


def test_a_model_that_is_still_loading_is_waited_for(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, b"{}"), (503, b"{}"), (503, b"{}")]
    assert cloud.run(*RELEASE)[0] == 0


WRONG = {
    "refused": (500, b"{}"),
    "without a decision": (200, b"{}"),
    "no JSON": (200, b"<html>"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_failed_smoke_test_promotes_nothing(
    cloud: Cloud, candidate: Candidate, wrong: tuple[int, bytes]
) -> None:
    candidate.always = wrong
    code, said = cloud.run(*RELEASE)
    assert code == 1
    assert "smoke test: http" in said
    assert cloud.state()["shares"] == {OLD: 100}
    assert not cloud.calls(NEW)
    assert not cloud.calls("training:2")


def test_a_failed_canary_is_rolled_back(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, DECISION)] * 6  # both smoke tests are passed
    candidate.always = (503, b"{}")  # and while it is watched there is no patience
    code, _ = cloud.run(*RELEASE)
    assert code == 1
    assert cloud.calls(f"--to-revisions={NEW}=10")
    assert cloud.state()["shares"] == {OLD: 100}
    assert not cloud.calls("training:2")


def test_shares_between_several_revisions_are_restored_as_they_were(
    cloud: Cloud, candidate: Candidate
) -> None:
    shares = {"prod-scoring-x": 30, OLD: 70}
    cloud.told(shares=shares)
    candidate.first = [(200, DECISION)] * 6
    candidate.always = (500, b"{}")
    assert cloud.run(*RELEASE)[0] == 1
    assert cloud.state()["shares"] == shares


def test_a_cancelled_canary_is_rolled_back(cloud: Cloud) -> None:
    process = cloud.start(*RELEASE[:-1], "--canary-seconds=600")
    deadline = time.monotonic() + 30
    while not cloud_has_canary(cloud) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert cloud.state()["shares"] == {OLD: 100}


def cloud_has_canary(cloud: Cloud) -> bool:
    """The share is given and its smoke test has its token: nothing writes the state now."""
    try:
        calls = cloud.state()["calls"]
    except ValueError:  # while it is written
        return False
    return any("=10 " in call for call in calls) and "identity-token" in calls[-1]


STEPS = {
    "services describe": {OLD: 100},
    "services update prod-scoring": {OLD: 100},
    "jobs list": {OLD: 100},
    "storage ls": {OLD: 100},
    "jobs execute": {OLD: 100},
    "identity-token": {OLD: 100},
    f"{NEW}=10 ": {OLD: 100},
    f"{NEW}=100 ": {OLD: 100},
    "services update prod-retrain": {NEW: 100},
    "jobs update prod-train-card-default": {NEW: 100},
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_fails_the_release(cloud: Cloud, step: str) -> None:
    champions = ["application"] if "execute" in step else MODELS
    cloud.told(failing=step, champions=champions)
    code, said = cloud.run(*RELEASE)
    assert code == 1
    assert "release stopped: gcloud" in said
    assert cloud.state()["shares"] == STEPS[step]


@pytest.mark.parametrize("words", [["--canary-percent=0"], ["--canary-percent=100"], ["--region="]])
def test_a_release_with_a_wrong_argument_stops_before_any_call(
    cloud: Cloud, words: list[str]
) -> None:
    assert cloud.run(*RELEASE, *words)[0] == 2
    assert cloud.state()["calls"] == []


def test_a_rollback_is_one_command(cloud: Cloud) -> None:
    assert cloud.run(*RELEASE)[0] == 0
    cloud.told(calls=[])
    code, said = cloud.run("sh", "infra/rollback.sh", "prod", "here")
    assert code == 0, said
    assert len(cloud.state()["calls"]) == 1
    assert cloud.state()["shares"] == {OLD: 100}


def test_the_real_service_passes_the_smoke_test(service: Server) -> None:
    url = str(service.client.base_url).rstrip("/")
    words = [sys.executable, "infra/smoke.py", f"--url={url}", *MODELS]
    subprocess.run(words, cwd=REPOSITORY, input="token", text=True, check=True)


def test_a_service_that_does_not_answer_fails_the_smoke_test_in_the_end(
    candidate: Candidate,
) -> None:
    candidate.always = (503, b'{"detail": "no champion"}')
    words = ["infra/smoke.py", f"--url={candidate.url}", "--patience=1", "application"]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=REPOSITORY,
        input="token",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no champion" in done.stderr


def submitted(cloud: Cloud, variables: str | None) -> tuple[int, list[str]]:
    """Exit code and calls of a submission from a tree with these variables."""
    environments = cloud.folder / "terraform" / "environments"
    environments.mkdir(parents=True)
    if variables is not None:
        (environments / "prod.tfvars").write_text(variables)
    script = REPOSITORY / "infra" / "submit.sh"
    process = cloud.start("sh", "-c", f"cd {cloud.folder} && sh {script} prod")
    process.communicate(timeout=30)
    return process.returncode, cloud.state()["calls"]


def test_a_submission_names_what_the_environments_variables_say(cloud: Cloud) -> None:
    code, calls = submitted(cloud, '# ours\nproject_id     = "money"\nregion = "here" # near\n')
    assert code == 0
    assert calls == [
        (
            "builds submit --project=money --region=here --config=cloudbuild.yaml "
            "--gcs-source-staging-dir=gs://money-surety-state/source --substitutions="
            "_ENVIRONMENT=prod,_REGION=here,_STATE_BUCKET=money-surety-state ."
        )
    ]


@pytest.mark.parametrize("variables", [None, 'region = "here"', 'project_id = "money"'])
def test_a_submission_without_a_project_or_region_stops(cloud: Cloud, variables: str) -> None:
    code, calls = submitted(cloud, variables)
    assert code != 0
    assert calls == []


@pytest.mark.skipif(
    not shutil.which("gcloud"), reason="gcloud is not installed: no call was parsed"
)
def test_the_real_gcloud_understands_every_call(cloud: Cloud, tmp_path: Path) -> None:
    cloud.told(champions=["application"])
    assert cloud.run(*RELEASE)[0] == 0
    assert cloud.run("sh", "infra/rollback.sh", "prod", "here")[0] == 0
    submitted(cloud, 'project_id = "money"\nregion = "here"')
    kinds = {re.sub(r"=\S+", "=", call): call for call in cloud.state()["calls"]}
    assert len(kinds) >= 10
    for call in kinds.values():
        assert parsed(call, tmp_path) is None


def parsed(call: str, folder: Path) -> str | None:
    """What gcloud's parser has against a call; it needs no account and carries nothing out."""
    quoted = re.sub(r"=(?= )", '=""', call)
    lint = ["gcloud", "meta", "lint-gcloud-commands", f"--command-string=gcloud {quoted}"]
    words = ["env", f"CLOUDSDK_CONFIG={folder}", *lint]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    [verdict] = json.loads(done.stdout)
    complaint: str | None = verdict["error_message"]
    return complaint
