"""The guard around a route: who calls, whether they may, and how often they have."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, get_args

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.access import scopes
from functions.access.client_address import client_address, is_within_instance
from functions.access.principal import CannotAuthenticateError, Principal, UnauthenticatedError
from functions.access.rate_limit import Rate, RateCounter, RateLimitState
from functions.access.settings import Access
from functions.web.contract import OPEN, PROBE, UNAUTHENTICATED, ScopedRoute
from functions.web.problems import problem, problem_from_error
from models.errors import DeclarationError

REALM = 'Bearer realm="surety"'

Authenticate = Callable[[str], Awaitable[Principal]]


def guard_routes(routes: Sequence[ScopedRoute], access: Access) -> None:
    """Put the guard around every route but the probes.

    Raises
    ------
    DeclarationError
        If a route requires a scope that no key or role can hold: the message names every one.
    """
    unknown = {scope for _, scope in routes} - UNAUTHENTICATED - set(get_args(scopes.Scope))
    if unknown:
        message = (
            f"no key or role can hold {', '.join(sorted(unknown))}: add it to access/scopes.py"
        )
        raise DeclarationError(message)
    policy = AccessPolicy(
        authenticate=create_authenticator(access),
        rate=access.rate,
        counter=RateCounter() if access.rate or access.keys else None,
        forwarded_hops=access.forwarded_hops,
    )
    for route, scope in routes:
        if scope != PROBE:
            route.app = Guard(route.app, scope, policy)


def create_authenticator(access: Access) -> Authenticate | None:
    """Create what identifies the holder of a credential; None where none is required."""
    if access.keys:
        from functions.access.api_keys import KeyRing  # noqa: PLC0415 -- with these settings alone

        return KeyRing(access.keys.source, access.keys.pepper).authenticate
    if access.tokens:
        from functions.access.jwks import JwksCache  # noqa: PLC0415 -- likewise
        from functions.access.tokens import TokenValidator  # noqa: PLC0415

        return TokenValidator(access.tokens, JwksCache(access.tokens.jwks)).authenticate
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """What all guarded routes share: how callers are authenticated and counted."""

    authenticate: Authenticate | None
    rate: Rate | None
    counter: RateCounter | None
    forwarded_hops: int

    def is_exempt(self, required: str, scope: Scope) -> bool:
        """Whether a request is answered without a credential."""
        if self.authenticate is None or required == OPEN:
            return True
        # The sidecar that collects metrics has no credential and cannot be given one.
        return required == "metrics" and is_within_instance(scope, self.forwarded_hops)

    def count(self, principal: Principal | None, scope: Scope) -> RateLimitState | None:
        """Count a request: of a principal under its name, of any other caller by address."""
        rate = (principal and principal.rate) or self.rate
        if rate is None or self.counter is None:
            return None
        name = principal.name if principal else client_address(scope, self.forwarded_hops)
        return self.counter.count(rate, name)


class Guard:
    """The application of one route, for those who may call it."""

    def __init__(self, app: ASGIApp, required: str, policy: AccessPolicy) -> None:
        self._app = app
        self._required = required
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        principal, refusal = await self._authorize(scope)
        if principal:
            scope["caller"] = replace(scope["caller"], principal=principal.name)
            scope["principal"] = principal
        state = self._policy.count(principal, scope)
        if state:
            send = _with_headers(send, state)
            if state.is_exceeded:
                detail = "too many requests; RateLimit-Reset says when to come back"
                refusal = problem(HTTPStatus.TOO_MANY_REQUESTS, detail)
        await (refusal or self._app)(scope, receive, send)

    async def _authorize(self, scope: Scope) -> tuple[Principal | None, Response | None]:
        authenticate = self._policy.authenticate
        if authenticate is None or self._policy.is_exempt(self._required, scope):
            return None, None
        headers = Headers(scope=scope).getlist("authorization")
        if not headers:
            return None, _unauthorized("send Authorization: Bearer and a credential", REALM)
        try:
            principal = await authenticate(_read_bearer(headers))
        except UnauthenticatedError as error:
            return None, _unauthorized(str(error), f'{REALM}, error="invalid_token"')
        except CannotAuthenticateError as error:
            return None, problem_from_error(error, {})
        if self._required in principal.scopes:
            return principal, None
        challenge = f'{REALM}, error="insufficient_scope", scope="{self._required}"'
        detail = f"this credential lacks the scope {self._required}"
        headers_sent = {"WWW-Authenticate": challenge}
        return principal, problem(HTTPStatus.FORBIDDEN, detail, headers=headers_sent)


def _read_bearer(headers: Sequence[str]) -> str:
    scheme, _, credential = headers[0].partition(" ")
    if len(headers) != 1 or scheme.lower() != "bearer" or not credential.isascii():
        message = "send one Authorization header, with Bearer and a credential"
        raise UnauthenticatedError(message)
    return credential.strip()


def _unauthorized(detail: str, challenge: str) -> Response:
    return problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})


def _with_headers(send: Send, state: RateLimitState) -> Send:
    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(state.headers())
        await send(message)

    return send_with_headers
