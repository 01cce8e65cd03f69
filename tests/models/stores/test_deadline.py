import time
from functools import partial
from pathlib import Path

import pytest

from models.errors import ObjectMissingError, StoreUnavailableError
from models.stores.deadline import within
from models.stores.uri import open_store


@pytest.mark.parametrize("value", [7, None])
def test_what_is_read_in_time_is_returned(value: int | None) -> None:
    assert within("quick", lambda: value, seconds=5) is value


def test_an_error_of_the_read_is_raised_as_it_is() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        within("failing", fail, seconds=5)


def test_a_read_has_a_deadline_of_its_own_however_the_bytes_arrive() -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"did not finish reading slow within 0.2 s"):
        within("slow", lambda: time.sleep(2), seconds=0.2)
    assert time.monotonic() - began < 1
    with pytest.raises(ObjectMissingError):
        within("none", partial(open_store((Path("/nowhere")).as_uri()).read, "none"))
