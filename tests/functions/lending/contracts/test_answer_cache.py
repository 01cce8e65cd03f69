"""Answers worth keeping: at most five minutes, and none beyond a change."""

from functions.lending.contracts.answer_cache import AnswerCache


def test_an_answer_lasts_five_minutes() -> None:
    now = [1000.0]
    cache = AnswerCache(clock=lambda: now[0])
    cache.store("par", b"1", cache.changes)
    now[0] += 299
    assert cache.find("par") == b"1"
    now[0] += 1
    assert cache.find("par") is None


def test_a_change_forgets_every_answer_and_those_being_read() -> None:
    cache = AnswerCache()
    cache.store("par", b"1", cache.changes)
    before = cache.changes
    cache.clear()
    assert cache.find("par") is None
    cache.store("par", b"read before the change", before)
    assert cache.find("par") is None


def test_of_many_answers_the_oldest_go() -> None:
    cache = AnswerCache()
    for number in range(1_001):
        cache.store(number, b"", cache.changes)
    assert cache.find(0) is None
    assert cache.find(1) == b""
