"""Releases rehearsed: all that is new at once, cancelled at every step, compared and given back."""

import json
import re
import subprocess
import urllib.request
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from infra.probe import Probe
from tests.infra.rehearsal import (
    COMMIT,
    MODELS,
    NEW,
    OLD,
    SCORING,
    TRAINING,
    WATCHED,
    Candidate,
    Cloud,
    Google,
)
from tests.support.running import REPOSITORY

pytestmark = pytest.mark.slow

OWN_JOB = "prod-train-personal-loan"
JOBS = ["prod-train-application", "prod-train-card-default", OWN_JOB]
NEW_TOGETHER = [
    ["old", "old"],
    [SCORING, "old"],
    [SCORING, "new"],
]  # the old image knows no new setting


def test_a_setting_that_only_the_new_code_knows_comes_with_it_and_an_own_model_is_trained(
    cloud: Cloud,
) -> None:
    cloud.set(starts=NEW_TOGETHER, jobs=JOBS)
    code, output = cloud.whole_release("new")
    assert code == 0, output
    state = cloud.state()
    [serving] = state["shares"]
    assert (state["revisions"][serving]["image"], state["revisions"][serving]["settings"]) == (
        SCORING,
        "new",
    )
    assert state["retrain_traffic"] == "latest"
    assert state["champions"] == [*MODELS, "personal_loan"]
    [trained_with, *_] = cloud.calls(OWN_JOB)
    assert f"--image={TRAINING}" in trained_with
    assert state["tags"] == {"previous": OLD}


def test_jobs_of_the_data_pipeline_get_the_image_and_are_not_run(cloud: Cloud) -> None:
    ingest = "prod-pipeline-ingest-crm"
    cloud.set(jobs=[*JOBS, ingest, "prod2-pipeline-features"])
    code, output = cloud.whole_release("old")
    assert code == 0, output
    [updated] = cloud.calls(ingest)
    assert f"--image={TRAINING}" in updated
    assert "--command=" in updated
    assert cloud.calls("prod2-pipeline-features") == []


def test_without_the_offer_such_a_setting_ends_the_apply(cloud: Cloud) -> None:
    cloud.set(starts=NEW_TOGETHER)
    assert not cloud.apply("new")


def test_an_image_that_needs_the_new_setting_waits_for_it(cloud: Cloud) -> None:
    """Neither starts with the other's half: what is applied mends what the offer could not."""
    cloud.set(starts=[["old", "old"], [SCORING, "new"]])
    code, output = cloud.offer()
    assert code == 0, output
    assert "does not start with the settings of now" in output
    assert cloud.state()["shares"] == {OLD: 100}
    assert cloud.apply("new")
    code, output = cloud.run(*cloud.releasing())
    assert code == 0, output
    assert cloud.state()["shares"] == {"prod-scoring-2": 100}


def test_an_image_that_never_starts_gets_no_traffic_and_its_fault_is_told(cloud: Cloud) -> None:
    cloud.set(starts=[["old", "old"]])
    code, output = cloud.whole_release()
    assert code == 1
    assert f"{NEW} does not start: The user-provided container failed to start" in output
    assert cloud.state()["shares"] == {OLD: 100}
    assert not cloud.calls("update-traffic")


STEPS = (
    *("services list", "update prod-scoring", "update prod-retrain", "revisions describe"),
    *("update-tags=build", "jobs list", "jobs execute", "access-token", f"{NEW}=10,"),
    *(f"{NEW}=100 ", "--to-latest", "jobs update prod-train-application"),
)
FINISHED = {"--to-latest", "jobs update prod-train-application"}


@pytest.mark.parametrize("step", STEPS)
def test_a_release_cancelled_at_any_step_leaves_one_revision_and_can_be_repeated(
    cloud: Cloud, step: str
) -> None:
    cloud.set(interrupting=step, champions=["application"])
    code, output = cloud.release()
    assert code == 143, output
    state = cloud.state()
    assert state["shares"] == {NEW if step in FINISHED else OLD: 100}
    if step not in FINISHED:
        assert state["tags"] == {}
    cloud.set(interrupting="")
    code, output = cloud.release("--build=b0b0b0b0", "--canary-seconds=0")
    assert code == 0, output
    [serving] = cloud.state()["shares"]
    assert cloud.state()["revisions"][serving]["labels"] == {
        "release": "build-b0b0b0b0",
        "commit": COMMIT,
    }


SLOWER = {NEW: 30.0, OLD: 20.0}
BUSY = {NEW: {"2xx": 400}, OLD: {"2xx": 3600}}
FEWER = {
    NEW: {"application": {"approve": 300, "decline": 200}},  # 60 %, less what the smoke test got
    OLD: {"application": {"approve": 2520, "decline": 1080}},  # 70 %
}


def test_a_candidate_slower_by_half_is_given_back(cloud: Cloud, google: Google) -> None:
    google.calls, google.p95_ms = BUSY, SLOWER
    code, output = cloud.release()
    assert code == 1
    assert "95th percentile of latency is 30 ms, that of the revision before 20 ms" in output
    assert cloud.state()["shares"] == {OLD: 100}


def test_a_candidate_that_approves_ten_points_fewer_is_given_back(
    cloud: Cloud, google: Google
) -> None:
    google.calls, google.decisions = BUSY, FEWER
    code, output = cloud.release()
    assert code == 1
    assert "the revision before 70.0% of 3600" in output
    assert cloud.state()["shares"] == {OLD: 100}


def test_a_candidate_that_does_as_the_one_before_is_released(cloud: Cloud, google: Google) -> None:
    google.calls, google.p95_ms = BUSY, {NEW: 21.0, OLD: 20.0}
    google.decisions = {NEW: {"application": {"approve": 354, "decline": 150}}, OLD: FEWER[OLD]}
    assert cloud.release()[0] == 0


EDGE_ONLY = "internal-and-cloud-load-balancing"


def test_where_only_the_edge_answers_a_workflow_within_the_project_asks(
    cloud: Cloud, candidate: Candidate
) -> None:
    cloud.set(ingress=EDGE_ONLY)
    code, output = cloud.release()
    assert code == 0, output
    assert cloud.state()["shares"] == {NEW: 100}
    assert {caller for _, _, caller in candidate.requests} == {"Bearer probe for https://service"}
    assert candidate.names == {"smoke-3f9ac2d0-1b7e-4c55-9d1e-5a0c2f3b4d6e"}


def test_what_a_workflow_is_refused_ends_the_release(cloud: Cloud, candidate: Candidate) -> None:
    cloud.set(ingress=EDGE_ONLY)
    candidate.always = (500, b'{"detail": "broken"}')
    code, output = cloud.release()
    assert code == 1
    assert 'answered 500: {"detail": "broken"}' in output
    assert cloud.state()["shares"] == {OLD: 100}


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"status": 0, "headers": {}, "body": "timeout"}, "no answer: timeout"),
        ({"status": 200, "headers": {}, "body": "<html>"}, "the answer is text"),
    ],
)
def test_an_answer_that_never_came_may_still_come_and_a_text_is_none(
    monkeypatch: pytest.MonkeyPatch, result: dict[str, object], error: str
) -> None:
    monkeypatch.setattr(Probe, "_run", lambda *_: json.dumps(result))
    request = urllib.request.Request("https://candidate", headers={"authorization": "Bearer t"})
    kind = OSError if result["status"] == 0 else ValueError
    with pytest.raises(kind, match=error):
        Probe("money", "here", "prod", "https://service").send(request)


def test_the_workflow_reads_what_it_is_sent_and_returns_what_is_read() -> None:
    text = (REPOSITORY / "infra" / "probe.yaml").read_text()
    sent = set(re.findall(r"\$\{request\.(\w+)\}", text))
    script = (REPOSITORY / "infra" / "probe.py").read_text()
    assert sent == set(re.findall(r'^            "(\w+)": ', script, re.MULTILINE))
    steps = yaml.safe_load(text)["main"]["steps"]
    for answer in (steps[1]["answered"], steps[0]["ask"]["except"]["steps"][0]["refused"]):
        assert set(answer["return"]) == set(re.findall(r'result\["(\w+)"\]', script))


def test_monitoring_failing_once_changes_nothing(cloud: Cloud, google: Google) -> None:
    google.calls = BUSY
    google.failures = [(503, b"busy")]
    code, output = cloud.release()
    assert code == 0, output
    assert google.failures == []
    assert cloud.state()["shares"] == {NEW: 100}


def test_an_idle_service_is_judged_by_the_smoke_tests_answers_and_says_so(
    cloud: Cloud, candidate: Candidate, google: Google
) -> None:
    google.calls = {NEW: {"2xx": 6}}
    assert cloud.offer()[0] == 0
    done = subprocess.run(
        ["env", f"PATH={cloud.folder}:/usr/bin:/bin", *cloud.releasing(WATCHED)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    watched = len(candidate.requests) - 3  # those before the canary are not
    sentence = f"no caller asked it: the smoke test's own {watched} answers alone judged it"
    assert sentence in done.stdout


def test_figures_are_read_some_minutes_after_the_watch(cloud: Cloud, google: Google) -> None:
    google.calls = BUSY
    assert cloud.release("--monitoring-seconds=1")[0] == 0
    [latency] = [path for path, _ in google.requests if "request_latencies" in path]
    query = dict(parse_qsl(urlsplit(latency).query))
    begun, ended = (
        datetime.fromisoformat(query[f"interval.{end}Time"]) for end in ("start", "end")
    )
    assert (ended - begun).total_seconds() > 1  # what was waited
    assert query["aggregation.perSeriesAligner"] == "ALIGN_DELTA"
    assert query["aggregation.crossSeriesReducer"] == "REDUCE_PERCENTILE_95"
    assert "default=180" in (REPOSITORY / "infra" / "release.py").read_text()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("", "does not name the images of scoring and training"),
        ('{"scoring_image": "a@sha256:1"}', "does not name the images of scoring and training"),
        ('{"scoring_image": "a@sha256:1", "training_image": "b:latest"}', "by digest, not by tag"),
    ],
)
def test_only_images_by_digest_are_released(cloud: Cloud, images: str, message: str) -> None:
    Path(cloud.folder / "images.json").write_text(images)
    code, output = cloud.offer()
    assert code == 2
    assert message in output
    assert cloud.state()["calls"] == []
