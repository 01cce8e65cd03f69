"""The loan book's part of a release: the database is migrated before the revision gets traffic."""

import json

import pytest

from tests.infra.rehearsal import COMMIT, DECISION, LENDING, NEW, OLD, TAG, Candidate, Cloud

pytestmark = pytest.mark.slow

PLACE = " --project=money --region=here --quiet"
BOOK, BEFORE = "prod-lending-1", "prod-lending-0"


@pytest.fixture
def with_book(cloud: Cloud) -> Cloud:
    """A project in which Terraform has made the loan book."""
    cloud.add_loan_book()
    return cloud


def test_the_database_is_migrated_then_the_revision_asked_then_it_serves_and_then_its_jobs(
    with_book: Cloud, candidate: Candidate
) -> None:
    code, output = with_book.release()
    assert code == 0, output
    calls = [call.removesuffix(PLACE) for call in with_book.calls("prod-lending")]
    labels = f"--update-labels=release={TAG},commit={COMMIT}"
    image, commit = f"--image={LENDING} --command=", f"--update-labels=commit={COMMIT}"
    assert [call for call in calls if "describe" not in call] == [
        f"run services update prod-lending {image} --args= --no-traffic {labels}",
        f"run jobs update prod-lending-migrate {image} {commit}",
        "run jobs execute prod-lending-migrate --wait",
        f"run services update-traffic prod-lending --update-tags={TAG}={BOOK}",
        (
            f"run services update-traffic prod-lending --to-revisions={BOOK}=100 "
            f"--remove-tags={TAG} --update-tags=previous={BEFORE}"
        ),
        f"run jobs update prod-lending-check {image} {commit}",
        f"run jobs update prod-lending-close {image} {commit}",
    ]
    book = with_book.state()["lending"]
    assert (book["shares"], book["tags"]) == ({BOOK: 100}, {"previous": BEFORE})
    assert book["migrated"] == LENDING
    assert candidate.requests[-1] == ("GET", "/health", "Bearer id.secret")


def test_scoring_serves_before_the_loan_book_is_touched(with_book: Cloud) -> None:
    assert with_book.release()[0] == 0
    calls = with_book.state()["calls"]
    promoted = next(i for i, call in enumerate(calls) if f"--to-revisions={NEW}=100" in call)
    migrated = next(i for i, call in enumerate(calls) if "execute prod-lending-migrate" in call)
    assert promoted < migrated


STEPS = {
    "jobs update prod-lending-migrate": BEFORE,
    "jobs execute prod-lending-migrate": BEFORE,
    f"prod-lending --update-tags={TAG}": BEFORE,
    f"--to-revisions={BOOK}=100": BEFORE,
    "jobs update prod-lending-check": BOOK,
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_leaves_the_book_with_who_served_and_what_trains_goes_on(
    with_book: Cloud, step: str
) -> None:
    with_book.set(failing=step)
    code, output = with_book.release()
    assert code == 4
    assert "released, but the loan book is not updated: gcloud" in output
    assert with_book.state()["lending"]["shares"] == {STEPS[step]: 100}
    assert with_book.state()["shares"] == {NEW: 100}
    assert with_book.calls("--to-latest")


def test_a_revision_that_does_not_reach_its_database_gets_no_traffic_and_keeps_no_address(
    with_book: Cloud, candidate: Candidate
) -> None:
    healthy = [(200, DECISION)] * 6  # scoring's own smoke tests
    unhealthy = json.dumps({"status": "unhealthy", "database": "disconnected"}).encode()
    candidate.first = [*healthy, (500, unhealthy)]
    code, output = with_book.release()
    assert code == 4
    assert "/health answered 500" in output
    book = with_book.state()["lending"]
    assert (book["shares"], book["tags"]) == ({BEFORE: 100}, {})


def test_a_book_that_answers_within_its_networks_alone_is_not_asked(
    with_book: Cloud, candidate: Candidate
) -> None:
    with_book.set(lending=with_book.state()["lending"] | {"ingress": "internal"})
    assert with_book.release()[0] == 0
    assert "/health" not in [path for _, path, _ in candidate.requests]
    assert with_book.state()["lending"]["shares"] == {BOOK: 100}


def test_a_new_book_of_terraforms_is_migrated_and_pinned(with_book: Cloud) -> None:
    state = with_book.state()
    made = {"image": LENDING, "settings": "old", "labels": {}}
    with_book.set(
        services=[name for name in state["services"] if name != "prod-lending"],
        templates=state["templates"] | {"prod-lending": made},
        revisions=state["revisions"] | {BEFORE: made | {"starts": True}},
        lending=state["lending"] | {"latest": True},
    )
    assert with_book.offer()[0] == 0
    assert not with_book.calls("prod-lending")
    with_book.set(services=state["services"])
    code, output = with_book.run(*with_book.releasing())
    assert code == 0, output
    assert with_book.state()["lending"]["shares"] == {BOOK: 100}


def test_a_book_of_another_release_gets_no_traffic(with_book: Cloud) -> None:
    assert with_book.offer()[0] == 0
    revisions = with_book.state()["revisions"]
    revisions[BOOK]["labels"]["release"] = "build-other"
    with_book.set(revisions=revisions)
    code, output = with_book.run(*with_book.releasing())
    assert code == 4
    assert f"{BOOK} is not of {TAG}: another release is under way" in output
    assert not with_book.calls("execute prod-lending-migrate")


def test_what_is_promoted_from_an_environment_without_a_book_does_not_touch_this_one(
    with_book: Cloud,
) -> None:
    file = with_book.folder / "images.json"
    images = json.loads(file.read_text())
    del images["lending_image"]
    file.write_text(json.dumps(images))
    code, output = with_book.release()
    assert code == 1
    assert "prod-lending exists, and no image of the loan book is released" in output
    assert with_book.state()["shares"] == {OLD: 100}
    assert with_book.state()["lending"]["shares"] == {BEFORE: 100}
