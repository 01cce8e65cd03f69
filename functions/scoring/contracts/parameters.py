"""The `parameters` member that several contracts share: whether reasons are wanted."""

from collections.abc import Mapping
from typing import Any

from functions.web.bodies import unknown_members
from functions.web.openapi import Schema, closed_object
from functions.web.problems import Fault, reject_faults

REASONS: Schema = closed_object(
    {"reasons": {"type": "boolean", "description": "Reasons for approvals too", "default": False}}
) | {"type": ["object", "null"], "examples": [{"reasons": True}]}


def parse_reasons(parameters: object, path: str = "parameters") -> tuple[bool, list[Fault]]:
    """Read whether reasons are wanted for every decision, and the faults of `parameters`.

    None, which many clients send for what they do not set, is no parameters.
    """
    if parameters is None:
        return False, []
    if not isinstance(parameters, dict):
        return False, [Fault(path, "Input should be an object")]
    faults = unknown_members(parameters, {"reasons"}, path)
    reasons = parameters.get("reasons", False)
    if not isinstance(reasons, bool):
        faults.append(Fault(f"{path}.reasons", "Input should be true or false"))
    return reasons is True, faults


def parse_reasons_beside(document: Mapping[str, Any], member: str) -> tuple[bool, list[Fault]]:
    """Read a body that holds rows under `member` and, beside them, `parameters`."""
    with_reasons, faults = parse_reasons(document.get("parameters", {}))
    return with_reasons, [*unknown_members(document, {member, "parameters"}), *faults]


def split_parameters(document: Mapping[str, Any]) -> tuple[dict[str, Any], bool, list[Fault]]:
    """Split a body that is one row, with `parameters` among its fields."""
    row = {name: value for name, value in document.items() if name != "parameters"}
    return row, *parse_reasons(document.get("parameters", {}))


def parameters_beside_instances(
    document: Mapping[str, object], allowed: set[str]
) -> tuple[dict[str, Any], list[Fault]]:
    """Take the `parameters` beside `instances`, and the faults of members that are not allowed.

    Raises
    ------
    RequestError
        If `parameters` is not an object.
    """
    faults = unknown_members(document, {"instances", "parameters"})
    parameters = document.get("parameters")
    if parameters is None:
        return {}, faults
    if not isinstance(parameters, dict):
        reject_faults([*faults, Fault("parameters", "Input should be an object")])
        return {}, faults
    return parameters, [*faults, *unknown_members(parameters, allowed, "parameters")]
