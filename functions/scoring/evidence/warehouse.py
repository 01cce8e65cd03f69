"""Columns of the decision log's table in BigQuery, derived from the record."""

from typing import Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo
from typing_extensions import is_typeddict

from models.evidence.records import RECORD_VERSION, DecisionRecord

Column = dict[str, Any]

# What Cloud Logging adds around a record when it routes a log to BigQuery.
LABELS = ("project_id", "service_name", "revision_name", "location", "configuration_name")
RECORD_DESCRIPTION = f"One decision record, version {RECORD_VERSION}."


def table_schema() -> list[Column]:
    """Build the schema of the table that the log sink writes to."""
    record = [_column("message", "STRING"), _column("record", "STRING", "Always decision.")]
    record += _columns_from_members(DecisionRecord)
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


def _columns_from_members(members: type) -> list[Column]:
    hints = get_type_hints(members, include_extras=True)
    return [_column_from_member(name, hint) for name, hint in hints.items()]


def _column_from_member(name: str, hint: Any) -> Column:  # noqa: ANN401 -- a type
    """Derive a member's column. Cloud Logging writes every number as FLOAT."""
    kind, description = _split_annotation(hint)
    if get_origin(kind) is list:
        [item] = get_args(kind)
        fields = _columns_from_members(item) if is_typeddict(item) else None
        kind_name = "RECORD" if fields else "STRING"
        return _column(name, kind_name, description, mode="REPEATED", fields=fields)
    return _column(name, "FLOAT" if kind in (int, float) else "STRING", description)


def _split_annotation(hint: Any) -> tuple[Any, str | None]:  # noqa: ANN401 -- a type
    """Return the type and the description of a TypedDict's member."""
    while not hasattr(hint, "__metadata__"):  # NotRequired[Annotated[...]]
        [hint] = get_args(hint)
    [field] = (m for m in hint.__metadata__ if isinstance(m, FieldInfo))
    return hint.__origin__, field.description


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
