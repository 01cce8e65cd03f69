"""Versions as the bureau system showed them: what is published, what serves, what one is.

The store is read for each request, off the event loop, by few threads and for a limited time: a
store in trouble must cost no score.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.web.bodies import json_answer
from functions.web.openapi import Schema, members, operation
from functions.web.problems import RefusedRequestError
from models.contract import CreditModel
from models.discovery import find_model
from models.errors import (
    ModelRefusedError,
    ObjectMissingError,
    RegistryError,
    StoreUnavailableError,
)
from models.registry.bundle import Manifest, manifest_from_bytes
from models.registry.pointer import Pointer, find_pointer
from models.registry.versions import (
    VERSION_PATTERN,
    read_by_name,
    time_from_version_name,
    version_names,
)
from models.stores.store import Store

READ_SECONDS = 5.0
READERS = 2

T = TypeVar("T")


def routes(store: Store, catalogue: Mapping[str, type[CreditModel]], default: str) -> list[Route]:
    """Routes of this contract."""
    readers = ThreadPoolExecutor(READERS, "versions")

    async def list_versions(request: Request) -> Response:
        model = _model_in(request, catalogue, default)
        return json_answer(await _read(partial(_listed, store, model), readers))

    async def show_version(request: Request) -> Response:
        model = _model_in(request, catalogue, default)
        version = request.query_params.get("version")
        return json_answer(await _read(partial(_shown, store, model, version), readers))

    return [
        Route("/model/versions", list_versions, methods=["GET"]),
        Route("/model/info", show_version, methods=["GET"]),
    ]


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe these routes in OpenAPI."""
    text: Schema = {"type": "string"}
    model = {"name": "model", "in": "query", "schema": {"enum": list(catalogue)}}
    version = {
        "name": "version",
        "in": "query",
        "schema": {"type": "string", "pattern": VERSION_PATTERN},
    }
    stands = {"enum": ["champion", "challenger", "previous", "published"]}
    one = {"version": text, "published": text, "status": stands}
    about = {"model": text} | one | {"family": text, "metrics": {"type": "object"}}
    listed = {
        "model": text,
        "champion": {"type": ["string", "null"]},
        "versions": {"type": "array", "items": members(one)},
    }
    return {
        "/model/versions": {
            "get": operation("List published versions, newest first", None, listed)
            | {"parameters": [model]}
        },
        "/model/info": {
            "get": operation("Describe a version; the champion if none is named", None, about)
            | {"parameters": [model, version]}
        },
    }


def _model_in(request: Request, catalogue: Mapping[str, Any], default: str) -> str:
    name = request.query_params.get("model", default)
    find_model(catalogue, name)
    return name


async def _read(read: Callable[[], T], readers: ThreadPoolExecutor) -> T:
    """Read the store within the time given; its own words, which name buckets, stay inside."""
    reading = asyncio.get_running_loop().run_in_executor(readers, read)
    try:
        return await asyncio.wait_for(reading, READ_SECONDS)
    except (ObjectMissingError, RegistryError) as error:
        message = "no such version is published"
        raise RefusedRequestError(HTTPStatus.NOT_FOUND, message) from error
    except ModelRefusedError as error:
        message = "this version is not as it was published"
        raise RefusedRequestError(HTTPStatus.NOT_FOUND, message) from error
    except (StoreUnavailableError, TimeoutError) as error:
        message = "the model store cannot be reached"
        raise RefusedRequestError(HTTPStatus.SERVICE_UNAVAILABLE, message) from error


def _listed(store: Store, model: str) -> dict[str, Any]:
    pointer = find_pointer(store, model)
    names = version_names(store, model)
    return {
        "model": model,
        "champion": pointer.champion.version if pointer else None,
        "versions": [_one(name, pointer) for name in reversed(names)],
    }


def _shown(store: Store, model: str, name: str | None) -> dict[str, Any]:
    pointer = find_pointer(store, model)
    if name is None:
        if pointer is None:
            message = f"{model} has no champion"
            raise RegistryError(message)
        name = pointer.champion.version
    version, data = read_by_name(store, model, name)
    about = {"model": model, "sha256": version.sha256, "size": version.size}
    return about | _one(name, pointer) | _figures(manifest_from_bytes(data))


def _one(name: str, pointer: Pointer | None) -> dict[str, str]:
    published = time_from_version_name(name).isoformat()
    return {"version": name, "published": published, "status": _status(name, pointer)}


def _status(name: str, pointer: Pointer | None) -> str:
    if pointer is None:
        return "published"
    challenger = pointer.challenger and pointer.challenger.version
    named = {"champion": pointer.champion, "challenger": challenger, "previous": pointer.previous}
    found = [status for status, version in named.items() if version and version.version == name]
    return found[0] if found else "published"


def _figures(manifest: Manifest) -> dict[str, Any]:
    return {
        "family": manifest.family,
        "contract": manifest.contract_hash,
        "label_definition": manifest.label_definition,
        "horizon": manifest.horizon,
        "features": list(manifest.features),
        "policy": asdict(manifest.policy),
        "metrics": {name: asdict(figure) for name, figure in manifest.metrics.items()},
    }
