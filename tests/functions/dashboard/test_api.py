"""Reading again within seconds asks once; changing something forgets what was read."""

import pytest
import streamlit

from functions.client import lending_endpoints as book
from functions.client.errors import UnavailableError
from functions.dashboard import runtime
from functions.dashboard.api import Api
from functions.dashboard.runtime import Services
from functions.dashboard.session import user_from_claims
from tests.functions.dashboard.conftest import LOAN
from tests.support.fake_api import FakeApi

USER = user_from_claims({"roles": ["manager"]}, "token", "roles")


@pytest.fixture
def as_user(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API as a manager in one session."""
    assert api.requests == []
    monkeypatch.setattr(streamlit, "session_state", {})
    return Api(USER, runtime.services())


def test_what_was_just_read_is_not_asked_again(api: FakeApi, as_user: Api) -> None:
    first, second = as_user.lending(book.summary()), as_user.lending(book.summary())
    assert first == second
    assert len(api.requests) == 1


def test_a_change_forgets_what_was_read(api: FakeApi, as_user: Api) -> None:
    as_user.lending(book.loan(LOAN))
    as_user.lending(book.act(LOAN, "disburse", {}, "key"))
    as_user.lending(book.loan(LOAN))
    assert [method for method, *_ in api.requests] == ["GET", "POST", "GET"]


def test_another_session_reads_for_itself(
    api: FakeApi, as_user: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user.lending(book.summary())
    monkeypatch.setattr(streamlit, "session_state", {})
    Api(USER, runtime.services()).lending(book.summary())
    assert len(api.requests) == 2


def test_without_a_scoring_function_the_reason_is_given(as_user: Api) -> None:
    services = runtime.services()
    none = Services(settings=services.settings, lending=services.lending, scoring=None)
    with pytest.raises(UnavailableError, match="no scoring function"):
        Api(USER, none).scoring(book.summary())
    assert as_user.has_scoring
