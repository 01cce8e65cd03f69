"""The scoring function: settings in, one ASGI application out."""

from functions.web.cold_start import finish_imports  # first

# isort: split
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.access.protection import protection_from
from functions.scoring.contracts import (
    application,
    bigquery,
    bureau,
    customer,
    invocations,
    kserve_v1,
    mlflow,
    open_inference,
    sagemaker,
    snowflake,
    versions,
    vertex,
)
from functions.scoring.contracts.model_schemas import schemas_from_catalogue
from functions.scoring.decision_engine import DecisionEngine
from functions.scoring.errors import ERROR_STATUSES
from functions.scoring.evidence.decision_log import Anchors, DecisionLog, open_log
from functions.scoring.model_loader import ModelLoader
from functions.scoring.operations.health import ModelReadiness, check_readiness, collect_metrics
from functions.scoring.operations.telemetry import DecisionTelemetry
from functions.scoring.settings import ScoringSettings, read_settings
from functions.web.app_factory import Service, create_web_app
from functions.web.contract import Contract
from functions.web.health import IsReady
from functions.web.settings import Listening
from models.stores.store import Reader

if TYPE_CHECKING:
    from functions.scoring.feature_lookup import FeatureLookup

GUIDE = Path(__file__).parent / "pages" / "guide.html"  # of the docs page
# Verbs of `/v1/models/{model}`, each a module of its own, and the scope each requires.
VERBS = {"explain": "explain", "whatif": "simulate", "recourse": "simulate"}
HEADERS = {
    "X-Applicant-Id": "The one applicant of all rows: recorded as a pseudonym, and kept on one "
    "side of champion and challenger",
    "Idempotency-Key": "Gives the same decision ids when a request is repeated",
}

finish_imports()


def prepare(prefetched: Reader | None = None) -> tuple[Starlette, Listening]:
    """Read the settings and create the application, for a server."""
    settings = read_settings()
    return create_app(settings, prefetched), settings.listening


def create_app(settings: ScoringSettings, prefetched: Reader | None = None) -> Starlette:
    """Create the application; nothing is read from the model store before a request needs it.

    `prefetched` replaces the store where models are loaded: part of it is being read already.
    """
    service = create_service(settings, prefetched)
    return create_web_app(service, protection_from(settings.access, settings.listening))


def create_service(settings: ScoringSettings, prefetched: Reader | None = None) -> Service:
    """Connect the decision engine to every contract."""
    telemetry, store = DecisionTelemetry(), prefetched or settings.store
    engine = DecisionEngine(
        catalogue=settings.catalogue,
        loader=ModelLoader(store, settings.catalogue, settings.model_refresh_seconds),
        decision_log=_open_decision_log(settings),
        observe=telemetry.observe,
        features=_open_features(settings),
    )
    is_ready = partial(check_readiness, engine, settings.default_model)
    return Service(
        title="Surety",
        description="Credit-risk scoring: probability of default, score, decision, reasons.",
        contracts=_create_contracts(engine, settings, is_ready),
        unknown_path="no such path; GET /v1/models lists the models",
        error_statuses=ERROR_STATUSES,
        headers=HEADERS,
        header_scopes=frozenset({"score", "explain", "simulate"}),
        guide=GUIDE,
        schemas=partial(schemas_from_catalogue, settings.catalogue),
        is_ready=is_ready,
        readiness=ModelReadiness,
        add_metrics=partial(collect_metrics, engine, telemetry),
        tracing=settings.tracing,
        on_stop=engine.decision_log.close if engine.decision_log else None,
    )


def _create_contracts(
    engine: DecisionEngine, settings: ScoringSettings, is_ready: IsReady
) -> Sequence[Contract]:
    default = settings.default_model
    return [
        # First: where Vertex AI names a path of ours, it means its own contract.
        vertex.contract(engine, default, settings.vertex, is_ready),
        # Before the canonical contract, whose /v1/models/{model} also matches these paths.
        *(_verb_contract(engine, verb, scope) for verb, scope in VERBS.items()),
        kserve_v1.contract(engine),
        application.contract(engine, default, bureau.variant(engine)),
        open_inference.contract(engine, default),
        bigquery.contract(engine),
        snowflake.contract(engine),
        customer.contract(engine),
        sagemaker.contract(is_ready),
        invocations.contract(
            engine,
            default,
            sagemaker.csv_body(),
            [sagemaker.json_body(default), *mlflow.bodies(default)],
        ),
        versions.contract(settings.store, settings.catalogue, default),
    ]


def _verb_contract(engine: DecisionEngine, verb: str, scope: str) -> Contract:
    """Contract of a verb whose module is imported when it is first used: no cold start needs it."""

    def module() -> ModuleType:
        return import_module(f"functions.scoring.contracts.{verb}")

    async def respond(request: Request) -> Response:
        response: Response = await module().respond(engine, request)
        return response

    path = f"/v1/models/{{model}}:{verb}"
    return Contract(
        tag="Any model",
        routes=[Route(path, respond, methods=["POST"])],
        scopes={f"POST {path}": scope},
        paths=lambda: module().paths(engine.catalogue),
    )


def _open_features(settings: ScoringSettings) -> "FeatureLookup | None":
    if settings.feature_store is None:
        return None
    from functions.scoring.feature_lookup import FeatureLookup  # noqa: PLC0415 -- few look up

    return FeatureLookup(
        settings.feature_store, settings.feature_max_age_days, settings.model_refresh_seconds
    )


def _open_decision_log(settings: ScoringSettings) -> DecisionLog | None:
    write = open_log(settings.decision_log)
    if write is None:
        return None
    anchors = Anchors(settings.anchor_store) if settings.anchor_store else None
    return DecisionLog(write, settings.seals[0], anchors)
