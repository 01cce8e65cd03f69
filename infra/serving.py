"""Say which commit and which images an environment has released."""

import argparse
import contextlib
import subprocess
import sys

from infra.cloud_run import Place, ReleaseError, read_revision, read_serving, sole


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
    """Read the commit, and the digests of the images: scoring, training, and lending if it runs."""
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
    digests = (digest_from(revision.image), digest_from(images.pop()))
    services = place.run("services", "list", "--format=value(metadata.name)").split()
    if place.lending not in services:
        return commit, *digests
    now = read_serving(place, place.lending)
    book = read_revision(place, sole(place, now, place.lending))
    if book.labels.get("commit") != commit:
        message = f"{book.name} is of another commit: the last release was not finished"
        raise ReleaseError(message)
    return commit, *digests, digest_from(book.image)


def digest_from(image: str) -> str:
    """The digest that an image is named by."""
    _, separator, digest = image.partition("@")
    if not separator:
        message = f"{image} is named by a tag, which may mean another image tomorrow"
        raise ReleaseError(message)
    return digest


if __name__ == "__main__":
    sys.exit(main())
