"""The OpenAPI document at `/openapi.json`, and at `/docs` as one page to read and try it."""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.web.bodies import json_response
from functions.web.contract import OPEN, Contract
from functions.web.openapi import Operation

PAGE = Path(__file__).parent / "pages" / "docs.html"
GUIDE = b"<!-- guide -->"
INLINE = re.compile(rb"<(style|script)>(.*?)</\1>", re.DOTALL)
MEDIA_TYPE = "text/html"


def contract(describe: Callable[[], dict[str, Any]], guide: Path | None = None) -> Contract:
    """Serve the document that `describe` builds, and the page.

    `guide` is a file with an HTML fragment for the top of the page.
    """
    openapi = _unchanging(lambda: json_response(describe()))
    docs = _unchanging(lambda: _render_page(guide))
    return Contract(
        tag="Operations",
        routes=[
            Route("/openapi.json", openapi, methods=["GET"]),
            Route("/docs", docs, methods=["GET"]),
        ],
        # A browser's docs page has no key, and the document names no weight of any model.
        scopes={"GET /openapi.json": OPEN, "GET /docs": OPEN},
        paths=_paths,
    )


def _paths() -> dict[str, Any]:
    return {
        "/openapi.json": {"get": Operation("Read this document")},
        "/docs": {
            "get": Operation("Read and try these routes in a browser", media_type=MEDIA_TYPE)
        },
    }


def _unchanging(build: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Answer every request with what the first one built; 304 to whoever has it already.

    Built on the first request, because a cold start needs none of it.
    """

    @cache
    def build_tagged() -> Response:
        response = build()
        response.headers["ETag"] = f'"{sha256(response.body).hexdigest()[:32]}"'
        response.headers["Cache-Control"] = "no-cache"  # ask, and be told 304
        return response

    async def answer(request: Request) -> Response:
        response = build_tagged()
        tag = response.headers["ETag"]
        tags_sent = {part.strip() for part in request.headers.get("if-none-match", "").split(",")}
        if tags_sent & {tag, f"W/{tag}", "*"}:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
        return response

    return answer


def _render_page(guide: Path | None) -> Response:
    page = PAGE.read_bytes().replace(GUIDE, guide.read_bytes() if guide else b"")
    headers = {
        "Content-Security-Policy": _content_security_policy(page),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(page, headers=headers, media_type=MEDIA_TYPE)


def _content_security_policy(page: bytes) -> str:
    """Allow the page its own script and style and calls to its own origin, and nothing else."""
    digests = {kind: b64encode(sha256(text).digest()) for kind, text in INLINE.findall(page)}
    rules = (
        *("default-src 'none'", "connect-src 'self'", "img-src data:"),
        *(f"{kind.decode()}-src 'sha256-{digest.decode()}'" for kind, digest in digests.items()),
        *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
        "require-trusted-types-for 'script'",  # text from the network is never taken for markup
    )
    return "; ".join(rules)
