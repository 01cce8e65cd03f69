"""What runs until the first image is released: alive for the platform, 503 for everyone else."""

import http.server
import json
import os


class Placeholder(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        alive = self.path == "/health/live"
        document = {
            "type": "about:blank",
            "title": "OK" if alive else "Service Unavailable",
            "status": 200 if alive else 503,
            "detail": "no image has been released yet: run the build, which ends with a release",
        }
        body = json.dumps(document).encode()
        self.send_response(document["status"])
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "60")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET


http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Placeholder).serve_forever()
