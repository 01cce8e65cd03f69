"""Documents that derive from the code: OpenAPI, the decision log's table, the settings."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from functions.access.protection import protection_from
from functions.access.settings import ACCESS_VARIABLES
from functions.scoring.app import create_service
from functions.scoring.evidence.warehouse import table_schema
from functions.scoring.settings import (
    EVIDENCE_VARIABLES,
    FEATURE_VARIABLES,
    MODEL_VARIABLES,
    VERTEX_VARIABLES,
    read_settings,
)
from functions.web.app_factory import describe
from functions.web.settings import LISTENING_VARIABLES, TRACING_VARIABLES


def print_document(name: str) -> int:
    """Print a document as JSON, for the settings of this process."""
    print(json.dumps(DOCUMENTS[name](), indent=1))
    return 0


def openapi() -> dict[str, Any]:
    """Build the OpenAPI document."""
    settings = replace(read_settings(), decision_log="off")
    protection = protection_from(settings.access, settings.listening)
    return describe(create_service(settings), protection)


def decision_table() -> list[dict[str, Any]]:
    """Build the schema of the decision log's table."""
    return table_schema()


def settings_by_concern() -> dict[str, list[dict[str, str]]]:
    """List every variable that scoring reads."""
    groups = {
        "Server": LISTENING_VARIABLES,
        "Access": ACCESS_VARIABLES,
        "Models": MODEL_VARIABLES,
        "Features of applicants": FEATURE_VARIABLES,
        "Decision log": EVIDENCE_VARIABLES,
        "Traces": TRACING_VARIABLES,
        "Vertex AI": VERTEX_VARIABLES,
    }
    return {concern: [v._asdict() for v in variables] for concern, variables in groups.items()}


DOCUMENTS: Mapping[str, Callable[[], Any]] = {
    "openapi": openapi,
    "decision-table": decision_table,
    "settings": settings_by_concern,
}
