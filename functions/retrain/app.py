"""The retraining function: settings in, one ASGI application out."""

from functions.web.cold_start import finish_imports  # first

# isort: split
import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.access.protection import protection_from
from functions.retrain import pointer_contract
from functions.retrain.errors import ERROR_STATUSES, TrainingInProgressError
from functions.retrain.local import LocalTraining
from functions.retrain.pointer_contract import Registry
from functions.retrain.runs import History, Runner, RunState
from functions.retrain.settings import RetrainSettings, read_settings
from functions.web.app_factory import Service, create_web_app
from functions.web.bodies import json_response, read_optional_json_object, unknown_members
from functions.web.contract import Contract
from functions.web.logs import log
from functions.web.openapi import Operation, closed_object
from functions.web.problems import RequestError, faults_from_validation, reject_faults
from functions.web.settings import Listening
from models.contract import name_from_model

finish_imports()


class TrainingRequest(BaseModel):
    """What either route accepts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str


class TrainingStarted(TypedDict):
    """The run that was started."""

    status: str
    model: str
    execution: str


class TrainingStatus(TypedDict):
    """The run in progress, or else the last one; and whether training is overdue."""

    model: str
    status: RunState
    started_at: datetime | None
    finished_at: datetime | None
    execution: str | None
    outcome: str | None
    version: str | None
    overdue: bool


def prepare() -> tuple[Starlette, Listening]:
    """Read the settings and create the application, for a server."""
    settings = read_settings()
    return create_app(settings), settings.listening


def create_app(settings: RetrainSettings) -> Starlette:
    """Create the application; nothing is asked of the platform before a request needs it."""
    return create_web_app(
        create_service(settings), protection_from(settings.access, settings.listening)
    )


def create_service(settings: RetrainSettings) -> Service:
    """Connect runner and registry to their contracts."""
    return Service(
        title="Surety retraining",
        description="Starts the training of a credit model, reports on it, and moves pointers.",
        contracts=[
            contract(settings, create_runner(settings)),
            pointer_contract.contract(
                Registry(settings.store, settings.catalogue, settings.access.auth)
            ),
        ],
        unknown_path="no such path; POST /train starts a run, GET /train/status reports on it",
        error_statuses=ERROR_STATUSES,
        tracing=settings.tracing,
    )


def contract(settings: RetrainSettings, runner: Runner) -> Contract:
    """`/train` and `/train/status`."""
    locks = {name: asyncio.Lock() for name in settings.catalogue}

    def read_model_name(members: Mapping[str, Any]) -> str:
        name = _parse({"model": settings.default_model, **members}).model
        return name_from_model(settings.catalogue[name])

    async def train(request: Request) -> Response:
        reject_faults(unknown_members(request.query_params, set(), "query"))
        name = read_model_name(await read_optional_json_object(request))
        async with locks[name]:
            execution = await asyncio.to_thread(_start, runner, name)
        log("INFO", "training started", model=name, execution=execution)
        started = TrainingStarted(status="started", model=name, execution=execution)
        return json_response(started, HTTPStatus.ACCEPTED)

    async def status(request: Request) -> Response:
        name = read_model_name(_require_unique(request.query_params))
        history = await asyncio.to_thread(runner.look, name)
        overdue = is_overdue(history, settings.overdue_after, datetime.now(UTC))
        if overdue:
            last = history.last_success and history.last_success.isoformat()
            log("ERROR", "training overdue", model=name, last_success=last)
        return json_response(_status(name, history, overdue=overdue))

    return Contract(
        tag="Training",
        routes=[
            Route("/train", train, methods=["POST"]),
            Route("/train/status", status, methods=["GET"]),
        ],
        scopes={"POST /train": "train", "GET /train/status": "train"},
        paths=lambda: _paths(settings),
    )


def create_runner(settings: RetrainSettings) -> Runner:
    """Create what carries out the runs: Cloud Run, or this machine."""
    if settings.training_job is None:
        return LocalTraining(settings.training_python, settings.training_logs)
    # No local run needs its libraries.
    from functions.retrain.cloud_run import CloudRunJobs  # noqa: PLC0415

    return CloudRunJobs(settings.training_job, settings.training_api)


def is_overdue(history: History, after: timedelta | None, now: datetime) -> bool:
    """Tell whether the last success is too long ago, or never happened."""
    if after is None:
        return False
    return history.last_success is None or now - history.last_success > after


def _paths(settings: RetrainSettings) -> dict[str, Any]:
    model = {"enum": list(settings.catalogue), "default": settings.default_model}
    query = {"name": "model", "in": "query", "schema": model}
    body = closed_object({"model": model})
    return {
        "/train": {"post": Operation("Start a training run", body, TrainingStarted, status=202)},
        "/train/status": {
            "get": Operation(
                "Report on a model's training", response=TrainingStatus, parameters=[query]
            )
        },
    }


def _parse(members: Mapping[str, Any]) -> TrainingRequest:
    try:
        return TrainingRequest.model_validate(members)
    except ValidationError as error:
        reject_faults(faults_from_validation(error))
        raise


def _require_unique(query: QueryParams) -> QueryParams:
    if len(query.multi_items()) != len(query):
        message = "duplicate name in the query"
        raise RequestError(HTTPStatus.BAD_REQUEST, message)
    return query


def _start(runner: Runner, model_name: str) -> str:
    latest = runner.look(model_name).latest
    if latest and latest.state == "running":
        raise TrainingInProgressError(model_name, latest.started_at)
    return runner.start(model_name)


def _status(model_name: str, history: History, *, overdue: bool) -> TrainingStatus:
    run = history.latest
    return {
        "model": model_name,
        "status": run.state if run else "idle",
        "started_at": run.started_at if run else None,
        "finished_at": run.finished_at if run else None,
        "execution": run.execution if run else None,
        "outcome": run.outcome if run else None,
        "version": run.version if run else None,
        "overdue": overdue,
    }
