"""A release against a stand-in for gcloud and a real HTTP server as the candidate."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from models.catalogue.application import Application
from models.registry.pointer import Author, promote
from models.stores.uri import open_store
from tests.infra.rehearsal import (
    COMMIT,
    DECISION,
    MODELS,
    NEW,
    OLD,
    SCORING,
    TAG,
    TRAINING,
    WATCHED,
    Candidate,
    Cloud,
    Google,
)
from tests.support.faults import wait_until
from tests.support.published import NOW, publish_by_hand
from tests.support.running import REPOSITORY, Server, running_server

pytestmark = pytest.mark.slow


def test_a_release_is_smoke_tested_then_a_canary_then_promoted(
    cloud: Cloud, candidate: Candidate
) -> None:
    cloud.set(tags={"build-00000000": "prod-scoring-x", "mine": "prod-scoring-y"})
    code, output = cloud.release(WATCHED)
    assert code == 0, output
    assert cloud.state()["shares"] == {NEW: 100}
    changing = [c for c in cloud.state()["calls"] if " update" in c or "execute" in c]
    offered = (
        f"--no-traffic --update-labels=release={TAG},commit={COMMIT}"  # who made a revision shows
    )
    commit = f"--update-labels=commit={COMMIT}"
    assert [c.removesuffix(" --project=money --region=here --quiet") for c in changing] == [
        f"run services update prod-scoring --image={SCORING} --command= --args= {offered}",
        (
            f"run services update prod-retrain --image={SCORING} "
            f"--command=python --args=-m,functions.retrain {offered}"
        ),
        f"run services update-traffic prod-scoring --update-tags={TAG}={NEW}",
        (
            "run services update-traffic prod-scoring "
            f"--to-revisions={NEW}=10,{OLD}=90 --update-tags=previous={OLD}"
        ),
        (f"run services update-traffic prod-scoring --to-revisions={NEW}=100 --remove-tags={TAG}"),
        "run services update-traffic prod-retrain --to-latest",
        f"run jobs update prod-train-application --image={TRAINING} --command= {commit}",
        f"run jobs update prod-train-card-default --image={TRAINING} --command= {commit}",
    ]
    assert candidate.requests[:3] == [
        ("GET", "/health/ready", "Bearer id.secret"),
        ("POST", "/v1/models/application:predict", "Bearer id.secret"),
        ("POST", "/v1/models/card_default:predict", "Bearer id.secret"),
    ]
    assert len(candidate.requests) >= 9  # before the canary, with its share, and once more at least
    assert candidate.names == {"smoke-3f9ac2d0-1b7e-4c55-9d1e-5a0c2f3b4d6e"}


def test_a_release_removes_its_own_tag_alone_and_names_what_others_left(cloud: Cloud) -> None:
    tags = {"build-00000000": "prod-scoring-x", "mine": "prod-scoring-y"}
    cloud.set(tags=tags)
    assert cloud.offer()[0] == 0
    process = subprocess.run(
        ["env", f"PATH={cloud.folder}:/usr/bin:/bin", *cloud.releasing()],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert cloud.state()["tags"] == tags | {"previous": OLD}
    assert "--project=money --region=here --remove-tags=build-00000000" in process.stdout


def test_a_failed_release_leaves_no_tag_that_would_keep_an_instance(
    cloud: Cloud, candidate: Candidate
) -> None:
    candidate.first = [(200, DECISION)] * 6
    candidate.always = (503, b"{}")
    assert cloud.release(WATCHED)[0] == 1
    assert cloud.calls(f"--update-tags=previous={OLD}")
    assert cloud.state()["tags"] == {}


def test_a_tag_that_somebody_removed_is_explained(cloud: Cloud, candidate: Candidate) -> None:
    candidate.meanwhile[3] = lambda: cloud.set(tags={})
    code, output = cloud.release()
    assert code == 1
    assert f"somebody removed the tag {TAG}" in output
    assert "Traceback" not in output
    assert cloud.state()["shares"] == {OLD: 100}


def test_a_release_identifies_itself_as_the_builds_account_and_shows_no_token(
    cloud: Cloud, google: Google
) -> None:
    assert cloud.offer()[0] == 0
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
    services = cloud.state()["services"]
    cloud.set(services=[])
    assert cloud.offer()[0] == 0
    assert not cloud.calls("update")
    made = {"image": SCORING, "settings": "old", "labels": {}}
    cloud.set(services=services, templates=dict.fromkeys(services, made))
    cloud.set(revisions={f"{name}-0": made | {"starts": True} for name in services})
    cloud.set(latest=True, champions=champions)
    code, output = cloud.run(*cloud.releasing())
    assert code == 0, output
    assert cloud.state()["shares"] == {NEW: 100}
    assert cloud.state()["retrain_traffic"] == "latest"
    assert cloud.state()["champions"] == MODELS
    [first, *_] = cloud.calls("prod-train-application")
    assert "jobs update" in first  # the new image trains


def test_only_a_model_without_a_champion_is_trained(cloud: Cloud) -> None:
    cloud.set(champions=["application"])
    assert cloud.release()[0] == 0
    assert [call.split()[3] for call in cloud.calls("execute")] == ["prod-train-card-default"]


def test_a_model_that_is_still_loading_is_waited_for(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, DECISION), (503, b"{}"), (503, b"{}")]
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
    code, _ = cloud.release(WATCHED)
    assert code == 1
    assert cloud.calls(f"--to-revisions={NEW}=10")
    assert cloud.state()["shares"] == {OLD: 100}
    assert cloud.state()["tags"]["previous"] == "prod-scoring-x"
    assert not cloud.calls("training:2")


@pytest.mark.parametrize(
    ("calls", "code"),
    [
        ({NEW: {"2xx": 200, "5xx": 3}, OLD: {"2xx": 2000}}, 1),
        ({NEW: {"2xx": 6, "5xx": 3}}, 1),
        ({NEW: {"2xx": 400, "5xx": 3}, OLD: {"2xx": 2000}}, 0),  # below 1 %
        ({NEW: {"2xx": 10, "4xx": 50, "5xx": 2}, OLD: {"2xx": 2000}}, 0),  # too few to tell
        ({NEW: {"2xx": 94, "5xx": 10}, OLD: {"2xx": 900, "5xx": 100}}, 0),  # no worse than before
        ({}, 0),
    ],
)
def test_a_canary_that_fails_more_of_its_callers_than_before_is_rolled_back(
    cloud: Cloud, google: Google, calls: dict[str, dict[str, int]], code: int
) -> None:
    google.calls = calls
    assert cloud.release()[0] == code
    assert cloud.state()["shares"] == {OLD if code else NEW: 100}
    [path, *_] = [path for path, _ in google.requests if "request_count" in path]
    query = dict(parse_qsl(urlsplit(path).query))
    assert f'resource.labels.revision_name=one_of("{NEW}", "{OLD}")' in query["filter"]
    begun = datetime.fromisoformat(query["interval.startTime"])
    ended = datetime.fromisoformat(query["interval.endTime"])
    assert 0 < (ended - begun).total_seconds() < 60


@pytest.mark.parametrize(
    "answers", [[(403, b"denied")], [(200, b"<html>")] * 3, [(503, b"busy")] * 3]
)
def test_a_canary_that_cannot_be_judged_is_rolled_back(
    cloud: Cloud, google: Google, answers: list[tuple[int, bytes]]
) -> None:
    google.failures = answers
    code, output = cloud.release()
    assert code == 1
    assert "timeSeries" in output
    assert "secret" not in output
    assert cloud.state()["shares"] == {OLD: 100}
    assert not google.failures


def test_a_release_beside_a_divided_service_stops_before_it_begins(cloud: Cloud) -> None:
    cloud.set(shares={"prod-scoring-x": 30, OLD: 70})
    code, output = cloud.release()
    assert code == 1
    assert "--project=money --region=here --to-revisions=REVISION=100" in output
    assert not cloud.calls("update")


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


def test_of_two_that_were_offered_the_first_finds_the_revision_of_the_other(cloud: Cloud) -> None:
    assert cloud.offer()[0] == 0
    assert cloud.offer("--build=b0b0b0b0")[0] == 0
    code, output = cloud.run(*cloud.releasing())
    assert code == 1
    assert "is not of build-3f9ac2d0: another release is under way" in output
    assert not cloud.calls("update-traffic")


def test_a_retrain_revision_of_a_release_under_way_gets_no_traffic(
    cloud: Cloud, candidate: Candidate
) -> None:
    codes = []
    candidate.meanwhile[2] = lambda: codes.append(cloud.offer("--build=b0b0b0b0")[0])
    code, output = cloud.release()
    assert (codes, code) == ([0], 4)
    assert "prod-retrain-2 is of build-b0b0b0b0, which is under way" in output
    assert cloud.state()["retrain_traffic"] == "pinned"


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
    assert cloud.release(WATCHED)[0] == 1
    assert cloud.state()["shares"] == {OLD: 100}


def test_a_restoration_that_fails_is_reported(cloud: Cloud, candidate: Candidate) -> None:
    candidate.first = [(200, DECISION)] * 6
    candidate.always = (500, b"{}")
    cloud.set(failing=f"--to-revisions={OLD}=100")
    code, output = cloud.release(WATCHED)
    assert code == 3
    assert "could not be given back, run `make rollback`" in output


def canary_under_way(cloud: Cloud) -> subprocess.Popen[str]:
    """Begin a release, and wait until its share is given and nothing changes the state."""
    assert cloud.offer()[0] == 0
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
    code, output = cloud.roll_back()
    assert code == 0, output


STEPS = {
    "services list": (1, OLD),
    "services describe": (1, OLD),
    "services update prod-scoring": (1, OLD),
    "services update prod-retrain": (1, OLD),
    "revisions describe": (1, OLD),
    "--update-tags=build-": (1, OLD),
    "jobs list": (1, OLD),
    "storage ls": (1, OLD),
    "jobs execute": (1, OLD),
    "access-token": (1, OLD),
    f"{NEW}=10,": (1, OLD),
    f"{NEW}=100 ": (1, OLD),
    "--to-latest": (4, NEW),
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
    assert [call.split()[2] for call in cloud.state()["calls"]] == [
        *("describe", "update-traffic", "describe")  # what serves before, and after
    ]
    assert cloud.state()["shares"] == {OLD: 100}


def test_the_real_service_passes_the_smoke_test(service: Server) -> None:
    url = str(service.client.base_url).rstrip("/")
    words = [sys.executable, "-m", "infra.smoke", f"--url={url}", *MODELS]
    subprocess.run(words, cwd=REPOSITORY, input="token", text=True, check=True)


def test_a_service_that_asks_for_keys_of_its_own_passes_the_smoke_test_once_it_is_ready(
    tmp_path: Path,
) -> None:
    store, keys = (tmp_path / "store").as_uri(), tmp_path / "keys"
    keys.touch()
    settings = {"AUTH": "api-key", "API_KEYS": str(keys), "API_KEY_PEPPER": 32 * "p"}
    with running_server(tmp_path / "log", "module", MODEL_STORE=store, **settings) as server:
        url = str(server.client.base_url).rstrip("/")
        words = [sys.executable, "-m", "infra.smoke", f"--url={url}", "--patience=1", "application"]

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
    words = ["-m", "infra.smoke", f"--url={candidate.url}", "--patience=1", "application"]
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
