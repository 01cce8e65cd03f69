from unittest.mock import Mock

from models.estimators.lazy import BuildOnSecondUse


def test_the_first_use_builds_nothing_and_the_second_builds_once() -> None:
    build = Mock(return_value=[1, 2])
    lazy = BuildOnSecondUse(build)
    assert lazy.get() is None
    assert build.call_count == 0
    first = lazy.get()
    assert first == [1, 2]
    assert lazy.get() is first
    assert build.call_count == 1


def test_the_value_is_built_at_once_and_later_uses_share_it() -> None:
    build = Mock(return_value=[1, 2])
    lazy = BuildOnSecondUse(build)
    value = lazy.value
    assert lazy.get() is None  # still the first use of `get`
    assert lazy.get() is value
    assert build.call_count == 1


def test_a_value_that_is_none_is_built_only_once_too() -> None:
    build = Mock(return_value=None)
    lazy = BuildOnSecondUse(build)
    assert [lazy.get(), lazy.get(), lazy.get()] == [None, None, None]
    assert build.call_count == 1
