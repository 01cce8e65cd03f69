"""The parts of the OpenAPI 3.1 document; each contract describes its own routes with them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import Route

from functions.access.scopes import Need
from functions.access.settings import Auth
from functions.web.examples import example_from_schema
from models.contract import Characteristic, CreditModel, characteristics

Schema = dict[str, Any]

CREDENTIALS: Mapping[Auth, str] = {
    "none": "None",
    "iam": "A Google ID token whose audience is the service's own address",
    "api-key": "A key made by `python -m functions.access new`",
    "jwt": "A token of the configured issuer",
}

HEADERS = {
    "X-Applicant-Id": "Who the applicant of all rows is: recorded as a pseudonym, and kept on one "
    "side of champion and challenger",
    "Idempotency-Key": "Gives the same decision ids when a request is sent again",
    "X-Request-Id": "The request's name in answer and logs; a new one without it",
}

_TEXT: Schema = {"type": "string"}

REASON: Schema = {
    "type": "object",
    "required": ["code", "text", "points"],
    "properties": {
        "code": {"type": "string", "description": "Stable; see the catalogue"},
        "text": {"type": "string", "description": "A sentence for the applicant"},
        "points": {"type": "number", "description": "What it takes from the score, below 0"},
    },
}

PREDICTION: Schema = {
    "type": "object",
    "required": [
        *("probability_of_default", "credit_score", "risk_level", "decision"),
        *("model", "model_version", "variant", "family"),
    ],
    "properties": {
        "probability_of_default": {
            "type": "number",
            "exclusiveMinimum": 0,
            "exclusiveMaximum": 1,
            "description": "Calibrated",
        },
        "credit_score": {"type": "integer", "description": "More points mean less risk"},
        "risk_level": {"enum": ["low", "medium", "high"]},
        "decision": {"enum": ["approve", "refer", "decline"]},
        "rating": {"type": "string", "description": "Where the model declares bands"},
        "model": _TEXT,
        "model_version": _TEXT,
        "variant": {"enum": ["champion", "challenger"]},
        "family": _TEXT,
        "reasons": {
            "type": "array",
            "maxItems": 4,
            "items": REASON,
            "description": "Where asked for, and wherever the decision is not to approve",
        },
    },
}

PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": _TEXT, "message": _TEXT},
            },
        },
    },
}


def document(
    paths: Mapping[str, Any],
    catalogue: Mapping[str, type[CreditModel]],
    needs: Sequence[tuple[Route, Need]],
    auth: Auth,
) -> dict[str, Any]:
    """Put the document together from the paths of all contracts and what their routes ask for."""
    schemas = {"Prediction": PREDICTION, "Problem": PROBLEM, "Reason": REASON}
    schemas |= {name: schema_from_model(model) for name, model in catalogue.items()}
    credential = {"type": "http", "scheme": "bearer", "description": CREDENTIALS[auth]}
    schemes = {} if auth == "none" else {"securitySchemes": {"credential": credential}}
    items = {path: _named(path, paths[path], needs, auth) for path in sorted(paths)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Surety",
            "version": "1",
            "description": "Credit-risk scoring: probability of default, score, decision, reasons.",
        },
        "paths": _referring(items, schemas),
        "components": {
            "schemas": {
                name: {part: _referring(said, schemas) for part, said in schema.items()}
                for name, schema in schemas.items()
            },
            "parameters": {
                name: {"name": name, "in": "header", "schema": _TEXT, "description": said}
                for name, said in HEADERS.items()
            },
            **schemes,
        },
    }


def _referring(said: Any, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 -- any JSON
    """The same, with every schema that has a name said by its name."""
    if isinstance(said, list):
        return [_referring(item, schemas) for item in said]
    if not isinstance(said, dict):
        return said
    for name, schema in schemas.items():
        if said == schema:
            return {"$ref": f"#/components/schemas/{name}"}
    return {member: _referring(part, schemas) for member, part in said.items()}


def operation(
    summary: str,
    body: Schema | None = None,
    answer: Schema | None = None,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """One operation: its JSON body, and the members of its JSON answer or the answer's schema.

    Every answer that is not 200 is a problem document.
    """
    schema = answer if answer and "type" in answer else members(answer or {})
    if media_type != "application/json":
        schema = _TEXT
    problem = {"schema": PROBLEM}
    said: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "Answered", "content": {media_type: {"schema": schema}}},
            "default": {
                "description": "Refused, with every fault at once",
                "content": {"application/problem+json": problem},
            },
        },
    }
    if body is not None:
        content = {"application/json": {"schema": body, "example": example_from_schema(body)}}
        said["requestBody"] = {"required": True, "content": content}
    return said


def closed_object(properties: Mapping[str, Schema], required: Sequence[str]) -> Schema:
    """An object that has no other members."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": dict(properties),
    }


def members(properties: Mapping[str, Schema]) -> Schema:
    """An object that has at least these members."""
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def schema_from_model(model: type[CreditModel]) -> Schema:
    """The schema of one application, as the catalogue declares it."""
    schema = model.model_json_schema()
    for c in characteristics(model):
        if c.compute is None and (told := _told(c)):
            schema["properties"][c.name]["description"] = told
    if "examples" in schema:  # sorted by pydantic; shown as the fields stand
        schema["examples"] = [
            {name: row[name] for name in schema["properties"] if name in row}
            for row in schema["examples"]
        ]
    return schema


def _told(field: Characteristic) -> str:
    """What a caller should know of a field beside its type and bounds."""
    codes = ", ".join(map(str, field.special))
    parts = (
        field.unit or "",
        f"{codes} are codes" if codes else "",
        "never scored" if field.protected else "",
        "recourse may change it" if field.changeable else "",
    )
    return "; ".join(filter(None, parts))


def tagged(contracts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Paths of all contracts, each operation under the name of its contract."""
    return {
        path: {method: {"tags": [name]} | said for method, said in item.items()}
        for name, paths in contracts.items()
        for path, item in paths.items()
    }


def _named(
    path: str, item: Mapping[str, Any], needs: Sequence[tuple[Route, Need]], auth: Auth
) -> dict[str, Any]:
    """Give each operation an id of its own, and say what it asks of its caller."""
    words = "_".join(re.findall(r"[A-Za-z0-9]+", path))
    return {
        method: {"operationId": f"{method}_{words}", **_secured(path, method, needs, auth), **said}
        for method, said in item.items()
    }


def _headers(need: Need) -> dict[str, Any]:
    """The headers that mean something to a route, where it is about applications."""
    if need not in {"score", "explain", "simulate"}:
        return {}
    return {"parameters": [{"$ref": f"#/components/parameters/{name}"} for name in HEADERS]}


def _secured(
    path: str, method: str, needs: Sequence[tuple[Route, Need]], auth: Auth
) -> dict[str, Any]:
    need = next(
        need
        for route, need in needs
        if method.upper() in (route.methods or ()) and route.path_regex.match(path)
    )
    said = ({} if need in {"probe", "open"} else {"x-scope": need}) | _headers(need)
    if auth == "none":
        return said
    # Cloud Run checks every route alike.
    return said | {"security": [{"credential": []}] if "x-scope" in said or auth == "iam" else []}
