"""Lazy construction: a value that is built only if it is used more than once."""

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

T = TypeVar("T")


class BuildOnSecondUse(Generic[T]):
    """A value that `get` builds on its second call and returns from then on.

    Two threads at once may both build the value. That costs time and is otherwise harmless.
    """

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._is_used = False

    def get(self) -> T | None:
        """Return None on the first call, and the value on every later one."""
        if self._is_used:
            return self.value
        self._is_used = True
        return None

    @cached_property
    def value(self) -> T:
        """The value, built now if it does not exist yet."""
        return self._build()
