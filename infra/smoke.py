"""Ask a deployed service whether it is ready, and scoring the examples of its models.

It says no unless scoring decides. The caller's ID token is read from standard input, so that no
list of processes shows it. What was answered is printed as JSON: a canary's figures are the
callers' only without it.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from infra.probe import Probe

REPOSITORY = Path(__file__).resolve().parent.parent
BETWEEN_SECONDS = 1.0
WATCH_SECONDS = 5.0  # seldom enough that these answers do not drown the callers' in Monitoring
ANSWER_SECONDS = 30.0
UNAVAILABLE = 503
OWN_DOOR = 'Bearer realm="surety"'


class SmokeError(Exception):
    """The service does not answer as documented."""


class NotYetError(SmokeError):
    """The service may still be starting, or loading its model."""


@dataclass
class Answers:
    """How many were right, and by model what was decided."""

    answers: int = 0
    decisions: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, decided: tuple[str, str] | None) -> None:
        """Count one right answer, and its decision if it is one."""
        self.answers += 1
        if decided:
            model, decision = decided
            self.decisions[model][decision] += 1


def send_directly(request: urllib.request.Request) -> Any:  # noqa: ANN401 -- whatever JSON it is
    """Send a request over the network and return its answer's JSON."""
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- the operator's own URL
        return json.loads(answer.read())


@dataclass(frozen=True)
class Question:
    """One request, the model whose decision it asks for, and the way to the service."""

    request: urllib.request.Request
    model: str | None = None
    send: Callable[[urllib.request.Request], Any] = send_directly


def main() -> int:
    """0 once every request is answered, and then for as long as `--watch` says; 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--name", default="smoke", help="the requests' X-Request-Id")
    parser.add_argument("--patience", type=float, default=120, help="seconds for a model to load")
    parser.add_argument("--watch", type=float, default=0, help="seconds to go on asking")
    place = ("PROJECT", "REGION", "ENVIRONMENT", "AUDIENCE")
    parser.add_argument("--through", nargs=4, metavar=place, help="ask by a workflow, from within")
    parser.add_argument("--ready", default="/health/ready", help="what answers once it can serve")
    parser.add_argument("models", nargs="*", help="each is asked for a decision on its example")
    options = parser.parse_args()
    token = sys.stdin.readline().strip()
    headers = {"authorization": f"Bearer {token}", "x-request-id": options.name}
    try:
        ready = f"{options.url}{options.ready}"
        questions = questions_for(options.url, options.models, headers, ready)
        if options.through:
            probe = Probe(*options.through)  # with an identity of its own
            questions = [replace(question, send=probe.send) for question in questions]
        answers = ask_all(questions, options.patience, options.watch)
    except SmokeError as error:
        print(f"smoke test: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"answers": answers.answers, "decisions": answers.decisions}))
    return 0


def ask_all(questions: list[Question], patience: float, watch: float) -> Answers:
    """Ask each once with patience, then all again and again without."""
    answers = Answers()
    deadline = time.monotonic() + patience
    for question in questions:
        answers.add(wait_for(question, deadline))
    end = time.monotonic() + watch
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, WATCH_SECONDS))
        for question in questions:
            answers.add(ask(question))
    return answers


def example_for(model: str) -> Path | None:
    """Find a model's example: of the repository's models, or beside a model of the lender's own."""
    own = sorted((REPOSITORY / "own_models").rglob(f"examples/{model}.json"))
    candidates = [REPOSITORY / "docs" / "examples" / f"{model}.json", *own]
    return next((path for path in candidates if path.is_file()), None)


def questions_for(
    url: str, models: Sequence[str], headers: dict[str, str], ready: str
) -> list[Question]:
    """Readiness, and a scoring request for each model; a model without an example is named."""
    headers = {"content-type": "application/json"} | headers
    questions = [Question(urllib.request.Request(ready, headers=headers))]  # noqa: S310 -- the operator's own URL
    for model in models:
        example = example_for(model)
        if example is None:
            print(
                f"smoke test: {model} has no example and is not asked; "
                f"write one to examples/{model}.json beside its module",
                file=sys.stderr,
            )
            continue
        document = json.loads(example.read_text())
        body = document if "instances" in document else {"instances": [document]}
        address = f"{url}/v1/models/{model}:predict"
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310 -- likewise
        questions.append(Question(request, model))
    if models and len(questions) == 1:
        message = f"none of {', '.join(models)} has an example"
        raise SmokeError(message)
    return questions


def wait_for(question: Question, deadline: float) -> tuple[str, str] | None:
    """Ask until the answer is right, or wrong in a way that waiting does not mend."""
    while True:
        try:
            return ask(question)
        except NotYetError:
            if time.monotonic() > deadline:
                raise
            time.sleep(BETWEEN_SECONDS)


def ask(question: Question) -> tuple[str, str] | None:
    """Ask once; a scoring request must be answered with a decision, or by the function's guard."""
    request = question.request
    try:
        body = question.send(request)
    except urllib.error.HTTPError as error:
        if error.headers.get("www-authenticate", "").startswith(OWN_DOOR):
            return None  # keys and tokens of its own are its callers': that it is ready must do
        message = f"{request.full_url} answered {error.code}: {error.read(500).decode()}"
        raise (NotYetError if error.code == UNAVAILABLE else SmokeError)(message) from error
    except (OSError, http.client.HTTPException) as error:
        message = f"{request.full_url}: {error}"
        raise NotYetError(message) from error
    except ValueError as error:
        message = f"{request.full_url} answered no JSON"
        raise SmokeError(message) from error
    if question.model is None:
        return None
    decision = body.get("predictions", [{}])[0].get("decision")
    if decision is None:
        message = f"{request.full_url} answered without a decision"
        raise SmokeError(message)
    return question.model, decision


if __name__ == "__main__":
    sys.exit(main())
