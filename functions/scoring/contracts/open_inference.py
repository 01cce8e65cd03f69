"""The Open Inference Protocol, version 2: metadata, health, and inference on columns.

A model is ready when it is loaded; asking begins to load it. The server is ready when
`DEFAULT_MODEL` is. Versions that may be asked for are those in service: champion and challenger.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.contracts.foreign_errors import Handler, described, with_error_member
from functions.scoring.contracts.kserve_v1 import (
    PARAMETERS,
    parse_reasons_parameter,
    predictions_from,
)
from functions.scoring.contracts.tensors import (
    NUMBERS,
    columns_from,
    datatypes,
    inputs_from_model,
    parameter_faults,
    rows_from,
)
from functions.scoring.decision_engine import MAX_ROWS, Answer, Desk, find_in_service
from functions.web.bodies import json_answer, json_object
from functions.web.examples import example_from_schema
from functions.web.middleware import caller_from_request
from functions.web.openapi import Schema, closed_object, operation, schema_from_model
from functions.web.problems import Fault, extra_members, refuse_faults
from models.contract import CreditModel
from models.discovery import find_model
from models.table import Table, table_from_applications, table_from_columns

OUTPUTS = {
    "probability_of_default": "FP64",
    "credit_score": "INT64",
    "risk_level": "BYTES",
    "decision": "BYTES",
    "rating": "BYTES",  # where the model declares bands
    "reasons": "BYTES",  # a list as JSON text, empty where there are none
}
SERVER = {"name": "surety", "version": "1", "extensions": []}


def routes(desk: Desk, default_model: str) -> list[Route]:
    """Routes of this contract."""

    async def server(_request: Request) -> Response:
        return json_answer(SERVER)

    async def live(_request: Request) -> Response:
        return json_answer({"live": True})

    async def server_ready(_request: Request) -> Response:
        desk.loader.ready(default_model)
        return json_answer({"live": True, "ready": True})

    async def model_ready(request: Request) -> Response:
        name, version = _asked(request)
        serving = desk.loader.ready(name)
        if version is not None:
            find_in_service(serving, version)
        return json_answer({"name": name, "ready": True})

    async def describe(request: Request) -> Response:
        return json_answer(_metadata(desk, *_asked(request)))

    async def infer(request: Request) -> Response:
        return json_answer(await _inferred(desk, request))

    whole: list[tuple[str, Handler]] = [
        ("/v2", server),
        ("/v2/", server),  # as the protocol's own description writes it
        ("/v2/health/live", live),
        ("/v2/health/ready", server_ready),
    ]
    by_model: list[tuple[str, Handler]] = [("", describe), ("/ready", model_ready)]
    models = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
    reads = whole + [(path + end, handler) for path in models for end, handler in by_model]
    return [
        *(Route(path, with_error_member("error", read), methods=["GET"]) for path, read in reads),
        *(
            Route(f"{path}/infer", with_error_member("error", infer), methods=["POST"])
            for path in models
        ),
    ]


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe these routes in OpenAPI, once for each model; versions are asked for likewise."""
    text: Schema = {"type": "string"}
    server: Schema = {"name": text, "version": text, "extensions": {"type": "array"}}
    live: Schema = {"live": {"const": True}}
    ready: Schema = {"name": text, "ready": {"const": True}}
    tensors: Schema = {"type": "array", "items": {"type": "object"}}
    about = {"name": text, "platform": text, "versions": {"type": "array"}}
    about |= {"inputs": tensors, "outputs": tensors}
    reads: dict[str, tuple[str, Schema]] = {
        "/v2": ("Name this server", server),
        "/v2/health/live": ("The process is up", live),
        "/v2/health/ready": ("The default model is loaded; 503 until it is", live),
    }
    for name in catalogue:
        reads[f"/v2/models/{name}"] = f"Inputs, outputs and versions of {name}", about
        reads[f"/v2/models/{name}/ready"] = f"{name} is loaded; 503 until it is", ready
    found = {path: {"get": operation(said, None, answer)} for path, (said, answer) in reads.items()}
    for name, model in catalogue.items():
        answer = {"model_name": text, "model_version": text, "outputs": tensors}
        found[f"/v2/models/{name}/infer"] = {
            "post": operation(f"Score columns of {name}", _body(model), answer)
        }
    return {
        path: {method: described(said, "error") for method, said in item.items()}
        for path, item in found.items()
    }


async def _inferred(desk: Desk, request: Request) -> dict[str, Any]:
    name, version = _asked(request)
    model = find_model(desk.catalogue, name)
    document = await json_object(request)
    faults = extra_members(document, {"id", "parameters", "inputs", "outputs"})
    if not isinstance(document.get("id", ""), str):
        faults.append(Fault("id", "Input should be a valid string"))
    with_reasons = parse_reasons_parameter(document.get("parameters", {}), faults)
    wanted = _wanted(document.get("outputs", []), outputs_from_model(model), faults)
    columns = columns_from(model, _list_of(document, "inputs", faults), faults)
    table = _checked(desk, name, columns, faults)
    caller = caller_from_request(request)
    answering = await desk.answering(name, caller, version)
    answer = await desk.decide_by(answering, table, caller, with_reasons=with_reasons)
    echoed = {"id": document["id"]} if "id" in document else {}
    return echoed | _reply(answer, wanted)


def _checked(desk: Desk, name: str, columns: Mapping[str, list[Any]], faults: list[Fault]) -> Table:
    """Hold columns against the contract; row by row only where they do not all follow it."""
    model = desk.catalogue[name]
    absent = [None] * max(map(len, columns.values()), default=0)
    whole = {field: columns.get(field, absent) for field in model.model_fields}
    if not faults and (table := table_from_columns(model, whole)) is not None:
        return table
    rows = rows_from(columns)
    paths = [f"rows[{i}]" for i in range(len(rows))]
    if faults:  # all of them at once: also those of the values that came in sound columns
        known = tuple(f".{column}" for column in columns)
        checked = [desk.check(name, row, path) for row, path in zip(rows, paths, strict=True)]
        refused = [fault for row in checked if isinstance(row, list) for fault in row]
        refuse_faults(faults + [fault for fault in refused if fault.path.endswith(known)])
    return table_from_applications(model, desk.check_all(name, rows, paths))


def outputs_from_model(model: type[CreditModel]) -> dict[str, str]:
    """Datatype of every output of a model, by name."""
    return {n: d for n, d in OUTPUTS.items() if n != "rating" or model.bands}


def _asked(request: Request) -> tuple[str, str | None]:
    return request.path_params["model"], request.path_params.get("version")


def _metadata(desk: Desk, name: str, version: str | None) -> dict[str, Any]:
    model = find_model(desk.catalogue, name)
    serving = desk.loader.state(name).serving if version is None else desk.loader.ready(name)
    versions: list[str] = []
    if serving:
        loaded = (serving.champion, serving.challenger)
        versions = [known.version for known in loaded if known]
        if version is not None:
            versions = [find_in_service(serving, version)[1].version]
    outputs = [
        {"name": n, "datatype": d, "shape": [-1]} for n, d in outputs_from_model(model).items()
    ]
    return {
        "name": name,
        "versions": versions,
        "platform": "surety",
        "inputs": inputs_from_model(model),
        "outputs": outputs,
    }


def _list_of(document: Mapping[str, Any], member: str, faults: list[Fault]) -> list[Any]:
    found = document.get(member)
    if isinstance(found, list) and found:
        return found
    faults.append(Fault(member, "Input should be a list with at least 1 item"))
    return []


def _wanted(asked: object, known: Mapping[str, str], faults: list[Fault]) -> list[str]:
    """Names of the outputs asked for; all of them if none are."""
    if not isinstance(asked, list):
        faults.append(Fault("outputs", "Input should be a list"))
        return []
    names: list[str] = []
    for i, output in enumerate(asked):
        path = f"outputs[{i}]"
        if not isinstance(output, dict):
            faults.append(Fault(path, "Input should be an object"))
            continue
        faults += extra_members(output, {"name", "parameters"}, path)
        faults += parameter_faults(output, path)
        name = output.get("name")
        if not isinstance(name, str) or name not in known or name in names:
            message = f"Input should be one of {', '.join(known)}, each once"
            faults.append(Fault(f"{path}.name", message))
            continue
        names.append(name)
    return names or list(known)


def _reply(answer: Answer, wanted: list[str]) -> dict[str, Any]:
    predictions = predictions_from(answer)
    for said in predictions:
        found = said.get("reasons")
        said["reasons"] = json.dumps(found, ensure_ascii=False) if found else "[]"
    return {
        "model_name": answer.loaded.manifest.model,
        "model_version": answer.loaded.version,
        "parameters": {"variant": answer.variant, "family": answer.loaded.manifest.family},
        "outputs": [
            {
                "name": name,
                "shape": [len(predictions)],
                "datatype": OUTPUTS[name],
                "data": [said[name] for said in predictions],
            }
            for name in wanted
        ],
    }


def _body(model: type[CreditModel]) -> Schema:
    """Describe a request; that columns are of one length and complete, no schema can say."""
    size = {"type": "integer", "minimum": 1, "maximum": MAX_ROWS}
    shape = {"type": "array", "items": size, "minItems": 1, "maxItems": 2}
    free: Schema = {"type": "object"}
    names: dict[bool, list[str]] = {False: [], True: []}
    for name, kind in datatypes(model).items():
        names[kind == "BYTES"].append(name)
    tensors = [
        closed_object(
            {
                "name": {"enum": names[text]},
                "shape": shape,
                "datatype": {"enum": ["BYTES"] if text else list(NUMBERS)},
                "parameters": free,
                "data": {"type": "array", "minItems": 1, "maxItems": MAX_ROWS},
            },
            required=("name", "shape", "datatype", "data"),
        )
        for text in (False, True)
        if names[text]
    ]
    output = closed_object(
        {"name": {"enum": list(outputs_from_model(model))}, "parameters": free}, required=("name",)
    )
    return closed_object(
        {
            "id": {"type": "string"},
            "parameters": PARAMETERS,
            "inputs": {
                "type": "array",
                "items": {"oneOf": tensors},
                "minItems": 1,
                "examples": [_example(model)],
            },
            "outputs": {"type": "array", "items": output},
        },
        required=("inputs",),
    )


def _example(model: type[CreditModel]) -> list[dict[str, Any]]:
    """The example of a row as columns."""
    row = example_from_schema(schema_from_model(model))
    return [
        {"name": name, "shape": [1], "datatype": kind, "data": [row[name]]}
        for name, kind in datatypes(model).items()
        if name in row
    ]
