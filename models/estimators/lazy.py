"""What is worth making only if it is asked for more than once."""

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

Made = TypeVar("Made")


class BuildOnSecondUse(Generic[Made]):
    """Nothing the first time it is asked for; from the second on what was made then.

    Two threads at once may both make it, which harms nothing.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._asked = False

    def get(self) -> Made | None:
        """Give what there is, or nothing the first time."""
        if self._asked:
            return self.now
        self._asked = True
        return None

    @cached_property
    def now(self) -> Made:
        """What there is, made at once if need be."""
        return self._make()
