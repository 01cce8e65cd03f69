"""A release against a stand-in for gcloud and a real HTTP server as the candidate."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from models.catalogue.application import Application
from models.registry.pointer import Author, promote
from models.stores.uri import open_store
from tests.support.faults import wait_until
from tests.support.published import NOW, publish_by_hand
from tests.support.running import REPOSITORY, Server, running_server

pytestmark = pytest.mark.slow

OLD, NEW = "prod-scoring-0", "prod-scoring-1"
MODELS = ["application", "card_default"]
DECISION = b'{"decision": "approve"}'


@dataclass
class Candidate:
    """What the candidate answers: `first` once each, then `always`; before one, do `meanwhile`."""

    first: list[tuple[int, bytes]] = field(default_factory=list)
    always: tuple[int, bytes] = (200, DECISION)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    names: set[str | None] = field(default_factory=set)
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    url: str = ""


@dataclass
class Google:
    """What Google's two APIs answer, and what they were asked."""

    always: tuple[int, bytes] = (200, b"{}")
    series: dict[str, int] = field(default_factory=dict)  # class of answers -> how many
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        self.requests.append((path, json.loads(body or b"{}")))
        if path.startswith("/v1/projects/-/serviceAccounts/"):
            return 200, b'{"token": "id.secret"}'
        series = [
            {
                "metric": {"labels": {"response_code_class": name}},
                "points": [{"value": {"int64Value": str(part)}} for part in (count - 1, 1)],
            }
            for name, count in self.series.items()
        ]
        return (200, json.dumps({"timeSeries": series}).encode()) if series else self.always


@contextmanager
def listening(
    answer: Callable[[BaseHTTPRequestHandler, bytes], tuple[int, bytes]],
) -> Iterator[str]:
    """Address of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self, self.rfile.read(int(self.headers["content-length"] or 0)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 -- the library's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def candidate() -> Iterator[Candidate]:
    service = Candidate()

    def answer(request: BaseHTTPRequestHandler, _: bytes) -> tuple[int, bytes]:
        service.requests.append((request.command, request.path, request.headers["authorization"]))
        service.names.add(request.headers["x-request-id"])
        service.meanwhile.pop(len(service.requests), lambda: None)()
        return service.first.pop(0) if service.first else service.always

    with listening(answer) as service.url:
        yield service


@pytest.fixture
def google() -> Iterator[Google]:
    google_api = Google()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        assert request.headers["authorization"] == "Bearer access.secret"
        return google_api.answer(request.path, body)

    with listening(answer) as google_api.url:
        yield google_api


@dataclass(frozen=True)
class Cloud:
    """A folder with a `gcloud`, and what it knows."""

    folder: Path
    google: str

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state").read_text())
        return state

    def set(self, **changes: object) -> None:
        (self.folder / "state").write_text(json.dumps(self.state() | changes))

    def start(self, *words: str) -> subprocess.Popen[str]:
        path = f"PATH={self.folder}:/usr/bin:/bin"
        return subprocess.Popen(
            ["env", path, *words],
            cwd=REPOSITORY,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code and what was said of it."""
        process = self.start(*words)
        _, output = process.communicate(timeout=240)
        return process.returncode, output

    def release(self, *words: str) -> tuple[int, str]:
        """Release; what is said later wins."""
        return self.run(*self.releasing(*words))

    def releasing(self, *words: str) -> list[str]:
        apis = (f"--credentials-api={self.google}", f"--monitoring-api={self.google}")
        return [*RELEASE, *apis, *words]

    def calls(self, part: str) -> list[str]:
        return [call for call in self.state()["calls"] if part in call]


@pytest.fixture
def cloud(tmp_path: Path, candidate: Candidate, google: Google) -> Cloud:
    made = Cloud(tmp_path, google.url)
    script = Path(__file__).parent / "gcloud.py"
    (tmp_path / "gcloud").write_text(
        f'#!/bin/sh\nexec {sys.executable} {script} {tmp_path}/state "$@"\n'
    )
    (tmp_path / "gcloud").chmod(0o755)
    (tmp_path / "state").write_text("{}")
    made.set(url=candidate.url, calls=[], failing="", interrupting="", champions=MODELS)
    made.set(revisions=[OLD], shares={OLD: 100}, latest=False, tags={}, labels={})
    return made


RELEASE = [
    *(sys.executable, "infra/release.py", "--project=money", "--region=here"),
    *("--environment=prod", "--build=3f9ac2d0-1b7e-4c55-9d1e-5a0c2f3b4d6e"),
    *("--scoring-image=scoring:2", "--training-image=training:2"),
    *("--canary-percent=10", "--canary-seconds=1"),
]


def test_a_release_is_smoke_tested_then_a_canary_then_promoted(
    cloud: Cloud, candidate: Candidate
) -> None:
    cloud.set(tags={"build-00000000": "prod-scoring-x", "mine": "prod-scoring-y"})
    code, output = cloud.release()
    assert code == 0, output
    assert cloud.state()["shares"] == {NEW: 100}
    assert cloud.state()["tags"] == {"previous": OLD, "mine": "prod-scoring-y"}
    changing = [c for c in cloud.state()["calls"] if " update" in c or "execute" in c]
    assert [c.removesuffix(" --project=money --region=here --quiet") for c in changing] == [
        (
            "run services update prod-scoring --image=scoring:2 "
            "--command= --args= --no-traffic --update-labels=release=build-3f9ac2d0"
        ),
        f"run services update-traffic prod-scoring --update-tags=build-3f9ac2d0={NEW}",
        (
            "run services update-traffic prod-scoring "
            f"--to-revisions={NEW}=10,{OLD}=90 --update-tags=previous={OLD}"
        ),
        (
            "run services update-traffic prod-scoring "
            f"--to-revisions={NEW}=100 --remove-tags=build-00000000,build-3f9ac2d0"
        ),
        (
            "run services update prod-retrain --image=scoring:2 "
            "--command=python --args=-m,functions.retrain"
        ),
        "run jobs update prod-train-application --image=training:2 --command=",
        "run jobs update prod-train-card-default --image=training:2 --command=",
    ]
    assert candidate.requests[:3] == [
        ("GET", "/health/ready", "Bearer id.secret"),
        ("POST", "/predict", "Bearer id.secret"),
        ("POST", "/v1/models/card_default:predict", "Bearer id.secret"),
    ]
    assert len(candidate.requests) >= 9  # before the canary, with its share, and once more at least
    assert candidate.names == {"smoke-3f9ac2d0-1b7e-4c55-9d1e-5a0c2f3b4d6e"}


def test_a_release_identifies_itself_as_the_builds_account_and_shows_no_token(
    cloud: Cloud, google: Google
) -> None:
    process = subprocess.run(
        ["env", f"PATH={cloud.folder}:/usr/bin:/bin", *cloud.releasing()],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    account = "surety-build@money.iam.gserviceaccount.com"
    path, body = google.requests[0]
    assert path == f"/v1/projects/-/serviceAccounts/{account}:generateIdToken"
    assert body == {"audience": "https://service", "includeEmail": True}
    output = process.stdout + process.stderr + "".join(cloud.state()["calls"])
    assert "secret" not in output


@pytest.mark.parametrize("champions", [MODELS, []], ids=["trained", "untrained"])
def test_the_first_release_is_one_like_any_other_and_trains_what_has_no_champion(
    cloud: Cloud, champions: list[str]
) -> None:
    """Terraform's service gives all to the latest: pinned, so that the candidate gets nothing."""
    cloud.set(latest=True, champions=champions)
    code, output = cloud.release()
    assert code == 0, output
    assert cloud.state()["shares"] == {NEW: 100}
    assert cloud.state()["champions"] == MODELS
    [first, *_] = cloud.calls("prod-train-application")
    assert "jobs update" in first  # the new image trains


def test_only_a_model_without_a_champion_is_trained(cloud: Cloud) -> None:
    cloud.set(champions=["application"])
    assert cloud.release()[0] == 0
    assert [call.split()[3] for call in cloud.calls("execute")] == ["prod-train-card-default"]


def test_a_model_that_is_still_loading_is_waited_for(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, b"{}"), (503, b"{}"), (503, b"{}")]
    assert cloud.release()[0] == 0


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
    code, output = cloud.release()
    assert code == 1
    assert "smoke test: http" in output
    assert "secret" not in output  # the command line is told
    assert cloud.state()["shares"] == {OLD: 100}
    assert not cloud.calls(f"{NEW}=")
    assert not cloud.calls("training:2")


def test_a_failed_canary_is_rolled_back(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, DECISION)] * 6  # both smoke tests are passed
    candidate.always = (503, b"{}")  # and while it is watched there is no patience
    cloud.set(tags={"previous": "prod-scoring-x"})
    code, _ = cloud.release()
    assert code == 1
    assert cloud.calls(f"--to-revisions={NEW}=10")
    assert cloud.state()["shares"] == {OLD: 100}
    assert cloud.state()["tags"]["previous"] == "prod-scoring-x"
    assert not cloud.calls("training:2")


@pytest.mark.parametrize(
    ("series", "code"),
    [
        ({"2xx": 197, "5xx": 3}, 1),
        ({"5xx": 3}, 1),
        ({"2xx": 297, "5xx": 3}, 0),  # 1 %
        ({"2xx": 10, "4xx": 50, "5xx": 2}, 0),  # too few to tell
        ({}, 0),
    ],
)
def test_a_canary_that_fails_its_callers_is_rolled_back(
    cloud: Cloud, google: Google, series: dict[str, int], code: int
) -> None:
    google.series = series
    assert cloud.release()[0] == code
    assert cloud.state()["shares"] == {OLD if code else NEW: 100}
    [(path, _)] = [request for request in google.requests if "timeSeries" in request[0]]
    query = dict(parse_qsl(urlsplit(path).query))
    assert f'resource.labels.revision_name="{NEW}"' in query["filter"]
    begun = datetime.fromisoformat(query["interval.startTime"])
    ended = datetime.fromisoformat(query["interval.endTime"])
    assert 1 <= (ended - begun).total_seconds() < 60


@pytest.mark.parametrize("answer", [(403, b"denied"), (200, b"<html>")])
def test_a_canary_that_cannot_be_judged_is_rolled_back(
    cloud: Cloud, google: Google, answer: tuple[int, bytes]
) -> None:
    google.always = answer
    code, output = cloud.release()
    assert code == 1
    assert "timeSeries" in output
    assert "secret" not in output
    assert cloud.state()["shares"] == {OLD: 100}


def test_a_release_beside_a_divided_service_stops_before_it_begins(cloud: Cloud) -> None:
    cloud.set(shares={"prod-scoring-x": 30, OLD: 70})
    code, output = cloud.release()
    assert code == 1
    assert "--to-revisions=REVISION=100" in output
    assert len(cloud.state()["calls"]) == 1


def test_a_second_release_during_a_canary_stops_and_the_first_is_promoted(
    cloud: Cloud, candidate: Candidate
) -> None:
    codes = []
    candidate.meanwhile[5] = lambda: codes.append(cloud.release("--build=b0b0b0b0")[0])
    assert cloud.release()[0] == 0
    assert codes == [1]
    assert cloud.state()["shares"] == {NEW: 100}


def test_of_two_releases_that_begin_at_once_the_slower_stops_and_undoes_nothing(
    cloud: Cloud, candidate: Candidate
) -> None:
    codes = []
    candidate.meanwhile[2] = lambda: codes.append(cloud.release("--build=b0b0b0b0")[0])
    code, output = cloud.release()
    assert codes == [0]
    assert code == 3, output
    assert cloud.state()["shares"] == {"prod-scoring-2": 100}
    assert cloud.state()["tags"]["previous"] == OLD


def test_a_revision_of_another_release_is_not_taken_for_the_candidate(cloud: Cloud) -> None:
    cloud.set(overtaken="build-b0b0b0b0")
    code, output = cloud.release()
    assert code == 1
    assert "another release is under way" in output
    assert not cloud.calls("update-traffic")


@pytest.mark.parametrize("number", [2, 5], ids=["before the canary", "during the canary"])
def test_a_rollback_meanwhile_stops_the_release_which_undoes_nothing(
    cloud: Cloud, candidate: Candidate, number: int
) -> None:
    older = "prod-scoring-x"
    cloud.set(tags={"previous": older})
    candidate.meanwhile[number] = lambda: roll_back(cloud)
    code, output = cloud.release()
    assert code == 3
    assert "somebody else moved traffic" in output
    assert cloud.state()["shares"] == {(OLD if number == 5 else older): 100}
    assert not cloud.calls("training:2")


def test_a_canary_that_fails_after_somebody_moved_traffic_is_not_undone(
    cloud: Cloud, candidate: Candidate
) -> None:
    shares = {"prod-scoring-x": 100}
    candidate.meanwhile[5] = lambda: cloud.set(shares=shares)
    candidate.first = [(200, DECISION)] * 6
    candidate.always = (500, b"{}")
    assert cloud.release()[0] == 3
    assert cloud.state()["shares"] == shares


def test_a_killed_canary_is_resolved_by_a_rollback(cloud: Cloud) -> None:
    process = canary_under_way(cloud)
    os.killpg(process.pid, signal.SIGKILL)  # a build that ends takes all its processes with it
    process.communicate(timeout=30)
    assert cloud.state()["shares"] == {NEW: 10, OLD: 90}
    code, output = cloud.release()
    assert code == 1
    assert NEW in output
    roll_back(cloud)
    assert cloud.state()["shares"] == {OLD: 100}
    assert cloud.release()[0] == 0


def test_a_cancelled_canary_is_rolled_back(cloud: Cloud) -> None:
    process = canary_under_way(cloud)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert cloud.state()["shares"] == {OLD: 100}


def test_a_restoration_is_not_ended_by_a_signal(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, DECISION)] * 6
    candidate.always = (500, b"{}")
    cloud.set(interrupting=f"--to-revisions={OLD}=100")
    assert cloud.release()[0] == 1
    assert cloud.state()["shares"] == {OLD: 100}


def test_a_restoration_that_fails_is_reported(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, DECISION)] * 6
    candidate.always = (500, b"{}")
    cloud.set(failing=f"--to-revisions={OLD}=100")
    code, output = cloud.release()
    assert code == 3
    assert "could not be given back, run rollback.sh" in output


def canary_under_way(cloud: Cloud) -> subprocess.Popen[str]:
    """Begin a release, and wait until its share is given and nothing changes the state."""
    process = cloud.start(*cloud.releasing("--canary-seconds=600"))
    deadline = time.monotonic() + 120
    while not cloud_has_canary(cloud):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


def cloud_has_canary(cloud: Cloud) -> bool:
    calls = cloud.state()["calls"]
    return any(f"{NEW}=10," in call for call in calls) and "access-token" in calls[-1]


def roll_back(cloud: Cloud) -> None:
    code, output = cloud.run("sh", "infra/rollback.sh", "prod", "here")
    assert code == 0, output


STEPS = {
    "services describe": (1, OLD),
    "services update prod-scoring": (1, OLD),
    "revisions describe": (1, OLD),
    "--update-tags=build-": (1, OLD),
    "jobs list": (1, OLD),
    "storage ls": (1, OLD),
    "jobs execute": (1, OLD),
    "access-token": (1, OLD),
    f"{NEW}=10,": (1, OLD),
    f"{NEW}=100 ": (1, OLD),
    "services update prod-retrain": (4, NEW),
    "jobs update prod-train-card-default": (4, NEW),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_fails_the_release(cloud: Cloud, step: str) -> None:
    champions = ["application"] if "execute" in step else MODELS
    cloud.set(failing=step, champions=champions)
    code, output = cloud.release()
    expected, serves = STEPS[step]
    assert code == expected
    messages = {
        1: "release stopped: gcloud",
        4: "released, but not all that trains is updated: gcloud",
    }
    assert messages[code] in output
    assert cloud.state()["shares"] == {serves: 100}


@pytest.mark.parametrize("words", [["--canary-percent=0"], ["--canary-percent=100"], ["--region="]])
def test_a_release_with_a_wrong_argument_stops_before_any_call(
    cloud: Cloud, words: list[str]
) -> None:
    assert cloud.release(*words)[0] == 2
    assert cloud.state()["calls"] == []


def test_a_rollback_is_one_command(cloud: Cloud) -> None:
    assert cloud.release()[0] == 0
    cloud.set(calls=[])
    roll_back(cloud)
    assert len(cloud.state()["calls"]) == 1
    assert cloud.state()["shares"] == {OLD: 100}


def test_the_real_service_passes_the_smoke_test(service: Server) -> None:
    url = str(service.client.base_url).rstrip("/")
    words = [sys.executable, "infra/smoke.py", f"--url={url}", *MODELS]
    subprocess.run(words, cwd=REPOSITORY, input="token", text=True, check=True)


def test_a_service_that_asks_for_keys_of_its_own_passes_the_smoke_test_once_it_is_ready(
    tmp_path: Path,
) -> None:
    store, keys = (tmp_path / "store").as_uri(), tmp_path / "keys"
    keys.touch()
    settings = {"AUTH": "api-key", "API_KEYS": str(keys), "API_KEY_PEPPER": 32 * "p"}
    with running_server(tmp_path / "log", "module", MODEL_STORE=store, **settings) as server:
        url = str(server.client.base_url).rstrip("/")
        words = [sys.executable, "infra/smoke.py", f"--url={url}", "--patience=1", "application"]

        def smoke() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                words, cwd=REPOSITORY, input="token", capture_output=True, text=True, check=False
            )

        done = smoke()
        assert done.returncode == 1
        assert "/health/ready answered 503" in done.stderr
        row = json.loads((REPOSITORY / "docs/examples/application.json").read_text())
        version = publish_by_hand(open_store(store), Application, row)
        promote(open_store(store), "application", version, Author(who="tester", when=NOW))
        wait_until(lambda: server.client.get("/health/ready").status_code == 200)
        assert smoke().returncode == 0


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
    scripts = cloud.folder / "infra"
    scripts.mkdir()
    for script in ("submit.sh", "environment.sh"):
        shutil.copy(REPOSITORY / "infra" / script, scripts)
    process = cloud.start("sh", f"{scripts}/submit.sh", "prod")
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


@pytest.mark.environments
@pytest.mark.skipif(
    not shutil.which("gcloud"), reason="gcloud is not installed: no call was parsed"
)
def test_the_real_gcloud_understands_every_call(cloud: Cloud, tmp_path: Path) -> None:
    cloud.set(champions=["application"])
    assert cloud.release()[0] == 0
    assert cloud.run("sh", "infra/rollback.sh", "prod", "here")[0] == 0
    submitted(cloud, 'project_id = "money"\nregion = "here"')
    kinds = {re.sub(r"=\S+", "=", call): call for call in cloud.state()["calls"]}
    assert len(kinds) >= 12
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
