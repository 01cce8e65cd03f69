"""Webhooks of the administration: secrets shown once, changes on demand, messages sent again."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.functions.dashboard.conftest import OpenPage, texts
from tests.support.fake_api import FakeApi, Json

WEBHOOK = f"item_{'a' * 32}"
MESSAGE = "b" * 32
URL = "https://receiver.example.org/hook"
LISTED: Json = {
    "webhook_id": WEBHOOK,
    "url": URL,
    "is_rotating": False,
    "created_at": "2026-11-30T09:30:00Z",
    "disabled_at": None,
    "disabled_reason": None,
    "delivered": 12345,
    "waiting": 2,
    "given_up": 1,
}
SENT: Json = {
    "message_id": MESSAGE,
    "type": "loan.disbursed",
    "created_at": "2026-11-30T09:30:00Z",
    "attempts": 3,
    "due_at": None,
    "delivered_at": None,
    "last_outcome": "500",
}


@pytest.fixture
def registered(api: FakeApi) -> FakeApi:
    """One webhook, and one message that did not arrive."""
    api.answers["/v1/webhooks"] = {"webhooks": [LISTED], "webhook_id": WEBHOOK, "secret": "whsec_1"}
    api.answers["/v1/webhooks/{webhook}/messages"] = {"messages": [SENT]}
    api.answers["/v1/webhooks/{webhook}:rotate"] = {"webhook_id": WEBHOOK, "secret": "whsec_2"}
    return api


def press(app: AppTest, label: str) -> AppTest:
    [button] = [b for b in app.button if b.label == label]
    return button.click().run()


def test_each_webhook_is_listed_with_what_was_sent(
    registered: FakeApi, open_page: OpenPage
) -> None:
    page = open_page("admin", "administration", part="webhooks")
    assert registered.sent("/v1/webhooks") != []
    [listed, messages] = [t.value.astype(str).iloc[0].tolist() for t in page.table]
    assert listed == [f"`{URL}`", "Events are sent", "12,345", "2", "1", WEBHOOK]
    assert messages[:2] == [MESSAGE, "Loan disbursed"]


def test_a_secret_is_shown_until_it_is_stored(registered: FakeApi, open_page: OpenPage) -> None:
    page = open_page("admin", "administration", part="webhooks")
    [url] = [field for field in page.text_input if field.label.startswith("Address")]
    url.set_value(f" {URL} ")
    page = press(page, "Register a webhook")
    posts = [body for verb, _, body, _ in registered.requests if verb == "POST"]
    assert posts == [{"url": URL}]
    assert [code.value for code in page.code] == ["whsec_1"]
    assert "not shown again" in texts(page)
    page = press(page, "I have stored it")
    assert [code.value for code in page.code] == []


def test_a_secret_is_rotated_and_the_rotation_finished(
    registered: FakeApi, open_page: OpenPage
) -> None:
    page = press(open_page("admin", "administration", part="webhooks"), "New secret")
    assert [code.value for code in page.code] == ["whsec_2"]
    registered.answers["/v1/webhooks"]["webhooks"] = [LISTED | {"is_rotating": True}]
    page = press(open_page("admin", "administration", part="webhooks"), "Finish the rotation")
    assert registered.sent(f"/v1/webhooks/{WEBHOOK}:finish_rotation") != []
    assert "The old secret signs no longer." in texts(page)


def test_a_webhook_is_disabled_by_somebody_who_is_sure(
    registered: FakeApi, open_page: OpenPage
) -> None:
    page = open_page("admin", "administration", part="webhooks")
    [button] = [b for b in page.button if b.label == "Disable"]
    assert button.disabled
    page.checkbox[0].check().run()
    press(page, "Disable")
    assert registered.sent(f"/v1/webhooks/{WEBHOOK}:disable") != []


def test_a_message_is_sent_once_more(registered: FakeApi, open_page: OpenPage) -> None:
    registered.answers["/v1/messages/{message}:replay"] = {"webhooks": 1}
    page = press(open_page("admin", "administration", part="webhooks"), "Send it once more")
    assert registered.sent(f"/v1/messages/{MESSAGE}:replay") != []
    assert "The message is sent once more to 1 webhooks." in texts(page)


def test_an_auditor_is_not_offered_webhooks(api: FakeApi, open_page: OpenPage) -> None:
    open_page("auditor", "administration", part="webhooks")
    assert api.sent("/v1/webhooks") == []
