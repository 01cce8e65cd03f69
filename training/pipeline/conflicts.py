"""Statements of BigQuery that another run made it abort: tried again after a random pause.

Two ingests of the same minute change the same tables. BigQuery runs such transactions one after
the other, if it can, and aborts one of them if it cannot. A load replaces whole days, so running it
again changes nothing else.
"""

import time
from collections.abc import Callable
from secrets import SystemRandom
from typing import TypeVar

from google.api_core.exceptions import Aborted, BadRequest, Conflict, GoogleAPICallError

ATTEMPTS = 6
FIRST_SECONDS, MOST_SECONDS = 4.0, 60.0  # the longest pauses: about two minutes together
# BigQuery gives these a status of many meanings, so that the text has to tell.
ABORTED = ("due to concurrent update", "could not serialize access")
STATUSES = (Aborted, BadRequest, Conflict)

T = TypeVar("T")


def retry_conflicts(run: Callable[[], T], pause: Callable[[float], None] = time.sleep) -> T:
    """Run something, and again for as long as another run's changes abort it.

    Each pause is of a random length, so that two runs that met do not meet again. After six
    attempts the error is raised, and any other error at once.
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return run()
        except GoogleAPICallError as error:
            if not is_conflict(error):
                raise
            longest = min(FIRST_SECONDS * 2**attempt, MOST_SECONDS)
            pause(SystemRandom().uniform(longest / 4, longest))
    return run()


def is_conflict(error: GoogleAPICallError) -> bool:
    """Return whether another run's changes made BigQuery abort a statement."""
    text = str(error).lower()
    return isinstance(error, STATUSES) and any(mark in text for mark in ABORTED)
