"""Wait for a local service, then show one documented request and one real account answered."""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"
REQUESTS = (
    ("the documented application", "/predict", "application.json"),
    ("a real account of 2005", "/v1/models/card_default:predict", "card_default.json"),
)
START_SECONDS = 30


def main() -> int:
    """Show every example; 1 when the service does not come up or refuses one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    url = parser.parse_args().url
    try:
        wait_until_live(url)
        for title, path, example in REQUESTS:
            body = (EXAMPLES / example).read_bytes()
            print(f"\n{title}: POST {url}{path} with docs/examples/{example}")
            print(json.dumps(json.loads(post(url + path, body)), indent=2))
    except OSError as error:  # what urllib raises, and a connection that breaks
        print(f"error: {url} does not answer: {error}", file=sys.stderr)
        return 1
    print(f"\nServing on {url}; stop with Ctrl-C.", flush=True)
    return 0


def wait_until_live(url: str) -> None:
    """Return once the service answers, or raise URLError."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/health/live", timeout=1).close()  # noqa: S310 -- the operator's own URL
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def post(url: str, body: bytes) -> bytes:
    """Send JSON and return the answer's body."""
    request = urllib.request.Request(  # noqa: S310 -- the operator's own URL
        url, body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- likewise
        data: bytes = answer.read()
    return data


if __name__ == "__main__":
    sys.exit(main())
