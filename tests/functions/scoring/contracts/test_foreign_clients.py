"""Other people's clients, as they come: each scores rows and gets the canonical answer."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.contracts.tensors import datatypes_from_model
from models.discovery import credit_models
from tests.support.environments import build_environment
from tests.support.running import REPOSITORY, Server

CLIENTS = REPOSITORY / "tests" / "foreign_clients"
# How often each client asks: by binary and JSON inputs and outputs, and by both protocols.
WAYS = {"tritonclient": 6, "kserve": 3, "mlserver": 4}
OUTPUTS = ("probability_of_default", "credit_score", "decision")

pytestmark = pytest.mark.environments


def canonical(server: Server, model: str, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    answer = server.client.post(f"/v1/models/{model}:predict", json={"instances": rows}).json()
    return {name: [one[name] for one in answer["predictions"]] for name in OUTPUTS}


@pytest.mark.parametrize("client", WAYS)
def test_a_client_of_the_open_inference_protocol_gets_the_canonical_answer(
    client: str, contracts: Server, rows: dict[str, dict[str, Any]]
) -> None:
    folder = REPOSITORY / "var" / "foreign_clients" / client
    build_environment(folder, CLIENTS / f"{client}.txt")
    for model in ("application", "german_credit"):
        sent = [rows[model] for _ in range(3)]
        expected = canonical(contracts, model, sent)  # and the model is loaded now
        task = {
            "url": f"{contracts.client.base_url.host}:{contracts.client.base_url.port}",
            "model": model,
            "datatypes": datatypes_from_model(credit_models([])[model]),
            "rows": sent,
        }
        done = subprocess.run(
            [folder / "bin" / "python", CLIENTS / f"with_{client}.py"],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout.splitlines()[-1])
        assert answers == [expected] * WAYS[client]


def test_mlflows_client_of_a_scoring_server_gets_the_canonical_answer(
    contracts: Server, rows: dict[str, dict[str, Any]]
) -> None:
    folder = REPOSITORY / "var" / "foreign_clients" / "mlflow"
    build_environment(folder, CLIENTS / "mlflow.txt")
    sent = [rows["application"] for _ in range(3)]
    url = f"{contracts.client.base_url.host}:{contracts.client.base_url.port}"
    done = subprocess.run(
        [folder / "bin" / "python", CLIENTS / "with_mlflow.py"],
        input=json.dumps({"url": url, "rows": sent}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer, refusal = json.loads(done.stdout.splitlines()[-1])
    assert answer == canonical(contracts, "application", sent)
    assert "400" in refusal
    assert "dataframe_split.data[0].income: This field is required" in refusal


def test_a_client_generator_makes_a_function_of_every_operation(
    contracts: Server, rows: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    tools = REPOSITORY / "var" / "foreign_clients" / "openapi_python_client"
    build_environment(tools, CLIENTS / "openapi_python_client.txt")
    document = contracts.client.get("/openapi.json").json()
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    written = tmp_path / "generated"
    command = [
        *(str(tools / "bin" / "openapi-python-client"), "generate", "--meta", "none"),
        *("--path", str(tmp_path / "openapi.json"), "--output-path", str(written)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "WARNING" not in done.stdout, done.stdout
    operations = [path for path in (written / "api").rglob("*.py") if path.stem != "__init__"]
    assert len(operations) == sum(len(methods) for methods in document["paths"].values())
    task = {"url": str(contracts.client.base_url), "row": rows["application"]}
    script = CLIENTS / "with_openapi_python_client.py"
    done = subprocess.run(
        [tools / "bin" / "python", script, written],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [prediction] = json.loads(done.stdout)
    expected = canonical(contracts, "application", [rows["application"]])
    assert {name: [prediction[name]] for name in OUTPUTS} == expected


def test_the_client_of_java_which_offers_http_2_is_answered(
    contracts: Server, rows: dict[str, dict[str, Any]]
) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("java is not installed")
    sent = [rows["application"]]
    url = f"{contracts.client.base_url}/v1/models/application:predict"
    command = [java, str(CLIENTS / "Ask.java"), url, json.dumps({"instances": sent})]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bodies = [json.loads(line)["predictions"] for line in done.stdout.splitlines()]
    expected = canonical(contracts, "application", sent)
    assert [{name: [one[name] for one in body] for name in OUTPUTS} for body in bodies] == [
        expected
    ] * 3


@pytest.mark.parametrize("option", ["--http1.0", "--http1.1", "--http2"])
def test_curl_is_answered_whatever_version_it_offers(
    option: str, contracts: Server, rows: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"instances": [rows["application"]]}))
    url = f"{contracts.client.base_url}/v1/models/application:predict"
    command = [curl, "--silent", option, "--json", f"@{body}", url, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    decoder, text, answers = json.JSONDecoder(), done.stdout, []
    while text:
        answer, end = decoder.raw_decode(text)
        answers.append([one["credit_score"] for one in answer["predictions"]])
        text = text[end:]
    expected = canonical(contracts, "application", [rows["application"]])["credit_score"]
    assert answers == [expected] * 2
