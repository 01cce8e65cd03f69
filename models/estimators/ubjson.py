"""Universal Binary JSON as far as XGBoost writes it, into plain values and numpy arrays.

Source: https://ubjson.org; XGBoost gives every array its length, and typed ones their type.
"""

import struct
from typing import Any

import numpy as np

NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
TYPES = {ord(marker): np.dtype(name) for marker, name in NUMBERS.items()}
CONSTANTS = {ord("T"): True, ord("F"): False, ord("Z"): None}
LENGTH = struct.Struct(">cq")  # always of 64 bits
STRING, OBJECT, OBJECT_END, ARRAY, TYPED = map(ord, "S{}[$")


def read_ubjson(data: bytes) -> Any:  # noqa: ANN401 -- a document may be anything
    """Read one document.

    Raises
    ------
    ValueError
        If it is none, or of a kind XGBoost does not write.
    """
    try:
        document, end = _value(data, 0)
    except (struct.error, IndexError, KeyError, RecursionError) as error:
        message = "not UBJSON as XGBoost writes it"
        raise ValueError(message) from error
    if end != len(data):
        message = "something follows the UBJSON document"
        raise ValueError(message)
    return document


def _value(data: bytes, at: int) -> tuple[Any, int]:
    """The value at an offset, and where it ends."""
    marker = data[at]
    if marker == OBJECT:
        return _object(data, at + 1)
    if marker == ARRAY:
        return _array(data, at + 1)
    if marker == STRING:
        return _text(data, at + 1)
    if marker in CONSTANTS:
        return CONSTANTS[marker], at + 1
    kind = TYPES[marker]
    return np.frombuffer(data, kind, 1, at + 1)[0].item(), at + 1 + kind.itemsize


def _object(data: bytes, at: int) -> tuple[dict[str, Any], int]:
    found = {}
    while data[at] != OBJECT_END:
        name, at = _text(data, at)
        found[name], at = _value(data, at)
    return found, at + 1


def _array(data: bytes, at: int) -> tuple[Any, int]:
    if data[at] == TYPED:
        kind = TYPES[data[at + 1]]
        count, at = _length(data, at + 3)
        return np.frombuffer(data, kind, count, at), at + count * kind.itemsize
    count, at = _length(data, at + 1)
    found = []
    for _ in range(count):
        value, at = _value(data, at)
        found.append(value)
    return found, at


def _text(data: bytes, at: int) -> tuple[str, int]:
    size, at = _length(data, at)
    return data[at : at + size].decode(), at + size


def _length(data: bytes, at: int) -> tuple[int, int]:
    _, length = LENGTH.unpack_from(data, at)
    return length, at + LENGTH.size
