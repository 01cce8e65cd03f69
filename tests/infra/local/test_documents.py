"""Documents that derive from the code are what the code says today."""

import json
import re
from collections.abc import Mapping

import pytest
from starlette.routing import Route

from functions.access.scopes import ROLES
from functions.retrain.app import TrainingStarted, TrainingStatus
from functions.retrain.settings import settings_from as retrain_settings_from
from functions.scoring.app import create_app
from functions.scoring.settings import settings_from
from functions.web.bodies import MAX_BODY_BYTES
from functions.web.middleware import MAX_HEADER_BYTES, MAX_HEADERS, MAX_URL_BYTES
from functions.web.problems import MAX_FAULTS
from infra.local.documents import (
    OPENAPI_WRITERS,
    WRITERS,
    Schema,
    body_text,
    env_example,
    fill,
    response_text,
    value_from_default,
    values_text,
)
from tests.docs.markdown import rows
from tests.support.running import REPOSITORY

HTTP = (REPOSITORY / "docs" / "http.md").read_text()
OPENAPI = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())


@pytest.mark.parametrize("name", WRITERS)
def test_a_committed_document_is_what_the_command_writes(name: str) -> None:
    command = "make openapi" if name in OPENAPI_WRITERS else "make documents"
    assert (REPOSITORY / name).read_text() == WRITERS[name](), f"run {command}"


def environment_from(text: str) -> Mapping[str, str]:
    """Assignments of a file of settings."""
    lines = (line.partition("=") for line in text.splitlines() if line and line[0] != "#")
    return {name: value for name, _, value in lines}


def test_the_example_copied_unchanged_gives_the_defaults() -> None:
    environment = environment_from(env_example())
    assert len(environment) > 25
    settings, defaults = settings_from(environment), settings_from({})
    for name in ("listening", "access", "default_model", "decision_log", "vertex", "catalogue"):
        assert getattr(settings, name) == getattr(defaults, name), name
    assert settings.anchor_store is None
    assert [seal.name for seal in settings.seals] == [seal.name for seal in defaults.seals]
    retrain = retrain_settings_from(environment)
    assert retrain.training_logs.name == retrain_settings_from({}).training_logs.name
    assert retrain.listening == retrain_settings_from({}).listening


def test_every_served_path_is_on_the_page() -> None:
    paths = {
        route.path.removesuffix("/")
        for route in create_app(settings_from({})).routes
        if isinstance(route, Route)
    }
    version = "/v2/models/{model}/versions/{version}"
    missing = {path for path in paths if f" {path}`" not in HTTP and not path.startswith(version)}
    assert len(paths) > 20
    assert not missing
    assert f"`{version}`" in HTTP


def test_every_operation_of_the_document_is_on_the_page() -> None:
    operations = {
        f"`{method.upper()} {path.replace('german_credit', '{model}')}`"
        for path, methods in OPENAPI["paths"].items()
        if not re.search(r"/(application|bureau|card_default|customer|instalment)(?![a-z_])", path)
        for method in methods
    }
    assert len(operations) > 20
    assert {operation for operation in operations if f"| {operation} |" not in HTTP} == set()


def test_roles_have_the_scopes_that_the_page_gives_them() -> None:
    table = {cells[0].strip("`"): cells[1] for cells in rows(HTTP) if len(cells) == 2}
    for role, scopes in ROLES.items():
        assert set(re.findall(r"`(\w+)`", table[role])) == scopes, role


def test_limits_are_those_of_the_code() -> None:
    statuses = {cells[0]: cells[1] for cells in rows(HTTP) if len(cells) == 2}
    assert f"{MAX_BODY_BYTES // 2**20} MiB" in statuses["413"]
    assert f"{MAX_URL_BYTES // 2**10} KiB" in statuses["414, 431"]
    assert f"{MAX_HEADERS} headers" in statuses["414, 431"]
    assert f"{MAX_HEADER_BYTES // 2**10} KiB" in statuses["414, 431"]
    assert f"{MAX_FAULTS:,} errors" in statuses["422"]


def test_the_routes_of_retraining_have_the_members_that_the_page_lists() -> None:
    responses = {cells[0]: cells[3] for cells in rows(HTTP) if len(cells) == 4}
    for route, response in (
        ("`POST /train`", TrainingStarted),
        ("`GET /train/status`", TrainingStatus),
    ):
        assert re.findall(r"`(\w+)`", responses[route]) == list(response.__annotations__)


@pytest.mark.parametrize(
    ("default", "value"),
    [("`60`", "60"), ("`none` on loopback, otherwise required", ""), ("none", "")],
)
def test_a_default_is_a_value_where_it_depends_on_nothing(default: str, value: str) -> None:
    assert value_from_default(default) == value


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer", "minimum": 18, "maximum": 100}, "integer, 18 to 100"),
        (
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1e6},
            "number, above 0, at most 1,000,000",
        ),
        ({"type": "string", "minLength": 1, "maxLength": 64}, "text, 1 to 64 characters"),
        ({"enum": ["low", "high"], "type": "string"}, "`low`, `high`"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"type": "array", "maxItems": 4}, "list of at most 4"),
    ],
)
def test_values_of_a_field_are_told_in_words(schema: dict[str, object], text: str) -> None:
    assert values_text(schema) == text


def test_a_page_is_filled_between_its_marks() -> None:
    page = "before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n"
    filled = fill(page, "x", "new")
    assert filled == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"
    assert fill(filled, "x", "old") == page


@pytest.mark.parametrize("page", ["no mark", "<!-- x: begin -->\n" * 2 + "<!-- x: end -->"])
def test_a_page_without_its_marks_is_not_written(page: str) -> None:
    with pytest.raises(ValueError, match="two marks 'x' once"):
        fill(page, "x", "new")


def test_a_body_is_a_row_of_a_model_or_its_members() -> None:
    schemas: dict[str, Schema] = {"toy": {"properties": {"age": {}, "income": {}}}}
    members: dict[str, Schema] = {"age": {}, "income": {}, "parameters": {}}
    row = {"properties": members}
    many = {"properties": {"rows": {"minItems": 1, "maxItems": 1_000}, "parameters": {}}}
    assert body_text(row, schemas, ["toy"]) == "a row of [toy](#toy) with `parameters`"
    assert body_text(many, schemas, ["toy"]) == "`rows` (1 to 1,000), `parameters`"
    assert body_text({"oneOf": [row, many]}, schemas, ["toy"]) == (
        "a row of [toy](#toy) with `parameters`, or `rows` (1 to 1,000), `parameters`"
    )


def test_a_response_that_holds_a_prediction_refers_to_it() -> None:
    schemas: dict[str, Schema] = {
        "Prediction": {"required": ["decision"], "properties": {"decision": {}, "rating": {}}},
        "Reply": {"properties": {"status": {}, "decision": {}, "rating": {}}},
    }
    reply = {"schema": {"$ref": "#/components/schemas/Reply"}}
    expected = "a [prediction](#prediction) with `status`"
    assert response_text("application/json", reply, schemas) == expected
    assert response_text("text/html", {"schema": {"type": "string"}}, schemas) == "text/html"
