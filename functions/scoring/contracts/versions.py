"""Versions as the bureau system showed them, and the report of each.

The store is read for each request, off the event loop, by a few threads and for a limited time: a
store in trouble must cost no score.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Literal, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.web.bodies import JSON, json_response
from functions.web.contract import Contract
from functions.web.openapi import Operation
from functions.web.problems import RequestError
from models.contract import CreditModel, name_from_model
from models.discovery import Catalogue
from models.errors import (
    ModelRefusedError,
    ObjectMissingError,
    RegistryError,
    StoreUnavailableError,
)
from models.metrics import Estimate
from models.policy import Cutoffs
from models.registry.bundle import Manifest, manifest_from_bytes
from models.registry.monitored_status import find_monitored_day
from models.registry.pointer import Pointer, find_pointer
from models.registry.store_paths import monitoring_prefix, version_prefix
from models.registry.versions import (
    VERSION_PATTERN,
    read_by_name,
    time_from_version_name,
    version_names,
)
from models.stores.store import Reader, Store

READ_SECONDS = 5.0
READERS = 2
PAGE = "text/html"
REPORT = "/v1/models/{model}/versions/{version}/report"
MONITORING = "/v1/models/{model}/monitoring"
MONITORED_DAY = r"/(\d{4}-\d{2}-\d{2})-\d{3}\.json"
STYLES = re.compile(rb"<style>(.*?)</style>", re.DOTALL)
# A report is created once and never replaced; only whoever may read models may keep it.
FOR_EVER = "private, max-age=31536000, immutable"

VersionStatus = Literal["champion", "challenger", "previous", "published"]
T = TypeVar("T")


class ListedVersion(TypedDict):
    """A published version and its status."""

    version: str
    published: str
    status: VersionStatus


class VersionList(TypedDict):
    """Published versions of a model, newest first."""

    model: str
    champion: str | None
    versions: list[ListedVersion]


class VersionInfo(ListedVersion):
    """One version in detail, from its manifest."""

    model: str
    sha256: str
    size: int
    family: str
    contract: str
    label_definition: str
    horizon: str
    features: list[str]
    policy: Cutoffs
    metrics: dict[str, Estimate]


def contract(store: Store, catalogue: Catalogue, default_model: str) -> Contract:
    """`/model/versions`, `/model/info`, and the report of a version as a page and as JSON."""
    readers = ThreadPoolExecutor(READERS, "versions")

    def read_model_name(request: Request) -> str:
        name = request.query_params.get("model", default_model)
        return name_from_model(catalogue[name])

    async def list_versions(request: Request) -> Response:
        read = partial(_list_versions, store, read_model_name(request))
        return json_response(await _read(read, readers))

    async def show_version(request: Request) -> Response:
        version = request.query_params.get("version")
        read = partial(_show_version, store, read_model_name(request), version)
        return json_response(await _read(read, readers))

    async def show_report(request: Request, file: str, media_type: str) -> Response:
        name, version = (request.path_params[member] for member in ("model", "version"))
        model_name = name_from_model(catalogue[name])
        data = await _read(partial(_read_report, store, model_name, version, file), readers)
        return _answer_unchanging(request, data, media_type)

    async def show_page(request: Request) -> Response:
        return await show_report(request, "report.html", PAGE)

    async def show_figures(request: Request) -> Response:
        return await show_report(request, "report.json", JSON)

    async def show_monitoring(request: Request) -> Response:
        model_name = name_from_model(catalogue[request.path_params["model"]])
        day = _parse_day(request.query_params.get("day"))
        data = await _read(partial(_read_monitoring, store, model_name, day), readers)
        return Response(data, media_type=JSON, headers={"Cache-Control": "private, no-cache"})

    handlers = {
        "/model/versions": list_versions,
        "/model/info": show_version,
        REPORT: show_page,
        f"{REPORT}.json": show_figures,
        MONITORING: show_monitoring,
    }
    return Contract(
        tag="Published versions",
        routes=[Route(path, handler, methods=["GET"]) for path, handler in handlers.items()],
        scopes={f"GET {path}": "models" for path in handlers},
        paths=lambda: _paths(catalogue),
    )


def _paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    model = {"name": "model", "in": "query", "schema": {"enum": list(catalogue)}}
    pattern = {"type": "string", "pattern": VERSION_PATTERN}
    version = {"name": "version", "in": "query", "schema": pattern}
    path: list[dict[str, Any]] = [
        {**model, "in": "path", "required": True},
        {**version, "in": "path", "required": True},
    ]
    page = Operation("Read the report of a version", media_type=PAGE, parameters=path)
    figures = Operation("Read every figure of that report", parameters=path)
    day = {"name": "day", "in": "query", "schema": {"type": "string", "format": "date"}}
    monitoring = Operation(
        "Read what monitoring measured on a day, or lately", parameters=[path[0], day]
    )
    listing, detail = "List published versions, newest first", "Show a version, or the champion"
    return {
        "/model/versions": {"get": Operation(listing, response=VersionList, parameters=[model])},
        "/model/info": {
            "get": Operation(detail, response=VersionInfo, parameters=[model, version])
        },
        REPORT: {"get": page},
        f"{REPORT}.json": {"get": figures},
        MONITORING: {"get": monitoring},
    }


async def _read(read: Callable[[], T], readers: ThreadPoolExecutor) -> T:
    """Read the store within a time limit; its own errors, which name buckets, stay inside."""
    reading = asyncio.get_running_loop().run_in_executor(readers, read)
    try:
        return await asyncio.wait_for(reading, READ_SECONDS)
    except (ObjectMissingError, RegistryError) as error:
        message = "no such version is published"
        raise RequestError(HTTPStatus.NOT_FOUND, message) from error
    except ModelRefusedError as error:
        message = "this version is not as it was published"
        raise RequestError(HTTPStatus.NOT_FOUND, message) from error
    except (StoreUnavailableError, TimeoutError) as error:
        message = "the model store cannot be reached"
        raise RequestError(HTTPStatus.SERVICE_UNAVAILABLE, message) from error


def _read_report(store: Reader, model_name: str, version: str, file: str) -> bytes:
    """Read a file of a version. Its name becomes a path, so it must have the form of one."""
    if not re.fullmatch(VERSION_PATTERN, version):
        message = f"{version!r} is not a version name"
        raise RegistryError(message)
    return store.read(version_prefix(model_name, version) + file).data


def _parse_day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        message = "day must be a date such as 2026-11-30"
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message) from error


def _read_monitoring(store: Store, model_name: str, day: date | None) -> bytes:
    """Read what was measured on a day, or on the last monitored one."""
    if day is None:
        days = re.findall(MONITORED_DAY, "\n".join(store.names(monitoring_prefix(model_name))))
        day = date.fromisoformat(max(days)) if days else None
    data = find_monitored_day(store, model_name, day) if day else None
    if data is None:
        message = "this model was not monitored then; run python -m training monitor"
        raise RequestError(HTTPStatus.NOT_FOUND, message)
    return data


def _answer_unchanging(request: Request, data: bytes, media_type: str) -> Response:
    """Answer with what never changes; 304 to whoever has it already."""
    tag = f'"{sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    tags_sent = {part.strip() for part in request.headers.get("if-none-match", "").split(",")}
    if tags_sent & {tag, f"W/{tag}", "*"}:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if media_type == PAGE:
        headers |= {
            "Content-Security-Policy": _content_security_policy(data),
            "Referrer-Policy": "no-referrer",
        }
    return Response(data, headers=headers, media_type=media_type)


def _content_security_policy(page: bytes) -> str:
    """Allow the page its own style sheet, and nothing else: no script, no request, no frame."""
    digests = (b64encode(sha256(text).digest()).decode() for text in STYLES.findall(page))
    styles = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    rules = ("default-src 'none'", f"style-src {styles}", "base-uri 'none'", "form-action 'none'")
    return "; ".join((*rules, "frame-ancestors 'none'", "sandbox"))


def _list_versions(store: Store, model_name: str) -> VersionList:
    pointer = find_pointer(store, model_name)
    names = version_names(store, model_name)
    return {
        "model": model_name,
        "champion": pointer.champion.version if pointer else None,
        "versions": [_describe_version(name, pointer) for name in reversed(names)],
    }


def _show_version(store: Store, model_name: str, name: str | None) -> VersionInfo:
    pointer = find_pointer(store, model_name)
    if name is None:
        if pointer is None:
            message = f"{model_name} has no champion"
            raise RegistryError(message)
        name = pointer.champion.version
    version, data = read_by_name(store, model_name, name)
    manifest: Manifest = manifest_from_bytes(data)
    return {
        "model": model_name,
        "sha256": version.sha256,
        "size": version.size,
        **_describe_version(name, pointer),
        "family": manifest.family,
        "contract": manifest.contract_hash,
        "label_definition": manifest.label_definition,
        "horizon": manifest.horizon,
        "features": list(manifest.features),
        "policy": manifest.policy,
        "metrics": dict(manifest.metrics),
    }


def _describe_version(name: str, pointer: Pointer | None) -> ListedVersion:
    published = time_from_version_name(name).isoformat()
    return {"version": name, "published": published, "status": _find_status(name, pointer)}


def _find_status(name: str, pointer: Pointer | None) -> VersionStatus:
    if pointer is None:
        return "published"
    challenger = pointer.challenger and pointer.challenger.version
    roles: tuple[tuple[VersionStatus, Any], ...] = (
        ("champion", pointer.champion),
        ("challenger", challenger),
        ("previous", pointer.previous),
    )
    return next((role for role, v in roles if v and v.version == name), "published")
