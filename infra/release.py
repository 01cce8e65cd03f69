"""Release images: without traffic first, then a smoke test, a canary, then all or nothing.

`offer` gives the new images to the services before Terraform applies settings, so that a setting
meets the code that knows it. `release` judges the revision that this made, and moves traffic.
What fails before promotion ends the release, and what served before serves on. Whoever moves
traffic meanwhile, by a rollback or another release, is right: this one stops and undoes nothing.
The loan book, where there is one, follows once scoring serves: lending_release.py. So do batches
and the dashboard: service_release.py. Images of training change last, but for a model that nothing
serves yet: what training publishes is read by what serves by then.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from infra.cloud_run import (
    Place,
    ReleaseError,
    Serving,
    TrafficError,
    find_newest,
    gcloud,
    give_image,
    move,
    moved,
    read_revision,
    read_serving,
    shift,
    sole,
)
from infra.lending_release import (
    LendingRelease,
    offer_lending,
    prepare_lending,
    promote_lending,
    withdraw_lending,
)
from infra.service_release import (
    OPTIONAL_TARGETS,
    ServicesRelease,
    offer_services,
    release_services,
)

REPOSITORY = Path(__file__).resolve().parent.parent
ALL = 100
TRAFFIC, UNFINISHED, TERMINATED = 3, 4, 143
AGAIN_SECONDS = 2
SCORING_COMMAND = ("--command=", "--args=")
RETRAIN_COMMAND = ("--command=python", "--args=-m,functions.retrain")


@dataclass(frozen=True)
class Plan(Place):
    """What is released, and how carefully."""

    build: str
    commit: str
    scoring_image: str
    training_image: str
    lending_image: str | None
    other_images: Mapping[str, str]  # by target
    canary_percent: int
    canary_seconds: int
    monitoring_seconds: int
    credentials_api: str
    monitoring_api: str

    @property
    def tag(self) -> str:
        """A tag of this build alone; a service's name and a tag share 46 characters."""
        return f"build-{self.build[:8]}"

    @property
    def labels(self) -> str:
        """What says of a revision which release and commit it is of."""
        return f"--update-labels=release={self.tag},commit={self.commit}"

    @property
    def of_lending(self) -> LendingRelease:
        """The part that is the loan book's."""
        place = (self.project, self.region, self.environment)
        return LendingRelease(*place, self.tag, self.commit, self.lending_image)

    @property
    def of_services(self) -> ServicesRelease:
        """The part that is of batches and the dashboard."""
        place = (self.project, self.region, self.environment)
        return ServicesRelease(*place, self.tag, self.commit, self.other_images)


def main() -> int:
    """Do one stage, and say how it ended.

    0: done. 1: what served before serves on. 2: wrong arguments. 3: look at who serves: traffic
    was moved by somebody else and left so, or could not be given back. 4: the candidate serves
    all, but what follows it is not updated. 143: cancelled.
    """
    stage, plan = _arguments()
    signal.signal(signal.SIGTERM, _cancel)
    try:
        if stage == "offer":
            offer(plan)
            return 0
        jobs = release(plan)
    except (ReleaseError, subprocess.CalledProcessError) as error:
        print(f"release stopped: {_reason(error)}", file=sys.stderr)
        return TRAFFIC if isinstance(error, TrafficError) else 1
    print(f"{plan.scoring_image} serves all traffic of {plan.service}")
    return finish(plan, jobs)


def finish(plan: Plan, jobs: dict[str, str]) -> int:
    """Release the loan book and what trains, now that scoring serves; one may fail alone."""
    steps: dict[str, Callable[[], None]] = {
        "the loan book is not": partial(release_lending, plan),
        "not all of batches and the dashboard is": partial(release_services, plan.of_services),
        "not all that trains is": partial(update_training, plan, jobs),
    }
    code = 0
    for name, step in steps.items():
        try:
            step()
        except (ReleaseError, subprocess.CalledProcessError) as error:
            print(f"released, but {name} updated: {_reason(error)}", file=sys.stderr)
            code = UNFINISHED
    return code


def _arguments() -> tuple[str, Plan]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("offer", "release"))
    for name in ("project", "region", "environment", "build", "commit"):
        parser.add_argument(f"--{name}", type=_text_argument, required=True)
    parser.add_argument("--images", type=_images, required=True, help="what images.sh wrote")
    parser.add_argument("--canary-percent", type=int, choices=range(1, ALL), default=10)
    parser.add_argument("--canary-seconds", type=int, choices=range(3_001), default=300)
    # How far Monitoring is behind.
    parser.add_argument("--monitoring-seconds", type=int, choices=range(601), default=180)
    parser.add_argument("--credentials-api", default="https://iamcredentials.googleapis.com")
    parser.add_argument("--monitoring-api", default="https://monitoring.googleapis.com")
    options = vars(parser.parse_args())
    return options.pop("stage"), Plan(**options.pop("images"), **options)


def _text_argument(text: str) -> str:
    if not text or text.startswith("-"):
        message = "must name something"
        raise argparse.ArgumentTypeError(message)
    return text


def _images(path: str) -> dict[str, Any]:
    try:
        images: dict[str, str] = json.loads(Path(path).read_text())
        chosen = {name: images[name] for name in ("scoring_image", "training_image")}
    except (OSError, ValueError, KeyError) as error:
        message = f"{path} does not name the images of scoring and training"
        raise argparse.ArgumentTypeError(message) from error
    if not all("@sha256:" in image for image in images.values()):
        message = f"{path} must name images by digest, not by tag"
        raise argparse.ArgumentTypeError(message)
    others = {t: images[f"{t}_image"] for t in OPTIONAL_TARGETS if f"{t}_image" in images}
    return {**chosen, "lending_image": images.get("lending_image"), "other_images": others}


def _cancel(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Python drops what a handler raises while it frees an object: then it is raised again.
    signal.signal(signal.SIGALRM, _cancel)
    signal.alarm(AGAIN_SECONDS)
    sys.exit(TERMINATED)


def _reason(error: Exception) -> str:
    return " ".join(map(str, getattr(error, "cmd", [error])))


def offer(plan: Plan) -> None:
    """Give the new images to the services, without traffic, if Terraform has made them."""
    existing = plan.run("services", "list", "--format=value(metadata.name)").split()
    if plan.service not in existing:
        print(f"there is no {plan.service} yet: Terraform makes it with the new image")
        return
    sole(plan, read_serving(plan))
    give_image(plan, plan.service, (plan.scoring_image, *SCORING_COMMAND), plan.labels)
    if plan.retrain in existing:
        give_image(plan, plan.retrain, (plan.scoring_image, *RETRAIN_COMMAND), plan.labels)
    offer_lending(plan.of_lending, existing)
    offer_services(plan.of_services, existing)


def release(plan: Plan) -> dict[str, str]:
    """Do every step up to promotion, in order; the first that fails raises. Return the jobs."""
    before = read_serving(plan)
    old = sole(plan, before)
    candidate = find_candidate(plan)
    with restore_on_failure(plan, before, candidate):
        address = f"--update-tags={plan.tag}={candidate}"
        plan.run("services", "update-traffic", plan.service, address)
        jobs = training_jobs(plan)
        train_first(plan, jobs)
        smoke(plan, list(jobs))
        canary = {candidate: plan.canary_percent, old: ALL - plan.canary_percent}
        since = datetime.now(UTC).isoformat()
        # Marked now: from here on a rollback means whom the canary is held against.
        shift(plan, before.shares, canary, f"--update-tags=previous={old}")
        answers = smoke(plan, list(jobs), watch=plan.canary_seconds)
        time.sleep(plan.monitoring_seconds)
        judge(plan, candidate, old, (since, answers))
        shift(plan, canary, {candidate: ALL}, f"--remove-tags={plan.tag}")
    name_leftovers(plan)
    return jobs


def find_candidate(plan: Plan) -> str:
    """Name the newest revision, which must be this release's and must start."""
    newest = find_newest(plan, plan.service)
    if "release" not in newest.labels:  # Terraform has just made the service
        give_image(plan, plan.service, (plan.scoring_image, *SCORING_COMMAND), plan.labels)
        newest = find_newest(plan, plan.service)
    newest.require_release(plan.tag)
    return newest.name


def training_jobs(plan: Plan) -> dict[str, str]:
    """Find the training job of every model that Terraform made one for."""
    prefix = f"{plan.environment}-train-"
    names = plan.run("jobs", "list", "--format=value(metadata.name)").split()
    return {
        name.removeprefix(prefix).replace("-", "_"): name
        for name in sorted(names)
        if name.startswith(prefix)
    }


def pipeline_jobs(plan: Plan) -> list[str]:
    """Name the jobs of the data pipeline, which run the same image; none without its flag."""
    names = plan.run("jobs", "list", "--format=value(metadata.name)").split()
    return sorted(name for name in names if name.startswith(f"{plan.environment}-pipeline-"))


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
    """Give traffic back to who had it; tags, which keep instances alive, become what they were."""
    try:
        now = read_serving(plan)
        if not now.shares.keys() <= {candidate, *before.shares}:
            raise TrafficError(moved(now.shares))
        print(f"giving traffic back to {', '.join(before.shares)}", file=sys.stderr)
        removed = [tag for tag in (plan.tag, "previous") if tag in now.tags.keys() - before.tags]
        words = [f"--remove-tags={','.join(removed)}"] if removed else []
        if "previous" in before.tags:
            words.append(f"--update-tags=previous={before.tags['previous'][0]}")
        move(plan, before.shares, *words)
    except subprocess.CalledProcessError as error:
        message = f"traffic could not be given back, run `make rollback`: {_reason(error)}"
        raise TrafficError(message) from error


def smoke(plan: Plan, models: list[str], watch: int = 0) -> str:
    """Ask the candidate, with an ID token for the service: a tag is no audience of its own."""
    now = read_serving(plan)
    if plan.tag not in now.tags:
        message = f"somebody removed the tag {plan.tag}, by which the candidate is asked"
        raise ReleaseError(message)
    token = identity_token(plan, now.url)
    options = [f"--url={now.tags[plan.tag][1]}", f"--watch={watch}", f"--name=smoke-{plan.build}"]
    if now.is_internal:  # with edge_only
        options += ["--through", plan.project, plan.region, plan.environment, now.url]
    return _ask("smoke", token, *options, "--", *models)


def release_lending(plan: Plan) -> None:
    """Migrate the loan book's database, see that the new revision reaches it, give it traffic."""
    lending = plan.of_lending
    candidate = prepare_lending(lending)
    if candidate is None:
        return
    try:
        if candidate.is_internal:
            print(
                f"{lending.lending} answers within its networks alone: nothing asks its candidate"
            )
        else:
            token = identity_token(plan, candidate.audience)
            _ask("smoke", token, f"--url={candidate.url}", "--ready=/health")
    except BaseException:
        withdraw_lending(lending)
        raise
    promote_lending(lending, candidate)
    print(f"{lending.image} serves all traffic of {lending.lending}")


def identity_token(plan: Plan, audience: str) -> str:
    """Ask for an ID token of the build's account, for a service."""
    account = f"--account=surety-build@{plan.project}.iam.gserviceaccount.com"
    api = f"--api={plan.credentials_api}"
    return ask_google("identity-token", account, f"--audience={audience}", api)


def judge(plan: Plan, candidate: str, old: str, watched: tuple[str, str]) -> None:
    """Hold the candidate's callers against those of the old revision; raise if they fare worse."""
    since, answers = watched
    options = (f"--project={plan.project}", f"--environment={plan.environment}")
    revisions = (f"--candidate={candidate}", f"--old={old}", f"--since={since}")
    api = f"--api={plan.monitoring_api}"
    print(ask_google("canary", *options, *revisions, api, f"--smoke={answers}"))


def name_leftovers(plan: Plan) -> None:
    """Say which tags other releases left: each may keep an instance alive, and none is ours."""
    tags = read_serving(plan).tags
    for tag in sorted(tag for tag in tags if tag.startswith("build-")):
        print(
            f"the tag {tag} is of another release. If none is under way: gcloud run services "
            f"update-traffic {plan.service} --project={plan.project} --region={plan.region} "
            f"--remove-tags={tag}"
        )


def update_training(plan: Plan, jobs: dict[str, str]) -> None:
    """Release what retrains on request and what trains on schedule."""
    newest = plan.describe(plan.retrain)["status"]["latestCreatedRevisionName"]
    labels = read_revision(plan, newest).labels
    if labels.get("release", plan.tag) != plan.tag:
        message = f"{newest} is of {labels['release']}, which is under way"
        raise ReleaseError(message)
    plan.run("services", "update-traffic", plan.retrain, "--to-latest")
    for job in (*jobs.values(), *pipeline_jobs(plan)):
        update_job(plan, job)


def update_job(plan: Plan, job: str) -> None:
    """Give a job of training or of the pipeline its image; its arguments are Terraform's."""
    labels = f"--update-labels=commit={plan.commit}"
    plan.run("jobs", "update", job, f"--image={plan.training_image}", "--command=", labels)


def ask_google(*words: str) -> str:
    """Ask one of Google's APIs with the token that gcloud has, and return the answer."""
    return _ask("google_api", gcloud("auth", "print-access-token"), *words)


def _ask(module: str, token: str, *words: str) -> str:
    command = [sys.executable, "-m", f"infra.{module}", *words]
    done = subprocess.run(  # noqa: S603 -- our own module
        command, input=token, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
