"""An HTTP contract as one value: routes, the scope each requires, and their OpenAPI description."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.routing import BaseRoute, Route

from models.errors import DeclarationError

PROBE = "probe"  # answered whatever happens: never authenticated, never counted
OPEN = "open"  # needs no credential, but counts against the caller's rate limit
UNAUTHENTICATED = frozenset({PROBE, OPEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A group of routes that a service adds and removes together.

    Attributes
    ----------
    tag
        Heading of the group in the OpenAPI document and on the docs page.
    scopes
        `METHOD /path` to the scope a caller needs, `PROBE` or `OPEN`. A route whose path the
        environment chooses stands under its name instead.
    paths
        OpenAPI path items. Called when the document is first requested, not at start.
    """

    tag: str
    routes: Sequence[Route]
    scopes: Mapping[str, str]
    paths: Callable[[], Mapping[str, Any]] = field(default=dict)


class ScopedRoute(NamedTuple):
    """A route and the scope it requires."""

    route: Route
    scope: str


def scoped_routes(contracts: Sequence[Contract]) -> list[ScopedRoute]:
    """Pair every route with its scope.

    Raises
    ------
    DeclarationError
        If a route has no scope: the message names every such route.
    """
    pairs = [(route, _find_scope(route, c.scopes)) for c in contracts for route in c.routes]
    missing = [_describe_route(route) for route, scope in pairs if scope is None]
    if missing:
        message = f"no scope is declared for {', '.join(missing)}"
        raise DeclarationError(message)
    return [ScopedRoute(route, scope) for route, scope in pairs if scope is not None]


def _find_scope(route: BaseRoute, scopes: Mapping[str, str]) -> str | None:
    if not isinstance(route, Route) or not route.methods:
        return None
    methods = route.methods - {"HEAD"}  # Starlette answers HEAD wherever it answers GET
    candidates = {scopes.get(f"{m} {route.path}", scopes.get(f"{m} {route.name}")) for m in methods}
    return candidates.pop() if len(candidates) == 1 else None


def _describe_route(route: BaseRoute) -> str:
    methods = ",".join(sorted(getattr(route, "methods", None) or ()))
    return f"{methods} {getattr(route, 'path', route)}".strip()
