"""`/v1/batches`: score a file that is uploaded or named by its URI, and fetch what came out."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from functions.batch.errors import BatchStateError, UnknownBatchError
from functions.batch.jobs import BatchJob, BatchState, Jobs, batch_id
from functions.batch.plans import BatchRequest
from functions.batch.results import csv_lines, fault_lines, result_part
from functions.batch.settings import ServerSettings
from functions.batch.worker import Worker
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, closed_object
from functions.web.problems import Fault, RequestError, faults_from_validation, reject_faults
from models.data_file import DIALECT_OPTIONS, CsvDialect
from models.errors import SuretyError

PATH = "/v1/batches"
ONE = f"{PATH}/{{batch}}"
SCOPE = "batches"
UPLOADS: Mapping[str, str] = {
    "text/csv": "upload.csv",
    "application/gzip": "upload.csv.gz",
    "application/vnd.apache.parquet": "upload.parquet",
}
LISTS = ("mapping", "without", "keep", "symbols", "missing")
NDJSON, CSV = "application/x-ndjson", "text/csv"
STRING: Schema = {"type": "string"}


def contract(settings: ServerSettings, worker: Worker) -> Contract:
    """The routes of batches."""
    jobs = worker.jobs

    async def create(request: Request) -> Response:
        job, upload = await _read_request(request, settings)
        reply = await asyncio.to_thread(_begin, worker, job, upload)
        return json_response(reply, HTTPStatus.ACCEPTED)

    async def show(request: Request) -> Response:
        return json_response(await asyncio.to_thread(_describe, worker, request))

    async def cancel(request: Request) -> Response:
        return json_response(await asyncio.to_thread(_cancel, jobs, request))

    async def resume(request: Request) -> Response:
        return json_response(await asyncio.to_thread(_resume, worker, request))

    async def results(request: Request) -> Response:
        return await asyncio.to_thread(_results, jobs, request)

    async def faults(request: Request) -> Response:
        return await asyncio.to_thread(_faults, jobs, request)

    return Contract(
        tag="Batches",
        routes=[
            Route(PATH, create, methods=["POST"]),
            Route(ONE, show, methods=["GET"]),
            Route(f"{ONE}:cancel", cancel, methods=["POST"]),
            Route(f"{ONE}:resume", resume, methods=["POST"]),
            Route(f"{ONE}/results", results, methods=["GET"]),
            Route(f"{ONE}/faults", faults, methods=["GET"]),
        ],
        scopes={
            f"POST {PATH}": SCOPE,
            f"GET {ONE}": SCOPE,
            f"POST {ONE}:cancel": SCOPE,
            f"POST {ONE}:resume": SCOPE,
            f"GET {ONE}/results": SCOPE,
            f"GET {ONE}/faults": SCOPE,
        },
        paths=lambda: _paths(settings),
    )


def _begin(worker: Worker, job: BatchJob, upload: tuple[str, bytes] | None) -> BatchState:
    if upload is not None:
        uri = worker.jobs.upload(job.id, *upload)
        job = job.model_copy(update={"request": job.request.model_copy(update={"input": uri})})
    _ = worker.settings.catalogue[job.request.model]  # unknown: before anything is written
    is_new = not worker.jobs.exists(job.id)
    job = worker.jobs.create(job)
    if is_new:
        worker.submit(job)
    return worker.jobs.describe(job)


async def _read_request(
    request: Request, settings: ServerSettings
) -> tuple[BatchJob, tuple[str, bytes] | None]:
    """Read what to score, and the file if the body is one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    caller = caller_from_request(request)
    identifier = batch_id(caller.principal, caller.idempotency_key)
    upload = None
    if kind in UPLOADS:
        members = _members_from_query(request)
        upload = UPLOADS[kind], await _read_upload(request, settings.max_upload_bytes)
        members["input"] = UPLOADS[kind]
    else:
        members = await read_json_object(request)
    dry_run = members.pop("dry_run", False)
    wanted = _parse_request(members, [] if isinstance(dry_run, bool) else [_dry_run_fault()])
    if upload is None:
        _require_allowed(wanted.input, settings.inputs)
    job = BatchJob(
        id=identifier,
        request=wanted,
        owner=caller.principal,
        dry_run=dry_run,
        created_at=datetime.now(UTC),
    )
    return job, upload


def _dry_run_fault() -> Fault:
    return Fault("dry_run", "Input should be true or false")


def _parse_request(members: Mapping[str, Any], faults: list[Fault]) -> BatchRequest:
    try:
        wanted = BatchRequest.model_validate(members)
    except ValidationError as error:
        reject_faults([*faults_from_validation(error), *faults])
        raise
    unknown = [name for name in wanted.dialect if name not in DIALECT_OPTIONS]
    reject_faults([*faults, *(Fault(f"dialect.{name}", "Is no option") for name in unknown)])
    CsvDialect(**wanted.dialect)  # a value that cannot be is refused now, by name
    return wanted


def _members_from_query(request: Request) -> dict[str, Any]:
    """Read the request of an upload: each name as on the command line."""
    members: dict[str, Any] = {}
    dialect: dict[str, Any] = {}
    faults: list[Fault] = []
    for name in request.query_params:
        values = request.query_params.getlist(name)
        place = dialect if name in DIALECT_OPTIONS else members
        place[name] = values if name in LISTS else values[0]
        if len(values) > 1 and name not in LISTS:
            faults.append(Fault(f"query.{name}", "May be sent once"))
    if "mapping" in members:
        pairs = [text.partition("=") for text in members["mapping"]]
        faults += [
            Fault("query.mapping", "Must be written as FIELD=COLUMN") for p in pairs if not p[1]
        ]
        members["mapping"] = {name: column for name, _, column in pairs}
    if "columns" in dialect:
        dialect["columns"] = dialect["columns"].split(",")
    if "skip_lines" in dialect:
        is_number = dialect["skip_lines"].isdecimal()
        faults += [] if is_number else [Fault("query.skip_lines", "Must be a number from 0")]
        dialect["skip_lines"] = int(dialect["skip_lines"]) if is_number else 0
    if "dry_run" in members:
        members["dry_run"] = {"true": True, "false": False}.get(members["dry_run"])
    reject_faults(faults)
    return members | ({"dialect": dialect} if dialect else {})


async def _read_upload(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            message = f"the file is larger than {most} bytes: put it into a bucket, and name it"
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
    return bytes(body)


def _require_allowed(uri: str, prefixes: tuple[str, ...]) -> None:
    """A caller must not read whatever this service can: files are below declared places."""
    is_plain = ".." not in uri.split("/") and "%" not in uri
    if not (is_plain and any(uri.startswith(f"{prefix.rstrip('/')}/") for prefix in prefixes)):
        rule = "Must be below a place that BATCH_INPUTS lists, or upload the file"
        reject_faults([Fault("input", rule)])


def _find(jobs: Jobs, request: Request) -> BatchJob:
    """Find the batch of the path; that of somebody else does not exist."""
    job = jobs.read(request.path_params["batch"])
    principal = request.scope.get("principal")
    is_admin = principal is not None and "admin" in (principal.roles or ())
    if job.owner != caller_from_request(request).principal and not is_admin:
        raise UnknownBatchError
    return job


def _describe(worker: Worker, request: Request) -> BatchState:
    """Describe the batch of the path: by chunks while this process scores it, else by parts."""
    reply = worker.jobs.describe(_find(worker.jobs, request))
    if reply["status"] == "running":
        reply["rows_done"] = max(reply["rows_done"] or 0, worker.rows_done(reply["id"]))
    return reply


def _cancel(jobs: Jobs, request: Request) -> BatchState:
    job = _find(jobs, request)
    status, _ = jobs.find_ending(job)
    if status not in (None, "cancelled"):
        message = f"the batch has {status}: it cannot be cancelled any more"
        raise BatchStateError(message)
    jobs.cancel(job)
    return jobs.describe(job)


def _resume(worker: Worker, request: Request) -> BatchState:
    """Go on with a cancelled batch: its parts that are complete stay as they are."""
    job = _find(worker.jobs, request)
    status, _ = worker.jobs.find_ending(job)
    if status not in (None, "cancelled"):
        message = f"the batch has {status}: only a cancelled one can be resumed"
        raise BatchStateError(message)
    if status == "cancelled":
        worker.jobs.resume(job)
        try:
            worker.submit(job)
        except SuretyError:
            worker.jobs.cancel(job)
            raise
    return worker.jobs.describe(job)


def _results(jobs: Jobs, request: Request) -> Response:
    job = _find(jobs, request)
    run = jobs.find_run(job)
    if run is None or jobs.find_ending(job)[0] != "succeeded":
        message = "there are no results yet: the batch has not succeeded"
        raise BatchStateError(message)
    part = request.query_params.get("part")
    if part is None:
        return _stream(csv_lines(jobs.store, *run), CSV)
    if not (part.isascii() and part.isdecimal()) or int(part) >= len(run[1].parts):
        reject_faults([Fault("query.part", f"must be a number from 0 to {len(run[1].parts) - 1}")])
    data = result_part(jobs.store, run[0], int(part))
    return Response(data, media_type="application/vnd.apache.parquet")


def _faults(jobs: Jobs, request: Request) -> Response:
    job = _find(jobs, request)
    status, ending = jobs.find_ending(job)
    if status == "checked":
        return _stream(fault_lines(ending["faults"]), NDJSON)
    run = jobs.find_run(job)
    if run is None:
        message = "no row has been read yet"
        raise BatchStateError(message)
    return _stream(jobs.read_faults(run[0]), NDJSON)


def _stream(lines: Iterator[bytes], media_type: str) -> Response:
    return StreamingResponse(lines, media_type=media_type)


def _paths(settings: ServerSettings) -> dict[str, Any]:
    batch: Schema = {"name": "batch", "in": "path", "required": True, "schema": STRING}
    part: Schema = {"name": "part", "in": "query", "schema": {"type": "integer", "minimum": 0}}
    create = Operation(
        "Score a file: its URI in JSON, or the file itself with the members in the query",
        closed_object(_body_members(settings), ["model", "input"]),
        BatchState,
        status=HTTPStatus.ACCEPTED,
        uploads=tuple(UPLOADS),
    )
    results = Operation(
        "Fetch the scored rows as CSV, or one part as Parquet",
        parameters=[batch, part],
        media_type=CSV,
    )
    faults = Operation(
        "Fetch the faults of rows that were not scored, one JSON object a line",
        parameters=[batch],
        media_type=NDJSON,
    )
    show = Operation("Show a batch", response=BatchState, parameters=[batch])
    cancel = Operation("Cancel a batch", response=BatchState, parameters=[batch])
    resume = Operation(
        "Go on with a cancelled batch; what is scored stays",
        response=BatchState,
        parameters=[batch],
    )
    return {
        PATH: {"post": create},
        ONE: {"get": show},
        f"{ONE}:cancel": {"post": cancel},
        f"{ONE}:resume": {"post": resume},
        f"{ONE}/results": {"get": results},
        f"{ONE}/faults": {"get": faults},
    }


def _body_members(settings: ServerSettings) -> dict[str, Schema]:
    texts: Schema = {"type": "array", "items": STRING}
    return {
        "model": {"enum": list(settings.catalogue)},
        "input": STRING | {"description": "The file: gs://, s3:// or file://, below BATCH_INPUTS."},
        "mapping": {"type": "object", "additionalProperties": STRING},
        "without": texts,
        "keep": texts,
        "reasons": {"enum": ["none", "adverse", "all"], "default": "none"},
        "dialect": {"type": "object"},
        "dry_run": {"type": "boolean", "default": False},
    }
