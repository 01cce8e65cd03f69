"""A deadline for a whole read. Clients limit only the wait for each packet."""

import threading
from collections.abc import Callable
from typing import TypeVar

from models.errors import StoreUnavailableError

READ_SECONDS = 4.0
LIST_SECONDS = 20.0  # a list of thousands of objects has several pages

T = TypeVar("T")


def within(name: str, fetch: Callable[[], T], seconds: float = READ_SECONDS) -> T:
    """Run `fetch`, which reads `name`, in a thread, and abandon the thread at the deadline.

    Raises
    ------
    StoreUnavailableError
        If `fetch` does not finish in time. Every error of `fetch` itself is raised as well.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(fetch())
        except BaseException as error:  # noqa: BLE001 -- raised again by the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name=f"read {name}", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        message = f"the store did not finish reading {name} within {seconds:g} s"
        raise StoreUnavailableError(message)
    return results[0]
