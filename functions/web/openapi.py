"""The OpenAPI 3.1 document of a service, from its contracts and the types they respond with."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.web.contract import UNAUTHENTICATED, Contract, ScopedRoute, scoped_routes
from functions.web.examples import example_from_schema
from functions.web.identifiers import IDENTIFIERS, MAX_CHARACTERS
from functions.web.problems import Problem
from models.errors import DeclarationError

Schema = dict[str, Any]

JSON = "application/json"
REFERENCE = "#/components/schemas/{model}"
REQUEST_ID = {"X-Request-Id": "Name of the request in response and logs; generated if absent"}
MAX_ERROR_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes
    ----------
    body
        JSON schema of the request body.
    response
        Type of the response, from which its schema derives; None for any object.
    uploads
        Media types of files that the body may be instead.
    error_member
        Errors are objects with this one member, instead of problem documents.
    """

    summary: str
    body: Schema | None = None
    response: Any = None
    media_type: str = JSON
    parameters: Sequence[Schema] = ()
    error_member: str | None = None
    status: int = 200
    is_body_optional: bool = False
    uploads: Sequence[str] = ()


Paths = Mapping[str, Mapping[str, Operation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What callers must send; see `Protection`."""

    credential: str | None = None
    covers_every_route: bool = False


def build_document(
    *,
    info: Mapping[str, str],
    contracts: Sequence[Contract],
    schemas: Mapping[str, Schema],
    headers: tuple[Mapping[str, str], frozenset[str]],
    security: Security,
) -> dict[str, Any]:
    """Build the document.

    `schemas` are named schemas that bodies refer to. `headers` are request headers with their
    descriptions, and the scopes whose routes read them.
    """
    operations = list(_operations(contracts))
    responses, definitions = _response_schemas([operation for *_, operation in operations])
    descriptions, header_scopes = {**headers[0], **(REQUEST_ID if headers[0] else {})}, headers[1]
    paths: dict[str, dict[str, Any]] = {}
    for path, method, tag, operation in sorted(operations, key=lambda entry: entry[0]):
        scope = _find_scope(path, method, scoped_routes(contracts))
        names = descriptions if scope in header_scopes else {}
        paths.setdefault(path, {})[method] = {
            "tags": [tag],
            "operationId": "_".join([method, *re.findall(r"[A-Za-z0-9]+", path)]),
            "summary": operation.summary,
            **_parameters(operation, names),
            **_security(scope, security),
            **_request_body(operation, schemas),
            "responses": _responses(operation, responses),
        }
    return {
        "openapi": "3.1.0",
        "info": dict(info),
        "tags": [{"name": tag} for tag in dict.fromkeys(tag for *_, tag, _ in operations)],
        "paths": paths,
        "components": {
            "schemas": definitions | dict(schemas),
            "parameters": {n: _header(n, text) for n, text in descriptions.items()},
            **_security_schemes(security),
        },
    }


def _header(name: str, description: str) -> Schema:
    schema = IDENTIFIER if name in IDENTIFIERS.values() else STRING
    return {"name": name, "in": "header", "schema": schema, "description": description}


STRING: Schema = {"type": "string"}
IDENTIFIER: Schema = STRING | {"minLength": 1, "maxLength": MAX_CHARACTERS}


def closed_object(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """Schema of an object that has no other members."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": dict(properties),
    }


def array(items: Schema, most: int, **keywords: Any) -> Schema:  # noqa: ANN401 -- JSON schema keywords
    """Schema of a list of at least one item."""
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most, **keywords}


def reference(name: str) -> Schema:
    """Refer to a named schema."""
    return {"$ref": REFERENCE.format(model=name)}


def resolve(schema: Any, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 -- any JSON
    """Replace references to named schemas by the schemas themselves."""
    if isinstance(schema, list):
        return [resolve(item, schemas) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return resolve(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return {member: resolve(part, schemas) for member, part in schema.items()}


def _operations(contracts: Sequence[Contract]) -> Iterator[tuple[str, str, str, Operation]]:
    for contract in contracts:
        for path, methods in contract.paths().items():
            for method, operation in methods.items():
                yield path, method, contract.tag, operation


def _response_schemas(operations: Sequence[Operation]) -> tuple[dict[Any, Schema], dict[str, Any]]:
    """Derive the schema of each response type, and the named schemas they refer to."""
    from pydantic import TypeAdapter  # noqa: PLC0415 -- a cold start needs no document
    from pydantic.json_schema import GenerateJsonSchema  # noqa: PLC0415 -- likewise

    class WithoutTitles(GenerateJsonSchema):
        """pydantic repeats each member's name as its title; a reader needs it once."""

        def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 -- pydantic's
            return False

    types = {repr(o.response): o.response for o in operations if o.response is not None}
    types["Problem"] = Problem
    schemas, document = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter(kind)) for name, kind in types.items()],
        ref_template=REFERENCE,
        schema_generator=WithoutTitles,
    )
    return {name: schema for (name, _), schema in schemas.items()}, document["$defs"]


def _parameters(operation: Operation, headers: Mapping[str, str]) -> Schema:
    parameters = [
        *operation.parameters,
        *({"$ref": f"#/components/parameters/{name}"} for name in headers),
    ]
    return {"parameters": parameters} if parameters else {}


def _request_body(operation: Operation, schemas: Mapping[str, Schema]) -> Schema:
    content: dict[str, Schema] = {}
    if operation.body is not None:
        example = example_from_schema(resolve(operation.body, schemas))
        content = {JSON: {"schema": operation.body, "example": example}}
    content |= {kind: {"schema": STRING | {"format": "binary"}} for kind in operation.uploads}
    if not content:
        return {}
    return {"requestBody": {"required": not operation.is_body_optional, "content": content}}


def _responses(operation: Operation, schemas: Mapping[Any, Schema]) -> Schema:
    schema: Schema = schemas.get(repr(operation.response), {"type": "object"})
    if operation.media_type != JSON:
        schema = STRING
    errors = {"application/problem+json": {"schema": reference("Problem")}}
    description = "Invalid request, with every fault at once"
    if operation.error_member:
        error: Schema = {
            "type": "object",
            "required": [operation.error_member],
            "properties": {
                operation.error_member: {"type": "string", "maxLength": MAX_ERROR_BYTES}
            },
        }
        errors |= {JSON: {"schema": error}}
        description = "Invalid request, with as many faults as fit"
    content = {operation.media_type: {"schema": schema}}
    return {
        str(operation.status): {"description": "Success", "content": content},
        "default": {"description": description, "content": errors},
    }


def _find_scope(path: str, method: str, scoped: Sequence[ScopedRoute]) -> str:
    for route, scope in scoped:
        if method.upper() in (route.methods or ()) and route.path_regex.match(path):
            return scope
    message = f"{method.upper()} {path}: the document has this path, but there is no such route"
    raise DeclarationError(message)


def _security(scope: str, security: Security) -> Schema:
    required: Schema = {} if scope in UNAUTHENTICATED else {"x-scope": scope}
    if security.credential is None:
        return required
    is_checked = required or security.covers_every_route
    return required | {"security": [{"credential": []}] if is_checked else []}


def _security_schemes(security: Security) -> Schema:
    if security.credential is None:
        return {}
    scheme = {"type": "http", "scheme": "bearer", "description": security.credential}
    return {"securitySchemes": {"credential": scheme}}
