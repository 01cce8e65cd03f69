"""Serve the bundled models and train those that the model store lacks: what `make run` does.

The default model is trained first, and the documented request shown as soon as it is answered.
The service loads every other model when somebody first asks for it.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "docs" / "examples"
SERVICE_LOG = REPOSITORY / "var" / "log" / "scoring.log"
MODELS = ("application", "card_default", "german_credit", "customer", "bureau")
REQUESTS = {
    "application": ("the documented application", "/predict"),
    "card_default": ("a real account of 2005", "/v1/models/card_default:predict"),
}
# The families that the default model is trained with, so that the first answer comes within a
# minute; the others are trained with all.
FIRST_FAMILIES = ("--family", "logistic", "--family", "additive")
START_SECONDS = 60.0
NO_CHAMPION = "no champion has been published"
STOP_SECONDS = 15
POLL_SECONDS = 0.1
HTTP_NOT_READY = 503

Process = subprocess.Popen[bytes]


class RunError(Exception):
    """A process failed, or the service does not answer."""


def main() -> int:
    """Serve, train and show until interrupted; 1 if something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    port = parser.parse_args().port
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        serve(port)
    except KeyboardInterrupt:
        return 0
    except (RunError, OSError) as error:  # OSError: what urllib raises, and a broken connection
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def serve(port: int) -> None:
    """Start the service, give it its models, and wait until it ends."""
    began = time.monotonic()
    url = f"http://localhost:{port}"
    SERVICE_LOG.parent.mkdir(parents=True, exist_ok=True)
    with SERVICE_LOG.open("ab") as log, start("functions.scoring", port=port, log=log) as server:
        wait_until_live(url, server)
        check_running(server)  # or another process answered, on the port that ours could not have
        provide(MODELS[0], url, server)
        seconds = round(time.monotonic() - began)
        print(f"\nServing on {url} after {seconds} s; stop with Ctrl-C.", flush=True)
        say(f"Decisions and the service's log: {SERVICE_LOG.relative_to(REPOSITORY)}")
        for model in MODELS[1:]:
            provide(model, url, server)
        print(f"\nAll {len(MODELS)} models are served: GET {url}/v1/models", flush=True)
        server.wait()
        check_running(server)


def provide(model: str, url: str, server: Process) -> None:
    """Train a model unless the store has it, and show its example if there is one."""
    if not is_published(url, model):
        say(f"\n[{MODELS.index(model) + 1} of {len(MODELS)}] training {model}")
        families = FIRST_FAMILIES if model == MODELS[0] else ()
        with start("training", "train", "--model", model, *families) as training:
            while training.poll() is None:
                check_running(server)
                time.sleep(POLL_SECONDS)
            if training.returncode:
                message = f"training {model} ended with exit code {training.returncode}"
                raise RunError(message)
    if model in REQUESTS:
        title, path = REQUESTS[model]
        print(f"\n{title}: POST {url}{path} with docs/examples/{model}.json")
        answer = ask(url + path, (EXAMPLES / f"{model}.json").read_bytes())
        print(json.dumps(json.loads(answer), indent=2), flush=True)


@contextlib.contextmanager
def start(
    module: str, *arguments: str, port: int | None = None, log: IO[bytes] | None = None
) -> Iterator[Process]:
    """Run a module of this project; end it, and all that it started, with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env=os.environ | ({"PORT": str(port)} if port else {}),
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def check_running(server: Process) -> None:
    """Raise RunError, with what it said last, if the service has ended."""
    if server.poll() is not None:
        last = SERVICE_LOG.read_text().splitlines()[-1:]
        message = f"the service ended with exit code {server.returncode}: {''.join(last)}"
        raise RunError(message)


def wait_until_live(url: str, server: Process) -> None:
    """Return once the service answers; raise URLError if it does not in time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        check_running(server)
        try:
            urllib.request.urlopen(f"{url}/health/live", timeout=1).close()  # noqa: S310 -- this machine's
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def is_published(url: str, model: str, token: str | None = None) -> bool:
    """Whether the store has a champion; asking makes the service load it."""
    try:
        ask(f"{url}/v2/models/{model}/ready", unless=NO_CHAMPION, token=token)
    except urllib.error.HTTPError as error:
        if error.code != HTTP_NOT_READY:
            raise
        return False
    return True


def ask(
    url: str, body: bytes | None = None, unless: str | None = None, token: str | None = None
) -> bytes:
    """Return the answer to a request, sent again while the model is not loaded.

    It is not sent again once the service says that this is because of `unless`.
    """
    deadline = time.monotonic() + START_SECONDS
    headers = {"content-type": "application/json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 -- this machine's
    while True:
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:  # noqa: S310 -- likewise
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as error:
            is_final = unless is not None and unless in error.read().decode()
            if is_final or error.code != HTTP_NOT_READY or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def say(line: str) -> None:
    """Print a line of progress: standard output is for answers."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
