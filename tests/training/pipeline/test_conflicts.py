"""Transactions that BigQuery aborts, with the errors that its client raises."""

from collections.abc import Callable

import pytest
from google.api_core.exceptions import Aborted, BadRequest, Conflict, Forbidden, GoogleAPICallError

from training.pipeline.conflicts import ATTEMPTS, is_conflict, retry_conflicts

CONCURRENT = (
    "Transaction is aborted due to concurrent update against table bank:risk.payments. "
    "Transaction ID: 6e2b"
)
SERIALIZE = "Could not serialize access to table bank:risk.loads due to concurrent update"


def refuse(kind: type[GoogleAPICallError], text: str) -> GoogleAPICallError:
    """An error as the client raises it."""
    return kind(text)


def failing(times: int, error: GoogleAPICallError) -> Callable[[], str]:
    """A statement that is aborted so many times."""
    left = [error] * times

    def run() -> str:
        if left:
            raise left.pop()
        return "loaded"

    return run


def test_an_aborted_load_is_run_again_after_pauses_that_grow() -> None:
    pauses: list[float] = []
    error = refuse(BadRequest, CONCURRENT)
    assert retry_conflicts(failing(ATTEMPTS - 1, error), pauses.append) == "loaded"
    bounds = [(1, 4), (2, 8), (4, 16), (8, 32), (15, 60)]
    assert all(low <= one <= high for one, (low, high) in zip(pauses, bounds, strict=True))


def test_two_runs_do_not_pause_alike() -> None:
    pauses: list[float] = []
    for _ in range(20):
        retry_conflicts(failing(1, refuse(BadRequest, SERIALIZE)), pauses.append)
    assert len(set(pauses)) == 20


def test_attempts_end() -> None:
    pauses: list[float] = []
    with pytest.raises(BadRequest, match="concurrent update"):
        retry_conflicts(failing(ATTEMPTS, refuse(BadRequest, SERIALIZE)), pauses.append)
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refuse(BadRequest, CONCURRENT), True),
        (refuse(Conflict, SERIALIZE), True),
        (refuse(Aborted, CONCURRENT), True),
        (refuse(BadRequest, "Syntax error: Unexpected keyword SELECT"), False),
        (refuse(Conflict, "Already Exists: Table bank:risk.payments"), False),
        (refuse(Forbidden, CONCURRENT), False),
    ],
)
def test_only_what_another_run_aborted_is_run_again(
    error: GoogleAPICallError, *, expected: bool
) -> None:
    assert is_conflict(error) is expected
    pauses: list[float] = []
    if not expected:
        with pytest.raises(type(error)):
            retry_conflicts(failing(1, error), pauses.append)
        assert pauses == []
