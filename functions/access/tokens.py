"""JSON Web Tokens: signed by the issuer with an algorithm that is allowed, for us, now."""

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


class _Allowed(jws.JWSRegistry):
    """The listed algorithms and no other; EdDSA without advice to call it by its new name."""

    def get_alg(self, name: object) -> JWSAlgModel:
        """The algorithm of this name."""
        if not isinstance(name, str) or name not in (self.allowed or ()):
            message = "another algorithm"
            raise UnsupportedAlgorithmError(message)
        return self.algorithms[name]


class TokenCheck:
    """Checks tokens of one issuer."""

    def __init__(
        self,
        rules: TokenRules,
        signing_keys: JwksCache,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._signing_keys = signing_keys
        # A header may say more than we know, as long as it does not call it critical.
        self._registry = _Allowed(algorithms=rules.algorithms, strict_check_header=False)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def principal(self, credential: str) -> Principal:
        """Who holds this token.

        Raises
        ------
        UnauthenticatedError
            It is not the issuer's, not for us, or not now.
        CannotCheckError
            The issuer's keys cannot be had.
        """
        try:
            claims = await self._checked(credential)
        except ExpiredTokenError as error:
            message = "this token has expired"
            raise UnauthenticatedError(message) from error
        # The last three are what the library makes of members that have not the type they should.
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
            message = "this token is not accepted"
            raise UnauthenticatedError(message) from error
        roles = _roles(claims.get(self._rules.roles_claim))
        scopes = frozenset(s for role in roles for s in ROLES.get(role, ()))
        return Principal(f"subject {claims['sub']}", scopes)

    async def _checked(self, credential: str) -> dict[str, Any]:
        header = jws.extract_compact(credential.encode()).headers()
        # Before anything is asked of the issuer: who names another algorithm needs no key.
        self._registry.get_alg(header.get("alg"))
        key = await self._signing_keys.find(header.get("kid"))
        token = jwt.decode(credential, key, registry=self._registry)
        self._claims.validate(token.claims)
        return token.claims


def _roles(claim: object) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    if isinstance(claim, list):
        return [role for role in claim if isinstance(role, str)]
    return []
