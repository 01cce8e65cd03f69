"""XGBoost's C library without its Python package: a cold start pays 3 ms instead of 200.

Only what serving needs: load a model from bytes and predict margins for a dense matrix.
Source: XGBoost C API, https://xgboost.readthedocs.io/en/stable/c.html
"""

import ctypes
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelRefusedError

UBJSON_START = b"{L"  # an object whose first key has a 64-bit length


def _config(kind: int) -> bytes:
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


MARGIN_CONFIG = _config(1)  # the C API's prediction types: untransformed sums of leaf values,
CONTRIBUTIONS_CONFIG = _config(2)  # and what each feature adds to them


class Booster:
    """A fitted gradient-boosted model, read from XGBoost's UBJSON bytes.

    A C handle must not be used by two threads at once, so each call borrows one; there come to be
    as many as were ever used at once.
    """

    def __init__(self, ubj: bytes) -> None:
        # The library crashes the process on bytes such as none at all. More than this glance
        # cannot be checked here: bytes must come from a bundle whose hash was verified.
        if not ubj.startswith(UBJSON_START):
            message = "estimator: not a model in XGBoost's UBJSON"
            raise ModelRefusedError(message)
        self._ubj = ubj
        self._idle = [_Handle(ubj)]

    def margins(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predict log-odds, shape `(n,)`, for a C-ordered matrix `(n, p)`; NaN means missing."""
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        result = ctypes.POINTER(ctypes.c_float)()
        with self._handle() as pointer:
            _checked(
                _library().XGBoosterPredictFromDense(
                    pointer,
                    _interface(matrix),
                    MARGIN_CONFIG,
                    None,
                    ctypes.byref(shape),
                    ctypes.byref(dimensions),
                    ctypes.byref(result),
                )
            )
            return _copied(result, len(matrix))

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Exact SHAP values in log-odds, shape `(n, p + 1)`; the last column is the base.

        Only this way leads to them in the library; it costs ten times a prediction.
        """
        library, data = _library(), ctypes.c_void_p()
        missing = json.dumps({"missing": float("nan"), "nthread": 1}).encode()
        _checked(library.XGDMatrixCreateFromDense(_interface(matrix), missing, ctypes.byref(data)))
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        result = ctypes.POINTER(ctypes.c_float)()
        rows, width = matrix.shape
        try:
            with self._handle() as pointer:
                _checked(
                    library.XGBoosterPredictFromDMatrix(
                        pointer,
                        data,
                        CONTRIBUTIONS_CONFIG,
                        ctypes.byref(shape),
                        ctypes.byref(dimensions),
                        ctypes.byref(result),
                    )
                )
                return _copied(result, rows * (width + 1)).reshape(rows, width + 1)
        finally:
            library.XGDMatrixFree(data)

    @contextmanager
    def _handle(self) -> Iterator[ctypes.c_void_p]:
        """Borrow a handle that no other thread uses meanwhile."""
        try:
            handle = self._idle.pop()
        except IndexError:
            handle = _Handle(self._ubj)
        try:
            yield handle.pointer
        finally:
            self._idle.append(handle)


def margin_from_base_score(base_score: np.float32) -> np.float32:
    """Log-odds that trees are added to, by the logarithm the library uses: numpy's may differ."""
    logf = _library().logf
    logf.argtypes, logf.restype = [ctypes.c_float], ctypes.c_float
    return np.float32(-logf(np.float32(1) / base_score - np.float32(1)))


class _Handle:
    """One C booster, given back with the model that holds it.

    Given back, not freed: for every booster it was ever used on, a thread keeps a few kilobytes in
    the library, which only that thread could free. A service that reloads would grow by them.
    """

    _spare: ClassVar[list[ctypes.c_void_p]] = []

    def __init__(self, ubj: bytes) -> None:
        self._loaded = False
        try:
            self.pointer = self._spare.pop()
        except IndexError:
            self.pointer = _created()
        _checked(_library().XGBoosterLoadModelFromBuffer(self.pointer, ubj, len(ubj)))
        self._loaded = True

    def __del__(self) -> None:
        if self._loaded:
            self._spare.append(self.pointer)
        elif hasattr(self, "pointer"):  # in no known state
            _library().XGBoosterFree(self.pointer)


def _created() -> ctypes.c_void_p:
    pointer = ctypes.c_void_p()
    _checked(_library().XGBoosterCreate(None, 0, ctypes.byref(pointer)))
    # Before loading: a request is one thread's work, and more threads only add waiting.
    _checked(_library().XGBoosterSetParam(pointer, b"nthread", b"1"))
    return pointer


def _interface(matrix: NDArray[np.float64]) -> bytes:
    """Describe a C-ordered matrix where it lies, by numpy's array interface."""
    rows, width = matrix.shape
    return (
        f'{{"data":[{matrix.ctypes.data},true],"shape":[{rows},{width}],'
        '"typestr":"<f8","version":3}'
    ).encode()


def _copied(result: "ctypes._Pointer[ctypes.c_float]", size: int) -> NDArray[np.float64]:
    """What the library owns until this thread's next call; numpy's own way costs an import."""
    owned = ctypes.string_at(result, size * ctypes.sizeof(ctypes.c_float))
    return np.frombuffer(owned, np.float32).astype(np.float64)


@cache
def _library() -> ctypes.CDLL:
    package = importlib.util.find_spec("xgboost")
    if package is None or package.origin is None:
        message = "the package xgboost-cpu, which brings libxgboost, is not installed"
        raise ModelRefusedError(message)
    library = ctypes.CDLL(str(Path(package.origin).parent / "lib" / "libxgboost.so"))
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


def _checked(status: int) -> None:
    if status != 0:
        reason = _library().XGBGetLastError().decode(errors="replace").splitlines()
        message = f"libxgboost: {reason[0] if reason else 'unknown error'}"
        raise ModelRefusedError(message)
