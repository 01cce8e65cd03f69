"""Crafted estimators end the process that loads them: it must be a fresh one."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from xgboost import XGBClassifier

from models.errors import ModelRefusedError
from models.estimators.families import Trees, estimator_from_bytes
from models.features import features
from models.registry import isolated_load
from models.registry.bundle import Bundle
from models.registry.isolated_load import load_in_isolation
from tests.models.conftest import build_bundle
from tests.support.toy import Toy


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    random = np.random.default_rng(3)
    matrix = random.normal(size=(400, len(features(Toy))))
    labels = (matrix.sum(axis=1) > 0).astype(int)
    fitted = XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1).fit(matrix, labels)
    estimator = estimator_from_bytes("xgboost", bytes(fitted.get_booster().save_raw("ubj")))
    assert isinstance(estimator, Trees)
    return build_bundle(estimator)


def with_first_child(bundle: Bundle, child: int) -> bytes:
    """The bundle, but the first node of every tree has another left child."""
    ubj = bundle.estimator.to_bytes()
    key = b"left_children[$l#L"
    assert key in ubj
    parts = ubj.split(key)
    crafted = parts[0] + b"".join(
        key + part[:8] + struct.pack(">i", child) + part[12:] for part in parts[1:]
    )
    return with_estimator(bundle, crafted)


def with_estimator(bundle: Bundle, crafted: bytes) -> bytes:
    """The bundle with other bytes for its trees."""

    class Crafted:
        family = "xgboost"

        def to_bytes(self) -> bytes:
            return crafted

    return replace(bundle, estimator=Crafted()).to_bytes()  # type: ignore[arg-type]


def test_a_sound_bundle_passes(bundle: Bundle) -> None:
    load_in_isolation(bundle.to_bytes(), Toy)


def test_what_is_refused_is_refused_in_the_same_words(bundle: Bundle) -> None:
    answers = tuple(answer + 0.1 for answer in bundle.golden.log_odds)
    off = replace(bundle, golden=bundle.golden.model_copy(update={"log_odds": answers}))
    with pytest.raises(ModelRefusedError, match="isolated load: bundle: golden rows score"):
        load_in_isolation(off.to_bytes(), Toy)
    with pytest.raises(ModelRefusedError, match="isolated load: bundle: not an archive"):
        load_in_isolation(b"nothing", Toy)


# Dies, or is told by the library or by the golden rows: whatever it is, here nothing dies.
NOT_SERVED = (
    r"isolated load: (the process that loaded the bundle died|libxgboost|bundle: golden rows)"
)


@pytest.mark.parametrize("child", [100_000_000, -100_000_000])
def test_a_child_far_outside_its_tree_ends_the_fresh_process_and_not_this_one(
    bundle: Bundle, child: int
) -> None:
    with pytest.raises(ModelRefusedError, match=NOT_SERVED):
        load_in_isolation(with_first_child(bundle, child), Toy)


def test_a_document_nested_too_deep_to_parse_ends_the_fresh_process(bundle: Bundle) -> None:
    deep = b"{L" + struct.pack(">q", 7) + b"learner" + b"[" * 5_000_000
    with pytest.raises(ModelRefusedError, match=NOT_SERVED):
        load_in_isolation(with_estimator(bundle, deep), Toy)


def test_a_tree_that_never_ends_is_given_up(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated_load, "SECONDS", 5.0)
    with pytest.raises(
        ModelRefusedError, match=r"isolated load: the (bundle was not loaded|process)"
    ):
        load_in_isolation(with_first_child(bundle, 0), Toy)
