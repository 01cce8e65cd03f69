"""Send many scoring requests to a running service and print how it fared."""

import argparse
import http.client
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BODY = (
    Path(__file__).resolve().parent.parent.parent / "docs/examples/application.json"
).read_text()
OK = 200


@dataclass(frozen=True)
class Tally:
    """Latencies of one client's requests in milliseconds, and how many failed."""

    latencies_ms: list[float]
    failures: int


def main() -> int:
    """Print the figures as a table and as one JSON object; 1 when any request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=10)
    options = parser.parse_args()
    shares = [options.requests // options.clients] * options.clients
    shares[0] += options.requests % options.clients
    began = time.perf_counter()
    with ThreadPoolExecutor(options.clients) as clients:
        tallies = list(clients.map(lambda share: client(options.url, share), shares))
    seconds = time.perf_counter() - began
    latencies = sorted(ms for tally in tallies for ms in tally.latencies_ms)
    failures = sum(tally.failures for tally in tallies)
    figures = {
        "requests": options.requests,
        "failures": failures,
        "requests_per_second": round(options.requests / seconds, 1),
        **percentiles(latencies),
    }
    for name, value in figures.items():
        print(f"{name:20} {value}")
    print(json.dumps(figures))
    return 1 if failures else 0


def client(url: str, requests: int) -> Tally:
    """Send requests one after another over one connection."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    latencies: list[float] = []
    for _ in range(requests):
        began = time.perf_counter()
        if is_scored(connection):
            latencies.append(1000 * (time.perf_counter() - began))
    return Tally(latencies, requests - len(latencies))


def is_scored(connection: http.client.HTTPConnection) -> bool:
    """Send one request and tell whether it was answered with a score."""
    try:
        connection.request("POST", "/predict", BODY, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status == OK and "probability_of_default" in json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        connection.close()
        return False


def percentiles(latencies: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile, in milliseconds."""
    if not latencies:
        return {}
    cuts = statistics.quantiles(latencies, n=100, method="inclusive") if latencies[1:] else None
    return {
        "p50_ms": round(statistics.median(latencies), 2),
        "p95_ms": round(cuts[94] if cuts else latencies[0], 2),
        "p99_ms": round(cuts[98] if cuts else latencies[0], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
