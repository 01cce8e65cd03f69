import base64
import json

import pytest

from functions.access.platform_identity import email_from_authorization, email_from_headers


def header(claims: object, scheme: str = "Bearer") -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{scheme} eyJhbGciOiJSUzI1NiJ9.{payload}.SIGNATURE_REMOVED_BY_GOOGLE"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_caller_is_the_address_in_the_token(scheme: str) -> None:
    claims = {"email": "maria@example.com", "email_verified": True, "sub": "1"}
    assert email_from_authorization(header(claims, scheme)) == "maria@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bearer",
        "Bearer a.b",
        "Bearer a.%%%.c",
        "Bearer a.YWJj.c",
        header({"email": "maria@example.com", "email_verified": True}, "Basic"),
        header({"email": "maria@example.com"}),
        header({"email": "maria@example.com", "email_verified": "true"}),
        header({"email": "", "email_verified": True}),
        header({"email": 7, "email_verified": True}),
        header(["email"]),
    ],
)
def test_what_names_nobody_is_nobody(text: str) -> None:
    assert email_from_authorization(text) is None


def test_of_two_tokens_the_one_that_cloud_run_checks_names_the_caller() -> None:
    checked, forged = (
        header({"email": f"{name}@example.com", "email_verified": True})
        for name in ("maria", "chair")
    )
    headers = {"x-serverless-authorization": checked, "authorization": forged}
    assert email_from_headers(headers) == "maria@example.com"
    assert email_from_headers({"authorization": checked}) == "maria@example.com"
    nobody = {"x-serverless-authorization": "Bearer a.b", "authorization": forged}
    assert email_from_headers(nobody) is None
    assert email_from_headers({}) is None
