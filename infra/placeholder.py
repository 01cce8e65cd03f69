"""What runs until the first image is released: alive for the platform, 503 for everyone else."""

import json
import os
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Placeholder(BaseHTTPRequestHandler):
    """Answers every GET and POST the same, but for the probe."""

    def do_GET(self) -> None:
        """Say that there is nothing here yet, and why."""
        status = HTTPStatus.OK if self.path == "/health/live" else HTTPStatus.SERVICE_UNAVAILABLE
        document = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status,
            "detail": "no image has been released yet; `make release` builds and releases one",
            "errors": [],
        }
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "60")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 -- named by http.server


PORT = int(os.environ["PORT"])
ThreadingHTTPServer(("", PORT), Placeholder).serve_forever()  # every address: it is a container's
