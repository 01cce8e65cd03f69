"""All a scoring instance needs of one model version, in one object: `bundle.zip`.

The archive is stored, not deflated, and holds nothing of time or place, so its sha256 identifies
its content: the same training gives the same bytes. No member is ever executed.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
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
REFERENCE: TypeAdapter[Baseline] = TypeAdapter(dict[str, str | int | float | None])
ESTIMATOR_MEMBERS: dict[Family, str] = {
    "logistic": "estimator.json",
    "scorecard": "estimator.json",
    "additive": "estimator.json",
    "random_forest": "estimator.ubj",
    "xgboost": "estimator.ubj",
}


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Provenance(_Document):
    """Where a model comes from, as far as it decides its numbers."""

    data_sha256: str
    rows: int
    rows_refused: int
    rows_train: int
    rows_test: int
    bads_test: int
    seed: int
    threads: int
    libraries: dict[str, str]


class Manifest(_Document):
    """What a bundle says of itself."""

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


class Golden(_Document):
    """Rows with known answers: applications that are nobody's, and their log-odds."""

    applications: tuple[dict[str, JsonValue], ...]
    log_odds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What fitting and judging found: calibration, cut-offs, and how the test part fared.

    From `default_from` on a row is called a default, whatever is decided.
    `spreads` is how each scored number spreads over the training rows.
    """

    calibration: BetaCalibration
    policy: Cutoffs
    metrics: Mapping[str, Estimate]
    reliability: Reliability
    spreads: Spreads
    default_from: float = HALF


@dataclass(frozen=True, slots=True)
class Bundle:
    """A parsed bundle whose estimator was read, but whose golden rows were not scored yet."""

    manifest: Manifest
    estimator: Estimator
    golden: Golden
    baseline: Baseline

    def to_bytes(self) -> bytes:
        """The archive; the same bundle always gives the same bytes."""
        members = {
            "manifest.json": _json(self.manifest),
            "golden.json": _json(self.golden),
            "reference.json": json.dumps(self.baseline, indent=1).encode(),
            ESTIMATOR_MEMBERS[self.estimator.family]: self.estimator.to_bytes(),
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return buffer.getvalue()


def sha256_hex(data: bytes) -> str:
    """Digest of bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def build_manifest(
    model: type[CreditModel], family: Family, figures: Figures, provenance: Provenance
) -> Manifest:
    """Describe a fitted model; what the catalogue declares is taken from there."""
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
    """Parse an archive whose size and hash were checked already.

    Raises
    ------
    ModelRefusedError
        If it is not a bundle of a format this code reads.
    """
    members = _members(data)
    manifest = _manifest_in(members)
    try:
        golden = Golden.model_validate_json(members["golden.json"])
        reference = REFERENCE.validate_json(members["reference.json"])
        estimator = members[ESTIMATOR_MEMBERS[manifest.family]]
    except KeyError as error:
        message = f"bundle: member {error.args[0]} is missing"
        raise ModelRefusedError(message) from error
    except (ValidationError, DeclarationError) as error:
        message = f"bundle: {error}"
        raise ModelRefusedError(message) from error
    fitted = estimator_from_bytes(manifest.family, estimator)
    return Bundle(manifest, fitted, golden, reference)


def manifest_from_bytes(data: bytes) -> Manifest:
    """What a bundle says of itself; its estimator is not parsed. Errors as `bundle_from_bytes`."""
    return _manifest_in(_members(data))


def scorer_from_bundle(bundle: Bundle, model: type[CreditModel]) -> Scorer:
    """Make a scorer, after its contract was compared and its golden rows were scored.

    Raises
    ------
    ModelRefusedError
        If the bundle was made for another contract, or a golden row's answer differs.
    """
    manifest = bundle.manifest
    if (manifest.model, manifest.contract_hash) != (name_from_model(model), contract_hash(model)):
        message = (
            f"bundle of {manifest.model}: made for another contract than {name_from_model(model)}'s"
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
    _check_reference(scorer)
    _check_golden(scorer, bundle.golden)
    return scorer


def _manifest_in(members: Mapping[str, bytes]) -> Manifest:
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
        found = json.loads(members.get("manifest.json", b"{}")).get("format", FORMAT)
    except (ValueError, AttributeError):
        return  # it is no manifest, which is said where it is parsed
    if found != FORMAT:
        message = f"bundle: its format is {str(found)[:8]}; this code reads {FORMAT}"
        raise ModelRefusedError(message)


def _check_features(bundle: Bundle, model: type[CreditModel]) -> None:
    """Refuse an estimator that would read its values from other columns than it was fitted to."""
    names = tuple(f.name for f in features(model))
    found = [bundle.manifest.features]
    if isinstance(bundle.estimator, Additive):
        found.append(bundle.estimator.formula.features)
    if any(given != names for given in found):
        message = "bundle: its features are not the contract's, or not in their order"
        raise ModelRefusedError(message)


def _check_reference(scorer: Scorer) -> None:
    scored = {c.name for c in characteristics(scorer.model) if not c.protected and not c.compute}
    if set(scorer.baseline) != scored:
        message = "bundle: the reference does not have exactly the scored fields"
        raise ModelRefusedError(message)
    try:
        matrix_from_baseline(scorer.model, scorer.baseline)
    except (KeyError, TypeError, ValueError, FeatureError) as error:
        message = "bundle: the reference is not of this contract"
        raise ModelRefusedError(message) from error


def _check_golden(scorer: Scorer, golden: Golden) -> None:
    if not golden.applications or len(golden.applications) != len(golden.log_odds):
        message = "bundle: it has no golden rows, or not an answer for each"
        raise ModelRefusedError(message)
    try:
        applications = [scorer.model.model_validate(row) for row in golden.applications]
    except ValidationError as error:
        message = "bundle: a golden row is not valid by the contract"
        raise ModelRefusedError(message) from error
    off = np.abs(scorer.log_odds(applications) - np.array(golden.log_odds))
    if not bool(np.all(off <= GOLDEN_TOLERANCE)):
        message = f"bundle: golden rows answer differently, by up to {off.max():.3g} log-odds"
        raise ModelRefusedError(message)


def _members(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                message = "bundle: a member is compressed"
                raise ModelRefusedError(message)
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        message = f"bundle: not an archive: {error}"
        raise ModelRefusedError(message) from error


def _json(document: _Document) -> bytes:
    return document.model_dump_json(indent=1).encode()
