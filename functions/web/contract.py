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
    prefix, error_member
        Below this path, an error that no route answers is an object with this one member.
    """

    tag: str
    routes: Sequence[Route]
    scopes: Mapping[str, str]
    paths: Callable[[], Mapping[str, Any]] = field(default=dict)
    prefix: str | None = None
    error_member: str | None = None


class ScopedRoute(NamedTuple):
    """A route and the scope it requires."""

    route: Route
    scope: str


def scoped_routes(contracts: Sequence[Contract]) -> list[ScopedRoute]:
    """Pair every route with its scope.

    Raises
    ------
    DeclarationError
        If a route has no scope, or a scope belongs to no route: the message names every one.
    """
    pairs = [(route, _find_scope(route, c.scopes)) for c in contracts for route in c.routes]
    missing = [_describe_route(route) for route, scope in pairs if scope is None]
    unused = [key for c in contracts for key in c.scopes if key not in _scope_keys(c.routes)]
    faults = (
        *(f"{route}: declare one scope, the same for all its methods" for route in missing),
        *(f"{key}: this scope belongs to no route" for key in unused),
    )
    if faults:
        raise DeclarationError("; ".join(faults))
    return [ScopedRoute(route, scope) for route, scope in pairs if scope is not None]


def _find_scope(route: BaseRoute, scopes: Mapping[str, str]) -> str | None:
    if not isinstance(route, Route) or not route.methods:
        return None
    candidates = {
        scopes.get(f"{m} {route.path}", scopes.get(f"{m} {route.name}")) for m in _methods(route)
    }
    return candidates.pop() if len(candidates) == 1 else None


def _scope_keys(routes: Sequence[BaseRoute]) -> set[str]:
    return {
        f"{method} {name}"
        for route in routes
        if isinstance(route, Route)
        for method in _methods(route)
        for name in (route.path, route.name)
    }


def _methods(route: Route) -> set[str]:
    return (route.methods or set()) - {"HEAD"}  # Starlette answers HEAD wherever it answers GET


def _describe_route(route: BaseRoute) -> str:
    methods = ",".join(sorted(getattr(route, "methods", None) or ()))
    return f"{methods} {getattr(route, 'path', route)}".strip()
