"""Moving the champion: in two steps, over the pointer that was seen, by whoever may."""

import json
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from functions.client.errors import RefusedError
from functions.dashboard import runtime
from tests.functions.dashboard.conftest import OpenPage, texts
from tests.support.fake_api import FakeApi

OLD, NEW = "20261121T014400Z-000000000001", "20261122T014400Z-000000000002"
POINTER, PROMOTE = "/v1/models/{model}/pointer", "/v1/models/{model}:promote"
REPORT: dict[str, Any] = {"gates": [], "calibration": {"bins": []}}
LISTED = [
    {"version": name, "published": "2026-11-22", "status": status}
    for name, status in ((NEW, "published"), (OLD, "champion"))
]


@pytest.fixture
def registry(api: FakeApi) -> FakeApi:
    """A model with a champion, the one before, and a newer version."""
    api.answers["/v1/models"] = {"models": ["instalment"]}
    api.answers["/model/versions"] = {"versions": LISTED}
    api.answers["/v1/models/{model}/versions/{version}/report.json"] = REPORT
    api.answers[POINTER] = {
        "model": "instalment",
        "sequence": 7,
        "champion": OLD,
        "previous": NEW,
        "challenger": None,
        "moves": [],
    }
    api.answers[PROMOTE] = {"status": "promoted", "version": NEW, "model": "instalment"}
    return api


def press(app: AppTest, label: str) -> AppTest:
    [button] = [b for b in app.button if b.label == label]
    return button.click().run()


def test_a_version_is_promoted_once_that_is_confirmed(
    registry: FakeApi, open_page: OpenPage
) -> None:
    page = open_page("admin", "registry")
    [why] = [field for field in page.text_input if field.label.startswith("Why")]
    why.set_value("agreed on 3 May")
    page = press(page, "Promote this version")
    assert f"{NEW} becomes the champion of instalment, in place of {OLD}." in texts(page)
    path = "/v1/models/instalment:promote"
    assert registry.sent(path) == []  # not before it is confirmed
    page = press(page, "Confirm")
    [(body, headers)] = registry.sent(path)
    assert body == {"version": NEW, "reason": "agreed on 3 May"}
    assert headers["If-Match"] == '"7"'
    assert f"{NEW} of instalment: promoted." in texts(page)


def test_the_previous_champion_comes_back(registry: FakeApi, open_page: OpenPage) -> None:
    page = press(open_page("admin", "registry"), f"Roll back to {NEW}")
    press(page, "Confirm")
    [(body, headers)] = registry.sent("/v1/models/instalment:rollback")
    assert (body, headers["If-Match"]) == ({"version": NEW}, '"7"')


def test_going_back_moves_nothing(registry: FakeApi, open_page: OpenPage) -> None:
    page = press(open_page("admin", "registry"), "Promote this version")
    page = press(page, "Back")
    assert [b.label for b in page.button if b.label == "Promote this version"] != []
    assert registry.sent("/v1/models/instalment:promote") == []


def test_somebody_elses_move_is_told_in_the_words_of_the_api(
    registry: FakeApi, open_page: OpenPage
) -> None:
    page = press(open_page("admin", "registry"), "Promote this version")
    detail = "the pointer of instalment has the sequence 8"
    registry.errors[PROMOTE] = RefusedError(412, "Precondition Failed", detail)
    assert detail in texts(press(page, "Confirm"))


def test_a_promotion_that_waits_for_a_second_person_says_so(
    registry: FakeApi, open_page: OpenPage
) -> None:
    registry.answers[PROMOTE] |= {"status": "waiting for a second person"}
    page = press(press(open_page("admin", "registry"), "Promote this version"), "Confirm")
    assert "a second person must promote it too" in texts(page)


def test_who_may_not_promote_sees_the_pointer_alone(registry: FakeApi, open_page: OpenPage) -> None:
    page = open_page("risk", "registry")
    assert registry.sent("/v1/models/instalment/pointer") != []
    assert "Only an administrator moves the champion." in texts(page)
    assert [b.label for b in page.button if b.label == "Promote this version"] == []


def test_without_a_retraining_function_the_commands_are_shown(
    registry: FakeApi, open_page: OpenPage
) -> None:
    runtime.use(replace(runtime.services(), retraining=None))
    page = open_page("admin", "registry")
    assert json.dumps([c.value for c in page.code]).count("python -m training") == 2
    assert registry.sent("/v1/models/instalment/pointer") == []
