"""The page that starts Streamlit in a browser: it is told where its server is.

Without it the browser tries the address of the open page first, is answered 404 twice, and only
then tries the root: two errors in its console, and two round trips before anything is shown.
"""

from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

BEFORE = b"</head>"
SCRIPT = (
    b"<script>window.__streamlit = {BACKEND_BASE_URL: location.origin,"
    b" MAIN_PAGE_BASE_URL: location.origin}</script>"
)


class PageShellMiddleware:
    """ASGI middleware that adds the script to HTML pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        accepted = Headers(scope=scope).get("accept", "")
        if "text/html" in accepted:  # the page is changed, so it must not come compressed
            others = [h for h in scope["headers"] if h[0] != b"accept-encoding"]
            scope = {**scope, "headers": others}
        start: MutableMapping[str, Any] | None = None
        parts: list[bytes] = []

        async def send_with_script(message: MutableMapping[str, Any]) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts).replace(BEFORE, SCRIPT + BEFORE, 1)
            headers = MutableHeaders(raw=list(start["headers"]))
            headers["content-length"] = str(len(body))
            del headers["etag"]
            del headers["last-modified"]
            start["headers"] = headers.raw
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_with_script)


def _is_page(message: MutableMapping[str, Any]) -> bool:
    """Whether a response is an HTML page that is not compressed."""
    headers = MutableHeaders(raw=list(message["headers"]))
    is_html = headers.get("content-type", "").startswith("text/html")
    return is_html and message["status"] == 200 and "content-encoding" not in headers  # noqa: PLR2004 -- OK
