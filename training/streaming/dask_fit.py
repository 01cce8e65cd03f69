"""The large fit on several machines: Dask places the work, XGBoost's collective adds it up.

Each worker of the cluster streams its share of the rows into a quantised matrix of its own, and
grows the same trees as the others: they exchange sums of gradients, and no row. The names of the
workers rank them, and their ranks share the rows, so that the same cluster gives the same bytes
again. Workers import this project and the credit model, and read the data where `--data` says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import dask
import distributed
from xgboost import Booster, collective
from xgboost.dask import CommunicatorContext
from xgboost.tracker import RabitTracker

from models.errors import ClusterError, SuretyError
from training.progress import say
from training.streaming.large_fit import Boosting, boost, quantise
from training.streaming.selected_rows import SelectedRows

LOCAL_WORKERS = 2
CONNECT_SECONDS = 60


def fit_on_cluster(boosting: Boosting, selected: SelectedRows, scheduler: str | None) -> Booster:
    """Fit trees on every worker of a cluster, each to its share of the rows.

    Without a scheduler, Dask's own setting names one, or two processes of this machine are started.

    Raises
    ------
    ClusterError
        If the cluster cannot be reached, has no worker, or one of its workers fails.
    """
    with _connect(scheduler, boosting.threads) as client:
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            message = "--engine dask: the scheduler has no worker; start one with dask worker"
            raise ClusterError(message)
        say(f"large fit: {len(selected.labels)} rows on {len(workers)} workers")
        host = urlsplit(client.scheduler.address).hostname
        tracker = client.run_on_scheduler(start_tracker, len(workers), host)
        everything = client.scatter(selected, broadcast=True)
        futures = [
            client.submit(fit_share, boosting, everything, tracker, workers=[address], pure=False)
            for address in workers
        ]
        return _booster_from_bytes(_gather(futures))


def start_tracker(workers: int, host: str | None) -> dict[str, Any]:
    """Start what introduces the workers to each other, and return what they need to find it."""
    tracker = RabitTracker(n_workers=workers, host_ip=host, sortby="task")
    tracker.start()
    Thread(target=tracker.wait_for, daemon=True).start()
    arguments: dict[str, Any] = tracker.worker_args()
    return arguments


def fit_share(boosting: Boosting, selected: SelectedRows, tracker: dict[str, Any]) -> bytes | None:
    """Fit on one worker. The first one returns the trees, which all of them have."""
    threads = distributed.get_worker().state.nthreads
    with CommunicatorContext(**tracker):
        rank, workers = collective.get_rank(), collective.get_world_size()
        matrix = quantise(selected.share(rank, workers), threads)
        booster = boost(boosting.with_threads(threads), matrix)
    return bytes(booster.save_raw("ubj")) if rank == 0 else None


@contextmanager
def _connect(scheduler: str | None, threads: int) -> Iterator[Any]:
    address = scheduler or dask.config.get("scheduler-address", None)
    if address is None:
        per_worker = max(1, threads // LOCAL_WORKERS)
        with (
            distributed.LocalCluster(
                n_workers=LOCAL_WORKERS, threads_per_worker=per_worker, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        message = f"--scheduler {address}: the scheduler cannot be reached: {error}"
        raise ClusterError(message) from error
    with client:
        yield client


def _gather(futures: list[Any]) -> bytes:
    """Wait for all workers, or for the first that fails: the others then wait in vain."""
    results: list[bytes] = []
    for future in distributed.as_completed(futures):
        error = future.exception()
        if isinstance(error, SuretyError):
            raise error
        if error is not None:
            message = f"--engine dask: a worker failed: {type(error).__name__}: {error}"
            raise ClusterError(message) from error
        results += [future.result()] if future.result() else []
    [trees] = results
    return trees


def _booster_from_bytes(trees: bytes) -> Booster:
    booster = Booster()
    booster.load_model(bytearray(trees))
    return booster
