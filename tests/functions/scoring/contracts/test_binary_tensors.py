"""Binary tensors: raw values behind a JSON header."""

import json
import math
import struct
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.scoring.contracts.binary_tensors import BINARY, JSON_LENGTH, NUMPY_TYPES
from functions.scoring.contracts.tensors import datatypes_from_model
from models.discovery import credit_models
from tests.support.running import Server

INFER = "/v2/models/application/infer"
Tensor = dict[str, Any]


def text(value: str | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<I", len(raw)) + raw


def tensors(
    row: dict[str, Any], changes: dict[str, tuple[str, bytes]]
) -> tuple[list[Tensor], bytes]:
    """A row as binary columns; `changes` gives a column another datatype and its bytes."""
    kinds = datatypes_from_model(credit_models([])["application"])
    inputs, binary = [], b""
    for name, value in row.items():
        kind = kinds[name]
        raw = text(value) if kind == "BYTES" else np.array(value, NUMPY_TYPES[kind]).tobytes()
        kind, raw = changes.get(name, (kind, raw))
        size = {"binary_data_size": len(raw)}
        inputs.append({"name": name, "shape": [1], "datatype": kind, "parameters": size})
        binary += raw
    return inputs, binary


def send(
    server: Server, document: dict[str, Any], binary: bytes, length: str | None = None
) -> httpx.Response:
    head = json.dumps(document).encode()
    headers = {"Content-Type": BINARY, JSON_LENGTH: str(len(head)) if length is None else length}
    return server.client.post(INFER, content=head + binary, headers=headers)


@pytest.fixture
def row(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return rows["application"]


def test_a_binary_row_is_answered_as_the_same_row_in_json(
    contracts: Server, row: dict[str, Any]
) -> None:
    inputs, binary = tensors(row, {})
    answer = send(contracts, {"inputs": inputs}, binary)
    assert answer.headers["content-type"] == "application/json"
    [prediction] = contracts.client.post(
        "/v1/models/application:predict", json={"instances": [row]}
    ).json()["predictions"]
    outputs = {output["name"]: output["data"] for output in answer.json()["outputs"]}
    assert outputs["probability_of_default"] == [prediction["probability_of_default"]]


@pytest.mark.parametrize("datatype", NUMPY_TYPES)
def test_a_number_may_come_in_any_datatype_that_holds_it(
    contracts: Server, row: dict[str, Any], datatype: str
) -> None:
    inputs, binary = tensors(row, {})
    plain = send(contracts, {"inputs": inputs}, binary).json()
    raw = np.array(row["age"], NUMPY_TYPES[datatype]).tobytes()
    inputs, binary = tensors(row, {"age": (datatype, raw)})
    assert send(contracts, {"inputs": inputs}, binary).json() == plain


def test_outputs_are_binary_where_that_is_wanted(contracts: Server, row: dict[str, Any]) -> None:
    inputs, binary = tensors(row, {})
    plain = send(contracts, {"inputs": inputs}, binary).json()
    everything = {"inputs": inputs, "parameters": {"binary_data_output": True}}
    answer = send(contracts, everything, binary)
    assert answer.headers["content-type"] == BINARY
    length = int(answer.headers[JSON_LENGTH])
    document, rest = json.loads(answer.content[:length]), answer.content[length:]
    for output, expected in zip(document["outputs"], plain["outputs"], strict=True):
        size = output.pop("parameters")["binary_data_size"]
        raw, rest = rest[:size], rest[size:]
        if output["datatype"] == "BYTES":
            assert raw == text(expected["data"][0])
        else:
            assert np.frombuffer(raw, NUMPY_TYPES[output["datatype"]]).tolist() == expected["data"]
        assert output == {name: value for name, value in expected.items() if name != "data"}
    assert rest == b""
    some = [
        {"name": "decision"},
        {"name": "credit_score", "parameters": {"binary_data": True}},
    ]
    answer = send(contracts, {"inputs": inputs, "outputs": some}, binary)
    document = json.loads(answer.content[: int(answer.headers[JSON_LENGTH])])
    assert ["data" in output for output in document["outputs"]] == [True, False]


def test_nan_is_a_missing_value(contracts: Server, rows: dict[str, dict[str, Any]]) -> None:
    model = credit_models(["tests.support.toy"])["toy"]
    kinds = datatypes_from_model(model)
    row = rows["toy"] | {"months_since_default": None}
    inputs: list[Tensor] = []
    binary = b""
    for name, value in row.items():
        kind = "FP32" if value is None else kinds[name]
        raw = (
            text(value)
            if kind == "BYTES"
            else np.array(math.nan if value is None else value, NUMPY_TYPES[kind]).tobytes()
        )
        size = {"binary_data_size": len(raw)}
        inputs.append({"name": name, "shape": [1], "datatype": kind, "parameters": size})
        binary += raw
    head = json.dumps({"inputs": inputs}).encode()
    headers = {JSON_LENGTH: str(len(head))}
    path = "/v2/models/toy/infer"
    answer = contracts.client.post(path, content=head + binary, headers=headers)
    expected = contracts.client.post("/v1/models/toy:predict", json={"instances": [row]}).json()
    outputs = {output["name"]: output["data"] for output in answer.json()["outputs"]}
    score = expected["predictions"][0]["credit_score"]
    assert outputs["credit_score"] == [score]


EIGHT = b"\x2d" + bytes(7)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("INT64", EIGHT[:7]), "Its bytes should be values of its datatype"),
        (("INT64", 2 * EIGHT), "There should be as many values as the shape says"),
        (("FP64", struct.pack("<d", math.inf)), "Its bytes should be values of its datatype"),
        (("BYTES", text("45")), "inputs[0].datatype: Input should be INT8"),
        (("BOOL", b"\1"), "inputs[0].datatype: "),
        (("BF16", b"\1\1"), "inputs[0].datatype: "),
    ],
)
def test_bytes_that_are_not_of_their_datatype_are_refused(
    contracts: Server, row: dict[str, Any], change: tuple[str, bytes], fault: str
) -> None:
    inputs, binary = tensors(row, {"age": change})
    answer = send(contracts, {"inputs": inputs}, binary)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert fault in answer.json()["error"]


@pytest.mark.parametrize(
    "raw", [b"\5\0\0\0RENT", b"\4\0\0", text(b"\xff\xfe"), b"\xff\xff\xff\xff" + b"RENT"]
)
def test_texts_that_do_not_fit_their_lengths_are_refused(
    contracts: Server, row: dict[str, Any], raw: bytes
) -> None:
    inputs, binary = tensors(row, {"home_ownership": ("BYTES", raw)})
    answer = send(contracts, {"inputs": inputs}, binary)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "Its bytes should be values of its datatype" in answer.json()["error"]


@pytest.mark.parametrize("size", [-1, 10**9, "8", None, 8.0, True])
def test_a_size_is_a_number_of_bytes_that_are_there(
    contracts: Server, row: dict[str, Any], size: object
) -> None:
    inputs, binary = tensors(row, {})
    inputs[0]["parameters"]["binary_data_size"] = size
    answer = send(contracts, {"inputs": inputs}, binary)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "inputs[0].parameters.binary_data_size: Input should be" in answer.json()["error"]


def test_data_beside_binary_data_and_bytes_of_no_tensor_are_refused(
    contracts: Server, row: dict[str, Any]
) -> None:
    inputs, binary = tensors(row, {})
    answer = send(contracts, {"inputs": inputs}, binary + b"more")
    assert "4 bytes follow that belong to no tensor" in answer.json()["error"]
    inputs[0]["data"] = [45]
    assert "without data beside them" in send(contracts, {"inputs": inputs}, binary).json()["error"]


@pytest.mark.parametrize("length", ["", "-1", "x", "99999999", "\u00b2", "0" * 5_000])
def test_a_length_that_cannot_be_is_refused(
    contracts: Server, row: dict[str, Any], length: str
) -> None:
    inputs, binary = tensors(row, {})
    head = json.dumps({"inputs": inputs}).encode()
    headers = [(JSON_LENGTH.encode(), length.encode("latin-1"))]
    answer = contracts.client.post(INFER, content=head + binary, headers=headers)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert JSON_LENGTH in answer.json()["error"]


@given(
    binary=st.binary(max_size=60), size=st.integers(0, 70), kind=st.sampled_from(["BYTES", "INT8"])
)
def test_whatever_follows_is_answered_and_never_a_crash(
    binary: bytes, size: int, kind: str, contracts: Server
) -> None:
    tensor = {"name": "home_ownership", "shape": [1], "datatype": kind}
    document = {"inputs": [tensor | {"parameters": {"binary_data_size": size}}]}
    assert send(contracts, document, binary).status_code == httpx.codes.BAD_REQUEST
