"""What an applicant says stands in the decision record's inputs and features, and nowhere else."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from models.contract import characteristics
from models.discovery import credit_models
from models.evidence.records import PERSONAL
from tests.support.running import ModelStore, Server, running_server

NAME = "Canary-Zacharias"  # in headers, and as text where no text belongs
KEY = "canary-key-canary-key-canary-key-canary"
MODELS = ("application", "card_default", "german_credit")


@pytest.fixture(scope="module")
def server(made_models: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("canary") / "log"
    with running_server(log, MODEL_STORE=made_models.uri, DECISION_LOG_KEY=KEY) as parsed:
        yield parsed


def sound(model: str) -> tuple[dict[str, Any], set[str]]:
    """An application whose numbers are found nowhere by chance, and those numbers as text."""
    row: dict[str, Any] = {}
    values: set[str] = set()
    contract = credit_models()[model]
    schema = contract.model_json_schema()["properties"]
    for i, c in enumerate(c for c in characteristics(contract) if c.compute is None):
        kinds = [schema[c.name], *schema[c.name].get("anyOf", [])]
        low = next((k[n] for n in ("minimum", "exclusiveMinimum") for k in kinds if n in k), 0)
        high = next((k[n] for n in ("maximum", "exclusiveMaximum") for k in kinds if n in k), 1)
        if c.levels:
            row[c.name] = c.levels[0]
        elif c.is_integer:
            row[c.name] = int(min(high, max(low, 7_654_321 + i)))
        else:
            row[c.name] = low + (high - low) * (0.7131917 + i * 0.0000013)
        if not c.levels and len(str(row[c.name])) > 6:
            values.add(str(row[c.name]))
    return row, values


def bad(row: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The row with each of its fields spoiled, and what it was spoiled with."""
    for i, name in enumerate(row):
        for value in (
            f"{NAME}-{i}",
            -98_765_400_000.25 - i,
            [f"{NAME}-{i}"],
            {"of": f"{NAME}-{i}"},
        ):
            yield row | {name: value}, str(value) if isinstance(value, float) else NAME


def list_requests(model: str, row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield f"/v1/models/{model}:predict", {"instances": [row]}
    yield f"/v1/models/{model}:predict", {"instances": [row], "parameters": {"reasons": True}}
    if model == "application":
        yield "/predict", row
        yield "/predict/batch", {"applications": [row]}


HEADERS = {"x-applicant-id": NAME, "idempotency-key": NAME, "authorization": f"Bearer {NAME}"}


def other_lines(server: Server) -> str:
    """The whole log, decision records without their personal part."""
    lines = []
    for line in server.log_path.read_text().splitlines():
        parsed = json.loads(line) if line.startswith("{") else line
        if isinstance(parsed, dict) and parsed.get("record") == "decision":
            parsed["applications"] = [
                {name: value for name, value in decision.items() if name not in PERSONAL}
                for decision in parsed["applications"]
            ]
        lines.append(json.dumps(parsed))
    return "\n".join(lines)


@pytest.mark.parametrize("model", MODELS)
def test_no_value_of_a_good_request_is_in_any_other_line_or_member(
    server: Server, model: str
) -> None:
    row, values = sound(model)
    assert values
    before = len(server.log())
    for path, body in list_requests(model, row):
        answer = server.client.post(path, json=body, headers=HEADERS)
        assert answer.is_success, answer.text
        assert not [value for value in values | {NAME} if value in answer.text]
    log_text = server.log_path.read_text()
    withheld = {str(row[c.name]) for c in characteristics(credit_models()[model]) if c.protected}
    assert all(value in log_text for value in values - withheld)
    assert len(server.log()) > before
    assert not [value for value in values | {NAME} if value in other_lines(server)]
    assert NAME not in log_text


@pytest.mark.parametrize("model", MODELS)
def test_no_value_of_a_bad_request_is_in_any_line_or_answer(server: Server, model: str) -> None:
    row, _ = sound(model)
    for spoiled, value in bad(row):
        for path, body in list_requests(model, spoiled):
            answer = server.client.post(path, json=body, headers=HEADERS)
            assert answer.is_success == (path == "/predict/batch"), answer.text
            assert value not in answer.text
    log_text = server.log_path.read_text()
    assert NAME not in log_text
    assert "98765400" not in log_text


def send_oddly(client: httpx.Client, body: dict[str, Any]) -> Iterator[httpx.Response]:
    """Requests to every route that go wrong in other ways than by a field."""
    raw = json.dumps(body)
    for path in ("/predict", "/predict/batch", *(f"/v1/models/{m}:predict" for m in MODELS)):
        for content in (raw[:-1], f"[{raw}]", raw * 2, f'"{NAME}"', NAME):
            yield client.post(path, content=content, headers={"content-type": "application/json"})
        yield client.post(path, content=raw, headers={"content-type": "text/plain"})
        yield client.put(path, json=body)
        yield client.get(path, params={"name": NAME})
    for path in (f"/{NAME}", f"/v1/models/{NAME}", f"/v1/models/{NAME}:predict", "/v1/models"):
        yield client.post(path, json=body, headers=HEADERS)
        yield client.get(path, params={"name": NAME}, headers=HEADERS)
    for path in ("/docs", "/health", "/health/live", "/health/ready", "/metrics", "/openapi.json"):
        yield client.get(path, params={"name": NAME}, headers=HEADERS)


def test_no_value_of_a_request_that_goes_wrong_is_in_any_line_or_answer(server: Server) -> None:
    for answer in send_oddly(server.client, {"name": NAME, "instances": [{"income": NAME}]}):
        assert NAME not in answer.text, answer.request.url
    assert NAME not in server.log_path.read_text()
