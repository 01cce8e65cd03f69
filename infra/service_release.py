"""Release what Terraform may have made beside scoring and the loan book: batches, the dashboard.

Their revisions hold no state, and nobody decides by them: one that starts gets all traffic, once
scoring serves. What served before keeps the tag `previous`, for a rollback.
"""

from collections.abc import Mapping
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
OWN_COMMAND = ("--command=", "--args=")
# From a service, without its environment, to its image and the options of its command.
SERVICES: Mapping[str, tuple[str, tuple[str, str]]] = {
    "batch": (
        "batch",
        (
            "--command=functions-framework",
            "--args=--target=finalised,--source=functions/batch/main.py",
        ),
    ),
    "batch-api": ("batch", OWN_COMMAND),
    "dashboard": ("dashboard", OWN_COMMAND),
}
JOBS: Mapping[str, str] = {"batch": "batch"}
OPTIONAL_TARGETS = frozenset(target for target, _ in SERVICES.values())


@dataclass(frozen=True)
class ServicesRelease(Release):
    """The images by their target; one is missing where an environment promotes without it."""

    images: Mapping[str, str]

    def image_for(self, service: str) -> str:
        """Return the image of a service; raise if this release has none."""
        target = SERVICES[service][0]
        if target in self.images:
            return self.images[target]
        message = (
            f"{self.environment}-{service} exists, and no image of it is released: "
            f"promote from an environment with enable_{target}, or release a commit"
        )
        raise ReleaseError(message)


def offer_services(plan: ServicesRelease, existing: list[str]) -> None:
    """Give the new images to the services that Terraform has made, without traffic."""
    for service, (_, command) in SERVICES.items():
        name = f"{plan.environment}-{service}"
        if name in existing:
            sole(plan, read_serving(plan, name), name)
            give_image(plan, name, (plan.image_for(service), *command), plan.labels)


def release_services(plan: ServicesRelease) -> None:
    """Give each service's new revision all traffic, if it starts; then the job its image."""
    existing = plan.run("services", "list", "--format=value(metadata.name)").split()
    for service in SERVICES:
        if f"{plan.environment}-{service}" in existing:
            _release_service(plan, service)
    jobs = plan.run("jobs", "list", "--format=value(metadata.name)").split()
    for job, service in JOBS.items():
        if f"{plan.environment}-{job}" in jobs:
            plan.update_job(f"{plan.environment}-{job}", plan.image_for(service))


def _release_service(plan: ServicesRelease, service: str) -> None:
    name = f"{plan.environment}-{service}"
    old = sole(plan, read_serving(plan, name), name)
    newest = find_newest(plan, name)
    if "release" not in newest.labels:  # Terraform has just made the service
        container = (plan.image_for(service), *SERVICES[service][1])
        give_image(plan, name, container, plan.labels)
        newest = find_newest(plan, name)
    newest.require_release(plan.tag)
    move(plan, {newest.name: ALL}, f"--update-tags=previous={old}", service=name)
    print(f"{newest.image} serves all traffic of {name}")
