from pathlib import Path

import pytest

from functions.access.rate_limit import Rate
from functions.access.settings import Access, Auth, access_from
from functions.web.settings import Listening
from tests.functions.access.conftest import PEPPER, KeyFile

JWT = {
    "JWT_ISSUER": "https://issuer.example.com/",
    "JWT_AUDIENCE": "https://credit.example.com",
    "JWT_JWKS": "https://issuer.example.com/jwks.json",
}


CLOUD_RUN = {"K_SERVICE": "scoring"}
LOOPBACK = Listening(host="127.0.0.1", port=0)
EVERYWHERE = Listening(host="0.0.0.0", port=0)  # noqa: S104


def read(auth: Auth, environment: dict[str, str]) -> tuple[Access, list[str]]:
    on_cloud_run = CLOUD_RUN if auth == "iam" else {}
    return access_from(on_cloud_run | environment | {"AUTH": auth}, LOOPBACK)


@pytest.mark.parametrize("elsewhere", [{}, CLOUD_RUN])
def test_authentication_must_be_set_unless_on_loopback(elsewhere: dict[str, str]) -> None:
    assert access_from({}, LOOPBACK)[0].auth == "none"
    _, faults = access_from(elsewhere, EVERYWHERE)
    assert faults == ["AUTH: must be set (none, iam, api-key or jwt) when HOST is 0.0.0.0"]
    assert access_from(elsewhere | {"AUTH": "none"}, EVERYWHERE)[1] == []


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ("iam", "AUTH: iam works only on Cloud Run: K_SERVICE is not set"),
        ("magic", "AUTH: must be none, iam, api-key or jwt, not 'magic'"),
    ],
)
def test_a_wrong_way_to_authenticate_is_a_fault(auth: str, message: str) -> None:
    assert access_from({"AUTH": auth}, LOOPBACK)[1] == [message]


@pytest.mark.parametrize("auth", ["none", "iam"])
def test_where_others_check_callers_nothing_is_asked_or_counted_here(auth: Auth) -> None:
    access, faults = read(auth, {"API_KEYS": "somewhere"} | JWT)
    assert access == Access(auth=auth, forwarded_hops=int(auth == "iam"))
    assert not access.checks_callers
    assert faults == []


def test_keys_and_tokens_come_with_a_rate_unless_it_is_switched_off(key_file: KeyFile) -> None:
    for auth, variables in (("api-key", key_file.settings()), ("jwt", JWT)):
        assert read(auth, variables)[0].rate == Rate(600, 60)  # type: ignore[arg-type]  # one of them each
        assert read(auth, variables | {"RATE_LIMIT": "off"})[0].rate is None  # type: ignore[arg-type]
        assert read(auth, variables | {"RATE_LIMIT": "9/hour"})[0].rate == Rate(9, 3_600)  # type: ignore[arg-type]


def test_tokens_are_asked_for_with_three_variables() -> None:
    access, faults = read("jwt", JWT)
    assert faults == []
    assert access.tokens is not None
    assert access.tokens.algorithms == ("RS256", "ES256", "EdDSA", "Ed25519")
    assert access.tokens.roles_claim == "roles"


def test_one_proxy_stands_in_front_on_cloud_run_and_none_elsewhere() -> None:
    assert read("none", {})[0].forwarded_hops == 0
    assert read("iam", {"K_SERVICE": "scoring"})[0].forwarded_hops == 1
    assert read("iam", {"K_SERVICE": "scoring", "FORWARDED_HOPS": "2"})[0].forwarded_hops == 2


def test_origins_are_listed_exactly() -> None:
    listed = "https://app.example.com, http://localhost:3000"
    access, faults = read("none", {"CORS_ORIGINS": listed})
    assert access.origins == ("https://app.example.com", "http://localhost:3000")
    assert faults == []


@pytest.mark.parametrize(
    ("auth", "environment", "message"),
    [
        ("api-key", {}, "API_KEYS: must be the path of a readable file of keys"),
        (
            "api-key",
            {"API_KEYS": "/nowhere"},
            "API_KEYS: must be the path of a readable file of keys",
        ),
        (
            "api-key",
            {"API_KEYS": '{"secret": 1}'},
            "API_KEYS: line 1: name: This field is required",
        ),
        ("api-key", {}, "API_KEY_PEPPER: must be a secret of at least 32 characters"),
        ("api-key", {"API_KEY_PEPPER": 31 * "x"}, "API_KEY_PEPPER: must be a secret"),
        ("jwt", {}, "JWT_ISSUER: must be set when AUTH is jwt"),
        ("jwt", {}, "JWT_AUDIENCE: must be set when AUTH is jwt"),
        ("jwt", {}, "JWT_JWKS: must be https://host/path"),
        ("jwt", {"JWT_JWKS": "http://issuer.example.com/jwks"}, "JWT_JWKS: must be"),
        ("jwt", {"JWT_JWKS": "ftp://127.0.0.1/jwks"}, "JWT_JWKS: must be"),
        ("jwt", {"JWT_JWKS": __file__}, f"JWT_JWKS: {__file__!r} cannot be used: "),
        ("jwt", {"JWT_ALGORITHMS": "RS256,HS256"}, "JWT_ALGORITHMS: must be some of RS256, ES256"),
        ("jwt", {"JWT_ALGORITHMS": "none"}, "JWT_ALGORITHMS: must be some of RS256, ES256"),
        ("none", {"RATE_LIMIT": "fast"}, "RATE_LIMIT: must be off, or a count and second"),
        ("none", {"FORWARDED_HOPS": "-1"}, "FORWARDED_HOPS: must be a number from 0 to 9"),
        ("none", {"CORS_ORIGINS": "*"}, "CORS_ORIGINS: must be https://host"),
        ("none", {"CORS_ORIGINS": "https://a.b/"}, "CORS_ORIGINS: must be https://host"),
        ("none", {"CORS_ORIGINS": "http://a.b"}, "CORS_ORIGINS: must be https://host"),
        ("none", {"CORS_ORIGINS": "null"}, "CORS_ORIGINS: must be https://host"),
    ],
)
def test_a_wrong_setting_is_a_fault_by_name(
    auth: Auth, environment: dict[str, str], message: str
) -> None:
    _, faults = read(auth, environment)
    assert any(fault.startswith(message) for fault in faults), faults


def test_no_fault_and_no_value_shows_a_secret(key_file: KeyFile, tmp_path: Path) -> None:
    key = key_file.add("score")
    access, _ = read("api-key", key_file.settings())
    assert PEPPER not in repr(access)
    (tmp_path / "mistaken").write_text(key)
    _, faults = read("api-key", {"API_KEYS": str(tmp_path / "mistaken"), "API_KEY_PEPPER": "short"})
    assert faults
    assert key not in " ".join(faults)
    assert "short" not in " ".join(faults)
