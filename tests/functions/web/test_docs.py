import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from functions.web.app_factory import Protection, Service, create_web_app
from functions.web.docs import GUIDE, PAGE

TEXT = PAGE.read_text()


def open_docs(guide: Path | None = None) -> tuple[str, dict[str, str]]:
    service = Service(
        title="Lending",
        description="Loans.",
        contracts=[],
        unknown_path="no such path",
        guide=guide,
    )
    app = create_web_app(service, Protection())

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lending") as client:
            return await client.get("/docs")

    answer = anyio.run(get)
    return answer.text, dict(answer.headers)


def test_the_document_is_built_once_and_not_sent_to_whoever_has_it() -> None:
    built = []

    def schemas() -> dict[str, Any]:
        built.append(1)
        return {}

    service = Service(
        title="Lending", description="", contracts=[], unknown_path="", schemas=schemas
    )
    app = create_web_app(service, Protection(origins=("https://page.example",)))

    async def get(path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lending") as client:
            return await client.get(path, headers=headers)

    for path in ("/openapi.json", "/docs"):
        first = anyio.run(get, path, {})
        assert first.status_code == httpx.codes.OK
        tag = first.headers["etag"]
        again = anyio.run(get, path, {"If-None-Match": '"old"', "Origin": "https://page.example"})
        assert (again.content, again.headers["etag"]) == (first.content, tag)
        assert again.headers["access-control-allow-origin"] == "https://page.example"
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        for tag_sent in (tag, f"W/{tag}", f'"old", {tag}', "*"):
            unchanged = anyio.run(get, path, {"If-None-Match": tag_sent})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["etag"] == tag
        assert "access-control-allow-origin" not in anyio.run(get, path, {}).headers
    assert len(built) == 1


def digest(page: str, kind: str) -> str:
    [inline] = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
    return base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()


@pytest.mark.parametrize("guide", ["", "<p>Lend here.</p>"])
def test_it_is_served_with_headers_that_let_it_do_what_it_does_and_no_more(
    tmp_path: Path, guide: str
) -> None:
    path = tmp_path / "guide.html"
    path.write_text(guide)
    page, headers = open_docs(path if guide else None)
    assert page == TEXT.replace(GUIDE.decode(), guide)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert set(headers["content-security-policy"].split("; ")) == {
        *("default-src 'none'", "connect-src 'self'", "img-src data:"),
        f"style-src 'sha256-{digest(page, 'style')}'",
        f"script-src 'sha256-{digest(page, 'script')}'",
        *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
        "require-trusted-types-for 'script'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-request-id"]


def test_it_names_no_service() -> None:
    assert TEXT.count(GUIDE.decode()) == 1
    assert not re.search(r"Surety|scor|decision|applica(?!tion/)|train", TEXT)


def test_it_names_nothing_outside_and_takes_no_text_for_markup() -> None:
    assert not re.search(r"https?:|//\w", TEXT)
    assert not re.search(r"@import|\burl\(|<(?:link(?! rel=\"icon\")|img|iframe|form)|\bsrc=", TEXT)
    assert set(re.findall(r'href="([^"]*)"', TEXT)) == {"data:,", "openapi.json", "#main"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", TEXT)
    assert not re.search(r"[lL]ocalStorage|sessionStorage|indexedDB|cookie", TEXT)
