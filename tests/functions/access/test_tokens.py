import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import RSAKey

from functions.access.jwks import JwksCache
from functions.access.principal import Principal, UnauthenticatedError
from functions.access.scopes import ROLES
from functions.access.settings import ALGORITHMS, TokenRules
from functions.access.tokens import CLOCK_SKEW_SECONDS, TokenValidator
from tests.functions.access.conftest import AUDIENCE, ISSUER, Asking, Issuer
from tests.support.running import running_server

NOT_ACCEPTED = "this token is not accepted"


def make_validator(issuer: Issuer, **changes: Any) -> TokenValidator:  # noqa: ANN401 -- of any rule
    rules: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks": issuer.url,
        "algorithms": ALGORITHMS,
        "roles_claim": "roles",
    }
    return TokenValidator(TokenRules(**rules | changes), JwksCache(issuer.url))


async def refusal(check: TokenValidator, token: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        await check.authenticate(token)
    return str(caught.value)


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def with_header(token: str, **header: object) -> str:
    """The same claims and signature under another header."""
    _, claims, signature = token.split(".")
    return f"{part(header)}.{claims}.{signature}"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kid", "alg"), [("rsa", "RS256"), ("ec", "ES256"), ("okp", "EdDSA"), ("okp", "Ed25519")]
)
async def test_a_token_of_each_algorithm_tells_who_asks(kid: str, alg: str, issuer: Issuer) -> None:
    token = issuer.token(kid, alg, roles=["client", "stranger", 7])
    scopes = frozenset({"score", "explain", "simulate", "models", "applications", "apply"})
    expected = Principal("subject lender", scopes, roles=frozenset({"client", "stranger"}))
    assert await make_validator(issuer).authenticate(token) == expected


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claims", "branches", "customer_id"),
    [
        ({"branches": [1, 3], "customer_id": 1101}, (1, 3), 1101),
        ({"branches": [1, True, "2", -1, 0, 32_768, None]}, (1,), None),
        ({"branches": "1,2", "customer_id": "1101"}, (), None),
        ({}, (), None),
    ],
)
async def test_a_token_opens_the_branches_and_the_customer_that_it_names(
    claims: dict[str, Any], branches: tuple[int, ...], customer_id: int | None, issuer: Issuer
) -> None:
    principal = await make_validator(issuer).authenticate(issuer.token(**claims))
    assert (principal.branches, principal.customer_id) == (branches, customer_id)


@pytest.mark.anyio
async def test_roles_come_from_the_claim_that_is_named(issuer: Issuer) -> None:
    token = issuer.token(groups="auditor officer", roles="admin")
    authenticated = await make_validator(issuer, roles_claim="groups").authenticate(token)
    assert authenticated.scopes == ROLES["auditor"] | ROLES["officer"]
    none = await make_validator(issuer, roles_claim="nothing").authenticate(token)
    assert none.scopes == frozenset()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["client"]}}),
        ("resource_access.credit.roles", {"resource_access": {"credit": {"roles": ["client"]}}}),
        ("https://lender.example/roles", {"https://lender.example/roles": ["client"]}),
    ],
)
async def test_roles_may_be_in_a_nested_claim_or_in_one_whose_name_has_dots(
    claim: str, claims: dict[str, Any], issuer: Issuer
) -> None:
    check = make_validator(issuer, roles_claim=claim)
    assert (await check.authenticate(issuer.token(**claims))).scopes
    for other in ({}, {"realm_access": "client"}, {"realm_access": {"roles": {"roles": "client"}}}):
        assert not (await check.authenticate(issuer.token(**other))).scopes


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example.com/"},
        {"iss": None},
        {"aud": "https://other.example.com"},
        {"aud": None},
        {"aud": []},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": int(time.time()) + 3_600},
        {"iat": int(time.time()) + 3_600},
    ],
)
async def test_a_token_with_another_claim_is_refused(
    changes: dict[str, Any], issuer: Issuer
) -> None:
    assert await refusal(make_validator(issuer), issuer.token(**changes)) == NOT_ACCEPTED


@pytest.mark.anyio
async def test_clocks_may_differ_by_a_minute_and_no_more(issuer: Issuer) -> None:
    check, now = make_validator(issuer), int(time.time())
    for early in (0, CLOCK_SKEW_SECONDS - 5):
        await check.authenticate(issuer.token(exp=now - early + 1, nbf=now + early))
    expired = issuer.token(exp=now - CLOCK_SKEW_SECONDS - 1)
    assert await refusal(check, expired) == "this token has expired"


@pytest.mark.anyio
async def test_one_audience_among_several_is_enough(issuer: Issuer) -> None:
    await make_validator(issuer).authenticate(
        issuer.token(aud=["https://other.example.com", AUDIENCE])
    )


@pytest.mark.anyio
async def test_an_unsigned_token_is_refused(issuer: Issuer) -> None:
    _, claims, signature = issuer.token().split(".")
    for alg in ("none", "None", "NONE", ""):
        for end in ("", signature):
            token = f"{part({'alg': alg, 'kid': 'rsa'})}.{claims}.{end}"
            assert await refusal(make_validator(issuer), token) == NOT_ACCEPTED


@pytest.mark.anyio
async def test_a_token_signed_with_the_public_key_as_a_password_is_refused(issuer: Issuer) -> None:
    public = issuer.keys["rsa"]
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": int(time.time()) + 300}
    assert isinstance(public, RSAKey)
    secrets = [public.as_pem(private=False), json.dumps(public.as_dict(private=False)).encode()]
    for secret in secrets:
        signed = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(claims)}"
        mac = hmac.digest(secret, signed.encode(), "sha256")
        forged = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert await refusal(make_validator(issuer), forged) == NOT_ACCEPTED
    assert issuer.requests == 0


@pytest.mark.anyio
async def test_the_key_must_be_of_the_algorithms_kind_and_the_signature_its(
    issuer: Issuer,
) -> None:
    token = issuer.token("rsa", "RS256")
    check = make_validator(issuer)
    for header in (
        {"alg": "ES256", "kid": "rsa"},
        {"alg": "EdDSA", "kid": "rsa"},
        {"alg": "RS256", "kid": "ec"},
        {"alg": "RS256", "kid": "okp"},
        {"alg": "RS256", "kid": "rsa", "typ": "other"},
        {"alg": "RS256", "kid": "gone"},
        {"alg": "RS256", "kid": ["rsa"]},
        {"alg": "RS256"},
        {"alg": ["RS256"], "kid": "rsa"},
        {"alg": "RS256", "kid": "rsa", "crit": ["unknown"], "unknown": 1},
        {"alg": "RS256", "kid": "rsa", "crit": 5},
        {"alg": "RS256", "kid": "rsa", "crit": []},
        {"alg": "RS256", "kid": "rsa", "crit": None},
        {"alg": "RS256", "kid": "rsa", "crit": ["alg"]},
        {"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": True},
        {"alg": "RS256", "kid": "rsa", "b64": False},
        {"alg": "RS256", "kid": "rsa", "crit": [{}]},
        {},
    ):
        assert await refusal(check, with_header(token, **header)) == NOT_ACCEPTED, header
    assert await refusal(check, token[:-4] + "AAAA") == NOT_ACCEPTED


@pytest.mark.anyio
@pytest.mark.parametrize("extension", [{"crit": []}, {"crit": ["alg"]}, {"b64": True}])
async def test_a_signed_token_that_needs_an_extension_is_refused(
    extension: dict[str, Any], issuer: Issuer
) -> None:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "iat": now, "exp": now + 300}
    header = part({"alg": "RS256", "kid": "rsa"} | extension)
    signed = f"{header}.{part(claims)}"
    private = issuer.keys["rsa"].get_op_key("sign")
    assert isinstance(private, RSAPrivateKey)
    signature = private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    token = f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert await refusal(make_validator(issuer), token) == NOT_ACCEPTED


@pytest.mark.anyio
async def test_claims_nested_too_deep_are_refused(issuer: Issuer) -> None:
    deep = "[" * 5_000 + "]" * 5_000
    header = {"alg": "RS256", "kid": "rsa"}
    token = jws.serialize_compact(header, deep.encode(), issuer.keys["rsa"])
    assert await refusal(make_validator(issuer), token) == NOT_ACCEPTED


@pytest.mark.anyio
async def test_keys_that_a_token_brings_along_are_not_looked_at(issuer: Issuer) -> None:
    stranger = RSAKey.generate_key(2048)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": int(time.time()) + 300}
    for extra in ({"jwk": stranger.as_dict(private=False)}, {"jku": issuer.url}, {}):
        header = {"alg": "RS256", "kid": "rsa"} | extra
        forged = jwt.encode(header, claims, stranger)
        assert await refusal(make_validator(issuer), forged) == NOT_ACCEPTED


@pytest.mark.anyio
async def test_an_algorithm_that_was_taken_off_the_list_is_refused(issuer: Issuer) -> None:
    check = make_validator(issuer, algorithms=("ES256",))
    assert await refusal(check, issuer.token("rsa", "RS256")) == NOT_ACCEPTED
    await check.authenticate(issuer.token("ec", "ES256"))


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """A check that needs no issuer, because nothing that is made up names a key."""
    path = Path(tmp_path_factory.mktemp("jwks") / "jwks.json")
    key = RSAKey.generate_key(2048).as_dict(private=False, kid="another")
    path.write_text(json.dumps({"keys": [key]}))
    rules = TokenRules(
        issuer=ISSUER, audience=AUDIENCE, jwks="", algorithms=ALGORITHMS, roles_claim="roles"
    )
    return TokenValidator(rules, JwksCache(str(path))).authenticate


JSON = st.recursive(st.none() | st.integers() | st.text(), st.lists)
HEADERS = st.fixed_dictionaries(
    {}, optional={name: JSON | st.just("RS256") for name in ("alg", "kid", "crit", "b64", "typ")}
)


@given(header=HEADERS | JSON, tail=st.text(st.characters(codec="ascii"), max_size=40))
def test_whatever_is_sent_is_refused_and_never_a_crash(
    header: object, tail: str, asking: Callable[[str], Any]
) -> None:
    for text in (f"{part(header)}.{tail}", f"{part(header)}.e30.{tail}", tail):
        with pytest.raises(UnauthenticatedError):
            asyncio.run(asking(text))


def test_a_running_server_answers_who_holds_a_token_and_logs_none(
    issuer: Issuer, tmp_path: Path
) -> None:
    environment = issuer.settings() | {"MODEL_STORE": (tmp_path / "store").as_uri()}
    good, other = issuer.token(roles="client"), issuer.token(aud="https://other.example.com")
    forbidden = issuer.token(roles="auditor")
    with running_server(tmp_path / "log", "module", **environment) as server:
        authenticated = []
        for token in (good, other, forbidden, with_header(good, alg="none")):
            headers = {"Authorization": f"Bearer {token}"}
            answer = server.client.post("/predict", json={}, headers=headers)
            authenticated.append((answer.status_code, answer.headers.get("www-authenticate", "")))
        issuer.status = 500
    assert authenticated == [
        (422, ""),
        (401, 'Bearer realm="surety", error="invalid_token"'),
        (403, 'Bearer realm="surety", error="insufficient_scope", scope="score"'),
        (401, 'Bearer realm="surety", error="invalid_token"'),
    ]
    log = (tmp_path / "log").read_text()
    for token in (good, other, forbidden):
        assert all(piece not in log for piece in token.split("."))


def test_without_the_issuers_keys_nobody_can_be_judged(
    scoring: Callable[..., Asking], issuer: Issuer
) -> None:
    issuer.status = 500
    asking, token = scoring(**issuer.settings(), RATE_LIMIT="1/hour"), issuer.token(roles="admin")
    answer, again = asking("POST", "/predict", token), asking("POST", "/predict", token)
    assert again.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["detail"] == "the token issuer's keys cannot be read"
    assert int(answer.headers["retry-after"]) >= 1
