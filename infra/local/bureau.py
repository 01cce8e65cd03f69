"""A stand-in for a credit bureau on this machine: every report is made up, and always the same.

It answers what the check `bureau` of the loan book declares. A report follows from the facts that
are sent; the identity numbers of CASES stand for people about whom something else is known.
"""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_BODY_BYTES = 16 * 1024
SECONDS = 5.0  # for which a caller may be silent
LOWEST, SPREAD, MOST_ENQUIRIES = 650, 200, 3
Report = dict[str, int | bool | None]
ANSWERED, FAILED = HTTPStatus.OK, HTTPStatus.INTERNAL_SERVER_ERROR
# By the last four characters of an identity number: the status, and what differs in the report.
CASES: Mapping[str, tuple[HTTPStatus, Report]] = {
    "404F": (ANSWERED, {"score": None, "enquiries_6_months": None}),
    "451F": (ANSWERED, {"wilful_default": True}),
    "500F": (FAILED, {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBureau:
    """Where the bureau is asked, and with which credential."""

    url: str
    key: str

    def settings(self) -> dict[str, str]:
        """Return what the loan book is told that asks it."""
        return {"CHECK_URLS": f"bureau={self.url}", "CHECK_KEYS": f"bureau={self.key}"}


def report_from_facts(facts: Mapping[str, Any]) -> tuple[HTTPStatus, Report]:
    """Make up what is known of a person."""
    person = [facts.get(name) for name in ("full_name", "date_of_birth", "identity_last_four")]
    digest = hashlib.sha256(json.dumps(person).encode()).digest()
    report: Report = {
        "score": LOWEST + digest[0] % (SPREAD + 1),
        "enquiries_6_months": digest[1] % (MOST_ENQUIRIES + 1),
        "wilful_default": False,
    }
    status, differs = CASES.get(str(facts.get("identity_last_four")), (ANSWERED, {}))
    return status, report | differs


@contextmanager
def running_bureau() -> Iterator[LocalBureau]:
    """Serve a bureau on a free port of loopback, in a thread."""
    key = secrets.token_hex()

    class Pull(BaseHTTPRequestHandler):
        timeout = SECONDS

        def do_POST(self) -> None:
            status, document = _answer(self, key)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing: a request is about a person."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pull) as server:
        thread = threading.Thread(target=server.serve_forever, name="bureau", daemon=True)
        thread.start()
        try:
            yield LocalBureau(url=f"http://127.0.0.1:{server.server_port}/pull", key=key)
        finally:
            server.shutdown()
            thread.join()


def _answer(request: BaseHTTPRequestHandler, key: str) -> tuple[HTTPStatus, Mapping[str, Any]]:
    size = request.headers.get("content-length", "")
    length = int(size) if size.isdecimal() else 0
    body = request.rfile.read(min(length, MOST_BODY_BYTES))
    credential = request.headers.get("authorization", "")
    if not hmac.compare_digest(credential.encode(), f"Bearer {key}".encode()):
        return HTTPStatus.UNAUTHORIZED, {"error": "authorization: send the bearer key"}
    try:
        facts = json.loads(body)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        return HTTPStatus.BAD_REQUEST, {"error": "the body must be one JSON object"}
    status, report = report_from_facts(facts)
    return status, {"report": report} if status == ANSWERED else {"error": "the bureau is down"}
