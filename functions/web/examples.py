"""Example bodies for the OpenAPI document, derived from their schemas."""

from collections.abc import Mapping
from typing import Any


def example_from_schema(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- JSON may be anything
    """Return the schema's own example; without one, the smallest value it accepts.

    An object gets the members that are required or have an example.
    """
    if "examples" in schema:
        return schema["examples"][0]
    for options in (schema.get(word) for word in ("enum", "oneOf", "anyOf")):
        if options:
            return (
                example_from_schema(options[0]) if isinstance(options[0], Mapping) else options[0]
            )
    if "properties" in schema:
        required = schema.get("required", ())
        members = schema["properties"].items()
        return {n: example_from_schema(s) for n, s in members if n in required or "examples" in s}
    if schema.get("type") == "array":
        return [example_from_schema(schema.get("items", {}))]
    return _least(schema)


def _least(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- likewise
    if "const" in schema:
        return schema["const"]
    if schema.get("type") == "string":
        return "text"
    if "minimum" in schema:
        return schema["minimum"]
    return schema.get("maximum", 1)  # the only end that an open lower bound leaves
