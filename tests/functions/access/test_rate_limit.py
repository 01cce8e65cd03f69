import time

import pytest

from functions.access.rate_limit import Rate, RateCounter, rate_from_text


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/minute", Rate(600, 60)),
        ("1/second", Rate(1, 1)),
        ("5/hour", Rate(5, 3_600)),
        *[
            (text, None)
            for text in ("", "0/minute", "5", "-1/hour", "5/day", "5 / hour", "\u0665/hour")
        ],
    ],
)
def test_a_rate_is_a_count_and_a_window(text: str, rate: Rate | None) -> None:
    assert rate_from_text(text) == rate


def test_a_rate_is_spent_request_by_request_and_by_each_caller_alone() -> None:
    counter, rate = RateCounter(), Rate(2, 3_600)
    first, second, third = (counter.count(rate, "one") for _ in range(3))
    assert (first.is_exceeded, first.remaining) == (False, 1)
    assert (second.is_exceeded, second.remaining) == (False, 0)
    assert (third.is_exceeded, third.remaining) == (True, 0)
    assert counter.count(rate, "other").remaining == 1
    assert 0 < third.reset_seconds <= 3_600
    assert "Retry-After" not in second.headers()
    assert third.headers() == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": str(third.reset_seconds),
        "Retry-After": str(third.reset_seconds),
    }


def test_who_comes_back_when_told_is_answered() -> None:
    counter, rate = RateCounter(), Rate(1, 1)
    counter.count(rate, "one")
    state = counter.count(rate, "one")
    assert state.is_exceeded
    time.sleep(state.reset_seconds)
    assert not counter.count(rate, "one").is_exceeded
