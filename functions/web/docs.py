"""`GET /docs`: the OpenAPI document as a page, to read and to try; one file that loads no other."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.web.openapi import operation

PAGE = Path(__file__).parent / "pages" / "docs.html"
INLINE = re.compile(rb"<(style|script)>(.*?)</\1>", re.DOTALL)
MEDIA_TYPE = "text/html"


def routes() -> list[Route]:
    """The route of the page."""

    async def docs(_request: Request) -> Response:
        page, headers = _page()
        return Response(page, headers=headers, media_type=MEDIA_TYPE)

    return [Route("/docs", docs, methods=["GET"])]


def paths() -> dict[str, Any]:
    """Describe this route in OpenAPI."""
    said = "These routes as a page, to read and to try"
    return {"/docs": {"get": operation(said, media_type=MEDIA_TYPE)}}


@cache
def _page() -> tuple[bytes, dict[str, str]]:
    """The page and its headers, when it is asked for: a cold start has no need of it."""
    page = PAGE.read_bytes()
    return page, {
        "Content-Security-Policy": _policy(page),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _policy(page: bytes) -> str:
    """Let the page run its own script and style and call its own origin, and nothing else."""
    allowed = {kind: b64encode(sha256(text).digest()) for kind, text in INLINE.findall(page)}
    rules = (
        *("default-src 'none'", "connect-src 'self'", "img-src data:"),
        *(f"{kind.decode()}-src 'sha256-{digest.decode()}'" for kind, digest in allowed.items()),
        *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
        "require-trusted-types-for 'script'",  # text from the network is never taken for markup
    )
    return "; ".join(rules)
