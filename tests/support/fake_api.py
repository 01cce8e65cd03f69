"""The APIs without a server: what the OpenAPI documents say, with figures that are all different.

A request that is not in a document, or whose body breaks its schema, fails; so does an answer that
a test makes up and that the document does not allow.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from functions.client import endpoints
from functions.client.endpoints import Call, ResponseType
from functions.client.errors import ClientError
from functions.client.transport import HttpResponse
from tests.support.running import REPOSITORY

DOCUMENTS = (
    *("docs/openapi-lending.json", "docs/openapi.json"),
    *("docs/openapi-batch.json", "docs/openapi-retrain.json"),
)
DAY = "2026-11-30"
TIMES = {"date": DAY, "date-time": f"{DAY}T09:30:00+00:00"}
ITEMS = 2
PER_ROW = ("predictions", "explanations", "recourses")
# Members whose type alone says too little.
BY_NAME = {
    "date_of_birth": "1990-04-12",
    "employment_type": "salaried",
    "loan_purpose": "Education",
    "credit_score": 700,
    "pending_cause": None,
    "asset_class": "sma_1",
    "field": "loan_amount",
    "levels": None,
}
Json = dict[str, Any]


@dataclass
class FakeApi:
    """Answers as the functions would.

    `answers` replaces members, `errors` an answer altogether; `files` has what is no JSON.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    errors: dict[str, ClientError] = field(default_factory=dict)
    requests: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._documents = [json.loads((REPOSITORY / name).read_text()) for name in DOCUMENTS]

    def request(self, call: Call[ResponseType]) -> ResponseType:
        """Answer a call of the client."""
        path = urlsplit(call.path).path
        is_file = call.headers.get("Content-Type", "application/json") != "application/json"
        body = call.body if call.body is None or is_file else json.loads(call.body)
        self.requests.append((call.method, call.path, body, dict(call.headers)))
        document, pattern, operation = self._find(call.method, path)
        if error := self.errors.get(pattern):
            raise error
        if not is_file:
            self._check_body(document, operation, body)
        if pattern in self.files:
            return endpoints.read(call, HttpResponse(200, "OK", {}, self.files[pattern]))
        status, schema = _success(operation)
        answer = self.answer(pattern, document, schema)
        if call.rows is not None:  # one prediction for each row
            answer |= {n: answer[n][: call.rows] for n in PER_ROW if n in answer}
        response = HttpResponse(status, "OK", {}, json.dumps(answer).encode())
        return endpoints.read(call, response)

    def answer(self, pattern: str, document: Json, schema: Json) -> Json:
        """Return an answer of a schema, with what a test wants of it."""
        made: Json = _Maker(document).value(schema) | self.answers.get(pattern, {})
        _validator(document, schema).validate(made)
        return made

    def close(self) -> None:
        """Do nothing: there are no connections."""

    def sent(self, path: str) -> list[tuple[Any, dict[str, str]]]:
        """Return bodies and headers of the requests to a path."""
        return [
            (body, headers) for _, p, body, headers in self.requests if urlsplit(p).path == path
        ]

    def example(self, pattern: str, method: str = "get") -> Json:
        """Return what is answered to a path of a document."""
        for document in self._documents:
            if pattern in document["paths"]:
                _, schema = _success(document["paths"][pattern][method])
                return self.answer(pattern, document, schema)
        raise AssertionError(pattern)

    def _find(self, method: str, path: str) -> tuple[Json, str, Json]:
        for document in self._documents:
            # The most literal path first, as a router decides.
            for pattern in sorted(document["paths"], key=lambda p: p.count("{")):
                operation = document["paths"][pattern].get(method.lower())
                if operation and re.fullmatch(re.sub(r"\{\w+\}", "[^/:]+", pattern), path):
                    return document, pattern, operation
        message = f"{method} {path} is in no OpenAPI document"
        raise AssertionError(message)

    def _check_body(self, document: Json, operation: Json, body: Any) -> None:  # noqa: ANN401 -- JSON
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema and body is not None:
            _validator(document, schema).validate(body)


def _success(operation: Mapping[str, Any]) -> tuple[int, Json]:
    status = min(code for code in operation["responses"] if code.startswith("2"))
    content = operation["responses"][status]["content"]
    schema: Json = content["application/json"]["schema"]
    return int(status), schema


def _validator(document: Json, schema: Json) -> Draft202012Validator:
    return Draft202012Validator({"components": document["components"], **schema})


class _Maker:
    """Makes a value of any schema; no two numbers of one answer are the same."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._numbers: Iterator[int] = itertools.count(11)

    def value(self, schema: Json) -> Any:  # noqa: ANN401, PLR0911 -- JSON, of every kind
        """Make a value."""
        if "$ref" in schema:
            return self.value(
                self._document["components"]["schemas"][schema["$ref"].split("/")[-1]]
            )
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if "anyOf" in schema:
            return self._any(schema["anyOf"])
        kind = schema.get("type")
        if kind == "object":
            members = schema.get("properties", {})
            return {n: self.member(n, m) for n, m in members.items()}
        if kind == "array":
            if "items" not in schema or schema["items"].get("type") == "object":
                return []  # open entries: a test says what is in them
            return [self.value(schema["items"]) for _ in range(ITEMS)]
        return self._plain(kind, schema)

    def member(self, name: str, schema: Json) -> Any:  # noqa: ANN401 -- JSON
        """Make a member of an object: what its name says, if its schema allows it."""
        if name in BY_NAME and _validator(self._document, schema).is_valid(BY_NAME[name]):
            return BY_NAME[name]
        return self.value(schema)

    def _any(self, options: list[Json]) -> Any:  # noqa: ANN401 -- JSON
        kinds = {option.get("type") for option in options}
        if kinds == {"number", "string"}:  # money: the service sends text
            return f"{next(self._numbers) * 1234567 % 9_000_000}.{next(self._numbers) % 90 + 10}"
        return self.value(options[0])

    def _plain(self, kind: str | None, schema: Json) -> Any:  # noqa: ANN401 -- JSON
        number = next(self._numbers)
        if kind == "integer":
            return number
        if kind == "number":
            is_share = schema.get("exclusiveMaximum") == 1.0
            return round(number / 1000, 4) if is_share else number + 0.25
        if kind == "boolean":
            return False
        return TIMES.get(schema.get("format", ""), f"text {number}")
