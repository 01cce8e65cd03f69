"""Release two images: a candidate without traffic, a smoke test, a canary, then all or nothing.

What fails before promotion ends the release, and what served before serves on. Whoever moves
traffic meanwhile, by a rollback or another release, is right: this one stops and undoes nothing.
Images of training change last: what they publish is read by what serves by then.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALL = 100
TRAFFIC, UNFINISHED, TERMINATED = 3, 4, 143
AGAIN_SECONDS = 2


class ReleaseError(Exception):
    """The release may not go on."""


class TrafficError(ReleaseError):
    """Traffic is not where this release left it, or could not be given back."""


@dataclass(frozen=True)
class Plan:
    """What is released, where, and how carefully."""

    project: str
    region: str
    environment: str
    build: str
    scoring_image: str
    training_image: str
    canary_percent: int
    canary_seconds: int
    credentials_api: str
    monitoring_api: str

    @property
    def service(self) -> str:
        """The scoring service."""
        return f"{self.environment}-scoring"

    @property
    def tag(self) -> str:
        """A tag of this build alone; a service's name and a tag share 46 characters."""
        return f"build-{self.build[:8]}"

    def run(self, *words: str) -> str:
        """Call `gcloud run` where the release is."""
        return gcloud("run", *words, f"--project={self.project}", f"--region={self.region}")


@dataclass(frozen=True)
class Serving:
    """The service's address, its newest revision, shares of traffic, and who carries which tag."""

    url: str
    newest: str
    shares: dict[str, int]
    tags: dict[str, tuple[str, str]]  # name -> revision and address


def main() -> int:
    """Release, and say how it ended.

    0: all is released. 1: what served before serves on. 2: wrong arguments. 3: look at who
    serves: traffic was moved by somebody else and left so, or could not be given back. 4: the
    candidate serves all, but what trains is not updated. 143: cancelled.
    """
    plan = _plan()
    signal.signal(signal.SIGTERM, _cancel)
    try:
        jobs = release(plan)
    except (ReleaseError, subprocess.CalledProcessError) as error:
        print(f"release stopped: {_reason(error)}", file=sys.stderr)
        return TRAFFIC if isinstance(error, TrafficError) else 1
    print(f"{plan.scoring_image} serves all traffic of {plan.service}")
    try:
        update_training(plan, jobs)
    except subprocess.CalledProcessError as error:
        print(f"released, but not all that trains is updated: {_reason(error)}", file=sys.stderr)
        return UNFINISHED
    return 0


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("project", "region", "environment", "build", "scoring-image", "training-image"):
        parser.add_argument(f"--{name}", type=_text_argument, required=True)
    parser.add_argument("--canary-percent", type=int, choices=range(1, ALL), required=True)
    parser.add_argument("--canary-seconds", type=int, choices=range(3_001), required=True)
    parser.add_argument("--credentials-api", default="https://iamcredentials.googleapis.com")
    parser.add_argument("--monitoring-api", default="https://monitoring.googleapis.com")
    return Plan(**vars(parser.parse_args()))


def _text_argument(text: str) -> str:
    if not text or text.startswith("-"):
        message = "must name something"
        raise argparse.ArgumentTypeError(message)
    return text


def _cancel(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Python drops what a handler raises while it frees an object: then it is raised again.
    signal.signal(signal.SIGALRM, _cancel)
    signal.alarm(AGAIN_SECONDS)
    sys.exit(TERMINATED)


def _reason(error: Exception) -> str:
    return " ".join(map(str, getattr(error, "cmd", [error])))


def release(plan: Plan) -> dict[str, str]:
    """Do every step up to promotion, in order; the first that fails raises. Return the jobs."""
    before = read_serving(plan)
    old = sole(plan, before)
    candidate = deploy_candidate(plan)
    jobs = training_jobs(plan)
    train_first(plan, jobs)
    with restore_on_failure(plan, before, candidate):
        smoke(plan, list(jobs))
        canary = {candidate: plan.canary_percent, old: ALL - plan.canary_percent}
        since = f"--since={datetime.now(UTC).isoformat()}"
        # Marked now: from here on a rollback means whom the canary is held against.
        shift(plan, before.shares, canary, f"--update-tags=previous={old}")
        smoke(plan, list(jobs), watch=plan.canary_seconds)
        options = (f"--project={plan.project}", f"--revision={candidate}", since)
        print(ask_google("answers", *options, f"--api={plan.monitoring_api}"))
        done = sorted(tag for tag in read_serving(plan).tags if tag.startswith("build-"))
        shift(plan, canary, {candidate: ALL}, f"--remove-tags={','.join(done)}")
    return jobs


def read_serving(plan: Plan) -> Serving:
    """Read what serves now."""
    words = ("services", "describe", plan.service, "--format=json")
    status = json.loads(plan.run(*words)).get("status", {})
    shares: dict[str, int] = {}
    tags = {}
    for target in status.get("traffic", []):
        if target.get("percent"):
            name = target["revisionName"]
            shares[name] = shares.get(name, 0) + target["percent"]
        if "tag" in target:
            tags[target["tag"]] = (target["revisionName"], target["url"])
    newest = status.get("latestCreatedRevisionName", "")
    return Serving(status.get("url", ""), newest, shares, tags)


def sole(plan: Plan, now: Serving) -> str:
    """Name the one revision that serves: a canary beside another would prove nothing."""
    if len(now.shares) == 1:
        return next(iter(now.shares))
    message = (
        f"traffic is at {now.shares or 'nobody'}: another release is under way, or one was killed. "
        f"Give all to one: gcloud run services update-traffic {plan.service} "
        f"--region={plan.region} --to-revisions=REVISION=100"
    )
    raise ReleaseError(message)


def deploy_candidate(plan: Plan) -> str:
    """Make a revision that only its own address reaches, started as its image starts; name it.

    Cloud Run names it. A name of ours (also what --tag implies) would stay in the service, and
    the next change of Terraform's would ask for the same name again and be refused.
    """
    words = (f"--image={plan.scoring_image}", "--command=", "--args=", "--no-traffic")
    plan.run("services", "update", plan.service, *words, f"--update-labels=release={plan.tag}")
    newest = read_serving(plan).newest
    made = json.loads(plan.run("revisions", "describe", newest, "--format=json"))
    if made["metadata"].get("labels", {}).get("release") != plan.tag:
        message = f"{newest} is not of {plan.tag}: another release is under way"
        raise ReleaseError(message)
    plan.run("services", "update-traffic", plan.service, f"--update-tags={plan.tag}={newest}")
    return newest


def training_jobs(plan: Plan) -> dict[str, str]:
    """Find the training job of every model that Terraform made one for."""
    prefix = f"{plan.environment}-train-"
    names = plan.run("jobs", "list", "--format=value(metadata.name)").split()
    return {
        name.removeprefix(prefix).replace("-", "_"): name
        for name in sorted(names)
        if name.startswith(prefix)
    }


def train_first(plan: Plan, jobs: dict[str, str]) -> None:
    """Train each model that has no champion, and wait for it."""
    bucket = f"gs://{plan.project}-{plan.environment}-models"
    folder = f"{bucket}/champions/"
    published: list[str] = []
    if folder in gcloud("storage", "ls", bucket).split():  # naming what is absent is an error
        published = gcloud("storage", "ls", folder).split()
    for model, job in jobs.items():
        if f"{folder}{model}.json" not in published:
            update_job(plan, job)
            plan.run("jobs", "execute", job, "--wait")


@contextmanager
def restore_on_failure(plan: Plan, before: Serving, candidate: str) -> Iterator[None]:
    """Whatever ends the block early, give traffic back, unless somebody else has moved it."""
    try:
        yield
    except TrafficError:
        raise
    except BaseException:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.alarm(0)
        restore(plan, before, candidate)
        raise


def restore(plan: Plan, before: Serving, candidate: str) -> None:
    """Give traffic, and the mark for a rollback, back to who had them."""
    marked = before.tags.get("previous")
    words = [f"--update-tags=previous={marked[0]}"] if marked else []
    try:
        now = read_serving(plan).shares
        if not now.keys() <= {candidate, *before.shares}:
            raise TrafficError(_describe_move(now))
        print(f"giving traffic back to {', '.join(before.shares)}", file=sys.stderr)
        move(plan, before.shares, *words)
    except subprocess.CalledProcessError as error:
        message = f"traffic could not be given back, run rollback.sh: {_reason(error)}"
        raise TrafficError(message) from error


def smoke(plan: Plan, models: list[str], watch: int = 0) -> None:
    """Ask the candidate, with an ID token for the service: a tag is no audience of its own."""
    now = read_serving(plan)
    account = f"--account=surety-build@{plan.project}.iam.gserviceaccount.com"
    caller = (account, f"--audience={now.url}", f"--api={plan.credentials_api}")
    token = ask_google("identity-token", *caller)
    options = (f"--url={now.tags[plan.tag][1]}", f"--watch={watch}", f"--name=smoke-{plan.build}")
    words = [sys.executable, str(HERE / "smoke.py"), *options, "--", *models]
    subprocess.run(words, input=token, text=True, check=True)  # noqa: S603 -- our own script


def shift(plan: Plan, expected: dict[str, int], shares: dict[str, int], *words: str) -> None:
    """Move traffic, if it still is where this release believes it to be."""
    now = read_serving(plan).shares
    if now != expected:
        raise TrafficError(_describe_move(now))
    move(plan, shares, *words)


def _describe_move(now: dict[str, int]) -> str:
    return f"somebody else moved traffic, and it stays at {now}"


def move(plan: Plan, shares: dict[str, int], *words: str) -> None:
    """Give revisions their shares."""
    split = ",".join(f"{name}={share}" for name, share in shares.items())
    plan.run("services", "update-traffic", plan.service, f"--to-revisions={split}", *words)


def update_training(plan: Plan, jobs: dict[str, str]) -> None:
    """Release what retrains on request and what trains on schedule."""
    words = (f"--image={plan.scoring_image}", "--command=python", "--args=-m,functions.retrain")
    plan.run("services", "update", f"{plan.environment}-retrain", *words)
    for job in jobs.values():
        update_job(plan, job)


def update_job(plan: Plan, job: str) -> None:
    """Give a training job its image; its arguments are Terraform's."""
    plan.run("jobs", "update", job, f"--image={plan.training_image}", "--command=")


def ask_google(*words: str) -> str:
    """Ask one of Google's APIs with the token that gcloud has, and return the answer."""
    token = gcloud("auth", "print-access-token")
    command = [sys.executable, str(HERE / "google_api.py"), *words]
    return subprocess.run(  # noqa: S603 -- our own script
        command, input=token, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def gcloud(*words: str) -> str:
    """Call gcloud, show what it says, and return what it prints."""
    print("gcloud", *words, flush=True)
    command = ["gcloud", *words, "--quiet"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603 -- fixed words


if __name__ == "__main__":
    sys.exit(main())
