"""Which differences between two revisions give traffic back, with numbers to check by hand."""

import pytest

from infra.canary import CanaryFigures, complaints, verdict, without

BUSY = CanaryFigures(answers=1000, errors=0, p95_ms=20.0)


def approving(approved: int, decided: int) -> CanaryFigures:
    return CanaryFigures(
        decisions={"application": {"approve": approved, "decline": decided - approved}}
    )


@pytest.mark.parametrize(
    ("errors", "before", "is_worse"),
    [(2, 0, False), (3, 0, True), (3, 20, False), (5, 20, True)],
)
def test_three_errors_and_a_share_of_one_per_cent_more_than_before_are_too_many(
    errors: int, before: int, *, is_worse: bool
) -> None:
    candidate = CanaryFigures(answers=100, errors=errors)
    old = CanaryFigures(answers=1000, errors=before)
    assert bool(complaints(candidate, old)) is is_worse


@pytest.mark.parametrize(
    ("answers", "p95_ms", "is_slower"),
    [
        (100, 30.0, True),
        (100, 26.0, True),
        (100, 25.0, False),
        (99, 30.0, False),
        (100, None, False),
    ],
)
def test_a_quarter_more_than_the_latency_before_is_too_slow_from_a_hundred_requests_on(
    answers: int, p95_ms: float | None, *, is_slower: bool
) -> None:
    faults = complaints(CanaryFigures(answers=answers, p95_ms=p95_ms), BUSY)
    assert bool(faults) is is_slower


@pytest.mark.parametrize(
    ("candidate", "old", "differs"),
    [
        (approving(50, 100), approving(600, 1000), True),  # 10 points fewer
        (approving(70, 100), approving(600, 1000), True),  # 10 more
        (approving(51, 100), approving(600, 1000), False),  # 9, which 100 decisions cannot tell
        (approving(5100, 10000), approving(54000, 90000), True),  # 9, which 10,000 can
        (approving(4900, 10000), approving(45900, 90000), False),  # 2
        (approving(49, 99), approving(600, 1000), False),  # too few
        (approving(0, 100), approving(0, 100), False),
    ],
)
def test_approving_ten_points_fewer_or_more_is_not_the_same_decision(
    candidate: CanaryFigures, old: CanaryFigures, *, differs: bool
) -> None:
    assert bool(complaints(candidate, old)) is differs


def test_what_the_release_asked_itself_is_no_callers() -> None:
    figures = CanaryFigures(
        answers=130, decisions={"application": {"approve": 90, "decline": 40}, "loan": {"refer": 5}}
    )
    callers = without(figures, 30, {"application": {"approve": 30}, "other": {"refer": 9}})
    assert callers.answers == 100
    assert callers.approvals("application") == (60, 100)
    assert callers.approvals("loan") == (0, 5)
    assert without(CanaryFigures(answers=2, errors=1), 30, {}).answers == 1


def test_the_verdict_says_what_was_compared_and_what_was_not() -> None:
    alone = verdict(CanaryFigures(), BUSY, 180)
    assert alone == "no caller asked it: the smoke test's own 180 answers alone judged it"
    few = verdict(CanaryFigures(answers=20), BUSY, 180)
    assert few == (
        "0 of 20 requests were answered with a 5xx (the revision before: 0 of 1000); "
        "too few requests to compare latencies; too few decisions to compare approval rates"
    )
    decisions = {"application": {"approve": 60, "decline": 40}}
    many = CanaryFigures(answers=100, p95_ms=21.0, decisions=decisions)
    old = CanaryFigures(answers=1000, p95_ms=20.0, decisions=decisions)
    assert complaints(many, old) == []
    assert verdict(many, old, 180).endswith(
        "95th percentile 21 ms (20 ms); approval rates of application are alike"
    )
