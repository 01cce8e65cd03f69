"""Parameters that the OpenAPI document repeats."""

from typing import Any

from functions.web.identifiers import MAX_CHARACTERS
from functions.web.openapi import Schema

LOAN: Schema = {
    "name": "loan",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^loan_[0-9a-f]{32}$"},
}
APPLICATION: Schema = {
    "name": "application",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^app_[0-9a-f]{32}$"},
}
CUSTOMER: Schema = {
    "name": "customer",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": 10**15 - 1},
}
REQUEST: Schema = {
    "name": "request",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^item_[0-9a-f]{32}$"},
}
IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
    "description": "The ETag that was read.",
}


def key_parameter(*, is_required: bool) -> Schema:
    """Describe the header `Idempotency-Key`."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": is_required,
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_CHARACTERS,
            "pattern": "^[!-~]+$",
        },
        "description": "One key for one intention, the same whenever it is sent again.",
    }


def query_parameter(name: str, schema: Schema) -> Schema:
    """Describe a parameter of the query."""
    return {"name": name, "in": "query", "schema": schema}


def number_schema(least: int, most: int, default: int | None = None) -> Schema:
    """Describe a whole number."""
    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    return schema if default is None else schema | {"default": default}
