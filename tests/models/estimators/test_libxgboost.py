import ctypes
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import numpy as np
import pytest
from xgboost import XGBClassifier

from models.errors import ModelRefusedError
from models.estimators import libxgboost
from models.estimators.libxgboost import Booster

MATRIX = np.random.default_rng(5).normal(size=(200, 4))


def fitted(columns: int, trees: int) -> tuple[bytes, np.ndarray]:
    """A model as UBJSON, and its margins as XGBoost's own package predicts them."""
    labels = (MATRIX[:, :columns].sum(axis=1) > 0).astype(int)
    model = XGBClassifier(n_estimators=trees, max_depth=3, n_jobs=1).fit(
        MATRIX[:, :columns], labels
    )
    margins = model.predict(MATRIX[:, :columns], output_margin=True)
    return bytes(model.get_booster().save_raw("ubj")), margins


def test_a_handle_given_back_answers_as_its_next_model_does() -> None:
    models = [(4, *fitted(4, 20)), (2, *fitted(2, 5)), (3, *fitted(3, 40))]
    for columns, ubj, margins in models * 3:
        booster = Booster(ubj)
        matrix = np.ascontiguousarray(MATRIX[:, :columns])
        assert np.array_equal(booster.margins(matrix).astype(np.float32), margins)
        contributions = booster.contributions(matrix)
        assert contributions.shape == (len(matrix), columns + 1)
        assert contributions.sum(axis=1) == pytest.approx(margins, abs=1e-4)
        del booster


def test_reloading_under_threads_makes_no_more_handles_than_are_used_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ubj, margins = fitted(4, 20)
    created = Mock(wraps=libxgboost._create_booster)  # noqa: SLF001
    monkeypatch.setattr(libxgboost, "_create_booster", created)
    with ThreadPoolExecutor(2) as threads:
        for _ in range(100):
            booster = Booster(ubj)
            for answered in threads.map(booster.margins, [MATRIX] * 4):
                assert np.array_equal(answered.astype(np.float32), margins)
            del booster
            gc.collect(0)
    assert created.call_count <= 3  # two at once, and one while a model that was replaced lingers


def test_bytes_that_cannot_be_read_spoil_no_handle() -> None:
    ubj, margins = fitted(4, 20)
    for _ in range(3):
        with pytest.raises(ModelRefusedError, match="libxgboost"):
            Booster(ubj[: len(ubj) // 2])
        assert np.array_equal(Booster(ubj).margins(MATRIX).astype(np.float32), margins)


@pytest.mark.parametrize(
    ("platform", "library"), [("linux", "libxgboost.so"), ("darwin", "libxgboost.dylib")]
)
def test_the_library_has_the_name_of_its_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, library: str
) -> None:
    opened = Mock()
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", opened)
    libxgboost._load_library.__wrapped__()  # noqa: SLF001
    assert opened.call_args.args[0].endswith(f"/lib/{library}")
