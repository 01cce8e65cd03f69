import threading
from pathlib import Path

from functions.batch.jobs import Jobs
from functions.batch.runs import Shard
from functions.batch.settings import task_settings_from
from functions.batch.worker import POLL_SECONDS, CancelWatch, Worker
from models.stores.uri import open_store


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


def test_rows_are_counted_chunk_by_chunk_until_the_file_is_scored(tmp_path: Path) -> None:
    uri = tmp_path.as_uri()
    worker = Worker(task_settings_from({}), Jobs(open_store(uri), uri))
    with worker.counting("batch_1")(10_000, Shard()) as advance:
        advance(8_192)
        assert worker.rows_done("batch_1") == 8_192
        advance(1_808)
        assert (worker.rows_done("batch_1"), worker.rows_done("batch_2")) == (10_000, 0)
    assert worker.rows_done("batch_1") == 0
