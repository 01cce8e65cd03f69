"""Ask a deployed scoring service what docs/examples documents, and say no unless it decides.

The caller's ID token is read from standard input, so that no list of processes shows it.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"
BETWEEN_SECONDS = 1.0
WATCH_SECONDS = 5.0  # seldom enough that these answers do not drown the callers' in Monitoring
ANSWER_SECONDS = 30.0
UNAVAILABLE = 503
OWN_DOOR = 'Bearer realm="surety"'


class SmokeError(Exception):
    """The service does not answer as documented."""


class NotYetError(SmokeError):
    """The service may still be starting, or loading its model."""


def main() -> int:
    """0 once every request is answered, and then for as long as `--watch` says; 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--name", default="smoke", help="the requests' X-Request-Id")
    parser.add_argument("--patience", type=float, default=120, help="seconds for a model to load")
    parser.add_argument("--watch", type=float, default=0, help="seconds to go on asking")
    parser.add_argument("models", nargs="+", help="of these, the ones with a documented request")
    options = parser.parse_args()
    token = sys.stdin.readline().strip()
    try:
        headers = {"authorization": f"Bearer {token}", "x-request-id": options.name}
        requests = documented_requests(options.url, options.models, headers)
        deadline = time.monotonic() + options.patience
        for request in requests:
            wait_for(request, deadline)
        end = time.monotonic() + options.watch
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, WATCH_SECONDS))
            for request in requests:
                ask(request)
    except SmokeError as error:
        print(f"smoke test: {error}", file=sys.stderr)
        return 1
    return 0


def documented_requests(
    url: str, models: Iterable[str], headers: dict[str, str]
) -> list[urllib.request.Request]:
    """Readiness, and a scoring request for each model that has an example."""
    headers = {"content-type": "application/json"} | headers
    requests = [urllib.request.Request(f"{url}/health/ready", headers=headers)]  # noqa: S310 -- the operator's own URL
    for model in models:
        example = EXAMPLES / f"{model}.json"
        if example.is_file():
            path = "/predict" if model == "application" else f"/v1/models/{model}:predict"
            requests.append(urllib.request.Request(url + path, example.read_bytes(), headers))  # noqa: S310 -- likewise
    if len(requests) == 1:
        message = f"none of {', '.join(models)} has a documented request"
        raise SmokeError(message)
    return requests


def wait_for(request: urllib.request.Request, deadline: float) -> None:
    """Ask until the answer is right, or wrong in a way that waiting does not mend."""
    while True:
        try:
            return ask(request)
        except NotYetError:
            if time.monotonic() > deadline:
                raise
            time.sleep(BETWEEN_SECONDS)


def ask(request: urllib.request.Request) -> None:
    """Ask once; a scoring request must be answered with a decision, or by the function's guard."""
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- likewise
            body = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.headers.get("www-authenticate", "").startswith(OWN_DOOR):
            return  # keys and tokens of its own are its callers': that it is ready must do
        message = f"{request.full_url} answered {error.code}: {error.read(500).decode()}"
        raise (NotYetError if error.code == UNAVAILABLE else SmokeError)(message) from error
    except (OSError, http.client.HTTPException) as error:
        message = f"{request.full_url}: {error}"
        raise NotYetError(message) from error
    except ValueError as error:
        message = f"{request.full_url} answered no JSON"
        raise SmokeError(message) from error
    if request.data and "decision" not in body.get("predictions", [body])[0]:
        message = f"{request.full_url} answered without a decision"
        raise SmokeError(message)


if __name__ == "__main__":
    sys.exit(main())
