"""The scoring function put together: settings in, one ASGI application out."""

from typing import Any

from starlette.applications import Starlette

from functions.assembly import assemble
from functions.scoring import application, canonical, operations
from functions.scoring.decision_log import Anchors, DecisionLog
from functions.scoring.desk import Desk
from functions.scoring.loading import ModelLoader
from functions.scoring.openapi import document
from functions.scoring.records import open_lines
from functions.scoring.settings import Settings


def create_app(settings: Settings) -> Starlette:
    """Put the function together; nothing is read from the model store before a request needs it."""
    desk = Desk(
        catalogue=settings.catalogue,
        loader=ModelLoader(settings.store, settings.catalogue, settings.model_refresh_seconds),
        decision_log=_decision_log(settings),
    )

    def describe() -> dict[str, Any]:  # when it is asked for: a cold start has no need of it
        return document(
            operations.paths()
            | application.paths(settings.catalogue[settings.default_model])
            | canonical.paths(settings.catalogue)
        )

    routes = [
        *operations.routes(desk, settings.default_model, describe),
        *application.routes(desk, settings.default_model),
        *canonical.routes(desk),
    ]
    no_such_path = "no such path; GET /v1/models lists the models"
    on_stop = desk.decision_log.close if desk.decision_log else None
    return assemble(routes, settings.listening, no_such_path, on_stop)


def _decision_log(settings: Settings) -> DecisionLog | None:
    write = open_lines(settings.decision_log)
    if write is None:
        return None
    anchors = Anchors(settings.anchor_store) if settings.anchor_store else None
    return DecisionLog(write, settings.seals[0], anchors)
