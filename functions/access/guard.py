"""Around a route: who asks, whether they may, and how often they have."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.access.client_address import caller_address, is_within_instance
from functions.access.principal import Principal, UnauthenticatedError
from functions.access.rate_limit import Rate, RateCounter, RateLimitState
from functions.access.scopes import Need
from functions.access.settings import Access
from functions.web.problems import CannotCheckError, problem, problem_from_error

REALM = 'Bearer realm="surety"'

Check = Callable[[str], Awaitable[Principal]]


def guard(routes: Sequence[tuple[Route, Need]], access: Access) -> None:
    """Put the guard around every route but the probes."""
    door = AccessPolicy(
        check=open_check(access),
        rate=access.rate,
        counter=RateCounter() if access.rate or access.keys else None,
        forwarded_hops=access.forwarded_hops,
    )
    for route, need in routes:
        if need != "probe":
            route.app = Guard(route.app, need, door)


def open_check(access: Access) -> Check | None:
    """What tells who holds a credential; None where nobody is asked for one."""
    if access.keys:
        from functions.access.api_keys import KeyRing  # noqa: PLC0415 -- with these settings alone

        return KeyRing(access.keys.source, access.keys.pepper).principal
    if access.tokens:
        from functions.access.jwks import JwksCache  # noqa: PLC0415 -- likewise
        from functions.access.tokens import TokenCheck  # noqa: PLC0415

        return TokenCheck(access.tokens, JwksCache(access.tokens.jwks)).principal
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """What all guarded routes share: how callers are known and counted."""

    check: Check | None
    rate: Rate | None
    counter: RateCounter | None
    forwarded_hops: int

    def is_exempt(self, need: Need, scope: Scope) -> bool:
        """Whoever asks, this is answered."""
        if self.check is None or need == "open":
            return True
        # The sidecar that collects metrics has no credential and cannot be given one.
        return need == "metrics" and is_within_instance(scope, self.forwarded_hops)

    def spend(self, principal: Principal | None, scope: Scope) -> RateLimitState | None:
        """Count a request: of a known caller under its name, of any other under its address."""
        rate = (principal and principal.rate) or self.rate
        if rate is None or self.counter is None:
            return None
        who = principal.name if principal else caller_address(scope, self.forwarded_hops)
        return self.counter.spend(rate, who)


class Guard:
    """The application of one route, for those who may ask it."""

    def __init__(self, app: ASGIApp, need: Need, door: AccessPolicy) -> None:
        self._app = app
        self._need = need
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        principal, refusal = await self._judge(scope)
        spent = self._door.spend(principal, scope)
        if spent:
            send = _with_headers(send, spent)
            if spent.is_over:
                detail = "too many requests; RateLimit-Reset says when to come back"
                refusal = problem(HTTPStatus.TOO_MANY_REQUESTS, detail)
        await (refusal or self._app)(scope, receive, send)

    async def _judge(self, scope: Scope) -> tuple[Principal | None, Response | None]:
        check = self._door.check
        if check is None or self._door.is_exempt(self._need, scope):
            return None, None
        sent = Headers(scope=scope).getlist("authorization")
        if not sent:
            return None, _unauthenticated("send Authorization: Bearer and a credential", REALM)
        try:
            principal = await check(_bearer(sent))
        except UnauthenticatedError as error:
            return None, _unauthenticated(str(error), f'{REALM}, error="invalid_token"')
        except CannotCheckError as error:
            return None, problem_from_error(error)
        if self._need in principal.scopes:
            return principal, None
        told = f'{REALM}, error="insufficient_scope", scope="{self._need}"'
        detail = f"this credential lacks the scope {self._need}"
        return principal, problem(HTTPStatus.FORBIDDEN, detail, headers={"WWW-Authenticate": told})


def _bearer(sent: Sequence[str]) -> str:
    scheme, _, credential = sent[0].partition(" ")
    if len(sent) != 1 or scheme.lower() != "bearer" or not credential.isascii():
        message = "send one Authorization header, with Bearer and a credential"
        raise UnauthenticatedError(message)
    return credential.strip()


def _unauthenticated(detail: str, told: str) -> Response:
    return problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": told})


def _with_headers(send: Send, spent: RateLimitState) -> Send:
    async def send_counted(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(spent.headers())
        await send(message)

    return send_counted
