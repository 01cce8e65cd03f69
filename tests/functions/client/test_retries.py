"""What is tried again, and how long it may take, by either client, against a real server."""

import contextlib
import gzip
import json
import os
import signal
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.client.clients import Surety
from functions.client.endpoints import RequestIdentity
from functions.client.errors import RefusedError, UnavailableError, UnreadableResponseError
from functions.client.retries import Retries
from functions.web.identifiers import identifier_from_bytes
from models.catalogue.application import Application
from tests.functions.client.conftest import PREDICTION, Ask, ScriptedServer, Step
from tests.support.running import free_port

Start = Callable[..., ScriptedServer]

ANSWERED: Step = (200, {}, json.dumps({"predictions": [PREDICTION]}).encode())
QUICK = Retries(first_pause_seconds=0.01, try_seconds=5)
DEADLINE_SECONDS = 0.5
GENEROUS_SECONDS = 5.0  # far beyond the deadline, far below what the server would take


def turned_away(status: int, **headers: str) -> Step:
    options = {name.replace("_", "-"): value for name, value in headers.items()}
    problem = {
        "type": "about:blank",
        "title": "Later",
        "status": status,
        "detail": "not now",
        "errors": [],
    }
    return (
        status,
        {"content-type": "application/problem+json", **options},
        json.dumps(problem).encode(),
    )


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("headers", [{}, {"retry_after": "0"}, {"retry_after": "tomorrow"}])
def test_429_and_503_are_asked_again_with_the_same_key_and_body(
    scripted_server: Start, ask: Ask, application: Application, status: int, headers: dict[str, str]
) -> None:
    server = scripted_server(*[turned_away(status, **headers)] * 3, ANSWERED)
    [prediction] = ask(server.url, "predict", [application], retries=QUICK)
    assert prediction.credit_score == 550
    assert len(server.requests) == 4
    assert len({sent["idempotency-key"] for sent, _ in server.requests}) == 1
    assert len({body for _, body in server.requests}) == 1
    ask(server.url, "predict", [application])
    assert len({sent["idempotency-key"] for sent, _ in server.requests}) == 2


def test_a_key_and_an_applicant_that_are_given_are_sent(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server(ANSWERED)
    options = {"applicant_id": "a-17", "idempotency_key": "loan 4711"}
    ask(server.url, "predict", [application], **options)
    [(sent, _)] = server.requests
    assert (sent["x-applicant-id"], sent["idempotency-key"]) == ("a-17", "loan 4711")


def test_retry_after_is_waited_for(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server(turned_away(503, retry_after="1"), ANSWERED)
    began = time.monotonic()
    ask(server.url, "predict", [application], retries=QUICK)
    assert time.monotonic() - began >= 1


def test_tries_that_are_spent_end_in_what_was_said_last(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server(turned_away(429, retry_after="0"))
    with pytest.raises(UnavailableError, match=r"^429 Later: not now$") as raised:
        ask(server.url, "predict", [application], retries=Retries(most=2))
    assert (raised.value.status, raised.value.retry_after_seconds) == (429, 0)
    assert len(server.requests) == 3


@pytest.mark.timing
def test_a_pause_past_the_deadline_is_not_begun(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server(turned_away(503, retry_after="3600"))
    began = time.monotonic()
    with pytest.raises(UnavailableError) as raised:
        ask(server.url, "predict", [application], timeout=10)
    assert raised.value.retry_after_seconds == 3600
    assert len(server.requests) == 1
    assert time.monotonic() - began < GENEROUS_SECONDS


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, RefusedError) for status in (302, 400, 401, 403, 404, 408, 409, 422)),
        *((status, UnavailableError) for status in (500, 502, 504)),
    ],
)
def test_nothing_else_is_asked_again(
    scripted_server: Start, ask: Ask, application: Application, status: int, error: type[Exception]
) -> None:
    server = scripted_server(turned_away(status, retry_after="0", location="/"))
    with pytest.raises(error, match=f"^{status} Later: not now$"):
        ask(server.url, "predict", [application], retries=QUICK)
    assert len(server.requests) == 1


def test_a_connection_that_breaks_after_sending_is_not_asked_again(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server("close")
    with pytest.raises(UnavailableError, match=r"^no response at try 1: ServerDisconnectedError$"):
        ask(server.url, "predict", [application], retries=QUICK)
    assert len(server.requests) == 1


def test_a_server_that_does_not_listen_is_tried_to_the_end(
    ask: Ask, application: Application
) -> None:
    with pytest.raises(
        UnavailableError, match=r"^no response at try 5: ClientConnectorError$"
    ) as raised:
        ask(f"http://127.0.0.1:{free_port()}", "predict", [application], retries=QUICK)
    assert raised.value.status is None


def test_a_server_that_begins_to_listen_meanwhile_answers(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    port = free_port()
    started: list[ScriptedServer] = []
    later = threading.Timer(0.3, lambda: started.append(scripted_server(ANSWERED, port=port)))
    later.start()
    patient = Retries(most=10_000, first_pause_seconds=0.02, longest_pause_seconds=0.05)
    answer = ask(f"http://127.0.0.1:{port}", "predict", [application], retries=patient)
    later.join()
    assert len(answer) == len(started[0].requests) == 1


@pytest.mark.timing
@pytest.mark.parametrize("conduct", ["stall", "trickle", "trickle_headers"])
def test_the_deadline_holds(
    scripted_server: Start, ask: Ask, application: Application, conduct: str
) -> None:
    server = scripted_server(conduct)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"^no response "):
        ask(server.url, "predict", [application], timeout=DEADLINE_SECONDS)
    assert DEADLINE_SECONDS * 0.9 <= time.monotonic() - began < GENEROUS_SECONDS
    assert len(server.requests) == 1


@pytest.mark.timing
def test_one_try_may_take_less_than_the_whole_call(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server("stall")
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"^no response at try 1: SocketTimeoutError$"):
        ask(server.url, "predict", [application], retries=Retries(try_seconds=DEADLINE_SECONDS))
    assert time.monotonic() - began < GENEROUS_SECONDS


def test_every_try_asks_for_its_credential(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server(turned_away(503, retry_after="0"), ANSWERED)
    tokens = iter(["first", "second"])
    ask(server.url, "predict", [application], credential=lambda: next(tokens))
    assert [sent["authorization"] for sent, _ in server.requests] == [
        "Bearer first",
        "Bearer second",
    ]


def with_changes(**changes: object) -> bytes:
    return json.dumps({"predictions": [PREDICTION | changes], "later": 1}).encode()


def test_members_of_a_later_server_are_let_pass(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server((200, {}, with_changes(advice="none", reasons=[])))
    [prediction] = ask(server.url, "predict", [application])
    assert prediction.reasons == []
    assert not hasattr(prediction, "advice")


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"{}", with_changes(decision="perhaps")])
def test_an_answer_that_is_none_of_ours_is_not_shown(
    scripted_server: Start, ask: Ask, application: Application, body: bytes
) -> None:
    server = scripted_server((200, {}, body))
    with pytest.raises(UnreadableResponseError) as raised:
        ask(server.url, "predict", [application])
    path = "/v1/models/application:predict"
    assert str(raised.value) == f"{path} did not respond with Predictions"
    cause: Any = raised.value.__cause__
    assert "perhaps" not in str(cause)
    assert "sign in" not in str(cause)


def test_a_page_of_a_proxy_is_not_repeated(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server((403, {"content-type": "text/html"}, b"denied for income 75000"))
    with pytest.raises(RefusedError) as raised:
        ask(server.url, "predict", [application])
    assert str(raised.value) == "403 Forbidden: the response is not a problem document"


@pytest.mark.parametrize("count", [0, 2])
def test_an_answer_has_as_many_predictions_as_the_request_has_rows(
    scripted_server: Start, ask: Ask, application: Application, count: int
) -> None:
    body = json.dumps({"predictions": [PREDICTION] * count}).encode()
    server = scripted_server((200, {}, body))
    message = f"responded with {count} predictions for 1 rows"
    with pytest.raises(UnreadableResponseError, match=message):
        ask(server.url, "predict", [application])


@pytest.mark.parametrize("is_compressed", [False, True])
def test_an_answer_is_not_read_without_end(
    scripted_server: Start,
    ask: Ask,
    application: Application,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_compressed: bool,
) -> None:
    monkeypatch.setattr("functions.client.clients.MAX_RESPONSE_BYTES", 10_000)
    body, headers = b" " * 1_000_000, {}
    if is_compressed:
        body, headers = gzip.compress(body), {"content-encoding": "gzip"}
    server = scripted_server((200, headers, body))
    with pytest.raises(UnreadableResponseError, match="responded with more than 10000 bytes"):
        ask(server.url, "predict", [application])


@pytest.mark.parametrize(
    "url", ["credit.example.com", "localhost:8080", "ftp://host", "https://", ""]
)
def test_an_address_without_a_scheme_is_refused_at_once(ask: Ask, url: str) -> None:
    with pytest.raises(ValueError, match="url must be the service's address with its scheme"):
        ask(url, "models")


def test_an_applicant_is_named_in_utf_8_however_the_letters_are_composed(
    scripted_server: Start, ask: Ask, application: Application
) -> None:
    server = scripted_server(ANSWERED)
    for name in ("J\u00f6rg", "Jo\u0308rg"):
        ask(server.url, "predict", [application], applicant_id=name)
    sent = {headers["x-applicant-id"].encode("latin-1") for headers, _ in server.requests}
    assert sent == {"J\u00f6rg".encode()}


@given(st.text(max_size=140))
def test_the_client_and_the_server_agree_on_what_an_identifier_is(text: str) -> None:
    try:
        [value] = RequestIdentity(applicant_id=text).headers().values()
    except ValueError:
        assert identifier_from_bytes(text.encode(errors="surrogatepass")) is None
    else:
        assert identifier_from_bytes(value.encode()) == unicodedata.normalize("NFC", text)


def test_closing_a_client_ends_the_calls_of_other_threads(scripted_server: Start) -> None:
    server = scripted_server("stall")
    client = Surety(server.url, timeout=30)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.models)
        time.sleep(0.3)
        client.close()
        with pytest.raises(UnavailableError, match="the client was closed during the call"):
            call.result(timeout=5)


def test_a_client_works_in_a_child_process(scripted_server: Start) -> None:
    server = scripted_server((200, {}, b'{"models": [], "details": []}'))
    client = Surety(server.url, timeout=5)
    client.models()
    child = os.fork()
    if child == 0:  # pragma: no cover -- another process
        signal.alarm(10)
        status = 1
        with contextlib.suppress(Exception):
            status = 0 if client.models() == [] else 1
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    client.close()
