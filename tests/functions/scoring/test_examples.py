"""Every body that the document shows is answered."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from functions.scoring.contracts.tensors import datatypes_from_model
from functions.web.examples import example_from_schema
from models.catalogue.customer import Customer
from models.discovery import credit_models
from tests.support.running import Server


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9.5}, 9.5),
        ({"type": "boolean", "examples": [True]}, True),
        ({"enum": ["rent", "own"]}, "rent"),
        ({"const": "svg"}, "svg"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"type": "array", "items": {"const": 1}}, [1]),
    ],
)
def test_a_schema_without_an_example_gives_the_least_it_lets_in(
    schema: dict[str, Any], example: object
) -> None:
    assert example_from_schema(schema) == example


def test_of_an_object_what_is_required_or_has_an_example_is_given() -> None:
    schema = {
        "required": ["age"],
        "properties": {
            "age": {"minimum": 18},
            "name": {"type": "string"},
            "reasons": {"examples": [True]},
        },
    }
    assert example_from_schema(schema) == {"age": 18, "reasons": True}


@pytest.mark.parametrize("name", ["application", "bureau", "card_default", "customer"])
def test_the_example_of_a_model_is_the_documented_one(
    name: str, example: Callable[[str], Any]
) -> None:
    documented = example(name)
    [row] = documented.get("instances", [documented])
    assert example_from_schema(credit_models()[name].model_json_schema()) == row


def test_every_example_of_the_document_is_answered(contracts: Server) -> None:
    paths = contracts.client.get("/openapi.json").json()["paths"]
    posts = {path: item["post"] for path, item in paths.items() if "post" in item}
    assert len(posts) > 30
    for path, operation in posts.items():
        body = operation["requestBody"]["content"]["application/json"]["example"]
        answer = contracts.client.post(path, json=body)
        assert answer.status_code == httpx.codes.OK, f"{path}: {answer.text}"
        assert "error" not in json.dumps(answer.json()), path


def test_a_text_that_names_the_customer_is_a_column_of_texts() -> None:
    assert datatypes_from_model(Customer)["customer_id"] == "BYTES"
