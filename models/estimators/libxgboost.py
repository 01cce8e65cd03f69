"""Bindings to XGBoost's C library: load a model from bytes, predict margins and SHAP values.

They cover only what serving needs. Loading them takes 3 ms, XGBoost's Python package 200 ms.
Source: XGBoost C API, https://xgboost.readthedocs.io/en/stable/c.html
"""

import ctypes
import importlib.util
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelRefusedError

UBJSON_START = b"{L"  # an object whose first key has a 64-bit length


def _encode_config(kind: int) -> bytes:
    return json.dumps(
        {
            "type": kind,
            "training": False,
            "iteration_begin": 0,
            "iteration_end": 0,
            "strict_shape": False,
            "cache_id": 0,
            "missing": float("nan"),
        }
    ).encode()


# Prediction types of the C API: 1 is the untransformed sum of leaf values, 2 SHAP values.
MARGIN_CONFIG = _encode_config(1)
CONTRIBUTIONS_CONFIG = _encode_config(2)


class Booster:
    """A fitted gradient-boosted model, read from XGBoost's UBJSON bytes.

    Two threads must not use one C handle at once, so each call borrows a handle. The booster keeps
    as many handles as it ever used at once.
    """

    def __init__(self, ubj: bytes) -> None:
        # Malformed bytes, such as none at all, crash the process inside the library. This check
        # catches only the simplest case: pass only bytes from a bundle whose hash was verified.
        if not ubj.startswith(UBJSON_START):
            message = "estimator: not a model in XGBoost's UBJSON format"
            raise ModelRefusedError(message)
        self._ubj = ubj
        self._idle = [_Handle(ubj)]

    def margins(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log-odds, shape `(n,)`, for a C-ordered matrix `(n, p)`; NaN means missing."""
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        result = ctypes.POINTER(ctypes.c_float)()
        with self._borrow_handle() as pointer:
            _check_status(
                _load_library().XGBoosterPredictFromDense(
                    pointer,
                    _describe_matrix(matrix),
                    MARGIN_CONFIG,
                    None,
                    ctypes.byref(shape),
                    ctypes.byref(dimensions),
                    ctypes.byref(result),
                )
            )
            return _copy_result(result, len(matrix))

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return exact SHAP values in log-odds, shape `(n, p + 1)`.

        The last column is the expected value. A call costs ten times a prediction.
        """
        library, data = _load_library(), ctypes.c_void_p()
        missing = json.dumps({"missing": float("nan"), "nthread": 1}).encode()
        _check_status(
            library.XGDMatrixCreateFromDense(_describe_matrix(matrix), missing, ctypes.byref(data))
        )
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        result = ctypes.POINTER(ctypes.c_float)()
        rows, width = matrix.shape
        try:
            with self._borrow_handle() as pointer:
                _check_status(
                    library.XGBoosterPredictFromDMatrix(
                        pointer,
                        data,
                        CONTRIBUTIONS_CONFIG,
                        ctypes.byref(shape),
                        ctypes.byref(dimensions),
                        ctypes.byref(result),
                    )
                )
                return _copy_result(result, rows * (width + 1)).reshape(rows, width + 1)
        finally:
            library.XGDMatrixFree(data)

    @contextmanager
    def _borrow_handle(self) -> Iterator[ctypes.c_void_p]:
        """Borrow a handle that no other thread uses until it is returned."""
        try:
            handle = self._idle.pop()
        except IndexError:
            handle = _Handle(self._ubj)
        try:
            yield handle.pointer
        finally:
            self._idle.append(handle)


def margin_from_base_score(base_score: np.float32) -> np.float32:
    """Return the log-odds that trees are added to.

    The logarithm is that of the C library, as in XGBoost. Numpy's can differ in the last bit.
    """
    logf = _load_library().logf
    logf.argtypes, logf.restype = [ctypes.c_float], ctypes.c_float
    return np.float32(-logf(np.float32(1) / base_score - np.float32(1)))


class _Handle:
    """One C booster, which is reused after the model that holds it is gone.

    It is not freed: for every booster that a thread ever used, the library keeps a few kilobytes
    that only this thread can free. A service that reloads models would leak them.
    """

    _spare: ClassVar[list[ctypes.c_void_p]] = []

    def __init__(self, ubj: bytes) -> None:
        self._loaded = False
        try:
            self.pointer = self._spare.pop()
        except IndexError:
            self.pointer = _create_booster()
        _check_status(_load_library().XGBoosterLoadModelFromBuffer(self.pointer, ubj, len(ubj)))
        self._loaded = True

    def __del__(self) -> None:
        if self._loaded:
            self._spare.append(self.pointer)
        elif hasattr(self, "pointer"):  # in an undefined state
            _load_library().XGBoosterFree(self.pointer)


def _create_booster() -> ctypes.c_void_p:
    pointer = ctypes.c_void_p()
    _check_status(_load_library().XGBoosterCreate(None, 0, ctypes.byref(pointer)))
    # Set before loading. One request is too little work for more threads to pay off.
    _check_status(_load_library().XGBoosterSetParam(pointer, b"nthread", b"1"))
    return pointer


def _describe_matrix(matrix: NDArray[np.float64]) -> bytes:
    """Describe a C-ordered matrix by numpy's array interface, without a copy of its data."""
    rows, width = matrix.shape
    return (
        f'{{"data":[{matrix.ctypes.data},true],"shape":[{rows},{width}],'
        '"typestr":"<f8","version":3}'
    ).encode()


def _copy_result(result: "ctypes._Pointer[ctypes.c_float]", size: int) -> NDArray[np.float64]:
    """Copy a result, which the library overwrites at this thread's next call.

    `numpy.ctypeslib` would do the same, but importing it slows a cold start down.
    """
    owned = ctypes.string_at(result, size * ctypes.sizeof(ctypes.c_float))
    return np.frombuffer(owned, np.float32).astype(np.float64)


@cache
def _load_library() -> ctypes.CDLL:
    package = importlib.util.find_spec("xgboost")
    if package is None or package.origin is None:
        message = "libxgboost is not installed: install the package xgboost-cpu"
        raise ModelRefusedError(message)
    suffix = "dylib" if sys.platform == "darwin" else "so"
    library = ctypes.CDLL(str(Path(package.origin).parent / "lib" / f"libxgboost.{suffix}"))
    library.XGBGetLastError.restype = ctypes.c_char_p
    library.XGBoosterLoadModelFromBuffer.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_uint64,
    ]
    library.XGBoosterSetParam.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    library.XGDMatrixFree.argtypes = [ctypes.c_void_p]
    library.XGDMatrixCreateFromDense.argtypes = [
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
    ]
    library.XGBoosterPredictFromDMatrix.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_char_p,
        *[ctypes.c_void_p] * 3,
    ]
    library.XGBoosterFree.argtypes = [ctypes.c_void_p]
    library.XGBoosterPredictFromDense.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        *[ctypes.c_void_p] * 3,
    ]
    return library


def _check_status(status: int) -> None:
    if status != 0:
        reason = _load_library().XGBGetLastError().decode(errors="replace").splitlines()
        message = f"libxgboost: {reason[0] if reason else 'unknown error'}"
        raise ModelRefusedError(message)
