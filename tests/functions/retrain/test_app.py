"""The routes, in front of an emulated Cloud Run API and started by both commands."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.retrain.app import is_overdue
from functions.retrain.runs import History
from tests.functions.retrain.cloud_run_api import CloudRunApi, ago
from tests.support.running import Server

MARKER = "Zacharias"  # what was sent, which no answer may repeat
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just(MARKER)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["model", "seed", MARKER + "!"]), inner, min_size=1),
    ),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(min_size=1, max_size=300),
    documents.map(lambda document: json.dumps(document).encode()),
).filter(lambda body: body != b"{}")  # which is a sound one
JSON = {"content-type": "application/json"}


def test_a_run_is_started_refused_while_it_runs_and_told_of_until_it_ended(
    cloud: Server, api: CloudRunApi
) -> None:
    assert cloud.client.get("/train/status").json()["status"] == "idle"
    started = cloud.client.post("/train", json={"model": "german_credit"})
    assert started.status_code == httpx.codes.ACCEPTED
    execution = "test-train-german-credit-0"
    assert started.json() == {
        "status": "started",
        "model": "german_credit",
        "execution": execution,
    }
    running = cloud.client.get("/train/status?model=german_credit").json()
    assert (running["status"], running["execution"]) == ("running", execution)
    assert running["finished_at"] is None
    refused = cloud.client.post("/train")
    assert refused.status_code == httpx.codes.CONFLICT
    assert refused.headers["content-type"] == "application/problem+json"
    created = datetime.fromisoformat(running["started_at"]).isoformat()
    assert refused.json()["detail"].endswith(f"in progress since {created}")
    [job] = api.executions.values()
    job[0] |= {"completionTime": ago(), "succeededCount": 1, "runningCount": 0}
    ended = cloud.client.get("/train/status").json()
    assert (ended["status"], ended["overdue"]) == ("succeeded", False)
    assert ended["started_at"] <= ended["finished_at"]
    assert cloud.client.post("/train").json()["execution"] == "test-train-german-credit-1"
    assert [method for method, _, _ in api.calls].count("POST") == 2


def test_of_many_that_ask_at_once_one_starts_a_run(cloud: Server, api: CloudRunApi) -> None:
    async def ask() -> list[int]:
        async with httpx.AsyncClient(base_url=cloud.client.base_url, trust_env=False) as client:
            answers = await asyncio.gather(*(client.post("/train") for _ in range(10)))
        return sorted(answer.status_code for answer in answers)

    api.delay_seconds = 0.02
    assert asyncio.run(ask()) == [202] + [409] * 9


@pytest.mark.parametrize("last", [None, {"days": 2}])
def test_what_is_overdue_is_said_and_logged_as_an_error(
    cloud: Server, api: CloudRunApi, last: dict[str, float] | None
) -> None:
    if last:
        api.add("old", completionTime=ago(**last), succeededCount=1)
    api.add("new", completionTime=ago(hours=1), failedCount=1)
    status = cloud.client.get("/train/status").json()
    assert (status["status"], status["overdue"]) == ("failed", True)
    [line] = [line for line in cloud.log() if line["message"] == "training overdue"]
    assert (line["severity"], line["model"]) == ("ERROR", "german_credit")
    assert (line["last_success"] is None) is (last is None)


def test_a_success_of_late_is_not_overdue_and_not_logged(cloud: Server, api: CloudRunApi) -> None:
    api.add("late", completionTime=ago(hours=35), succeededCount=1)
    assert cloud.client.get("/train/status").json()["overdue"] is False
    assert not [line for line in cloud.log() if line["message"] == "training overdue"]


@pytest.mark.parametrize(
    ("hours", "last_hours_ago", "overdue"),
    [(None, None, False), (24, None, True), (24, 24, False), (24, 24.1, True), (0, 1, True)],
)
def test_overdue_is_what_is_older_than_it_may_be(
    hours: float | None,
    last_hours_ago: float | None,
    overdue: object,
) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    last = None if last_hours_ago is None else now - timedelta(hours=last_hours_ago)
    after = None if hours is None else timedelta(hours=hours)
    assert is_overdue(History(None, last), after, now) is overdue


@pytest.mark.parametrize(
    ("body", "status", "paths"),
    [
        (b"{", 400, []),
        (b" ", 400, []),
        (b"\xff", 400, []),
        (b'{"model": NaN}', 400, []),
        (b'{"model": "application", "model": "application"}', 400, []),
        (b"null", 422, []),
        (b'["application"]', 422, []),
        (b'{"model": null}', 422, ["model"]),
        (b'{"model": 1, "seed": 2, "data": "x"}', 422, ["data", "model", "seed"]),
        (b'{"model": ["Zacharias"], "Zacharias x": 1}', 422, ["(unprintable name)", "model"]),
        (b'{"model": "Zacharias"}', 404, []),
        (b'{"model": "../Zacharias"}', 404, []),
        (b'{"model": ""}', 404, []),
        (b"[" * 100_000, 400, []),
        (b" " * 3_000_000, 413, []),
    ],
)
def test_a_malformed_body_gets_every_fault_and_starts_nothing(
    cloud: Server, api: CloudRunApi, body: bytes, status: int, paths: list[str]
) -> None:
    answer = cloud.client.post("/train", content=body, headers=JSON)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert sorted(error["path"] for error in answer.json()["errors"]) == paths
    assert MARKER not in answer.text + cloud.log_path.read_text()
    assert api.calls == []


@given(body=bodies)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_body_but_a_sound_one_is_a_problem(
    cloud: Server, api: CloudRunApi, body: bytes
) -> None:
    for sent in (body, body + MARKER.encode()):
        answer = cloud.client.post("/train", content=sent, headers=JSON)
        assert 400 <= answer.status_code < 500
        assert answer.json()["status"] == answer.status_code
        assert MARKER not in answer.text
    assert api.calls == []


def test_a_body_of_another_kind_is_refused_but_none_needs_no_kind(cloud: Server) -> None:
    refused = cloud.client.post("/train", content=b"{}", headers={"content-type": "text/plain"})
    assert refused.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE
    empty = cloud.client.post("/train", headers={"content-type": "application/octet-stream"})
    assert empty.status_code == httpx.codes.ACCEPTED


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/train/status?model=Zacharias", 404),
        ("GET", "/train/status?model=application&since=Zacharias", 422),
        ("GET", "/train/status?model=application&model=card_default", 400),
        ("GET", "/train", 405),
        ("POST", "/train/status", 405),
        ("POST", "/predict", 404),
        ("POST", "/train/", 404),
    ],
)
def test_other_questions_are_problems_too(
    cloud: Server, method: str, path: str, status: int
) -> None:
    answer = cloud.client.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert MARKER not in answer.text


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("model=card_default", ["query.model"]),
        ("model=card_default&model=Zacharias&seed=", ["query.model", "query.seed"]),
        ("Zacharias%20x", ["query.(unprintable name)"]),
    ],
)
def test_a_run_is_not_started_by_what_stands_in_the_query(
    cloud: Server, api: CloudRunApi, query: str, paths: list[str]
) -> None:
    answer = cloud.client.post(f"/train?{query}", json={"model": "application"})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert [error["path"] for error in answer.json()["errors"]] == paths
    assert MARKER not in answer.text
    assert api.calls == []


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        ((401, b"{}"), "Cloud Run cannot be reached"),
        (
            (403, b'{"error": {"message": "run.jobs.run denied"}}'),
            "refused this function's account",
        ),
        ((429, b"{}"), "Cloud Run answered 429"),
        ((500, b"Zacharias"), "Cloud Run answered 500"),
        ((302, b""), "Cloud Run answered 302"),
        ((200, b"<html>Zacharias"), "Cloud Run did not answer as it is documented"),
        (
            (200, b'{"executions": [{"name": 1}]}'),
            "Cloud Run did not answer as it is documented",
        ),
    ],
)
@pytest.mark.parametrize("route", ["POST /train", "GET /train/status"])
def test_an_api_that_refuses_or_fails_is_a_503_in_our_words_and_a_log_line_in_its_own(
    cloud: Server, api: CloudRunApi, route: str, failing: tuple[int, bytes], message: str
) -> None:
    method, path = route.split()
    api.failing = {method: failing}
    answer = cloud.client.request(method, path)
    assert [method_called for method_called, _, _ in api.calls] == ["GET", "POST"][
        : 1 + (method == "POST")
    ]
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert message in answer.json()["detail"]
    assert MARKER not in answer.text
    assert answer.headers["retry-after"] == "30"
    [line] = [line for line in cloud.log() if line["message"] == "training job out of reach"]
    assert line["model"] == "german_credit"
    assert failing[1].decode() in line["cause"] or "Anonymous" in line["cause"]


@pytest.mark.parametrize("route", ["POST /train", "GET /train/status"])
def test_a_job_that_is_not_there_is_a_404(cloud: Server, api: CloudRunApi, route: str) -> None:
    api.executions.clear()
    answer = cloud.client.request(*route.split())
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.json()["detail"] == "there is no training job for german_credit"


def test_a_model_without_a_job_is_named(cloud: Server) -> None:
    answer = cloud.client.post("/train", json={"model": "card_default"})
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "card_default" in answer.json()["detail"]
