"""Binary tensors of the Open Inference Protocol: raw values behind a JSON header, both ways.

Numbers are little-endian; each text is its length in four bytes, then UTF-8. A NaN is a missing
value. Source: the protocol's binary data extension (`binary_tensor_data`).
"""

import re
import struct
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from functions.scoring.contracts.tensors import BITS, Values
from functions.web.bodies import json_response, parse_json_object, read_body, read_json_object
from functions.web.problems import Fault, RequestError

JSON_LENGTH = "Inference-Header-Content-Length"
BINARY = "application/octet-stream"
LENGTH_FORM = re.compile(r"\d{1,9}", re.ASCII)
LENGTH = struct.Struct("<I")
NUMPY_TYPES = {
    **{f"INT{bits}": f"<i{bits // 8}" for bits in BITS},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in BITS},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in BITS[1:]},
}


async def read_inference_request(request: Request) -> tuple[dict[str, Any], list[Fault]]:
    """Read a request whose tensors may be binary; afterwards their values stand in `data`.

    Raises
    ------
    RequestError
        As `read_json_object` does, and 400 if the JSON header is not as long as is said.
    """
    length = request.headers.get(JSON_LENGTH)
    if length is None:
        document = await read_json_object(request, is_type_optional=True)
        return document, _take_binary(document, None)
    body = await read_body(request)
    if not (LENGTH_FORM.fullmatch(length) and int(length) <= len(body)):
        message = f"{JSON_LENGTH} must be the length of the JSON at the start of the body, in bytes"
        raise RequestError(HTTPStatus.BAD_REQUEST, message)
    document = parse_json_object(body[: int(length)])
    return document, _take_binary(document, body[int(length) :])


def binary_response(document: Mapping[str, Any], names: set[str]) -> Response:
    """Respond with a document of which the outputs with these names are binary."""
    parts: list[bytes] = []
    outputs = []
    for output in document["outputs"]:
        if output["name"] in names:
            head = {name: value for name, value in output.items() if name != "data"}
            parts.append(_encode(output["data"], output["datatype"]))
            outputs.append(head | {"parameters": {"binary_data_size": len(parts[-1])}})
        else:
            outputs.append(output)
    header = json_response({**document, "outputs": outputs})
    if not parts:
        return header
    json_length = {JSON_LENGTH: str(len(header.body))}
    return Response(b"".join([header.body, *parts]), headers=json_length, media_type=BINARY)


def _take_binary(document: dict[str, Any], binary: bytes | None) -> list[Fault]:
    """Put the values of binary inputs into the document; `binary` is what follows its JSON."""
    faults: list[Fault] = []
    rest = binary or b""
    for path, tensor, size in _binary_inputs(document):
        if binary is None:
            faults.append(Fault(path, f"Binary data needs the header {JSON_LENGTH}"))
        elif type(size) is not int or not 0 <= size <= len(rest):
            faults.append(Fault(path, "Input should be a number of bytes that follow the JSON"))
            return faults  # where the next one begins is unknown
        else:
            raw, rest = rest[:size], rest[size:]
            values = _decode(raw, tensor.get("datatype"))
            if "data" in tensor or values is None:
                what = "Its bytes should be values of its datatype, without data beside them"
                faults.append(Fault(path, what))
            tensor["data"] = values or []
    if rest:
        faults.append(Fault("inputs", f"{len(rest)} bytes follow that belong to no tensor"))
    return faults


def _binary_inputs(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], object]]:
    """Yield the path of the size, the tensor and the size of each binary input, in order."""
    inputs = document.get("inputs")
    for i, tensor in enumerate(inputs if isinstance(inputs, list) else ()):
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        if isinstance(parameters, dict) and "binary_data_size" in parameters:
            path = f"inputs[{i}].parameters.binary_data_size"
            yield path, tensor, parameters["binary_data_size"]


def _decode(raw: bytes, datatype: object) -> Values | None:
    """Read the values of a tensor; None if its bytes are not of the datatype."""
    if datatype == "BYTES":
        return _decode_texts(raw)
    kind = NUMPY_TYPES.get(datatype) if isinstance(datatype, str) else None
    if kind is None or len(raw) % np.dtype(kind).itemsize:
        return None
    array = np.frombuffer(raw, kind)
    if array.dtype.kind != "f":
        integers: Values = array.tolist()
        return integers
    if np.isinf(array).any():
        return None
    return [None if value != value else value for value in array.tolist()]  # noqa: PLR0124 -- NaN


def _decode_texts(raw: bytes) -> Values | None:
    texts: Values = []
    start = 0
    while start < len(raw):
        if len(raw) - start < LENGTH.size:
            return None
        [size] = LENGTH.unpack_from(raw, start)
        start += LENGTH.size
        text = raw[start : start + size]
        if len(text) < size:
            return None
        try:
            texts.append(text.decode())
        except UnicodeDecodeError:
            return None
        start += size
    return texts


def _encode(values: Values, datatype: str) -> bytes:
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(LENGTH.pack(len(text)) + text for text in texts)
    return np.asarray(values, NUMPY_TYPES[datatype]).tobytes()
