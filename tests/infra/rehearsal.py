"""A project to release into: stand-ins for gcloud, Google's APIs, Terraform and the candidate."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

from infra.google_api import DECISIONS
from tests.infra import gcloud
from tests.support.running import REPOSITORY

TERMINATED = 143
WATCHED = "--canary-seconds=1"
OLD, NEW = "prod-scoring-0", "prod-scoring-1"
MODELS = ["application", "card_default"]
DECISION = b'{"predictions": [{"decision": "approve"}]}'
BUILD, COMMIT = "3f9ac2d0-1b7e-4c55-9d1e-5a0c2f3b4d6e", "4c5383e0" * 5
TAG = "build-3f9ac2d0"
LENDING = f"registry/lending@sha256:{64 * '3'}"
BATCH, DASHBOARD = f"registry/batch@sha256:{64 * '4'}", f"registry/dashboard@sha256:{64 * '5'}"
IMAGES = {
    "scoring_image": f"registry/scoring@sha256:{64 * '1'}",
    "training_image": f"registry/training@sha256:{64 * '2'}",
    "lending_image": LENDING,
    "batch_image": BATCH,
    "dashboard_image": DASHBOARD,
}
SCORING, TRAINING = IMAGES["scoring_image"], IMAGES["training_image"]


@dataclass
class Candidate:
    """What the candidate answers: `first` once each, then `always`; before one, do `meanwhile`."""

    first: list[tuple[int, bytes]] = field(default_factory=list)
    always: tuple[int, bytes] = (200, DECISION)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    bodies: dict[str, Any] = field(default_factory=dict)
    names: set[str | None] = field(default_factory=set)
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    url: str = ""


@dataclass
class Google:
    """What Google's APIs answer: figures by revision, and first some failures."""

    calls: dict[str, dict[str, int]] = field(default_factory=dict)  # revision -> class -> how many
    p95_ms: dict[str, float] = field(default_factory=dict)
    decisions: dict[str, dict[str, dict[str, int]]] | None = None  # None: there is no such metric
    failures: list[tuple[int, bytes]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        self.requests.append((path, json.loads(body or b"{}")))
        if path.startswith("/v1/projects/-/serviceAccounts/"):
            return 200, b'{"token": "id.secret"}'
        if self.failures:
            return self.failures.pop(0)
        metric = dict(parse_qsl(urlsplit(path).query))["filter"]
        if "request_count" in metric:
            series = [
                point(revision, count, response_code_class=name)
                for revision, counts in self.calls.items()
                for name, count in counts.items()
            ]
        elif "request_latencies" in metric:
            series = [
                {
                    "resource": {"labels": {"revision_name": revision}},
                    "points": [{"value": {"doubleValue": milliseconds}}],
                }
                for revision, milliseconds in self.p95_ms.items()
            ]
        elif self.decisions is None:
            return 404, b'{"error": "Cannot find metric(s) that match type"}'
        else:
            [decision] = [
                name for name, counted in DECISIONS.items() if f"_decisions_{counted}" in metric
            ]
            series = [
                distribution(revision, counts[decision], model=model)
                for revision, by_model in self.decisions.items()
                for model, counts in by_model.items()
                if decision in counts
            ]
        return 200, json.dumps({"timeSeries": series} if series else {}).encode()


def point(revision: str, count: int, **labels: str) -> dict[str, Any]:
    """A series of counts, in two parts as Monitoring gives it."""
    return {
        "metric": {"labels": labels},
        "resource": {"labels": {"revision_name": revision}},
        "points": [{"value": {"int64Value": str(part)}} for part in (count - 1, 1)],
    }


def distribution(revision: str, total: int, **labels: str) -> dict[str, Any]:
    """A series of sums: of two records in one part, and of none in another."""
    parts = [{"count": "2", "mean": total / 2}, {"count": "0"}]
    return {
        "metric": {"labels": labels},
        "resource": {"labels": {"revision_name": revision}},
        "points": [{"value": {"distributionValue": part}} for part in parts],
    }


@contextmanager
def listening(
    answer: Callable[[BaseHTTPRequestHandler, bytes], tuple[int, bytes]],
) -> Iterator[str]:
    """Address of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self, self.rfile.read(int(self.headers["content-length"] or 0)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 -- the library's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Cloud:
    """A folder with a `gcloud`, and what it knows."""

    folder: Path
    google: str

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state").read_text())
        return state

    def set(self, **changes: object) -> None:
        (self.folder / "state").write_text(json.dumps(self.state() | changes))

    def start(self, *words: str, folder: Path = REPOSITORY) -> subprocess.Popen[str]:
        path = f"PATH={self.folder}:/usr/bin:/bin"
        return subprocess.Popen(
            ["env", path, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, folder: Path = REPOSITORY) -> tuple[int, str]:
        """Exit code and what was said of it.

        A stage of a release is run within this process, which takes a twentieth of the time;
        unless another thread asks, because signals are the main thread's.
        """
        is_stage = list(words[:3]) == [sys.executable, "-m", "infra.release"]
        if is_stage and threading.current_thread() is threading.main_thread():
            return self.run_here(words[3:])
        return self.run_apart(*words, folder=folder)

    def run_apart(self, *words: str, folder: Path = REPOSITORY) -> tuple[int, str]:
        """The same in a process of its own, with a gcloud of its own."""
        process = self.start(*words, folder=folder)
        _, output = process.communicate(timeout=240)
        return process.returncode, output

    def run_here(self, words: Sequence[str]) -> tuple[int, str]:
        """Run a stage here: what it would start is called instead, signals are its own."""
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
        try:
            with (
                patch.object(subprocess, "run", self.start_here),
                redirect_stderr(io.StringIO()) as errors,
            ):
                code, _ = run_main("infra.release", words, "")
        finally:
            signal.alarm(0)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return code, errors.getvalue()

    def start_here(
        self,
        command: Sequence[str],
        **options: Any,  # noqa: ANN401 -- those of subprocess.run
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` does for a release, of which only these two are started."""
        if command[0] == "gcloud":
            path = self.folder / "state"
            code, output = gcloud.call(path, list(command[1:]), os.getpid())
        else:
            _, flag, module, *words = command
            assert flag == "-m"
            code, output = run_main(module, words, options["input"])
        if code and options["check"]:
            raise subprocess.CalledProcessError(code, command, output, "")
        return subprocess.CompletedProcess(command, code, output, "")

    def offer(self, *words: str) -> tuple[int, str]:
        """Do the first stage."""
        return self.run(*self.stage("offer", *words))

    def release(self, *words: str) -> tuple[int, str]:
        """Offer and release, where settings stay as they are; what is said later wins."""
        code, output = self.offer(*words)
        return (code, output) if code else self.run(*self.releasing(*words))

    def roll_back(self) -> tuple[int, str]:
        """Run the script of `make rollback` where the environment's variables name the project."""
        return self.run("sh", "infra/rollback.sh", "prod", folder=scripts(self.folder / "clone"))

    def add_loan_book(self) -> None:
        """Let Terraform have made the loan book, whose first revision serves."""
        name, jobs = (
            "prod-lending",
            [f"prod-lending-{job}" for job in ("check", "close", "migrate")],
        )
        state = self.state()
        template = state["templates"]["prod-scoring"]
        traffic = {"shares": {f"{name}-0": 100}, "latest": False, "tags": {}}
        self.set(
            services=[*state["services"], name],
            templates=state["templates"] | {name: template},
            revisions=state["revisions"] | {f"{name}-0": template | {"starts": True}},
            jobs=[*state["jobs"], *jobs],
            lending=traffic | {"jobs": dict.fromkeys(jobs, "old"), "migrated": "old"},
        )

    def add_services(self, *names: str) -> None:
        """Let Terraform have made services beside scoring, and the job of batches."""
        state = self.state()
        template = state["templates"]["prod-scoring"]
        self.set(
            services=[*state["services"], *names],
            templates=state["templates"] | dict.fromkeys(names, template),
            revisions=state["revisions"] | {f"{n}-0": template | {"starts": True} for n in names},
            jobs=[*state["jobs"], "prod-batch"],
            others={n: {"shares": {f"{n}-0": 100}, "latest": False, "tags": {}} for n in names},
        )

    def releasing(self, *words: str) -> list[str]:
        return self.stage("release", *words)

    def stage(self, stage: str, *words: str) -> list[str]:
        """The words of a stage, for the images that a file in the folder names."""
        apis = (f"--credentials-api={self.google}", f"--monitoring-api={self.google}")
        images = f"--images={self.folder}/images.json"
        return [sys.executable, "-m", "infra.release", stage, *OPTIONS, images, *apis, *words]

    def calls(self, part: str) -> list[str]:
        return [call for call in self.state()["calls"] if part in call]

    def apply(self, settings: str, jobs: list[str] | None = None) -> bool:
        """Apply settings as Terraform does: it keeps the image, and waits for the revision."""
        script = Path(__file__).parent / "gcloud.py"
        words = [sys.executable, str(script), f"{self.folder}/state", "terraform", settings]
        if jobs:
            self.set(jobs=jobs)
        return subprocess.run(words, check=False).returncode == 0

    def whole_release(self, settings: str = "old", *words: str) -> tuple[int, str]:
        """All three stages, as the pipeline does them: the first that fails ends it."""
        code, output = self.offer(*words)
        if code:
            return code, output
        if not self.apply(settings):
            return 1, "terraform apply failed"
        return self.run(*self.releasing(*words))


def run_main(module: str, words: Sequence[str], text: str) -> tuple[int, str]:
    """Run a module as `python -m` does, with words and standard input: exit code and output."""
    with (
        patch.object(sys, "argv", [module, *words]),
        patch.object(sys, "stdin", io.StringIO(text)),
        redirect_stdout(io.StringIO()) as output,
    ):
        try:
            code = int(import_module(module).main())
        except SystemExit as stop:
            if module != "infra.release" and stop.code == TERMINATED:
                raise  # a signal that the release was sent ends it, and not what it waits for
            code = int(stop.code or 0)
    return code, output.getvalue()


def scripts(folder: Path) -> Path:
    """A folder with the scripts, for a project that exists."""
    shutil.copytree(REPOSITORY / "infra", folder / "infra", dirs_exist_ok=True)
    environments = folder / "terraform" / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    (environments / "prod.tfvars").write_text('project_id = "money"\nregion = "here"\n')
    return folder


def git(folder: Path, *words: str) -> str:
    author = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    done = subprocess.run(
        ["git", "-C", str(folder), *author, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit_all(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=all")


OPTIONS = [
    *("--project=money", "--region=here", "--environment=prod"),
    *(f"--build={BUILD}", f"--commit={COMMIT}"),
    *("--canary-percent=10", "--canary-seconds=0", "--monitoring-seconds=0"),
]


def new_cloud(folder: Path, google: str, candidate: str) -> Cloud:
    """A service whose first revision serves, with its retrain service, two jobs and champions."""
    made = Cloud(folder, google)
    script = Path(__file__).parent / "gcloud.py"
    tool = folder / "gcloud"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {script} {folder}/state "$@"\n')
    tool.chmod(0o755)
    (folder / "images.json").write_text(json.dumps(IMAGES))
    template = {"image": "old", "settings": "old", "labels": {"release": "build-old"}}
    services = ["prod-scoring", "prod-retrain"]
    (folder / "state").write_text("{}")
    made.set(url=candidate, calls=[], failing="", interrupting="", champions=MODELS)
    made.set(services=services, templates=dict.fromkeys(services, template), starts=None)
    made.set(revisions={f"{name}-0": template | {"starts": True} for name in services})
    made.set(shares={OLD: 100}, latest=False, retrain_traffic="latest", tags={})
    made.set(jobs=["prod-train-application", "prod-train-card-default", "prod2-train-application"])
    made.set(job_image="old", batch_job_image="old", others={})
    return made
