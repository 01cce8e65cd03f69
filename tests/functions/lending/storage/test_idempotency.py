"""Fingerprints of requests: what is the same request, and what is another."""

import pytest

from functions.lending.storage.idempotency import fingerprint

BODY = {"amount": "1.00", "list": [{"a": 1, "b": 2}]}


def test_members_in_any_order_are_the_same_request() -> None:
    same = {"list": [{"b": 2, "a": 1}], "amount": "1.00"}
    assert fingerprint("POST /x", BODY) == fingerprint("POST /x", same)


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("POST /y", BODY),
        ("POST /x", {**BODY, "amount": "1.01"}),
        ("POST /x", {"amount": "1.00", "list": [{"a": 1}, {"b": 2}]}),
        ("POST /x", {}),
    ],
)
def test_anything_else_is_another_request(route: str, body: dict[str, object]) -> None:
    assert fingerprint("POST /x", BODY) != fingerprint(route, body)
