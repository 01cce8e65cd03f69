import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from models.catalogue.application import Application
from models.errors import ModelRefusedError
from models.estimators.families import Additive, Trees
from models.registry.bundle import Bundle, bundle_from_bytes, scorer_from_bundle, sha256_hex
from tests.models.conftest import BASELINE, build_bundle
from tests.support.toy import Toy, toy


def changed(data: bytes, change: Callable[[dict[str, bytes]], None], method: int = 0) -> bytes:
    """The archive with its members changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def edited(member: str, **values: object) -> Callable[[dict[str, bytes]], None]:
    def edit(members: dict[str, bytes]) -> None:
        members[member] = json.dumps(json.loads(members[member]) | values).encode()

    return edit


@pytest.mark.parametrize("family", ["logistic", "trees"])
def test_a_bundle_read_back_scores_the_same(family: str, request: pytest.FixtureRequest) -> None:
    estimator: Additive | Trees = request.getfixturevalue(family)
    made = build_bundle(estimator)
    read = scorer_from_bundle(bundle_from_bytes(made.to_bytes()), Toy)
    assert read.decide([toy()]) == scorer_from_bundle(made, Toy).decide([toy()])


def test_the_same_bundle_always_gives_the_same_bytes(bundle: Bundle) -> None:
    assert sha256_hex(bundle.to_bytes()) == sha256_hex(bundle.to_bytes())


def test_code_from_before_weights_and_streaming_reads_a_bundle_that_has_neither(
    bundle: Bundle,
) -> None:
    written = bundle.manifest.provenance.model_dump(mode="json")
    assert {"weights", "streaming"}.isdisjoint(written)


def test_members_are_stored_and_none_is_executable(bundle: Bundle) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.to_bytes())) as archive:
        assert archive.namelist() == [
            *("manifest.json", "golden.json", "reference.json", "estimator.json")
        ]
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.pop("golden.json"), "member golden.json is missing"),
        (lambda m: m.pop("estimator.json"), "member estimator.json is missing"),
        (edited("manifest.json", format=1), "its format is 1; this code reads 2"),
        (edited("manifest.json", surprise=1), "surprise"),
        (edited("manifest.json", policy={"approve_below": 0.9, "decline_from": 0.1}), "cut-offs"),
        (edited("manifest.json", family="xgboost"), "member estimator.ubj is missing"),
        (lambda m: m.update({"manifest.json": b"{"}), "bundle: "),
    ],
)
def test_an_archive_that_is_no_bundle_is_refused(
    bundle: Bundle, change: Callable[[dict[str, bytes]], None], message: str
) -> None:
    with pytest.raises(ModelRefusedError, match=message):
        bundle_from_bytes(changed(bundle.to_bytes(), change))


def test_a_compressed_archive_is_refused(bundle: Bundle) -> None:
    data = changed(bundle.to_bytes(), lambda _: None, zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelRefusedError, match="must not be compressed"):
        bundle_from_bytes(data)


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 1000])
def test_bytes_that_are_no_archive_are_refused(data: bytes) -> None:
    with pytest.raises(ModelRefusedError, match="not an archive"):
        bundle_from_bytes(data)


def test_a_bundle_for_another_contract_is_refused(bundle: Bundle) -> None:
    with pytest.raises(
        ModelRefusedError, match="not the one that the catalogue has for application"
    ):
        scorer_from_bundle(bundle, Application)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"log_odds": [0.0, 0.0]}, "score differently"),
        ({"log_odds": [0.0]}, "log-odds for each of them"),
        ({"log_odds": [], "applications": []}, "must have golden rows"),
        ({"applications": [{}, {}]}, "a row that the contract does not accept"),
    ],
)
def test_a_bundle_whose_golden_rows_fail_is_refused(
    bundle: Bundle, values: dict[str, object], message: str
) -> None:
    read = bundle_from_bytes(changed(bundle.to_bytes(), edited("golden.json", **values)))
    with pytest.raises(ModelRefusedError, match=message):
        scorer_from_bundle(read, Toy)


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ({"income": 1.0}, "exactly the scored fields"),
        ({**BASELINE, "age": 40}, "exactly the scored fields"),
        ({**BASELINE, "home": "castle"}, "a value that the contract does not accept"),
        ({**BASELINE, "income": "much"}, "a value that the contract does not accept"),
    ],
)
def test_a_bundle_whose_reference_is_no_application_is_refused(
    bundle: Bundle, baseline: dict[str, object], message: str
) -> None:
    def replaced(members: dict[str, bytes]) -> None:
        members["reference.json"] = json.dumps(baseline).encode()

    read = bundle_from_bytes(changed(bundle.to_bytes(), replaced))
    with pytest.raises(ModelRefusedError, match=message):
        scorer_from_bundle(read, Toy)


def test_an_estimator_swapped_for_another_is_caught_by_the_golden_rows(bundle: Bundle) -> None:
    data = changed(bundle.to_bytes(), edited("estimator.json", intercept=-1.00001))
    with pytest.raises(ModelRefusedError, match="score differently, by up to"):
        scorer_from_bundle(bundle_from_bytes(data), Toy)


def with_formula(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    def edit(members: dict[str, bytes]) -> None:
        formula = json.loads(members["estimator.json"])
        change(formula)
        members["estimator.json"] = json.dumps(formula).encode()

    return edit


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f["features"].reverse(),
        lambda f: f["features"].append("unknown"),
        lambda f: f.update(
            features=sorted({s["feature"] for t in f["terms"] for s in t["shapes"]})
        ),
    ],
)
def test_a_formula_over_other_columns_is_refused(
    bundle: Bundle, change: Callable[[dict[str, Any]], None]
) -> None:
    crafted = bundle_from_bytes(changed(bundle.to_bytes(), with_formula(change)))
    with pytest.raises(ModelRefusedError, match="its features are not those of the contract"):
        scorer_from_bundle(crafted, Toy)


def test_a_formula_whose_sums_could_leave_double_precision_is_refused(bundle: Bundle) -> None:
    heavy = with_formula(lambda f: f["terms"][0].update(weight=1e300))
    with pytest.raises(ModelRefusedError, match="1 faults in its formula"):
        bundle_from_bytes(changed(bundle.to_bytes(), heavy))
