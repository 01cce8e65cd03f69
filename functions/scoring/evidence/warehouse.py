"""Columns of the decision log's table in BigQuery, derived from the record and the catalogue."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from models.contract import CreditModel, characteristics
from models.evidence.entries import recorded_fields
from models.evidence.records import RECORD_VERSION, DecisionRecord

Column = dict[str, Any]

# What Cloud Logging adds around a record when it routes a log to BigQuery.
LABELS = ("project_id", "service_name", "revision_name", "location", "configuration_name")
RECORD_DESCRIPTION = f"One decision record, version {RECORD_VERSION}."


def table_schema(catalogue: Mapping[str, type[CreditModel]]) -> list[Column]:
    """Build the schema of the table that the log sink writes to."""
    record = [_column("message", "STRING"), _column("record", "STRING", "Always decision.")]
    record += [_record_column(name, hint, catalogue) for name, hint in _hints().items()]
    resource = [
        _column("type", "STRING"),
        _column("labels", "RECORD", fields=[_column(name, "STRING") for name in LABELS]),
    ]
    return [
        _column("logName", "STRING"),
        _column("resource", "RECORD", fields=resource),
        _column("jsonPayload", "RECORD", RECORD_DESCRIPTION, fields=record),
        _column("timestamp", "TIMESTAMP", "When the decision was made."),
        _column("receiveTimestamp", "TIMESTAMP"),
        _column("severity", "STRING"),
        _column("insertId", "STRING"),
    ]


def _hints() -> dict[str, Any]:
    return get_type_hints(DecisionRecord, include_extras=True)


def _record_column(
    name: str,
    hint: Any,  # noqa: ANN401 -- a type
    catalogue: Mapping[str, type[CreditModel]],
) -> Column:
    """Derive a member's column. Cloud Logging writes every number as FLOAT."""
    kind, description = _split_annotation(hint)
    if get_origin(kind) is dict:
        models = [_model_column(*item) for item in catalogue.items()]
        return _column(name, "RECORD", description, fields=models)
    if get_origin(kind) is list:
        return _column(name, "STRING", description, mode="REPEATED")
    return _column(name, "FLOAT" if kind in (int, float) else "STRING", description)


def _split_annotation(hint: Any) -> tuple[Any, str | None]:  # noqa: ANN401 -- a type
    """Return the type and the description of a TypedDict's member."""
    while not hasattr(hint, "__metadata__"):  # NotRequired[Annotated[...]]
        [hint] = get_args(hint)
    [field] = (m for m in hint.__metadata__ if isinstance(m, FieldInfo))
    return hint.__origin__, field.description


def _model_column(model_name: str, model: type[CreditModel]) -> Column:
    types = {c.name: "STRING" if c.is_text else "FLOAT" for c in characteristics(model)}
    fields = [_column(name, types[name]) for name in recorded_fields(model)]
    return _column(model_name, "RECORD", fields=fields)


def _column(
    name: str,
    kind: str,
    description: str | None = None,
    *,
    mode: str = "NULLABLE",
    fields: list[Column] | None = None,
) -> Column:
    column: Column = {"name": name, "type": kind, "mode": mode}
    if description:
        column["description"] = description
    if fields is not None:
        column["fields"] = fields
    return column
