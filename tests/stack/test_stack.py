"""The whole cloud on one machine, told as one story: each test goes on where the last one ended.

`make test-environments` runs it with few kills; `make stack-test` with more, and shows every step.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache

import httpx
import numpy as np
import pandas as pd
import pytest

from models.registry.pointer import read_pointer
from models.registry.versions import version_names
from models.stores.uri import open_store
from tests.stack.cloud import EMPTY, MODEL, REFRESH_SECONDS, STORE, Cloud, running_cloud
from tests.stack.inbox import BATCHES, INBOX, hearing, land, tell
from tests.stack.job import KillAtWrite
from tests.stack.lender import APPLICATION, ask
from tests.support.counts import counts
from tests.support.faults import wait_until
from tests.support.running import last_line, run_training
from training.synthetic import application

pytestmark = [pytest.mark.trained, pytest.mark.environments]

FULL_ONLY = pytest.mark.skipif(
    not counts().is_full, reason="full counts only: each costs two runs of the job"
)
POINTER = f"{MODEL}.json"
WRITES = [("report.html", False), ("bundle.zip", False), ("bundle.zip", True), (POINTER, True)]


@pytest.fixture(scope="module")
def cloud(bucket_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with (
        pytest.MonkeyPatch.context() as patch,
        running_cloud(bucket_server, tmp_path_factory.mktemp("logs")) as cloud,
    ):
        patch.setenv("STORAGE_EMULATOR_HOST", bucket_server)
        yield cloud


@cache
def _all_applications() -> pd.DataFrame:
    return application.generate(9_000, seed=7)


def applications_by(day: int) -> pd.DataFrame:
    """What a lender has on a day: all there was on the day before, and 20 more."""
    return _all_applications().iloc[: 8_000 + 20 * day]


def mislabelled(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    """The same rows, a share of their outcomes shuffled."""
    chance = np.random.default_rng(1)
    labels = rows["default"].to_numpy().copy()
    hit = chance.random(len(rows)) < share
    labels[hit] = chance.permutation(labels[hit])
    return rows.assign(default=labels)


def all_follow(cloud: Cloud, version: str) -> None:
    """Every container answers with a version from two refresh times after the pointer moved."""
    answers = cloud.answers_after(cloud.champion_since() + 2 * REFRESH_SECONDS)
    assert {answer.version for answer in answers} == {version}
    names = {instance.name for instance in cloud.serving.instances}
    assert {answer.served_by for answer in answers} == names


def test_before_the_first_champion_every_score_is_refused_with_the_reason(cloud: Cloud) -> None:
    for instance in cloud.serving.instances:
        answer = instance.server.client.post("/predict", json=APPLICATION)
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "no champion has been published" in answer.text
        assert int(answer.headers["retry-after"]) >= 1


def test_the_first_run_is_published_and_promoted_and_loaded_by_the_next_request(
    cloud: Cloud,
) -> None:
    execution = cloud.train(mislabelled(applications_by(day=0), 0.3))
    assert execution.summary()["outcome"] == "promoted"
    for instance in cloud.serving.instances:
        assert "model loaded" not in {line["message"] for line in instance.server.log()}
        answer = instance.server.client.post("/predict", json=APPLICATION)
        assert answer.json()["model_version"] == cloud.champion()
    cloud.lender.start()


def test_a_better_model_is_promoted_and_every_container_follows(cloud: Cloud) -> None:
    before = cloud.champion()
    summary = cloud.train(applications_by(day=1)).summary()
    assert summary["outcome"] == "promoted"
    assert cloud.champion() == summary["version"] != before
    all_follow(cloud, summary["version"])
    assert cloud.lender.failures() == []


def test_the_same_data_again_changes_nothing(cloud: Cloud) -> None:
    before = read_pointer(open_store(STORE), MODEL)
    began = time.monotonic()
    assert cloud.train(applications_by(day=1)).summary()["outcome"] == "kept"
    cloud.run_seconds = time.monotonic() - began
    assert read_pointer(open_store(STORE), MODEL) == before


@pytest.mark.parametrize(
    ("rows", "shuffled", "outcome"),
    [(8_000, 1.0, "rejected"), pytest.param(4_500, 0.0, "insufficient_evidence", marks=FULL_ONLY)],
)
def test_a_model_from_worse_data_is_kept_out(
    cloud: Cloud, rows: int, shuffled: float, outcome: str
) -> None:
    before = read_pointer(open_store(STORE), MODEL)
    worse = mislabelled(applications_by(day=1).iloc[:rows], shuffled)
    execution = cloud.train(worse)
    assert execution.codes == [0]
    assert execution.summary()["outcome"] == outcome
    assert read_pointer(open_store(STORE), MODEL) == before
    assert cloud.lender.failures() == []


def back_to_the_first(cloud: Cloud) -> str:
    """Let the model that is easily beaten be champion once more."""
    previous = read_pointer(open_store(STORE), MODEL).previous
    assert previous
    options = ("--model", MODEL, "--store", STORE, "--version", previous.version)
    done = run_training("rollback", *options)
    assert done.returncode == 0, done.stderr
    return cloud.champion()


@FULL_ONLY
@pytest.mark.parametrize(("name", "arrives"), WRITES)
def test_a_job_killed_at_a_write_is_started_again_and_ends_its_work(
    cloud: Cloud, name: str, *, arrives: bool
) -> None:
    first = back_to_the_first(cloud)
    cloud.network.passing_on = KillAtWrite(cloud.job, name, arrives)
    execution = cloud.train(applications_by(day=2 + WRITES.index((name, arrives))))
    assert execution.codes == [-9, 0]
    moved = (name, arrives) == (POINTER, True)
    assert execution.summary()["outcome"] == ("kept" if moved else "promoted")
    assert cloud.champion() == execution.summary()["version"] != first
    assert cloud.lender.failures() == []


def test_a_job_killed_in_both_attempts_before_it_promotes_leaves_it_to_the_next(
    cloud: Cloud,
) -> None:
    first = back_to_the_first(cloud)
    versions = version_names(open_store(STORE), MODEL)
    cloud.network.passing_on = KillAtWrite(cloud.job, POINTER, arrives=False, times=2)
    execution = cloud.train(applications_by(day=10))
    assert execution.codes == [-9, -9]
    [published] = set(version_names(open_store(STORE), MODEL)) - set(versions)
    assert cloud.champion() == first
    assert cloud.lender.failures() == []
    summary = cloud.train(applications_by(day=10)).summary()
    assert (summary["outcome"], summary["version"]) == ("promoted", published)
    assert cloud.champion() == published


@FULL_ONLY
@pytest.mark.parametrize("number", range(4))
def test_a_job_killed_at_any_moment_is_started_again(cloud: Cloud, number: int) -> None:
    first = back_to_the_first(cloud)
    moment = random.Random(number).uniform(0.1, 0.9) * cloud.run_seconds  # noqa: S311 -- no secret
    killing = threading.Timer(moment, cloud.job.kill)
    killing.start()
    execution = cloud.train(applications_by(day=11 + number))
    killing.join()
    assert execution.codes in ([-9, 0], [0])  # this run may be quicker than the one measured
    assert cloud.champion() == execution.summary()["version"] != first
    assert cloud.lender.failures() == []


@FULL_ONLY
def test_two_executions_at_once_move_the_pointer_once(cloud: Cloud) -> None:
    back_to_the_first(cloud)
    before = read_pointer(open_store(STORE), MODEL)
    cloud.deliver(applications_by(day=20))
    both = [cloud.scheduler.fire(), cloud.scheduler.fire()]
    outcomes = [execution.result().summary()["outcome"] for execution in both]
    cloud.champions.add(cloud.champion())
    after = read_pointer(open_store(STORE), MODEL)
    assert sorted(outcomes) == ["kept", "promoted"]
    assert (after.sequence, after.previous) == (before.sequence + 1, before.champion)
    assert cloud.lender.failures() == []


def test_after_all_that_every_version_is_as_it_was_published(cloud: Cloud) -> None:
    done = run_training("verify", "--model", MODEL, "--store", STORE)
    assert done.returncode == 0, done.stderr
    versions = version_names(open_store(STORE), MODEL)
    assert done.stdout.count("as published") == len(versions)
    assert cloud.champions <= set(versions)


def test_a_revision_that_does_not_start_gets_no_traffic(cloud: Cloud) -> None:
    bad, started = cloud.release(MODEL_REFRESH_SECONDS="often")
    assert not started
    assert bad.exit_codes == [2]
    assert "MODEL_REFRESH_SECONDS" in (cloud.folder / f"{bad.name}-0.log").read_text()
    assert cloud.lender.failures() == []


def test_a_revision_that_cannot_score_fails_its_smoke_test_and_is_removed(cloud: Cloud) -> None:
    bad, started = cloud.release(MODEL_STORE=f"gs://{EMPTY}")
    assert started
    answer = cloud.smoke_test(bad)
    assert (answer.status, answer.served_by) == (503, f"{bad.name}-0")
    cloud.remove(bad)
    assert bad.name not in {answer.served_by[: len(bad.name)] for answer in cloud.lender.answers}
    assert cloud.lender.failures() == []


def test_a_canary_is_called_back_and_no_request_fails(cloud: Cloud) -> None:
    canary, _ = cloud.release()
    assert cloud.smoke_test(canary).status == httpx.codes.OK
    cloud.balancer.set_traffic({cloud.serving: 0.7, canary: 0.3})
    seen = {f"{canary.name}-0"}
    wait_until(lambda: seen <= {a.served_by for a in cloud.lender.since(time.time() - 1)})
    cloud.balancer.set_traffic({cloud.serving: 1.0})
    cloud.remove(canary)
    assert cloud.lender.failures() == []


def test_a_good_revision_takes_over_by_shares_and_the_old_one_is_stopped(cloud: Cloud) -> None:
    old = cloud.serving
    new, _ = cloud.release(containers=2)
    assert cloud.smoke_test(new).status == httpx.codes.OK
    for share in (0.1, 0.5):
        cloud.balancer.set_traffic({old: 1 - share, new: share})
        answers = cloud.answers_after(time.time())
        assert {a.served_by[: len(old.name)] for a in answers} == {old.name, new.name}
    cloud.balancer.set_traffic({new: 1.0})
    cloud.remove(old)
    cloud.serving = new
    answers = cloud.answers_after(time.time())
    assert {a.served_by for a in answers} == {instance.name for instance in new.instances}
    assert cloud.lender.failures() == []


def test_a_roll_back_returns_every_container_to_the_model_before(cloud: Cloud) -> None:
    before = read_pointer(open_store(STORE), MODEL)
    assert before.previous
    options = ("--model", MODEL, "--store", STORE, "--version", before.previous.version)
    done = run_training("rollback", *options)
    assert last_line(done.stdout)["outcome"] == "rolled back"
    assert cloud.champion() == before.previous.version
    all_follow(cloud, before.previous.version)


def test_a_file_that_lands_in_the_inbox_is_scored_by_the_version_in_service(cloud: Cloud) -> None:
    for bucket in (INBOX, BATCHES):
        httpx.post(f"{cloud.bucket_url}/storage/v1/b", json={"name": bucket}, trust_env=False)
    rows = applications_by(1).tail(500).drop(columns="default")
    event = land("application/tonight.parquet", rows.to_parquet(index=False))
    settings = {"MODEL_STORE": STORE, "BATCH_STORE": f"gs://{BATCHES}"}
    settings |= {"STORAGE_EMULATOR_HOST": cloud.bucket_url}
    with hearing(cloud.folder, **settings) as url:
        assert [tell(url, event), tell(url, event)] == [httpx.codes.OK] * 2  # delivered twice
    store = open_store(f"gs://{BATCHES}")
    names = store.names("batches/")
    [manifest] = [json.loads(store.read(n).data) for n in names if n.endswith("/manifest.json")]
    assert (manifest["rows"], manifest["scored"]) == (500, 500)
    assert manifest["model_version"] == cloud.champion()
    assert len([name for name in names if name.endswith("/_SUCCESS")]) == 1


def test_no_request_failed_and_each_decision_is_recorded_once_with_its_version(
    cloud: Cloud,
) -> None:
    cloud.lender.stop()
    answers = cloud.lender.answers
    assert len(answers) > 100
    assert cloud.lender.failures() == []
    assert {answer.version for answer in answers} <= cloud.champions
    recorded = Counter(
        (line["request_id"], line["model_version"])
        for line in cloud.decisions()
        if line["request_id"].startswith("lender-")
    )
    assert recorded == Counter((answer.request_id, answer.version) for answer in answers)


def test_a_failure_would_have_been_counted(cloud: Cloud) -> None:
    for instance in cloud.serving.instances:
        instance.server.process.kill()
        instance.server.process.wait()
    with httpx.Client(base_url=cloud.url, trust_env=False) as client:
        assert ask(client, "after-the-end").status == httpx.codes.BAD_GATEWAY
