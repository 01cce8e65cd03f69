"""What the environment says of the way to a server: proxies, and credentials that nobody gave."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from yarl import URL

from functions.client.transport import proxy_from_environment
from models.catalogue.application import Application
from tests.functions.client.conftest import PREDICTION, Ask, ScriptedServer

Start = Callable[..., ScriptedServer]
ANSWER: tuple[int, dict[str, str], bytes] = (
    200,
    {},
    json.dumps({"predictions": [PREDICTION]}).encode(),
)
CLOSED = "http://127.0.0.1:9"  # nothing listens there: only a proxy can answer


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_proxy_of_the_environment_is_asked_with_its_credentials(
    scripted_server: Start, ask: Ask, application: Application, proxied: pytest.MonkeyPatch
) -> None:
    server = scripted_server(ANSWER)
    proxied.setenv("http_proxy", server.url.replace("://", "://gate:s3cret@"))
    [prediction] = ask(CLOSED, "predict", [application])
    assert prediction.decision == "approve"
    [(headers, _)] = server.requests
    assert headers["host"] == "127.0.0.1:9"
    assert base64.b64decode(headers["proxy-authorization"].split()[1]) == b"gate:s3cret"


@pytest.fixture
def _netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))


@pytest.mark.usefixtures("_netrc")
@pytest.mark.parametrize("credential", [None, "of-the-caller"])
def test_a_netrc_file_adds_no_credentials(
    scripted_server: Start, ask: Ask, application: Application, credential: str | None
) -> None:
    server = scripted_server(ANSWER)
    ask(server.url, "predict", [application], credential=credential)
    [(headers, _)] = server.requests
    assert "basic" not in headers.get("authorization", "").lower()
    assert ("of-the-caller" in json.dumps(headers)) == (credential is not None)


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://me:pass@gate:3128"}, URL("http://me:pass@gate:3128")),
        ({"https_proxy": "gate:3128"}, URL("http://gate:3128")),
        ({"http_proxy": "http://gate:3128"}, None),
        ({"https_proxy": "http://gate:3128", "no_proxy": "example.com"}, None),
    ],
)
def test_the_proxy_is_that_of_the_scheme_unless_the_host_is_excepted(
    variables: dict[str, str], proxy: URL | None, proxied: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        proxied.setenv(name, value)
    assert proxy_from_environment(URL("https://scoring.example.com")) == proxy
