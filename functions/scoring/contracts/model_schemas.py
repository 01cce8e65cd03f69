"""JSON schemas of credit models' rows, and of bodies that hold rows."""

from collections.abc import Mapping

from functions.scoring.contracts.parameters import REASONS
from functions.scoring.decision_engine import MAX_ROWS
from functions.web.openapi import Schema, array, closed_object, reference
from models.contract import Characteristic, CreditModel, characteristics


def schemas_from_catalogue(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Schema]:
    """Build the named schema of each model's row."""
    return {name: schema_from_model(model) for name, model in catalogue.items()}


def schema_from_model(model: type[CreditModel]) -> Schema:
    """Build the schema of one application, as the catalogue declares it."""
    schema = model.model_json_schema()
    for c in characteristics(model):
        if c.compute is None and (description := _describe_field(c)):
            schema["properties"][c.name]["description"] = description
    if "examples" in schema:  # pydantic sorts them; show members in the order of the fields
        schema["examples"] = [
            {name: row[name] for name in schema["properties"] if name in row}
            for row in schema["examples"]
        ]
    return schema


def row_with_parameters(model: type[CreditModel]) -> Schema:
    """Schema of a body that is one row, with `parameters` among its fields."""
    row = schema_from_model(model)
    return row | {"properties": row["properties"] | {"parameters": REASONS}}


def rows_body(
    member: str, model_name: str, most: int = MAX_ROWS, parameters: Schema = REASONS
) -> Schema:
    """Schema of a body that holds rows of a model under `member`, and `parameters`."""
    if not parameters.get("required"):
        parameters = parameters | {"type": ["object", "null"]}
    properties = {member: array(reference(model_name), most), "parameters": parameters}
    return closed_object(properties, required=[member])


def _describe_field(field: Characteristic) -> str:
    """Say what a caller should know of a field besides its type and bounds."""
    codes = ", ".join(map(str, field.special))
    parts = (
        field.unit or "",
        f"{codes} are codes" if codes else "",
        "never scored" if field.protected else "",
        "recourse may change it" if field.changeable else "",
    )
    return "; ".join(filter(None, parts))
