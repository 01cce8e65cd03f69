"""A parser of Universal Binary JSON, the subset XGBoost writes, to values and numpy arrays.

XGBoost writes the length of every array, and the type of arrays of numbers.
Source: https://ubjson.org
"""

import struct
from typing import Any

import numpy as np

NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
TYPES = {ord(marker): np.dtype(name) for marker, name in NUMBERS.items()}
CONSTANTS = {ord("T"): True, ord("F"): False, ord("Z"): None}
LENGTH = struct.Struct(">cq")  # a marker and a length of 64 bits
STRING, OBJECT, OBJECT_END, ARRAY, TYPED = map(ord, "S{}[$")


def read_ubjson(data: bytes) -> Any:  # noqa: ANN401 -- a document may be anything
    """Read one document.

    Raises
    ------
    ValueError
        If the bytes are not one document of the kind that XGBoost writes.
    """
    try:
        document, end = _read_value(data, 0)
    except (struct.error, IndexError, KeyError, RecursionError) as error:
        message = "not UBJSON as XGBoost writes it"
        raise ValueError(message) from error
    if end != len(data):
        message = f"{len(data) - end} bytes follow the UBJSON document"
        raise ValueError(message)
    return document


def _read_value(data: bytes, start: int) -> tuple[Any, int]:
    """Read the value at an offset. Return it with the offset of its end."""
    marker = data[start]
    if marker == OBJECT:
        return _read_object(data, start + 1)
    if marker == ARRAY:
        return _read_array(data, start + 1)
    if marker == STRING:
        return _read_text(data, start + 1)
    if marker in CONSTANTS:
        return CONSTANTS[marker], start + 1
    kind = TYPES[marker]
    return np.frombuffer(data, kind, 1, start + 1)[0].item(), start + 1 + kind.itemsize


def _read_object(data: bytes, start: int) -> tuple[dict[str, Any], int]:
    members, offset = {}, start
    while data[offset] != OBJECT_END:
        name, offset = _read_text(data, offset)
        members[name], offset = _read_value(data, offset)
    return members, offset + 1


def _read_array(data: bytes, start: int) -> tuple[Any, int]:
    if data[start] == TYPED:
        # The type's marker stands between "$" and "#", and the length after them.
        kind = TYPES[data[start + 1]]
        count, offset = _read_length(data, start + 3)
        return np.frombuffer(data, kind, count, offset), offset + count * kind.itemsize
    count, offset = _read_length(data, start + 1)
    items = []
    for _ in range(count):
        item, offset = _read_value(data, offset)
        items.append(item)
    return items, offset


def _read_text(data: bytes, start: int) -> tuple[str, int]:
    size, offset = _read_length(data, start)
    return data[offset : offset + size].decode(), offset + size


def _read_length(data: bytes, start: int) -> tuple[int, int]:
    _, length = LENGTH.unpack_from(data, start)
    return length, start + LENGTH.size
