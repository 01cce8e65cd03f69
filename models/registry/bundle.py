"""The bundle format: `bundle.zip`, one archive with all that serving needs of a model version.

Members are stored without compression, and contain no time and no machine path. The same training
run therefore produces the same bytes, and the sha256 identifies the content. No member is ever
executed.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from models.calibration import BetaCalibration
from models.contract import CreditModel, characteristics, contract_hash, name_from_model
from models.errors import DeclarationError, FeatureError, ModelRefusedError
from models.estimators.families import Additive, Estimator, Family, estimator_from_bytes
from models.explaining.recourse_grid import Spread, Spreads
from models.features import features
from models.metrics import HALF, Estimate
from models.policy import CutoffRules, Cutoffs
from models.reasons import Baseline, matrix_from_baseline
from models.reliability import Reliability
from models.score_scale import Bands, Scale
from models.scorer import Scorer

FORMAT: Literal[2] = 2  # 1 was never released
GOLDEN_TOLERANCE = 1e-6  # in log-odds
BASELINE: TypeAdapter[Baseline] = TypeAdapter(dict[str, str | int | float | None])
ESTIMATOR_MEMBERS: dict[Family, str] = {
    "logistic": "estimator.json",
    "scorecard": "estimator.json",
    "additive": "estimator.json",
    "random_forest": "estimator.ubj",
    "xgboost": "estimator.ubj",
    "lightgbm": "estimator.ubj",
}


class _BundleDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Weighting(_BundleDocument):
    """The column with sample weights, and what the rows of both parts stand for.

    `effective_train` and `effective_test` are the numbers of unweighted rows that would be as
    informative.
    """

    column: str
    applications_train: float
    applications_test: float
    effective_train: float
    effective_test: float


class Streaming(_BundleDocument):
    """How most rows of a run were fitted that never had all of them in memory.

    `rows` are those that the trees were fitted to, in `batches`. `sample_rows` went through the
    ordinary run: they chose parameters, calibrated, and judged.
    """

    engine: Literal["stream", "dask"]
    rows: int
    batches: int
    sample_rows: int


class Provenance(_BundleDocument):
    """The inputs of the training run that determine the numbers of a model.

    `train_dates` and `test_dates` are the first and the last date of each part, if rows have dates.
    `parameters` are those of the family that a search or a person chose. The others are its own.
    `weights` is None if every row counts once.
    `streaming` is None if all rows were in memory. `rows_train` are the rows that were fitted.
    """

    data_sha256: str
    rows: int
    rows_refused: int
    rows_train: int
    rows_test: int
    bads_test: int
    seed: int
    threads: int
    libraries: dict[str, str]
    train_dates: tuple[date, date] | None = None
    test_dates: tuple[date, date] | None = None
    parameters: dict[str, float] = {}
    # Left out where it is None, so that code from before the field still reads the bundle.
    weights: Weighting | None = Field(default=None, exclude_if=lambda value: value is None)
    streaming: Streaming | None = Field(default=None, exclude_if=lambda value: value is None)


class Manifest(_BundleDocument):
    """The manifest of a bundle: contract, family, scale, policy, calibration, metrics."""

    format: Literal[2] = FORMAT
    model: str
    contract_hash: str
    family: Family
    features: tuple[str, ...]
    label: str
    label_definition: str
    horizon: str
    scale: Annotated[Scale, Field(discriminator="kind")]
    policy: Cutoffs
    policy_declared: Cutoffs | CutoffRules
    bands: Bands | None
    default_from: float = HALF
    calibration: BetaCalibration
    metrics: dict[str, Estimate]
    reliability: Reliability
    spreads: dict[str, Spread]
    provenance: Provenance


class Golden(_BundleDocument):
    """Golden rows: applications of no real person, and the log-odds they must score."""

    applications: tuple[dict[str, JsonValue], ...]
    log_odds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of fitting and evaluation that a manifest records.

    `metrics` and `reliability` are those of the test part. `default_from` is the probability from
    which a row is classified as a default, independent of the decision. `spreads` describes how
    each scored number is distributed over the training rows.
    """

    calibration: BetaCalibration
    policy: Cutoffs
    metrics: Mapping[str, Estimate]
    reliability: Reliability
    spreads: Spreads
    default_from: float = HALF


@dataclass(frozen=True, slots=True)
class Bundle:
    """A parsed bundle. Its golden rows are not scored until `scorer_from_bundle`."""

    manifest: Manifest
    estimator: Estimator
    golden: Golden
    baseline: Baseline

    def to_bytes(self) -> bytes:
        """Return the archive. The same bundle always gives the same bytes."""
        members = {
            "manifest.json": _encode_json(self.manifest),
            "golden.json": _encode_json(self.golden),
            "reference.json": json.dumps(self.baseline, indent=1).encode(),
            ESTIMATOR_MEMBERS[self.estimator.family]: self.estimator.to_bytes(),
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return buffer.getvalue()


def sha256_hex(data: bytes) -> str:
    """Return the sha256 of bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def build_manifest(
    model: type[CreditModel], family: Family, figures: Figures, provenance: Provenance
) -> Manifest:
    """Build the manifest of a fitted model from its declaration and its figures."""
    return Manifest(
        model=name_from_model(model),
        contract_hash=contract_hash(model),
        family=family,
        features=tuple(f.name for f in features(model)),
        label=model.label,
        label_definition=model.label_definition,
        horizon=model.horizon,
        scale=model.scale,
        policy=figures.policy,
        policy_declared=model.policy,
        bands=model.bands,
        default_from=figures.default_from,
        calibration=figures.calibration,
        metrics=dict(figures.metrics),
        reliability=figures.reliability,
        spreads=dict(figures.spreads),
        provenance=provenance,
    )


def bundle_from_bytes(data: bytes) -> Bundle:
    """Parse an archive. Check its size and hash before you call this function.

    Raises
    ------
    ModelRefusedError
        If the archive is not a bundle of the format that this code reads.
    """
    members = _read_members(data)
    manifest = _manifest_from_members(members)
    try:
        golden = Golden.model_validate_json(members["golden.json"])
        baseline = BASELINE.validate_json(members["reference.json"])
        estimator = members[ESTIMATOR_MEMBERS[manifest.family]]
    except KeyError as error:
        message = f"bundle: member {error.args[0]} is missing"
        raise ModelRefusedError(message) from error
    except (ValidationError, DeclarationError) as error:
        message = f"bundle: {error}"
        raise ModelRefusedError(message) from error
    fitted = estimator_from_bytes(manifest.family, estimator)
    return Bundle(manifest, fitted, golden, baseline)


def manifest_from_bytes(data: bytes) -> Manifest:
    """Parse only the manifest of a bundle. Errors are those of `bundle_from_bytes`."""
    return _manifest_from_members(_read_members(data))


def scorer_from_bundle(bundle: Bundle, model: type[CreditModel]) -> Scorer:
    """Create a scorer. Compare its contract and score its golden rows first.

    Raises
    ------
    ModelRefusedError
        If the bundle was made for another contract, or if a golden row scores differently.
    """
    manifest = bundle.manifest
    if (manifest.model, manifest.contract_hash) != (name_from_model(model), contract_hash(model)):
        message = (
            f"bundle of {manifest.model}: its contract is not the one that the catalogue has for "
            f"{name_from_model(model)}"
        )
        raise ModelRefusedError(message)
    _check_features(bundle, model)
    scorer = Scorer(
        model,
        bundle.estimator,
        manifest.calibration,
        bundle.baseline,
        manifest.scale,
        manifest.policy,
        manifest.bands,
    )
    _check_baseline(scorer)
    _check_golden(scorer, bundle.golden)
    return scorer


def _manifest_from_members(members: Mapping[str, bytes]) -> Manifest:
    _check_format(members)
    try:
        return Manifest.model_validate_json(members["manifest.json"])
    except KeyError as error:
        message = f"bundle: member {error.args[0]} is missing"
        raise ModelRefusedError(message) from error
    except (ValidationError, DeclarationError) as error:
        message = f"bundle: {error}"
        raise ModelRefusedError(message) from error


def _check_format(members: Mapping[str, bytes]) -> None:
    try:
        bundle_format = json.loads(members.get("manifest.json", b"{}")).get("format", FORMAT)
    except (ValueError, AttributeError):
        return  # not a manifest, which parsing reports
    if bundle_format != FORMAT:
        message = f"bundle: its format is {str(bundle_format)[:8]}; this code reads {FORMAT}"
        raise ModelRefusedError(message)


def _check_features(bundle: Bundle, model: type[CreditModel]) -> None:
    """Refuse an estimator that would read other columns than those it was fitted to."""
    names = tuple(f.name for f in features(model))
    declared = [bundle.manifest.features]
    if isinstance(bundle.estimator, Additive):
        declared.append(bundle.estimator.formula.features)
    if any(features_in_order != names for features_in_order in declared):
        message = "bundle: its features are not those of the contract, in the same order"
        raise ModelRefusedError(message)


def _check_baseline(scorer: Scorer) -> None:
    scored = {c.name for c in characteristics(scorer.model) if not c.protected and not c.compute}
    if set(scorer.baseline) != scored:
        message = "bundle: reference.json must have exactly the scored fields of the contract"
        raise ModelRefusedError(message)
    try:
        matrix_from_baseline(scorer.model, scorer.baseline)
    except (KeyError, TypeError, ValueError, FeatureError) as error:
        message = "bundle: reference.json has a value that the contract does not accept"
        raise ModelRefusedError(message) from error


def _check_golden(scorer: Scorer, golden: Golden) -> None:
    if not golden.applications or len(golden.applications) != len(golden.log_odds):
        message = "bundle: golden.json must have golden rows, and log-odds for each of them"
        raise ModelRefusedError(message)
    try:
        applications = [scorer.model.model_validate(row) for row in golden.applications]
    except ValidationError as error:
        message = "bundle: golden.json has a row that the contract does not accept"
        raise ModelRefusedError(message) from error
    off = np.abs(scorer.log_odds(applications) - np.array(golden.log_odds))
    if not bool(np.all(off <= GOLDEN_TOLERANCE)):
        message = f"bundle: golden rows score differently, by up to {off.max():.3g} log-odds"
        raise ModelRefusedError(message)


def _read_members(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                message = "bundle: its members must not be compressed"
                raise ModelRefusedError(message)
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        message = f"bundle: not an archive: {error}"
        raise ModelRefusedError(message) from error


def _encode_json(document: _BundleDocument) -> bytes:
    return document.model_dump_json(indent=1).encode()
