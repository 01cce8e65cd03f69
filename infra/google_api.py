"""What a release asks of Google that gcloud has no command for.

The caller's access token is read from standard input, so that no list of processes shows it.
"""

import argparse
import http.client
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from typing import Any

FEWEST_ERRORS, ERROR_SHARE = 3, 0.01
ANSWER_SECONDS = 30.0


class GoogleError(Exception):
    """Google does not answer, or what it answers ends the release."""


def main() -> int:
    """Print the answer; exit with 1 if there is none, or if it shows that a revision fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    questions = parser.add_subparsers(required=True)
    token = questions.add_parser("identity-token")
    token.add_argument("--api", required=True)
    token.add_argument("--account", required=True)
    token.add_argument("--audience", required=True)
    token.set_defaults(ask=identity_token)
    answers = questions.add_parser("answers")
    answers.add_argument("--api", required=True)
    answers.add_argument("--project", required=True)
    answers.add_argument("--revision", required=True)
    answers.add_argument("--since", required=True)
    answers.set_defaults(ask=judge_answers)
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


def judge_answers(options: argparse.Namespace, token: str) -> str:
    """Say how a revision answered its callers; Monitoring is some minutes behind."""
    metric_filter = (
        'metric.type="run.googleapis.com/request_count" AND resource.type="cloud_run_revision" '
        f'AND resource.labels.revision_name="{options.revision}"'
    )
    query = {
        "filter": metric_filter,
        "interval.startTime": options.since,
        "interval.endTime": datetime.now(UTC).isoformat(),
    }
    url = f"{options.api}/v3/projects/{options.project}/timeSeries?{urllib.parse.urlencode(query)}"
    answer = ask(url, token)
    answers = errors = 0
    for series in answer.get("timeSeries", []):
        count = sum(int(point["value"]["int64Value"]) for point in series["points"])
        answers += count
        errors += count * (series["metric"]["labels"]["response_code_class"] == "5xx")
    if not answers:
        return f"Monitoring has no answer of {options.revision} yet: the smoke test alone judged it"
    sentence = f"{options.revision} answered {errors} of {answers} requests with a 5xx"
    if errors >= FEWEST_ERRORS and errors > ERROR_SHARE * answers:
        raise GoogleError(sentence)
    return sentence


def ask(url: str, token: str, body: bytes | None = None) -> dict[str, Any]:
    """Ask once; with a body it is a POST."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 -- the operator's own URL
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- likewise
            document: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        message = f"{url} answered {error.code}: {error.read(500).decode()}"
        raise GoogleError(message) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        message = f"{url}: {error}"
        raise GoogleError(message) from error
    return document


if __name__ == "__main__":
    sys.exit(main())
