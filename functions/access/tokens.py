"""JSON Web Tokens: signed by the issuer with an allowed algorithm, for this audience, now."""

import time
from collections.abc import Callable
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel

from functions.access.jwks import JwksCache
from functions.access.principal import Principal, UnauthenticatedError
from functions.access.scopes import ROLES
from functions.access.settings import TokenRules

CLOCK_SKEW_SECONDS = 60
MOST_BRANCHES = 32_767
# RFC 7515, 4.1.11: whoever understands no extension must reject a token that needs one; RFC 7797
UNSUPPORTED_MEMBERS = {"crit", "b64"}


class _AllowedAlgorithms(jws.JWSRegistry):
    """The listed algorithms only; EdDSA without the library's warning about its new name."""

    def get_alg(self, name: object) -> JWSAlgModel:
        """Return the algorithm of this name."""
        if not isinstance(name, str) or name not in (self.allowed or ()):
            message = "algorithm not allowed"
            raise UnsupportedAlgorithmError(message)
        return self.algorithms[name]


class TokenValidator:
    """Validates tokens of one issuer."""

    def __init__(
        self,
        rules: TokenRules,
        signing_keys: JwksCache,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._signing_keys = signing_keys
        # A header may hold members we do not know, unless it calls them critical: see _validate.
        self._registry = _AllowedAlgorithms(algorithms=rules.algorithms, strict_check_header=False)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def authenticate(self, credential: str) -> Principal:
        """Return the subject of a token.

        Raises
        ------
        UnauthenticatedError
            If it is not the issuer's, not for this audience, or not valid now.
        CannotAuthenticateError
            If the issuer's keys cannot be read.
        """
        try:
            claims = await self._validate(credential)
        except ExpiredTokenError as error:
            message = "this token has expired"
            raise UnauthenticatedError(message) from error
        # The last three are what the library raises for members of the wrong type.
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
            message = "this token is not accepted"
            raise UnauthenticatedError(message) from error
        roles = _parse_roles(_find_claim(claims, self._rules.roles_claim))
        scopes = frozenset(s for role in roles for s in ROLES.get(role, ()))
        customer = claims.get("customer_id")
        return Principal(
            f"subject {claims['sub']}",
            scopes,
            roles=frozenset(roles),
            branches=_parse_branches(claims.get("branches")),
            customer_id=customer if type(customer) is int else None,
        )

    async def _validate(self, credential: str) -> dict[str, Any]:
        header = jws.extract_compact(credential.encode()).headers()
        if UNSUPPORTED_MEMBERS & header.keys():
            message = "no extension is understood here"
            raise ValueError(message)
        # Before the issuer is asked for anything: another algorithm needs no key.
        self._registry.get_alg(header.get("alg"))
        key = await self._signing_keys.find(header.get("kid"))
        token = jwt.decode(credential, key, registry=self._registry)
        self._claims.validate(token.claims)
        return token.claims


def _find_claim(claims: dict[str, Any], name: str) -> object:
    """Look a claim up by its name, which may hold dots, or else by its path, joined by dots."""
    if name in claims:
        return claims[name]
    value: object = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _parse_roles(claim: object) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    if isinstance(claim, list):
        return [role for role in claim if isinstance(role, str)]
    return []


def _parse_branches(claim: object) -> tuple[int, ...]:
    """Read a list of branch numbers; whatever else stands there opens no branch."""
    if not isinstance(claim, list):
        return ()
    return tuple(n for n in claim if type(n) is int and 0 < n <= MOST_BRANCHES)
