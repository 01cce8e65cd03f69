import threading

from functions.batch.worker import POLL_SECONDS, CancelWatch


def test_a_watch_asks_the_store_now_and_then_and_remembers_the_answer() -> None:
    looks: list[float] = []
    now = [100.0]

    def is_cancelled() -> bool:
        looks.append(now[0])
        return len(looks) > 1

    watch = CancelWatch(lambda: False, is_cancelled, lambda: now[0])
    assert [watch.must_stop() for _ in range(3)] == [False] * 3
    now[0] += POLL_SECONDS
    assert [watch.must_stop() for _ in range(3)] == [True] * 3
    assert looks == [100.0, 100.0 + POLL_SECONDS]


def test_a_process_that_ends_stops_at_once_without_asking() -> None:
    stop = threading.Event()
    watch = CancelWatch(stop.is_set, lambda: False)
    assert not watch.must_stop()
    stop.set()
    assert watch.must_stop()
