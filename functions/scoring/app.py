"""The scoring function put together: settings in, one ASGI application out."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from functions.access.scopes import needs_of
from functions.scoring.contracts import (
    application,
    bigquery,
    bureau,
    customer,
    kserve_v1,
    open_inference,
    versions,
    vertex,
)
from functions.scoring.decision_engine import Desk
from functions.scoring.evidence.decision_log import Anchors, DecisionLog
from functions.scoring.model_loader import ModelLoader
from functions.scoring.operations import health
from functions.scoring.operations.telemetry import Counts
from functions.scoring.settings import Settings
from functions.web import docs
from functions.web.app_factory import assemble
from functions.web.openapi import document, tagged
from models.evidence.records import open_log
from models.stores.store import Reader

VERBS = ("explain", "whatif", "recourse")


def create_app(settings: Settings, ahead: Reader | None = None) -> Starlette:
    """Put the function together; nothing is read from the model store before a request needs it.

    What was begun to be read `ahead` stands in for the store where models are loaded from it.
    """
    counts, store = Counts(), ahead or settings.store
    desk = Desk(
        catalogue=settings.catalogue,
        loader=ModelLoader(store, settings.catalogue, settings.model_refresh_seconds),
        decision_log=_decision_log(settings),
        count=counts.decided,
    )
    routes: list[Route] = []
    routes += _routes(desk, settings, counts, partial(described, settings, routes))
    counts.know(routes)
    no_such_path = "no such path; GET /v1/models lists the models"
    on_stop = desk.decision_log.close if desk.decision_log else None
    return assemble(routes, settings.listening, no_such_path, counts.answered, on_stop)


def _routes(
    desk: Desk, settings: Settings, counts: Counts, describe: Callable[[], dict[str, Any]]
) -> list[Route]:
    default = settings.default_model
    return [
        # First: where Vertex AI names a path of ours, it means its own contract.
        *vertex.routes(desk, default, settings.vertex),
        *health.routes(desk, default, describe, counts),
        *docs.routes(),
        *application.routes(desk, default, bureau.by_member(desk)),
        # Before the canonical ones, whose /v1/models/{model} also fits these paths.
        *(_deferred(desk, verb) for verb in VERBS),
        *kserve_v1.routes(desk),
        *open_inference.routes(desk, default),
        *bigquery.routes(desk),
        *customer.routes(desk),
        *versions.routes(settings.store, settings.catalogue, default),
    ]


def _deferred(desk: Desk, verb: str) -> Route:
    """A verb whose module is imported when it is first asked for: no cold start needs it."""

    async def respond(request: Request) -> Response:
        response: Response = await _module_of(verb).respond(desk, request)
        return response

    return Route(f"/v1/models/{{model}}:{verb}", respond, methods=["POST"])


def _module_of(verb: str) -> ModuleType:
    return import_module(f"functions.scoring.{verb}")


def _decision_log(settings: Settings) -> DecisionLog | None:
    write = open_log(settings.decision_log)
    if write is None:
        return None
    anchors = Anchors(settings.anchor_store) if settings.anchor_store else None
    return DecisionLog(write, settings.seals[0], anchors)


def described(settings: Settings, routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """All routes in OpenAPI, when it is asked for: a cold start has no need of it."""
    default = settings.catalogue[settings.default_model]
    contracts = {
        "Any model": kserve_v1.paths(settings.catalogue)
        | {k: v for verb in VERBS for k, v in _module_of(verb).paths(settings.catalogue).items()},
        "Application and bureau systems": application.paths(
            default, bureau.described(settings.catalogue)
        ),
        "Customer system": customer.paths(settings.catalogue),
        "Published versions": versions.paths(settings.catalogue),
        "Open Inference Protocol": open_inference.paths(settings.catalogue),
        "BigQuery": bigquery.paths(settings.catalogue),
        "Operations": health.paths() | docs.paths(),
        "Vertex AI": vertex.paths(default, settings.vertex),
    }
    asked = needs_of(routes)
    return document(tagged(contracts), settings.catalogue, asked, settings.listening.auth)
