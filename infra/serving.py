"""Say which commit and which images an environment has released."""

import argparse
import contextlib
import subprocess
import sys

from infra.cloud_run import Place, ReleaseError, read_revision, read_serving, sole

# From an image to the service that runs it, where Terraform has made one.
FOLLOWERS = {"lending": "lending", "batch": "batch-api", "dashboard": "dashboard"}


def main() -> int:
    """Print commit and digests; 1 if what serves is not one release, made by digest."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("project", "region", "environment"):
        parser.add_argument(f"--{name}", required=True)
    place = Place(**vars(parser.parse_args()))
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is the answer's alone
            words = released(place)
    except (ReleaseError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(*words)
    return 0


def released(place: Place) -> tuple[str, ...]:
    """Read the commit, then each image's name with its digest: two, and those of what else runs."""
    revision = read_revision(place, sole(place, read_serving(place)))
    commit = revision.labels.get("commit", "")
    if not commit:
        message = f"{revision.name} has no label `commit`: release {place.environment} once more"
        raise ReleaseError(message)
    prefix = f"{place.environment}-train-"
    names = place.run("jobs", "list", "--format=value(metadata.name)").split()
    form = "--format=value(spec.template.spec.template.spec.containers[0].image)"
    images = {
        place.run("jobs", "describe", name, form).strip()
        for name in names
        if name.startswith(prefix)
    }
    if len(images) != 1:
        message = f"training jobs have {len(images)} images: the last release was not finished"
        raise ReleaseError(message)
    digests = {"scoring": revision.image, "training": images.pop()}
    services = place.run("services", "list", "--format=value(metadata.name)").split()
    for target, service in FOLLOWERS.items():
        name = f"{place.environment}-{service}"
        if name in services:
            digests[target] = read_follower(place, name, commit)
    return commit, *(f"{target}={digest_from(image)}" for target, image in digests.items())


def read_follower(place: Place, name: str, commit: str) -> str:
    """Read the image of a service beside scoring, which must be of the same commit."""
    revision = read_revision(place, sole(place, read_serving(place, name), name))
    if revision.labels.get("commit") != commit:
        message = f"{revision.name} is of another commit: the last release was not finished"
        raise ReleaseError(message)
    return revision.image


def digest_from(image: str) -> str:
    """The digest that an image is named by."""
    _, separator, digest = image.partition("@")
    if not separator:
        message = f"{image} is named by a tag, which may mean another image tomorrow"
        raise ReleaseError(message)
    return digest


if __name__ == "__main__":
    sys.exit(main())
