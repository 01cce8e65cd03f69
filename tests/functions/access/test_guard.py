import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.functions.access.conftest import Asking, Issuer, KeyFile
from tests.support.running import running_server

Scoring = Callable[..., Asking]


def test_a_refusal_says_how_to_do_better_and_repeats_nothing(
    scoring: Scoring, key_file: KeyFile
) -> None:
    asking, key = scoring(**key_file.settings()), key_file.add("models")
    missing = asking("POST", "/predict")
    assert missing.status_code == httpx.codes.UNAUTHORIZED
    assert missing.headers["www-authenticate"] == 'Bearer realm="surety"'
    assert missing.headers["content-type"] == "application/problem+json"
    wrong = asking("POST", "/predict", "sk_00000000_mysecret")
    assert wrong.headers["www-authenticate"] == 'Bearer realm="surety", error="invalid_token"'
    assert wrong.headers["x-request-id"]
    assert "mysecret" not in wrong.text
    lesser = asking("POST", "/predict", key)
    assert lesser.status_code == httpx.codes.FORBIDDEN
    assert lesser.json()["detail"] == "this credential lacks the scope score"


@pytest.mark.parametrize("form", ["{}", "Basic {}", "Bearer", "Bearer {} {}", "Bearer, {}"])
def test_a_key_in_another_form_is_refused(form: str, scoring: Scoring, key_file: KeyFile) -> None:
    key = key_file.add("score")
    asking = scoring(**key_file.settings())
    answer = asking("POST", "/predict", headers={"Authorization": form.replace("{}", key)})
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert (
        asking("POST", "/predict", headers={"authorization": f"bearer  {key}"}).status_code == 400
    )


def test_two_credentials_are_refused(scoring: Scoring, key_file: KeyFile) -> None:
    key = key_file.add("score")
    asking = scoring(**key_file.settings())
    transport = httpx.ASGITransport(asking.app)
    headers = [("Authorization", f"Bearer {key}"), ("Authorization", "Bearer x")]

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/v1/models", headers=headers)

    assert asyncio.run(ask()).status_code == httpx.codes.UNAUTHORIZED


def test_a_key_has_its_own_rate_wherever_it_is_used(scoring: Scoring, key_file: KeyFile) -> None:
    first, second = key_file.add("score", limit="2/hour"), key_file.add("score")
    asking = scoring(**key_file.settings())
    answers = [asking("POST", "/predict", first, address=f"192.0.2.{i}") for i in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["retry-after"] == answers[2].headers["ratelimit-reset"]
    assert answers[2].headers["content-type"] == "application/problem+json"
    other = asking("POST", "/predict", second)
    assert other.status_code == httpx.codes.BAD_REQUEST
    assert other.headers["ratelimit-limit"] == "600"


def test_guessing_spends_the_rate_of_the_address_and_nobody_elses(
    scoring: Scoring, key_file: KeyFile
) -> None:
    key = key_file.add("score")
    asking = scoring(**key_file.settings(), RATE_LIMIT="2/hour")
    guesses = [asking("POST", "/predict", f"guess {i}").status_code for i in range(3)]
    assert guesses == [401, 401, 429]
    assert asking("GET", "/openapi.json").status_code == httpx.codes.TOO_MANY_REQUESTS
    assert asking("POST", "/predict", "guess", address="192.0.2.2").status_code == 401
    assert asking("POST", "/predict", key).status_code == httpx.codes.BAD_REQUEST


def test_probes_are_answered_whatever_happens(scoring: Scoring, key_file: KeyFile) -> None:
    asking = scoring(**key_file.settings(), RATE_LIMIT="1/hour")
    for _ in range(5):
        answer = asking("GET", "/health/live")
        assert answer.status_code == httpx.codes.OK
        assert "ratelimit-limit" not in answer.headers


def test_a_forwarded_address_moves_nobody_to_another_count(scoring: Scoring) -> None:
    asking = scoring(RATE_LIMIT="1/hour")
    spoofed = [{"X-Forwarded-For": f"203.0.113.{i}"} for i in range(2)]
    assert [asking("GET", "/health", headers=h).status_code for h in spoofed] == [200, 429]


def test_on_cloud_run_only_the_entry_of_the_platform_counts(scoring: Scoring) -> None:
    asking = scoring(RATE_LIMIT="1/hour", AUTH="iam", K_SERVICE="scoring")

    def ask(forwarded: str) -> int:
        return asking("GET", "/health", headers={"X-Forwarded-For": forwarded}).status_code

    assert ask("198.51.100.1, 203.0.113.9") == httpx.codes.OK
    assert ask("198.51.100.2, 203.0.113.9") == httpx.codes.TOO_MANY_REQUESTS
    assert ask("198.51.100.1, 203.0.113.10") == httpx.codes.OK


def test_a_sidecar_reads_metrics_and_a_caller_from_outside_does_not(
    scoring: Scoring, issuer: Issuer
) -> None:
    asking = scoring(**issuer.settings(), K_SERVICE="scoring")
    outside = {"X-Forwarded-For": "127.0.0.1"}
    assert asking("GET", "/metrics", address="127.0.0.1").status_code == httpx.codes.OK
    for headers, address in ((outside, "127.0.0.1"), (outside, "169.254.1.1"), ({}, "169.254.1.1")):
        answer = asking("GET", "/metrics", headers=headers, address=address)
        assert answer.status_code == httpx.codes.UNAUTHORIZED
    sidecar = asking("GET", "/v1/models", address="127.0.0.1")
    assert sidecar.status_code == httpx.codes.UNAUTHORIZED


def test_a_running_server_does_not_believe_its_own_machine_either(tmp_path: Path) -> None:
    environment = {"MODEL_STORE": (tmp_path / "store").as_uri(), "RATE_LIMIT": "2/hour"}
    with running_server(tmp_path / "log", "module", **environment) as server:
        statuses = [
            server.client.get("/health", headers={"X-Forwarded-For": f"203.0.113.{i}"}).status_code
            for i in range(3)
        ]
    assert statuses == [200, 200, 429]
