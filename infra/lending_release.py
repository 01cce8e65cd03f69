"""Release the loan book, where Terraform has made it: migrate, ask the new revision, move traffic.

The migration runs while the revision before serves on: a migration must leave it working. A
revision gets traffic once it reaches the migrated database. There is no canary: money that one
revision moved is money that the other reads.
"""

from dataclasses import dataclass

from infra.cloud_run import (
    Release,
    ReleaseError,
    find_newest,
    give_image,
    move,
    read_serving,
    sole,
)

ALL = 100
COMMAND = ("--command=", "--args=")
MIGRATE = "migrate"


@dataclass(frozen=True)
class LendingRelease(Release):
    """One image of the loan book, on its way; none where an environment promotes without one."""

    image: str | None


@dataclass(frozen=True)
class LendingCandidate:
    """The revision that would serve, who serves now, and where the candidate is asked."""

    name: str
    old: str
    audience: str
    url: str
    is_internal: bool


def offer_lending(plan: LendingRelease, existing: list[str]) -> None:
    """Give the new image to the service, without traffic, if Terraform has made it."""
    if plan.lending in existing:
        sole(plan, read_serving(plan, plan.lending), plan.lending)
        give_image(plan, plan.lending, (_image(plan), *COMMAND), plan.labels)


def prepare_lending(plan: LendingRelease) -> LendingCandidate | None:
    """Migrate the database, and give the new revision an address; None if there is no loan book."""
    services = plan.run("services", "list", "--format=value(metadata.name)").split()
    if plan.lending not in services:
        return None
    before = read_serving(plan, plan.lending)
    old = sole(plan, before, plan.lending)
    newest = find_newest(plan, plan.lending)
    if "release" not in newest.labels:  # Terraform has just made the service
        give_image(plan, plan.lending, (_image(plan), *COMMAND), plan.labels)
        newest = find_newest(plan, plan.lending)
    newest.require_release(plan.tag)
    job = f"{plan.lending}-{MIGRATE}"
    plan.update_job(job, _image(plan))
    plan.run("jobs", "execute", job, "--wait")
    address = f"--update-tags={plan.tag}={newest.name}"
    plan.run("services", "update-traffic", plan.lending, address)
    now = read_serving(plan, plan.lending)
    _, url = now.tags[plan.tag]
    return LendingCandidate(newest.name, old, now.url, url, now.is_internal)


def promote_lending(plan: LendingRelease, candidate: LendingCandidate) -> None:
    """Give the candidate all traffic, then its image to the jobs."""
    words = (f"--remove-tags={plan.tag}", f"--update-tags=previous={candidate.old}")
    move(plan, {candidate.name: ALL}, *words, service=plan.lending)
    for job in plan.run("jobs", "list", "--format=value(metadata.name)").split():
        if job.startswith(f"{plan.lending}-") and job != f"{plan.lending}-{MIGRATE}":
            plan.update_job(job, _image(plan))


def withdraw_lending(plan: LendingRelease) -> None:
    """Take the candidate's address away, which would keep an instance of it."""
    plan.run("services", "update-traffic", plan.lending, f"--remove-tags={plan.tag}")


def _image(plan: LendingRelease) -> str:
    if plan.image is None:
        message = (
            f"{plan.lending} exists, and no image of the loan book is released: "
            "promote from an environment with enable_lending, or release a commit"
        )
        raise ReleaseError(message)
    return plan.image
