"""What a release asks of Google that gcloud has no command for.

The caller's access token is read from standard input, so that no list of processes shows it.
"""

import argparse
import http.client
import json
import math
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from infra.canary import CanaryFigures, complaints, verdict, without

ANSWER_SECONDS = 30.0
DECISIONS = {"approve": "approved", "refer": "referred", "decline": "declined"}
TRIES, BETWEEN_SECONDS = 3, 1.0
LEAST_PERIOD_SECONDS = 60  # Monitoring aligns to no shorter one
RESOURCE = 'resource.type="cloud_run_revision" AND resource.labels.revision_name=one_of({})'


class GoogleError(Exception):
    """Google does not answer, or what it answers ends the release."""


class AbsentError(GoogleError):
    """Google does not know what was asked for."""


def main() -> int:
    """Print the answer; exit with 1 if there is none, or if it shows that a revision fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    questions = parser.add_subparsers(required=True)
    token = questions.add_parser("identity-token")
    token.set_defaults(ask=identity_token)
    for name in ("api", "account", "audience"):
        token.add_argument(f"--{name}", required=True)
    canary = questions.add_parser("canary")
    canary.set_defaults(ask=judge_canary)
    for name in ("api", "project", "environment", "candidate", "old", "since"):
        canary.add_argument(f"--{name}", required=True)
    canary.add_argument("--smoke", type=json.loads, required=True, help="what smoke.py printed")
    options = parser.parse_args()
    try:
        print(options.ask(options, sys.stdin.readline().strip()))
    except GoogleError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def identity_token(options: argparse.Namespace, token: str) -> str:
    """Get an ID token of an account: in Cloud Build, gcloud has none to give."""
    url = f"{options.api}/v1/projects/-/serviceAccounts/{options.account}:generateIdToken"
    body = {"audience": options.audience, "includeEmail": True}
    return str(ask(url, token, json.dumps(body).encode())["token"])


def judge_canary(options: argparse.Namespace, token: str) -> str:
    """Compare what the callers of two revisions met; Monitoring is some minutes behind."""
    figures = read_figures(options, token)
    smoke = options.smoke
    old = figures[options.old]
    candidate = without(figures[options.candidate], smoke["answers"], smoke["decisions"])
    if faults := complaints(candidate, old):
        message = f"{options.candidate} is not fit to serve: {'; '.join(faults)}"
        raise GoogleError(message)
    return f"{options.candidate}: {verdict(candidate, old, smoke['answers'])}"


def read_figures(options: argparse.Namespace, token: str) -> dict[str, CanaryFigures]:
    """Read answers, latency and decisions of both revisions."""
    answers: dict[str, int] = defaultdict(int)
    errors: dict[str, int] = defaultdict(int)
    for series in time_series(options, token, "run.googleapis.com/request_count"):
        name, count = _revision(series), _total(series)
        answers[name] += count
        errors[name] += count * (series["metric"]["labels"]["response_code_class"] == "5xx")
    latency = {
        _revision(series): float(series["points"][0]["value"]["doubleValue"])
        for series in time_series(
            options, token, "run.googleapis.com/request_latencies", **_percentile(options)
        )
    }
    decisions = read_decisions(options, token)
    return {
        name: CanaryFigures(
            answers=answers[name],
            errors=errors[name],
            p95_ms=latency.get(name),
            decisions=decisions[name],
        )
        for name in (options.candidate, options.old)
    }


def read_decisions(options: argparse.Namespace, token: str) -> dict[str, dict[str, dict[str, int]]]:
    """Count decisions by revision, model and decision, as the log's metrics have them."""
    counts: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    for decision, counted in DECISIONS.items():
        metric = f"logging.googleapis.com/user/surety_{options.environment}_decisions_{counted}"
        try:
            every_series = time_series(options, token, metric)
        except AbsentError:  # terraform/monitoring.tf makes it; before that nothing is compared
            return counts
        for series in every_series:
            if "model" in (labels := series["metric"].get("labels", {})):
                by_decision = counts[_revision(series)].setdefault(labels["model"], {})
                by_decision[decision] = _sum(series)
    return counts


def _revision(series: dict[str, Any]) -> str:
    return str(series["resource"]["labels"]["revision_name"])


def _total(series: dict[str, Any]) -> int:
    return sum(int(point["value"]["int64Value"]) for point in series["points"])


def _sum(series: dict[str, Any]) -> int:
    """Add up the values of a distribution: a record counts the decisions that it holds."""
    parts = [point["value"]["distributionValue"] for point in series["points"]]
    return round(sum(int(part["count"]) * float(part.get("mean", 0)) for part in parts))


def _percentile(options: argparse.Namespace) -> dict[str, str]:
    """One figure a revision over the whole time, whatever the answers' codes were."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(options.since)).total_seconds()
    return {
        "aggregation.alignmentPeriod": f"{max(LEAST_PERIOD_SECONDS, math.ceil(seconds))}s",
        "aggregation.perSeriesAligner": "ALIGN_DELTA",
        "aggregation.crossSeriesReducer": "REDUCE_PERCENTILE_95",
        "aggregation.groupByFields": "resource.label.revision_name",
    }


def time_series(
    options: argparse.Namespace, token: str, metric: str, **aggregation: str
) -> list[dict[str, Any]]:
    """Read a metric of both revisions since the candidate got its share."""
    names = ", ".join(f'"{name}"' for name in (options.candidate, options.old))
    query = {
        "filter": f'metric.type="{metric}" AND {RESOURCE.format(names)}',
        "interval.startTime": options.since,
        "interval.endTime": datetime.now(UTC).isoformat(),
        **aggregation,
    }
    url = f"{options.api}/v3/projects/{options.project}/timeSeries?{urllib.parse.urlencode(query)}"
    series: list[dict[str, Any]] = ask(url, token).get("timeSeries", [])
    return series


def ask(url: str, token: str, body: bytes | None = None) -> dict[str, Any]:
    """Ask up to three times; with a body it is a POST. A refusal is not asked again."""
    for tries_left in reversed(range(TRIES)):
        try:
            return _ask_once(url, token, body)
        except urllib.error.HTTPError as error:
            message = f"{url} answered {error.code}: {error.read(500).decode()}"
            if error.code == HTTPStatus.NOT_FOUND:
                raise AbsentError(message) from error
            may_pass = error.code >= 500 or error.code == HTTPStatus.TOO_MANY_REQUESTS  # noqa: PLR2004 -- 5xx
            if not (tries_left and may_pass):
                raise GoogleError(message) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not tries_left:
                message = f"{url}: {error}"
                raise GoogleError(message) from error
        time.sleep(BETWEEN_SECONDS)
    raise AssertionError  # the last try returns or raises


def _ask_once(url: str, token: str, body: bytes | None) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 -- the operator's own URL
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- likewise
        document: dict[str, Any] = json.loads(answer.read())
    return document


if __name__ == "__main__":
    sys.exit(main())
