"""Release two images: a candidate without traffic, a smoke test, a canary, then all or nothing.

Every call is gcloud's. One that fails ends the release with exit code 1, and what served before
serves on. Images of training change last: what they publish is read by what serves by then.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SMOKE = Path(__file__).resolve().parent / "smoke.py"
ALL = 100
TERMINATED = 143


@dataclass(frozen=True)
class Plan:
    """What is released, where, and how carefully."""

    project: str
    region: str
    environment: str
    scoring_image: str
    training_image: str
    canary_percent: int
    canary_seconds: int

    @property
    def service(self) -> str:
        """The scoring service."""
        return f"{self.environment}-scoring"

    @property
    def bucket(self) -> str:
        """Where models are."""
        return f"gs://{self.project}-{self.environment}-models"

    def run(self, *words: str) -> str:
        """Call `gcloud run` where the release is."""
        return gcloud("run", *words, f"--project={self.project}", f"--region={self.region}")


@dataclass(frozen=True)
class Serving:
    """The service's address, each revision's share of traffic, and who carries which tag."""

    url: str
    shares: dict[str, int]
    tags: dict[str, tuple[str, str]]  # name -> revision and address


def main() -> int:
    """0: promoted; 1: what served before serves on; 2: wrong arguments."""
    plan = _plan()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # a cancelled build
    try:
        release(plan)
    except subprocess.CalledProcessError as error:
        print(f"release stopped: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    print(f"{plan.scoring_image} serves all traffic of {plan.service}")
    return 0


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("project", "region", "environment", "scoring-image", "training-image"):
        parser.add_argument(f"--{name}", type=_named, required=True)
    parser.add_argument("--canary-percent", type=int, choices=range(1, ALL), required=True)
    parser.add_argument("--canary-seconds", type=int, choices=range(3_001), required=True)
    return Plan(**vars(parser.parse_args()))


def _named(text: str) -> str:
    if not text or text.startswith("-"):
        message = "must name something"
        raise argparse.ArgumentTypeError(message)
    return text


def release(plan: Plan) -> None:
    """Do every step in order; the first that fails raises CalledProcessError."""
    before = serving(plan).shares
    deploy_candidate(plan)
    jobs = training_jobs(plan)
    train_first(plan, jobs)
    with restored_on_failure(plan, before):
        smoke(plan, list(jobs))
        others = {name: share for name, share in before.items() if name != candidate(plan)}
        if others:  # on a first deployment there is nobody to compare with
            shift(plan, {candidate(plan): plan.canary_percent})
            smoke(plan, list(jobs), watch=plan.canary_seconds)
        promote(plan, others)
    update_training(plan, jobs)


def serving(plan: Plan) -> Serving:
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
    return Serving(status.get("url", ""), shares, tags)


def candidate(plan: Plan) -> str:
    """Name the revision that is to be promoted."""
    return serving(plan).tags["candidate"][0]


def deploy_candidate(plan: Plan) -> None:
    """Make a revision that only its own address reaches, started as its image starts."""
    image = f"--image={plan.scoring_image}"
    clean = ("--command=", "--args=")
    plan.run("services", "update", plan.service, image, *clean, "--no-traffic", "--tag=candidate")


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
    folder = f"{plan.bucket}/champions/"
    published: list[str] = []
    if folder in gcloud("storage", "ls", plan.bucket).split():  # naming what is absent is an error
        published = gcloud("storage", "ls", folder).split()
    for model, job in jobs.items():
        if f"{folder}{model}.json" not in published:
            update_job(plan, job)
            plan.run("jobs", "execute", job, "--wait")


@contextmanager
def restored_on_failure(plan: Plan, before: dict[str, int]) -> Iterator[None]:
    """Whatever ends the block early, give traffic back to what served before."""
    try:
        yield
    except BaseException:
        if before:
            print(f"giving traffic back to {', '.join(before)}", file=sys.stderr)
            shift(plan, before)
        raise


def smoke(plan: Plan, models: list[str], watch: int = 0) -> None:
    """Ask the candidate, with an ID token for the service: a tag is no audience of its own."""
    now = serving(plan)
    token = gcloud("auth", "print-identity-token", f"--audiences={now.url}")
    url = now.tags["candidate"][1]
    words = [sys.executable, str(SMOKE), f"--url={url}", f"--watch={watch}", "--", *models]
    subprocess.run(words, input=token, text=True, check=True)  # noqa: S603 -- our own script


def promote(plan: Plan, others: dict[str, int]) -> None:
    """Give the candidate all traffic, and mark whom a rollback goes back to: one call."""
    previous = max(others, key=lambda name: others[name], default=None)
    shift(
        plan, {candidate(plan): ALL}, *([f"--update-tags=previous={previous}"] if previous else [])
    )


def shift(plan: Plan, shares: dict[str, int], *words: str) -> None:
    """Give revisions their shares; the others keep the rest between them."""
    told = ",".join(f"{name}={share}" for name, share in shares.items())
    plan.run("services", "update-traffic", plan.service, f"--to-revisions={told}", *words)


def update_training(plan: Plan, jobs: dict[str, str]) -> None:
    """Release what retrains on request and what trains on schedule."""
    image, words = (
        f"--image={plan.scoring_image}",
        ("--command=python", "--args=-m,functions.retrain"),
    )
    plan.run("services", "update", f"{plan.environment}-retrain", image, *words)
    for job in jobs.values():
        update_job(plan, job)


def update_job(plan: Plan, job: str) -> None:
    """Give a training job its image; its arguments are Terraform's."""
    plan.run("jobs", "update", job, f"--image={plan.training_image}", "--command=")


def gcloud(*words: str) -> str:
    """Call gcloud, show what it says, and return what it prints."""
    print("gcloud", *words, flush=True)
    command = ["gcloud", *words, "--quiet"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603 -- fixed words


if __name__ == "__main__":
    sys.exit(main())
