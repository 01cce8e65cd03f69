"""The scoring function put together: settings in, one ASGI application out."""

from typing import Any

from starlette.applications import Starlette

from functions.assembly import assemble
from functions.scoring import (
    application,
    bigquery,
    bureau,
    canonical,
    customer,
    explain,
    open_inference,
    operations,
    recourse,
    versions,
    vertex,
    whatif,
)
from functions.scoring.counts import Counts
from functions.scoring.desk import Desk
from functions.scoring.loading import ModelLoader
from functions.scoring.openapi import document
from functions.scoring.records import open_decision_log
from functions.scoring.settings import Settings


def create_app(settings: Settings) -> Starlette:
    """Put the function together; nothing is read from the model store before a request needs it."""
    counts = Counts()
    desk = Desk(
        catalogue=settings.catalogue,
        loader=ModelLoader(settings.store, settings.catalogue, settings.model_refresh_seconds),
        write_record=open_decision_log(settings.decision_log),
        count=counts.decided,
    )

    default = settings.catalogue[settings.default_model]

    def describe() -> dict[str, Any]:  # when it is asked for: a cold start has no need of it
        return document(
            operations.paths()
            | application.paths(default, bureau.described(settings.catalogue))
            | canonical.paths(settings.catalogue)
            | explain.paths(settings.catalogue)
            | whatif.paths(settings.catalogue)
            | recourse.paths(settings.catalogue)
            | open_inference.paths(settings.catalogue)
            | bigquery.paths(settings.catalogue)
            | customer.paths(settings.catalogue)
            | versions.paths(settings.catalogue)
            | vertex.paths(default, settings.vertex)
        )

    routes = [
        # First: where Vertex AI names a path of ours, it means its own contract.
        *vertex.routes(desk, settings.default_model, settings.vertex),
        *operations.routes(desk, settings.default_model, describe, counts),
        *application.routes(desk, settings.default_model, bureau.by_member(desk)),
        # Before the canonical ones, whose /v1/models/{model} also fits these paths.
        *explain.routes(desk),
        *whatif.routes(desk),
        *recourse.routes(desk),
        *canonical.routes(desk),
        *open_inference.routes(desk, settings.default_model),
        *bigquery.routes(desk),
        *customer.routes(desk),
        *versions.routes(settings.store, settings.catalogue, settings.default_model),
    ]
    counts.know(routes)
    no_such_path = "no such path; GET /v1/models lists the models"
    return assemble(routes, settings.listening, no_such_path, counts.answered)
