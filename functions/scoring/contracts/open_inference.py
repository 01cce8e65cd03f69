"""The Open Inference Protocol, version 2: metadata, health, and inference on columns.

Tensors are JSON or binary. Parameters that clients send for other servers mean nothing here.

A model is ready when it is loaded; asking starts to load it. The server is ready when
`DEFAULT_MODEL` is. The versions that can be requested are those that serve: champion and
challenger.
"""

import json
from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any, Literal, NotRequired, get_type_hints

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.scoring.contracts.binary_tensors import binary_response, read_inference_request
from functions.scoring.contracts.foreign_errors import Handler, with_error_member
from functions.scoring.contracts.model_schemas import schema_from_model
from functions.scoring.contracts.parameters import parse_reasons
from functions.scoring.contracts.tensors import (
    NUMBERS,
    TensorMetadata,
    Values,
    check_tensor_parameters,
    columns_from_tensors,
    datatypes_from_model,
    metadata_from_datatypes,
    rows_from_columns,
)
from functions.scoring.decision_engine import (
    MAX_ROWS,
    DecisionEngine,
    Rows,
    ScoringRequest,
    find_in_service,
    validate_row,
    validate_rows,
)
from functions.web.bodies import json_response, read_optional_json_object, unknown_members
from functions.web.contract import PROBE, Contract
from functions.web.examples import example_from_schema
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, array, closed_object
from functions.web.problems import Fault, reject_faults
from models.contract import CreditModel, name_from_model
from models.prediction import Prediction, ScoredRequest
from models.registry.serving import InService
from models.table import Table, table_from_applications, table_from_columns


class ServerMetadata(TypedDict):
    """The server's name, and the protocol extensions it has."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(TypedDict):
    """The process is up."""

    live: bool


class ServerReady(ServerLive):
    """The default model is loaded."""

    ready: bool


class ModelReady(TypedDict):
    """The model is loaded."""

    name: str
    ready: bool


class RepositoryModel(TypedDict):
    """A model of the service, and whether it is loaded."""

    name: str
    version: NotRequired[str]
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


class ModelMetadata(TypedDict):
    """A model's versions that serve, its inputs and its outputs."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class OutputTensor(TensorMetadata):
    """A column of the response."""

    data: Values


class InferenceResponse(TypedDict):
    """One tensor for each output."""

    id: NotRequired[str]
    model_name: str
    model_version: str
    parameters: dict[str, str]
    outputs: list[OutputTensor]


class InferenceRequest(TypedDict):
    """A parsed request; `binary` are the outputs that are wanted as raw bytes."""

    with_reasons: bool
    outputs: list[str]
    binary: set[str]
    columns: dict[str, Values]


EXTENSIONS = ["binary_tensor_data", "model_repository"]
SERVER: ServerMetadata = {"name": "surety", "version": "1", "extensions": EXTENSIONS}
MEMBERS = {"id", "model_name", "model_version", "parameters", "inputs", "outputs"}
PARAMETERS: Schema = {"type": ["object", "null"]}
TEXT: Schema = {"type": ["string", "null"]}
INDEX: Schema = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
DATATYPES = {float: "FP64", int: "INT64"}  # everything else is text
# A prediction's members, but for those that a response has beside its tensors; reasons become the
# text of a JSON list.
BESIDE_TENSORS = {"model", "model_version", "variant", "family"}
OUTPUTS = {
    name: DATATYPES.get(kind, "BYTES")
    for name, kind in get_type_hints(Prediction).items()
    if name not in BESIDE_TENSORS
}


def contract(engine: DecisionEngine, default_model: str) -> Contract:
    """`/v2` and everything below it."""

    async def server(_request: Request) -> Response:
        return json_response(SERVER)

    async def live(_request: Request) -> Response:
        return json_response(ServerLive(live=True))

    async def server_ready(_request: Request) -> Response:
        engine.loader.ready(default_model)
        return json_response(ServerReady(live=True, ready=True))

    async def index(request: Request) -> Response:
        document = await read_optional_json_object(request, is_type_optional=True)
        only_ready = document.get("ready", False)
        if not isinstance(only_ready, bool):
            reject_faults([Fault("ready", "Input should be true or false")])
        return json_response(_list_models(engine, only_ready=only_ready))

    handlers: dict[str, tuple[Handler, str]] = {
        "GET /v2": (server, "models"),
        "GET /v2/": (server, "models"),  # as the protocol's own description writes it
        "GET /v2/health/live": (live, PROBE),
        "GET /v2/health/ready": (server_ready, PROBE),
        "POST /v2/repository/index": (index, "models"),
    }
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        handlers[f"GET {path}"] = partial(_show_model, engine), "models"
        handlers[f"GET {path}/ready"] = partial(_check_model, engine), "models"
        handlers[f"POST {path}/infer"] = partial(_infer, engine), "score"
    return Contract(
        tag="Open Inference Protocol",
        routes=[_route(name, handler) for name, (handler, _) in handlers.items()],
        scopes={name: scope for name, (_, scope) in handlers.items()},
        paths=lambda: _paths(engine.catalogue),
        prefix="/v2",
        error_member="error",
    )


def _route(name: str, handler: Handler) -> Route:
    method, _, path = name.partition(" ")
    return Route(path, with_error_member("error", handler), methods=[method])


def outputs_from_model(model: type[CreditModel]) -> dict[str, str]:
    """Return the datatype of every output of a model, by name."""
    return {n: d for n, d in OUTPUTS.items() if n != "rating" or model.bands}


async def _check_model(engine: DecisionEngine, request: Request) -> Response:
    name, version = _read_path(engine, request)
    serving = engine.loader.ready(name)
    if version is not None:
        find_in_service(serving, version)
    return json_response(ModelReady(name=name, ready=True))


async def _show_model(engine: DecisionEngine, request: Request) -> Response:
    return json_response(_metadata(engine, *_read_path(engine, request)))


async def _infer(engine: DecisionEngine, request: Request) -> Response:
    name, version = _read_path(engine, request)
    model = engine.catalogue[name]
    document, binary_faults = await read_inference_request(request)
    parsed, faults = _parse(model, document)
    table = _validate_columns(model, parsed["columns"], [*binary_faults, *faults])
    scored = await engine.decide(
        ScoringRequest(
            table=table,
            caller=caller_from_request(request),
            with_reasons=parsed["with_reasons"],
            version=version,
        )
    )
    response = _render(scored, parsed["outputs"])
    if document.get("id") is not None:
        response["id"] = document["id"]
    return binary_response(response, parsed["binary"])


def _list_models(engine: DecisionEngine, *, only_ready: bool) -> list[RepositoryModel]:
    models: list[RepositoryModel] = []
    for name, state in engine.loader.states.items():
        versions = _serving_versions(state.serving) if state.serving else []
        if versions:
            models += [
                {"name": name, "version": version, "state": "READY", "reason": ""}
                for version in versions
            ]
        elif not only_ready:
            reason = state.cause or "not loaded yet"
            models.append({"name": name, "state": "UNAVAILABLE", "reason": reason})
    return models


def _read_path(engine: DecisionEngine, request: Request) -> tuple[str, str | None]:
    """Return the model's name, which the catalogue has, and the version if one is named."""
    name = request.path_params["model"]
    return name_from_model(engine.catalogue[name]), request.path_params.get("version")


def _parse(
    model: type[CreditModel], document: Mapping[str, Any]
) -> tuple[InferenceRequest, list[Fault]]:
    faults = [*unknown_members(document, MEMBERS), *_check_names(model, document)]
    parameters = document.get("parameters")
    with_reasons, reasons_faults = _parse_parameters(parameters)
    wants_binary = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    outputs, binary, output_faults = _parse_outputs(
        document.get("outputs"), outputs_from_model(model), all_binary=wants_binary
    )
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        inputs, input_faults = [], [Fault("inputs", "Input should be a list with at least 1 item")]
    else:
        input_faults = []
    columns, column_faults = columns_from_tensors(model, inputs)
    parsed: InferenceRequest = {
        "with_reasons": with_reasons,
        "outputs": outputs,
        "binary": binary,
        "columns": columns,
    }
    return parsed, [*faults, *reasons_faults, *output_faults, *input_faults, *column_faults]


def _check_names(model: type[CreditModel], document: Mapping[str, Any]) -> list[Fault]:
    """Check what repeats the path, as the KServe client does, and the id."""
    faults = []
    if document.get("model_name") not in (None, name_from_model(model)):
        faults.append(Fault("model_name", "Input should be the model that the path names"))
    return faults + [
        Fault(member, "Input should be a valid string")
        for member in ("id", "model_version")
        if not isinstance(document.get(member), str | None)
    ]


def _parse_parameters(parameters: object) -> tuple[bool, list[Fault]]:
    """Read whether reasons are wanted; all other parameters mean nothing here."""
    if isinstance(parameters, dict):
        parameters = {name: value for name, value in parameters.items() if name == "reasons"}
    return parse_reasons(parameters)


def _parse_outputs(
    outputs: object, datatypes: Mapping[str, str], *, all_binary: bool
) -> tuple[list[str], set[str], list[Fault]]:
    """Read the names of the requested outputs, all if none are requested, and the binary ones."""
    outputs = [] if outputs is None else outputs
    if not isinstance(outputs, list):
        return [], set(), [Fault("outputs", "Input should be a list")]
    names: list[str] = []
    binary: set[str] = set()
    faults: list[Fault] = []
    for i, output in enumerate(outputs):
        path = f"outputs[{i}]"
        if not isinstance(output, dict):
            faults.append(Fault(path, "Input should be an object"))
            continue
        faults += unknown_members(output, {"name", "parameters"}, path)
        faults += check_tensor_parameters(output, path)
        name = output.get("name")
        if not isinstance(name, str) or name not in datatypes or name in names:
            message = f"Input should be one of {', '.join(datatypes)}, each once"
            faults.append(Fault(f"{path}.name", message))
            continue
        names.append(name)
        if not faults and (output.get("parameters") or {}).get("binary_data", all_binary) is True:
            binary.add(name)
    if not outputs and all_binary:
        binary = set(datatypes)
    return names or list(datatypes), binary, faults


def _validate_columns(
    model: type[CreditModel], columns: Mapping[str, Values], faults: list[Fault]
) -> Table:
    """Validate columns; row by row only where not all of them follow the contract."""
    absent = [None] * max(map(len, columns.values()), default=0)
    fields = {field: columns.get(field, absent) for field in model.model_fields}
    if not faults and (table := table_from_columns(model, fields)) is not None:
        return table
    values = rows_from_columns(columns)
    rows = Rows(values, [f"rows[{i}]" for i in range(len(values))])
    if faults:  # all of them at once: also those of the values in valid columns
        results = [validate_row(model, *pair) for pair in zip(rows.values, rows.paths, strict=True)]
        suffixes = tuple(f".{column}" for column in columns)
        row_faults = [f for result in results if isinstance(result, list) for f in result]
        reject_faults([*faults, *(f for f in row_faults if f.path.endswith(suffixes))])
    return table_from_applications(model, validate_rows(model, rows))


def _metadata(engine: DecisionEngine, name: str, version: str | None) -> ModelMetadata:
    model = engine.catalogue[name]
    if version is None:
        serving = engine.loader.states[name].serving
        versions = _serving_versions(serving) if serving else []
    else:
        versions = [find_in_service(engine.loader.ready(name), version)[1].version]
    return {
        "name": name,
        "versions": versions,
        "platform": "surety",
        "inputs": metadata_from_datatypes(datatypes_from_model(model)),
        "outputs": metadata_from_datatypes(outputs_from_model(model)),
    }


def _serving_versions(serving: InService) -> list[str]:
    return [one.version for one in (serving.champion, serving.challenger) if one]


def _render(scored: ScoredRequest, outputs: list[str]) -> InferenceResponse:
    return {
        "model_name": scored.loaded.manifest.model,
        "model_version": scored.loaded.version,
        "parameters": {"variant": scored.variant, "family": scored.loaded.manifest.family},
        "outputs": [
            {
                "name": name,
                "shape": [len(scored.decisions)],
                "datatype": OUTPUTS[name],
                "data": _column(scored, name),
            }
            for name in outputs
        ],
    }


def _column(scored: ScoredRequest, name: str) -> list[Any]:
    """One member of every prediction."""
    if name == "credit_score":
        return [round(decision.credit_score) for decision in scored.decisions]
    if name == "reasons":
        return [
            json.dumps(scored.predict(decision)["reasons"], ensure_ascii=False)
            if decision.reasons
            else "[]"
            for decision in scored.decisions
        ]
    return list(map(attrgetter(name), scored.decisions))


def _paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe these routes once for each model; versions are requested likewise."""

    def read(summary: str, response: Any) -> dict[str, Operation]:  # noqa: ANN401 -- a type
        return {"get": Operation(summary, response=response, error_member="error")}

    paths = {
        "/v2": read("Name this server", ServerMetadata),
        "/v2/health/live": read("Check that the process is up", ServerLive),
        "/v2/health/ready": read("Check the default model; 503 until it is loaded", ServerReady),
        "/v2/repository/index": {
            "post": Operation(
                "List the models",
                INDEX,
                list[RepositoryModel],
                error_member="error",
                is_body_optional=True,
            )
        },
    }
    for name, model in catalogue.items():
        path = f"/v2/models/{name}"
        paths[path] = read(f"Show inputs, outputs and versions of {name}", ModelMetadata)
        paths[f"{path}/ready"] = read(f"Check {name}; 503 until it is loaded", ModelReady)
        summary, body = f"Score columns of {name}", _body(model)
        infer = Operation(summary, body, InferenceResponse, error_member="error")
        paths[f"{path}/infer"] = {"post": infer}
    return paths


def _body(model: type[CreditModel]) -> Schema:
    """Describe a request; no schema can say that columns are complete and of one length."""
    shape = array({"type": "integer", "minimum": 1, "maximum": MAX_ROWS}, 2)
    names: dict[bool, list[str]] = {False: [], True: []}
    for name, datatype in datatypes_from_model(model).items():
        names[datatype == "BYTES"].append(name)
    tensors = [
        closed_object(
            {
                "name": {"enum": names[is_text]},
                "shape": shape,
                "datatype": {"enum": ["BYTES"] if is_text else list(NUMBERS)},
                "parameters": PARAMETERS,
                "data": array({}, MAX_ROWS),
            },
            required=["name", "shape", "datatype"],  # binary values follow the JSON
        )
        for is_text in (False, True)
        if names[is_text]
    ]
    output = closed_object(
        {"name": {"enum": list(outputs_from_model(model))}, "parameters": PARAMETERS},
        required=["name"],
    )
    inputs = {"type": "array", "items": {"oneOf": tensors}, "minItems": 1}
    return closed_object(
        {
            "id": TEXT,
            "model_name": TEXT,
            "model_version": TEXT,
            "parameters": PARAMETERS | {"properties": {"reasons": {"type": "boolean"}}},
            "inputs": inputs | {"examples": [_example(model)]},
            "outputs": {"type": ["array", "null"], "items": output},
        },
        required=["inputs"],
    )


def _example(model: type[CreditModel]) -> list[dict[str, Any]]:
    """Show the example of a row as columns."""
    row = example_from_schema(schema_from_model(model))
    return [
        {"name": name, "shape": [1], "datatype": datatype, "data": [row[name]]}
        for name, datatype in datatypes_from_model(model).items()
        if name in row
    ]
