"""A total deadline for a read: clients limit each wait, and a trickle never waits long."""

import threading
from collections.abc import Callable
from typing import TypeVar

from models.errors import StoreUnavailableError

READ_SECONDS = 4.0
LIST_SECONDS = 20.0  # thousands of objects are several pages

T = TypeVar("T")


def within(name: str, fetch: Callable[[], T], seconds: float = READ_SECONDS) -> T:
    """Do what reads `name` in a thread, which is left to itself when time is up.

    Raises
    ------
    StoreUnavailableError
        If it has not finished in time. Whatever else it raises is raised here.
    """
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(fetch())
        except BaseException as error:  # noqa: BLE001 -- raised again by the caller's thread
            failed.append(error)

    thread = threading.Thread(target=run, name=f"read {name}", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        message = f"the store did not give {name} whole within {seconds:g} s"
        raise StoreUnavailableError(message)
    return found[0]
