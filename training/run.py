"""The training run: source -> contract -> features -> candidates -> export -> evaluation."""

import shlex
from dataclasses import dataclass
from importlib.metadata import version as version_of_package

import numpy as np
from numpy.typing import NDArray

from models.calibration import calibrate
from models.contract import CreditModel, name_from_model
from models.errors import DataError
from models.estimators.families import Family
from models.explaining.recourse_grid import Spreads
from models.features import Matrix, columns_from_applications, matrix_from_columns
from models.metrics import Labels, Probabilities, evaluate
from models.registry.bundle import Bundle, Figures, Golden, Manifest, Provenance, build_manifest
from models.reliability import measure_reliability
from models.scorer import Scorer, probabilities_from_log_odds
from training.baseline import fit_baseline, spreads_from_matrix
from training.cutoffs import choose_cutoff, choose_cutoffs
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.export import check_parity, export
from training.families.selection import FamilyResult, compare_families
from training.gates import CALIBRATION_CONFIDENCE, Evaluation
from training.golden_rows import draw_golden_rows
from training.model_review import SignCheck, check_signs
from training.progress import say
from training.row_validation import CheckedRows, check_rows
from training.sources import read_source
from training.split import is_test

LEAST_OF_EACH_OUTCOME = 20  # defaults, and non-defaults, in the training and in the test part
LIBRARIES = ("numpy", "optbinning", "pandas", "scikit-learn", "scipy", "xgboost-cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """The parameters of one training run."""

    model: type[CreditModel]
    data: str | None
    seed: int
    threads: int
    max_refused_share: float
    families: tuple[Family, ...] = ()

    def select_candidates(self) -> list[Candidate]:
        """Select the candidates of the requested families, or all."""
        return [c for c in CANDIDATES if not self.families or c.family in self.families]

    def build_command(self) -> str:
        """Build the shell command that repeats the run."""
        words = ["python", "-m", "training", "train", "--model", name_from_model(self.model)]
        words += ["--data", self.data] if self.data else []
        words += [word for family in self.families for word in ("--family", family)]
        words += ["--seed", str(self.seed), "--max-refused-share", str(self.max_refused_share)]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Validated rows, the name of their source, and remarks on rows that were cleaned."""

    source: str
    remarks: tuple[str, ...]
    rows: CheckedRows


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split: applications, their features `(n, p)` and labels `(n,)`."""

    applications: list[CreditModel]
    matrix: Matrix
    labels: Labels


@dataclass(frozen=True, slots=True)
class Fitted:
    """One family as it will be served, with its results on the held-out folds.

    `base_rate` is the default rate of the training part.
    """

    scorer: Scorer
    default_from: float
    spreads: Spreads
    base_rate: float
    result: FamilyResult


@dataclass(frozen=True, slots=True)
class Prepared:
    """The two parts of the data, and the results of all families on the folds, best first."""

    job: TrainingJob
    data: TrainingData
    part: Part
    test: Part
    families: tuple[FamilyResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A fitted model with its results on the test part. It is not published yet."""

    job: TrainingJob
    data: TrainingData
    fitted: Fitted
    families: tuple[FamilyResult, ...]  # all that were compared, best first
    part: Part  # that the model was fitted to
    test: Part
    probabilities: Probabilities  # of the rows of the test part
    signs: tuple[SignCheck, ...]
    manifest: Manifest
    golden: Golden

    @property
    def model(self) -> type[CreditModel]:
        """The credit model."""
        return self.job.model

    @property
    def scorer(self) -> Scorer:
        """The scorer that will be served."""
        return self.fitted.scorer

    @property
    def fit(self) -> Fit:
        """The parameters that candidates were built with."""
        return _build_fit(self.job)

    @property
    def bundle(self) -> Bundle:
        """The bundle to publish."""
        return Bundle(self.manifest, self.scorer.estimator, self.golden, self.scorer.baseline)

    @property
    def evaluation(self) -> Evaluation:
        """The results that the gates judge."""
        return Evaluation(
            labels=self.test.labels,
            probabilities=self.probabilities,
            base_rate=self.fitted.base_rate,
            auc=self.manifest.metrics["auc"],
            reliability=self.manifest.reliability,
            signs=self.signs,
        )


def train(job: TrainingJob) -> Trained:
    """Fit every family, select the best one, and evaluate it on the test part.

    Raises
    ------
    DataError
        If the data cannot be used.
    """
    prepared = prepare(job)
    return finish(prepared, prepared.families[0])


def prepare(job: TrainingJob) -> Prepared:
    """Read and split the data, and compare the families on the training part.

    Raises
    ------
    DataError
        If the data cannot be used.
    """
    data = _read_data(job)
    part, test = _split(job.model, data.rows)
    frame = frame_from_matrix(job.model, part.matrix)
    families = compare_families(_build_fit(job), job.select_candidates(), frame, part.labels)
    return Prepared(job, data, part, test, families)


def finish(prepared: Prepared, result: FamilyResult) -> Trained:
    """Fit one of the compared families to the training part, and evaluate it on the test part."""
    job, data, test = prepared.job, prepared.data, prepared.test
    fitted = _fit(prepared, result)
    probabilities = probabilities_from_log_odds(fitted.scorer.log_odds_from_matrix(test.matrix))
    figures = _measure(fitted, test.labels, probabilities, job.seed)
    provenance = _build_provenance(job, data.rows, test)
    return Trained(
        job=job,
        data=data,
        fitted=fitted,
        families=prepared.families,
        part=prepared.part,
        test=test,
        probabilities=probabilities,
        signs=check_signs(fitted.scorer, test.matrix, job.seed),
        manifest=build_manifest(job.model, result.candidate.family, figures, provenance),
        golden=draw_golden_rows(fitted.scorer, data.rows.applications, job.seed),
    )


def _read_data(job: TrainingJob) -> TrainingData:
    """Read the source, validate its rows against the contract, and report the counts."""
    source, name = read_source(job.model, job.data, job.seed), name_from_model(job.model)
    rows = check_rows(job.model, source.frame, job.max_refused_share, source.refused)
    say(f"{name}: {len(rows.labels)} rows of {source.name}, {rows.refused} refused")
    for remark in source.remarks:
        say(f"{name}: {remark}")
    return TrainingData(source.name, source.remarks, rows)


def _build_fit(job: TrainingJob) -> Fit:
    return Fit(job.model, job.seed, job.threads)


def _fit(prepared: Prepared, result: FamilyResult) -> Fitted:
    """Fit one family to the entire training part, export it and calibrate it."""
    job, part = prepared.job, prepared.part
    frame = frame_from_matrix(job.model, part.matrix)
    pipeline = result.candidate.build(_build_fit(job)).fit(frame, part.labels)
    estimator = export(result.candidate.family, pipeline, job.model)
    check_parity(estimator, pipeline, job.model, prepared.test.matrix)
    baseline = fit_baseline(job.model, part.applications, part.labels)
    calibration = result.calibration.calibration
    expected = probabilities_from_log_odds(calibrate(result.out_of_fold.log_odds, calibration))
    policy = choose_cutoffs(job.model.policy, part.labels, expected)
    return Fitted(
        scorer=Scorer.from_catalogue(job.model, estimator, calibration, baseline, policy),
        default_from=choose_cutoff(job.model.default_rule, part.labels, expected),
        spreads=spreads_from_matrix(job.model, part.matrix),
        base_rate=float(part.labels.mean()),
        result=result,
    )


def _measure(fitted: Fitted, labels: Labels, probabilities: Probabilities, seed: int) -> Figures:
    return Figures(
        calibration=fitted.scorer.calibration,
        policy=fitted.scorer.policy,
        metrics=evaluate(labels, probabilities, seed, fitted.default_from),
        reliability=measure_reliability(labels, probabilities, CALIBRATION_CONFIDENCE, seed),
        spreads=fitted.spreads,
        default_from=fitted.default_from,
    )


def _split(model: type[CreditModel], rows: CheckedRows) -> tuple[Part, Part]:
    """Split rows into the training part and the test part."""
    is_in_test = is_test(rows.keys)
    parts = _select_part(model, rows, ~is_in_test), _select_part(model, rows, is_in_test)
    for part, part_name in zip(parts, ("training", "test"), strict=True):
        counts = np.bincount(part.labels, minlength=2)
        if counts.min() < LEAST_OF_EACH_OUTCOME:
            message = (
                f"the {part_name} part has {counts[1]} defaults and {counts[0]} others; "
                f"at least {LEAST_OF_EACH_OUTCOME} of each are needed"
            )
            raise DataError(message)
    return parts


def _select_part(
    model: type[CreditModel], rows: CheckedRows, is_selected: NDArray[np.bool_]
) -> Part:
    pairs = zip(rows.applications, is_selected, strict=True)
    applications = [application for application, selected in pairs if selected]
    matrix = matrix_from_columns(model, columns_from_applications(model, applications))
    return Part(applications, matrix, rows.labels[is_selected])


def _build_provenance(job: TrainingJob, rows: CheckedRows, test: Part) -> Provenance:
    return Provenance(
        data_sha256=rows.fingerprint(),
        rows=len(rows.labels),
        rows_refused=rows.refused,
        rows_train=len(rows.labels) - len(test.labels),
        rows_test=len(test.labels),
        bads_test=int(test.labels.sum()),
        seed=job.seed,
        threads=job.threads,
        libraries={name: version_of_package(name) for name in LIBRARIES},
    )
