"""The retraining function put together: settings in, one ASGI application out."""

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

from functions.retrain.local import LocalTraining
from functions.retrain.runs import History, Runner
from functions.retrain.settings import Settings
from functions.web.app_factory import assemble
from functions.web.bodies import json_answer, json_object_if_any
from functions.web.logs import log
from functions.web.problems import (
    RefusedRequestError,
    UnderWayError,
    extra_members,
    faults_from,
    refuse_faults,
)
from models.discovery import find_model


class Asked(BaseModel):
    """What either route may be told."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str


def create_app(settings: Settings) -> Starlette:
    """Put the function together; nothing is asked of the platform before a request needs it."""
    runner = open_runner(settings)
    starting = {name: asyncio.Lock() for name in settings.catalogue}

    def named(said: Mapping[str, Any]) -> str:
        model = _asked({"model": settings.default_model, **said}).model
        find_model(settings.catalogue, model)
        return model

    async def train(request: Request) -> Response:
        refuse_faults(extra_members(request.query_params, set(), "query"))
        model = named(await json_object_if_any(request))
        async with starting[model]:
            execution = await asyncio.to_thread(_start, runner, model)
        log("INFO", "training started", model=model, execution=execution)
        answer = {"status": "started", "model": model, "execution": execution}
        return json_answer(answer, HTTPStatus.ACCEPTED)

    async def status(request: Request) -> Response:
        model = named(_unique(request.query_params))
        history = await asyncio.to_thread(runner.look, model)
        overdue = is_overdue(history, settings.overdue_after, datetime.now(UTC))
        if overdue:
            last = history.last_success and history.last_success.isoformat()
            log("ERROR", "training overdue", model=model, last_success=last)
        return json_answer(_status(model, history) | {"overdue": overdue})

    async def live(_request: Request) -> Response:
        return json_answer({"status": "live"})

    routes = [
        Route("/train", train, methods=["POST"]),
        Route("/train/status", status, methods=["GET"]),
        Route("/health/live", live, methods=["GET"]),
    ]
    no_such_path = "no such path; POST /train starts a run, GET /train/status tells how it goes"
    return assemble(routes, settings.listening, no_such_path)


def open_runner(settings: Settings) -> Runner:
    """Whoever carries out the runs: Cloud Run, or this machine."""
    if settings.training_job is None:
        return LocalTraining(settings.training_python, settings.training_logs)
    # Its libraries are needed nowhere else.
    from functions.retrain.cloud_run import CloudRunJobs  # noqa: PLC0415

    return CloudRunJobs(settings.training_job, settings.training_api)


def is_overdue(history: History, after: timedelta | None, now: datetime) -> bool:
    """Whether the last success is older than it may be; one that never was is."""
    if after is None:
        return False
    return history.last_success is None or now - history.last_success > after


def _asked(said: Mapping[str, Any]) -> Asked:
    try:
        return Asked.model_validate(said)
    except ValidationError as error:
        refuse_faults(faults_from(error))
        raise


def _unique(query: QueryParams) -> QueryParams:
    if len(query.multi_items()) != len(query):
        message = "a name stands twice in the query"
        raise RefusedRequestError(HTTPStatus.BAD_REQUEST, message)
    return query


def _start(runner: Runner, model: str) -> str:
    latest = runner.look(model).latest
    if latest and latest.state == "running":
        raise UnderWayError(model, latest.started_at)
    return runner.start(model)


def _status(model: str, history: History) -> dict[str, Any]:
    run = history.latest
    return {
        "model": model,
        "status": run.state if run else "idle",
        "started_at": run and run.started_at,
        "finished_at": run and run.finished_at,
        "execution": run and run.execution,
        "outcome": run and run.outcome,
        "version": run and run.version,
    }
