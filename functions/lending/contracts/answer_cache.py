"""Answers that are worth keeping: at most five minutes, and none beyond a change made here."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

SECONDS = 300.0
MOST_ANSWERS = 1_000


class AnswerCache:
    """The last answers by who may see what and by what was asked.

    A change clears it. An answer that was being read meanwhile is not stored: it may be older than
    the change. What another process changes is seen after five minutes at the latest.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._answers: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()
        self._changes = 0

    @property
    def changes(self) -> int:
        """How many changes there were, to be given to `store`."""
        return self._changes

    def find(self, key: Hashable) -> bytes | None:
        """Return an answer that is not too old."""
        with self._lock:
            stored_at, answer = self._answers.get(key, (0.0, None))
            is_fresh = answer is not None and self._clock() - stored_at < SECONDS
            return answer if is_fresh else None

    def store(self, key: Hashable, answer: bytes, changes: int) -> None:
        """Store an answer, unless something changed since it was begun to be read."""
        with self._lock:
            if changes == self._changes:
                self._answers[key] = (self._clock(), answer)
                self._answers.move_to_end(key)
                while len(self._answers) > MOST_ANSWERS:
                    self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: the book has changed."""
        with self._lock:
            self._changes += 1
            self._answers.clear()
