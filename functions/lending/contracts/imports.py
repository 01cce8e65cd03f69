"""`POST /v1/imports`: applications from a CSV file, every line checked, none imported twice."""

import asyncio
import tempfile
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.applications_file import (
    FileImport,
    ImportReport,
    digest_from_file,
    import_applications,
)
from functions.lending.contracts.documents import query_parameter
from functions.lending.contracts.edge import Book, QueryReader
from functions.web.bodies import json_response, read_body
from functions.web.contract import Contract
from functions.web.openapi import Operation, Schema
from functions.web.problems import RequestError

PATH, CSV = "/v1/imports", "text/csv"
MOST_LINES = 5_000
SWITCH = {"true": "true", "false": "false"}


def contract(book: Book) -> Contract:
    """The import of a small file; `python -m functions.lending import` reads larger ones."""
    return Contract(
        tag="Imports",
        routes=[Route(PATH, partial(_import, book), methods=["POST"])],
        scopes={f"POST {PATH}": "administer"},
        paths=_paths,
    )


async def _import(book: Book, request: Request) -> Response:
    query = QueryReader(request)
    is_dry = query.choice("dry_run", SWITCH) == "true"
    is_partial = query.choice("partial", SWITCH) == "true"
    query.reject()
    content = await _read_csv(request)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        path = Path(file.name)
        await asyncio.to_thread(path.write_bytes, content)
        how = FileImport(path, is_dry=is_dry, is_partial=is_partial)
        if not is_dry:
            detail = {"partial": is_partial, "bytes": len(content)}
            subject = f"file {digest_from_file(path)}"
            await book.change(request, lambda t: t.audit("import", subject, detail=detail))
        report = await asyncio.get_running_loop().run_in_executor(
            book.threads, import_applications, book.database, how, book.now()
        )
    return json_response(report)


async def _read_csv(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != CSV:
        message = f"send the file as {CSV}"
        raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
    content = await read_body(request)
    if content.count(b"\n") > MOST_LINES + 1:
        message = (
            f"the file has more than {MOST_LINES} lines: import it by the command "
            "`python -m functions.lending import`"
        )
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
    return content


def _paths() -> dict[str, Any]:
    switch: Schema = {"enum": list(SWITCH), "default": "false"}
    operation = Operation(
        "Import applications from a CSV file; the same file again imports what is missing",
        response=ImportReport,
        parameters=[query_parameter("dry_run", switch), query_parameter("partial", switch)],
        uploads=(CSV,),
    )
    return {PATH: {"post": operation}}
