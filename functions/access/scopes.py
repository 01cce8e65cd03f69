"""What each route asks of its caller, in one table; a route that is not in it is not served."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args

from starlette.routing import BaseRoute, Route

from models.errors import DeclarationError

Scope = Literal["score", "explain", "simulate", "models", "metrics", "train"]
# A probe is answered whatever happens; what is open to everyone still counts against an address.
Need = Scope | Literal["probe", "open"]

# A path that the environment chooses stands here under its route's name.
NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        "GET /health/live": "probe",
        "GET /health/ready": "probe",
        "GET /health": "open",
        "GET /docs": "open",
        "GET /openapi.json": "open",  # a browser's docs page has no key, and it names no weight
        "GET /metrics": "metrics",  # versions and volumes are nobody else's business
        "GET /v1/models": "models",
        "GET /v1/models/{model}": "models",
        "POST /v1/models/{model}:predict": "score",
        "POST /v1/models/{model}:explain": "explain",
        "POST /v1/models/{model}:whatif": "simulate",
        "POST /v1/models/{model}:recourse": "simulate",
        "POST /predict": "score",
        "POST /predict/batch": "score",
        "POST /api/v1/predict": "score",
        "POST /api/v1/predict/batch": "score",
        "POST /bigquery/{model}": "score",
        "GET /model/versions": "models",
        "GET /model/info": "models",
        "GET /v2": "models",
        "GET /v2/": "models",
        "GET /v2/health/live": "probe",
        "GET /v2/health/ready": "probe",
        "GET /v2/models/{model}": "models",
        "GET /v2/models/{model}/ready": "models",
        "POST /v2/models/{model}/infer": "score",
        "GET /v2/models/{model}/versions/{version}": "models",
        "GET /v2/models/{model}/versions/{version}/ready": "models",
        "POST /v2/models/{model}/versions/{version}/infer": "score",
        "GET AIP_HEALTH_ROUTE": "probe",
        "POST AIP_PREDICT_ROUTE": "score",
        "POST /train": "train",
        "GET /train/status": "train",
    }
)

ROLES: Mapping[str, frozenset[Scope]] = MappingProxyType(
    {
        "admin": frozenset(get_args(Scope)),
        "officer": frozenset({"score", "explain", "simulate", "models"}),
        "auditor": frozenset({"models", "metrics"}),
        "client": frozenset({"score", "explain", "models"}),
    }
)


def needs_of(routes: Sequence[BaseRoute]) -> list[tuple[Route, Need]]:
    """Each route and what it asks for.

    Raises
    ------
    DeclarationError
        If any stands in no line of the table: the message names them all.
    """
    found = [(route, _need(route)) for route in routes]
    nameless = [_shown(route) for route, need in found if need is None]
    if nameless:
        message = f"no scope is declared for {', '.join(nameless)}"
        raise DeclarationError(message)
    return [(route, need) for route, need in found if isinstance(route, Route) and need]


def _need(route: BaseRoute) -> Need | None:
    if not isinstance(route, Route) or not route.methods:
        return None
    methods = route.methods - {"HEAD"}  # Starlette answers it wherever it answers GET
    found = {NEEDS.get(f"{m} {route.path}", NEEDS.get(f"{m} {route.name}")) for m in methods}
    return found.pop() if len(found) == 1 else None


def _shown(route: BaseRoute) -> str:
    methods = ",".join(sorted(getattr(route, "methods", None) or ()))
    return f"{methods} {getattr(route, 'path', route)}".strip()
