"""The docs page with the guide of this service, as a real browser shows it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.functions.access.conftest import KeyFile
from tests.support.browser import CHROMIUM, Page, browser_page
from tests.support.running import REPOSITORY, Server, running_server

in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: the docs page was not opened"
)

# Waits for what a page shows by what changes in it.
WAITING = """
const shown = (place, what) => new Promise((done) => {
  const look = () => {
    const element = place.querySelector(what);
    if (element) { watch.disconnect(); done(element); }
  };
  const watch = new MutationObserver(look);
  watch.observe(place, { attributes: true, childList: true, subtree: true });
  look();
});
const send = async (panel) => {
  panel.querySelector(".answer").replaceChildren();
  panel.querySelector(".send").click();
  await shown(panel, ".send:enabled");
  return panel.querySelector(".answer");
};
const text = (place, what) => place.querySelector(what)?.textContent;
"""


@pytest.fixture(scope="module")
def server(made_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("docs") / "log"
    environment = {"MODEL_STORE": made_store, "CREDIT_MODELS": "tests.support.toy"}
    with running_server(log, "module", **environment) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with browser_page() as page:
        yield page


@pytest.fixture
def page(browser: Page, server: Server) -> Page:
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setEmulatedMedia", features=[])
    return opened(browser, server)


def opened(page: Page, server: Server) -> Page:
    """The page of a server, with everything in it that it fetches."""
    page.open(f"{server.client.base_url}/docs")
    page.run(f"{WAITING} await shown(document, 'body[data-ready], #failure:not(:empty)')")
    assert page.run("return failure.textContent") == ""
    return page


def sent(page: Page, place: str) -> dict[str, Any]:
    """Send what a panel of the first steps holds; what it then shows."""
    answer: dict[str, Any] = page.run(
        f"""{WAITING}
        const answer = await send(byId("{place}"));
        return {{
          status: text(answer, ".status"), headers: text(answer, ".headers"),
          json: text(answer, ".json"), curl: text(byId("{place}"), ".curl"),
        }}"""
    )
    return answer


@in_a_browser
def test_it_shows_every_route_of_the_document_with_its_fields(page: Page, server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    paths = document["paths"]
    routes = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    displayed = page.run(
        f"""{WAITING}
        const displayed = {{}};
        for (const route of document.querySelectorAll("details")) {{
          route.open = true;
          await shown(route, ".panel");
          displayed[route.dataset.route] = route.textContent;
        }}
        return displayed"""
    )
    assert set(displayed) == routes
    for path, item in paths.items():
        for method, operation in item.items():
            text = displayed[f"{method.upper()} {path}"]
            assert operation["summary"] in text
            address = quote(path, safe="/:")  # a name in braces is for the reader to replace
            assert f"curl -s '{server.client.base_url}{address}'" in text
            assert "Error, application/problem+json" in text
    fields = document["components"]["schemas"]["card_default"]["properties"]
    text = displayed["POST /v1/models/card_default:predict"]
    assert all(f"instances[].{name}" in text for name in fields)
    assert "predictions[].probability_of_default" in text
    assert "years; never scored" in text
    assert "months late; -2, -1, 0 are codes" in text
    headings = page.run("return [...document.querySelectorAll('#routes h2')].map(h => h.innerText)")
    assert (headings[0], headings[-1]) == ("Any model", "Operations")
    contents = page.run(
        "return [...document.querySelectorAll('#contents a')].map(a => a.innerText)"
    )
    sections = ["Authentication", "Start here", "What a response contains", "Errors"]
    assert contents == [*sections, *headings]
    assert page.run("return document.title") == "Surety: API documentation"
    assert page.complaints == []


@in_a_browser
def test_an_application_is_scored_and_explained_as_it_is_opened(page: Page, server: Server) -> None:
    scored, explained = sent(page, "score"), sent(page, "explain")
    assert scored["status"].startswith("200 OK, ")
    [prediction] = json.loads(scored["json"])["predictions"]
    example = json.loads((REPOSITORY / "docs" / "examples" / "application.json").read_text())
    body = {"instances": [example], "parameters": {"reasons": True}}
    answer = server.client.post("/v1/models/application:predict", json=body)
    assert answer.json() == {"predictions": [prediction]}
    assert re.fullmatch(r"X-Request-Id: [0-9a-f]{32}", scored["headers"])

    [explanation] = json.loads(explained["json"])["explanations"]
    assert explanation["total"]["credit_score"] == pytest.approx(prediction["credit_score"], abs=1)
    picture = page.run(
        """const image = byId("explain").querySelector("img");
        await image.decode();
        return { width: image.naturalWidth, start: image.src.slice(0, 19), alt: image.alt }"""
    )
    assert picture["width"] > 0
    assert picture["start"] == "data:image/svg+xml;"
    assert "credit_utilization" in picture["alt"]

    hosts = {urlsplit(url).netloc for url in page.urls if not url.startswith("data:")}
    assert hosts == {server.client.base_url.netloc.decode()}
    assert page.complaints == []


@in_a_browser
def test_every_panel_gets_an_answer(page: Page) -> None:
    statuses = page.run(
        f"""{WAITING}
        const displayed = {{}};
        for (const route of document.querySelectorAll("details")) {{
          route.open = true;
          const panel = await shown(route, ".panel");
          for (const input of panel.querySelectorAll("input[required]")) input.value = "none";
          const answer = await send(panel);
          displayed[route.dataset.route] = text(answer, ".status");
        }}
        return displayed"""
    )
    assert len(statuses) > 50
    # There is no model and no version of the name `none`.
    expected = {route: "404" if "{" in route else "200 OK" for route in statuses}
    wrong = {
        route: status
        for route, status in statuses.items()
        if not status.startswith(expected[route])
    }
    assert wrong == {}


REPORT = "/v1/models/{model}/versions/{version}/report.json"


@in_a_browser
def test_a_path_has_a_field_for_each_of_its_parameters(page: Page) -> None:
    untouched, labels, curl, status = page.run(
        f"""{WAITING}
        const route = document.querySelector("details[data-route='GET {REPORT}']");
        route.open = true;
        const panel = await shown(route, ".panel");
        panel.querySelector(".send").click();
        const untouched = panel.querySelector(".answer").childElementCount;
        for (const input of panel.querySelectorAll("input")) input.value = `${{input.name}} 1`;
        panel.dispatchEvent(new Event("input"));
        const answer = await send(panel);
        const labels = [...panel.querySelectorAll("label")].map((label) => label.textContent);
        return [untouched, labels, text(panel, ".curl"), text(answer, ".status")]"""
    )
    assert untouched == 0  # nothing is sent before the fields are filled
    assert labels == ["Path parameter model", "Path parameter version"]
    assert "/v1/models/model%201/versions/version%201/report.json" in curl
    assert status.startswith("404")


@in_a_browser
def test_the_model_chosen_is_the_model_asked(page: Page) -> None:
    page.run(
        "byId('model').value = 'german_credit'; byId('model').dispatchEvent(new Event('change'))"
    )
    assert "A11" in page.run("return byId('fields').textContent")
    [prediction] = json.loads(sent(page, "score")["json"])["predictions"]
    assert prediction["model"] == "german_credit"


@in_a_browser
def test_an_error_is_shown_with_its_faults(page: Page) -> None:
    page.run("byId('score').querySelector('textarea').value = '{\"instances\": [{\"age\": 7}]}'")
    displayed = sent(page, "score")
    assert displayed["status"].startswith("422 ")
    paths = {error["path"] for error in json.loads(displayed["json"])["errors"]}
    assert {"instances[0].age", "instances[0].income"} <= paths


@in_a_browser
def test_what_an_answer_repeats_is_text(page: Page) -> None:
    name = "<img src=x onerror=alert(1)>"
    displayed = page.run(
        f"""{WAITING}
        const route = document.querySelector('details[data-route="POST /api/v1/predict"]');
        route.open = true;
        const panel = await shown(route, ".panel"), editor = panel.querySelector("textarea");
        editor.value = JSON.stringify({{ ...JSON.parse(editor.value), customer_id: "{name}" }});
        editor.dispatchEvent(new Event("input", {{ bubbles: true }}));
        const answer = await send(panel);
        const images = panel.querySelectorAll("img").length;
        return [images, text(answer, ".json"), text(panel, ".curl")]"""
    )
    assert displayed[0] == 0
    assert json.loads(displayed[1])["customer_id"] == name
    assert name in displayed[2]


@in_a_browser
def test_a_credential_is_sent_and_kept_nowhere(
    browser: Page, made_store: str, tmp_path: Path
) -> None:
    keys = KeyFile(tmp_path / "keys")
    key = keys.add("score")
    environment = {"MODEL_STORE": made_store} | keys.settings()
    with running_server(tmp_path / "log", "module", **environment) as guarded:
        page = opened(browser, guarded)
        refused = sent(page, "score")
        assert refused["status"].startswith("401 ")
        assert 'WWW-Authenticate: Bearer realm="surety"' in refused["headers"]
        page.run(
            f"""byId("credential").value = "{key}";
            byId("credential").dispatchEvent(new Event("input"))"""
        )
        answered = sent(page, "score")
        assert answered["status"].startswith("200 OK")
        assert "RateLimit-Remaining: " in answered["headers"]
        assert '-H "Authorization: Bearer $CREDENTIAL"' in answered["curl"]
        script = "return [document.cookie, localStorage.length, sessionStorage.length]"
        assert page.run(script) == ["", 0, 0]
        assert key not in page.run("return document.documentElement.outerHTML")
        opened(page, guarded)
        assert page.run("return byId('credential').value") == ""


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_follows_its_colours(page: Page, scheme: str) -> None:
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    colours = [{"name": "prefers-color-scheme", "value": scheme}]
    page.call("Emulation.setDeviceMetricsOverride", **phone)
    page.call("Emulation.setEmulatedMedia", features=colours)
    sent(page, "explain")
    assert page.run("return document.documentElement.scrollWidth") == 360
    background = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


@in_a_browser
def test_the_keyboard_reaches_what_a_pointer_does(page: Page) -> None:
    reached = []
    for _ in range(40):
        press(page, "Tab", 9)
        reached.append(page.run("return document.activeElement.textContent.slice(0, 30).trim()"))
    assert reached[0] == "Skip to the content"
    assert "Send" in reached
    page.run("document.querySelector('summary').focus()")
    press(page, "Enter", 13)
    assert page.run("return document.querySelector('details').open") is True


def press(page: Page, key: str, code: int) -> None:
    for kind in ("keyDown", "keyUp"):
        text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
        page.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)
