"""Cloud Run as a release sees it: who serves, under which tags, and what moves traffic."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class ReleaseError(Exception):
    """The release may not go on."""


class TrafficError(ReleaseError):
    """Traffic is not where this release left it, or could not be given back."""


@dataclass(frozen=True)
class Place:
    """One environment in its project."""

    project: str
    region: str
    environment: str

    @property
    def service(self) -> str:
        """The scoring service."""
        return f"{self.environment}-scoring"

    @property
    def retrain(self) -> str:
        """The service that starts training runs."""
        return f"{self.environment}-retrain"

    @property
    def lending(self) -> str:
        """The loan book, with enable_lending."""
        return f"{self.environment}-lending"

    def run(self, *words: str) -> str:
        """Call `gcloud run` in this place."""
        return gcloud("run", *words, f"--project={self.project}", f"--region={self.region}")

    def describe(self, service: str) -> dict[str, Any]:
        """Read a service."""
        document: dict[str, Any] = json.loads(
            self.run("services", "describe", service, "--format=json")
        )
        return document


@dataclass(frozen=True)
class Release(Place):
    """A commit that is released there, under a tag of its build."""

    tag: str
    commit: str

    @property
    def labels(self) -> str:
        """What says of a revision or a job where it came from."""
        return f"--update-labels=release={self.tag},commit={self.commit}"

    def update_job(self, job: str, image: str) -> None:
        """Give a job its image; its arguments are Terraform's."""
        labels = f"--update-labels=commit={self.commit}"
        self.run("jobs", "update", job, f"--image={image}", "--command=", labels)


@dataclass(frozen=True)
class Serving:
    """The service's address, its newest revision, shares of traffic, and who carries which tag.

    `is_internal` says that its own addresses answer nobody outside the project.
    """

    url: str
    newest: str
    shares: dict[str, int]
    tags: dict[str, tuple[str, str]]  # name -> revision and address
    is_internal: bool


@dataclass(frozen=True)
class Revision:
    """One revision; `fault` says why it does not start, and is empty once it has."""

    name: str
    image: str
    labels: dict[str, str]
    fault: str

    def require_release(self, tag: str) -> None:
        """Refuse a revision of another release, or one that does not start."""
        if self.labels.get("release") != tag:
            message = f"{self.name} is not of {tag}: another release is under way"
            raise ReleaseError(message)
        if self.fault:
            message = f"{self.name} does not start: {self.fault}"
            raise ReleaseError(message)


def read_serving(place: Place, name: str = "") -> Serving:
    """Read what serves now: of the scoring service, unless another is named."""
    service = place.describe(name or place.service)
    status = service.get("status", {})
    shares: dict[str, int] = {}
    tags = {}
    for target in status.get("traffic", []):
        if target.get("percent"):
            name = target["revisionName"]
            shares[name] = shares.get(name, 0) + target["percent"]
        if "tag" in target:
            tags[target["tag"]] = (target["revisionName"], target["url"])
    newest = status.get("latestCreatedRevisionName", "")
    annotations = service.get("metadata", {}).get("annotations", {})
    is_internal = annotations.get("run.googleapis.com/ingress", "all") != "all"
    return Serving(status.get("url", ""), newest, shares, tags, is_internal)


def sole(place: Place, now: Serving, service: str = "") -> str:
    """Name the one revision that serves: a canary beside another would prove nothing."""
    if len(now.shares) == 1:
        return next(iter(now.shares))
    message = (
        f"traffic is at {now.shares or 'nobody'}: another release is under way, or one was killed. "
        f"Give all to one: gcloud run services update-traffic "
        f"{service or place.service} --project={place.project} --region={place.region} "
        "--to-revisions=REVISION=100"
    )
    raise ReleaseError(message)


def read_revision(place: Place, name: str) -> Revision:
    """Read one revision."""
    made = json.loads(place.run("revisions", "describe", name, "--format=json"))
    conditions = made.get("status", {}).get("conditions", [])
    [ready] = [c for c in conditions if c["type"] == "Ready"] or [{"status": "Unknown"}]
    fault = "" if ready["status"] == "True" else ready.get("message", "it is not ready")
    image = made["spec"]["containers"][0]["image"]
    return Revision(name, image, made["metadata"].get("labels", {}), fault)


def find_newest(place: Place, service: str) -> Revision:
    """Read the revision of a service that was made last."""
    return read_revision(place, read_serving(place, service).newest)


def give_image(place: Place, service: str, container: Sequence[str], labels: str) -> None:
    """Make a revision that nobody reaches, of an image and the options of its command.

    One that does not start may lack a setting of Terraform. Cloud Run names it. A name of ours
    (also what --tag implies) would stay in the service, and the next change of Terraform's would
    ask for the same name again and be refused.
    """
    image, *command = container
    words = (f"--image={image}", *command, "--no-traffic", labels)
    try:
        place.run("services", "update", service, *words)
    except subprocess.CalledProcessError:
        template = place.describe(service)["spec"]["template"]["spec"]
        if image not in [c["image"] for c in template["containers"]]:
            raise
        print(
            f"{service}: the new image does not start with the settings of now; "
            "what is applied next may be what it needs",
            file=sys.stderr,
        )


def shift(place: Place, expected: dict[str, int], shares: dict[str, int], *words: str) -> None:
    """Move traffic, if it still is where this release believes it to be."""
    now = read_serving(place).shares
    if now != expected:
        raise TrafficError(moved(now))
    move(place, shares, *words)


def moved(now: dict[str, int]) -> str:
    """Say that this release is not the only one who decides."""
    return f"somebody else moved traffic, and it stays at {now}"


def move(place: Place, shares: dict[str, int], *words: str, service: str = "") -> None:
    """Give revisions their shares."""
    split = ",".join(f"{name}={share}" for name, share in shares.items())
    to = service or place.service
    place.run("services", "update-traffic", to, f"--to-revisions={split}", *words)


def gcloud(*words: str) -> str:
    """Call gcloud, show what it says, and return what it prints."""
    print("gcloud", *words, flush=True)
    command = ["gcloud", *words, "--quiet"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603 -- fixed words
