import struct

import numpy as np
import pytest

from models.estimators.ubjson import read_ubjson


def length(n: int) -> bytes:
    return b"L" + struct.pack(">q", n)


def text(value: str) -> bytes:
    return length(len(value.encode())) + value.encode()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"i\xfb", -5),
        (b"U\xfb", 251),
        (b"I\x01\x00", 256),
        (b"l\x00\x01\x00\x00", 65_536),
        (b"L\x00\x00\x00\x01\x00\x00\x00\x00", 2**32),
        (b"d\x3f\xc0\x00\x00", 1.5),
        (b"D\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5),
        (b"T", True),
        (b"F", False),
        (b"Z", None),
        (b"S" + text("é"), "é"),
        (b"[#" + length(2) + b"Ti\x03", [True, 3]),
        (b"{" + text("a") + b"i\x01" + text("b") + b"{}" + b"}", {"a": 1, "b": {}}),
    ],
)
def test_each_marker_is_read_as_its_value(data: bytes, value: object) -> None:
    assert read_ubjson(data) == value


def test_a_typed_array_is_an_array_of_its_type_and_leads_to_what_follows_it() -> None:
    numbers = b"[$d#" + length(2) + struct.pack(">ff", 0.5, -2.0)
    document = read_ubjson(b"{" + text("x") + numbers + text("y") + b"i\x07}")
    assert document["x"].dtype == np.dtype(">f4")
    assert document["x"].tolist() == [0.5, -2.0]
    assert document["y"] == 7


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not UBJSON as XGBoost writes it"),
        (b"N", "not UBJSON as XGBoost writes it"),
        (b"{" + text("a"), "not UBJSON as XGBoost writes it"),
        (b"[#" + length(3) + b"T", "not UBJSON as XGBoost writes it"),
        (b"Txx", "2 bytes follow the UBJSON document"),
    ],
)
def test_what_is_not_one_document_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_ubjson(data)
