"""One training run: source -> contract -> features -> candidates -> export -> evaluation."""

import shlex
from dataclasses import dataclass
from importlib.metadata import version as version_of

import numpy as np
from numpy.typing import NDArray

from models.calibration import calibrated
from models.contract import CreditModel, name_from_model
from models.errors import DataError
from models.estimators.families import Family
from models.explaining.recourse_grid import Spreads
from models.features import Matrix, columns_from_applications, matrix_from_columns
from models.metrics import Labels, Probabilities, evaluate
from models.registry.bundle import Bundle, Figures, Provenance, build_manifest
from models.reliability import reliability
from models.scorer import Scorer, probabilities_from_log_odds
from training.baseline import fit_baseline, spreads_from_matrix
from training.cutoffs import choose_cutoff, choose_cutoffs
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.export import check_parity, export
from training.families.selection import FamilyResult, compare
from training.gates import (
    CALIBRATION_CONFIDENCE,
    Gate,
    absolute_gates,
    calibration_gates,
    sign_gate,
)
from training.golden_rows import golden_rows
from training.model_review import SignCheck, sign_checks
from training.progress import say
from training.row_validation import CheckedRows, check_rows
from training.sources import Source, read_source
from training.split import is_test

LEAST_OF_EACH_OUTCOME = 20  # defaults, and non-defaults, in the training and in the test part
LIBRARIES = ("numpy", "optbinning", "pandas", "scikit-learn", "scipy", "xgboost-cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one run is asked to do."""

    model: type[CreditModel]
    data: str | None
    seed: int
    threads: int
    max_refused_share: float
    families: tuple[Family, ...] = ()

    def candidates(self) -> list[Candidate]:
        """The families that compete: those asked for, or all."""
        return [c for c in CANDIDATES if not self.families or c.family in self.families]

    def command(self) -> str:
        """The command that does it again."""
        words = ["python", "-m", "training", "train", "--model", name_from_model(self.model)]
        words += ["--data", self.data] if self.data else []
        words += [word for family in self.families for word in ("--family", family)]
        words += ["--seed", str(self.seed), "--max-refused-share", str(self.max_refused_share)]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one side of the split: applications, their features `(n, p)`, outcomes `(n,)`."""

    applications: list[CreditModel]
    matrix: Matrix
    labels: Labels


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best family as it will be served, and how all of them fared, best first."""

    scorer: Scorer
    default_from: float
    spreads: Spreads
    families: tuple[FamilyResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A fitted model with its figures on the untouched rows; it is in no bucket yet."""

    model: type[CreditModel]
    source: str
    remarks: tuple[str, ...]
    seed: int
    command: str
    rows: CheckedRows
    scorer: Scorer
    bundle: Bundle
    families: tuple[FamilyResult, ...]
    test: Part
    probabilities: Probabilities
    signs: tuple[SignCheck, ...]
    gates: tuple[Gate, ...]


def train(job: Job) -> Trained:
    """Fit every family, keep the best one, and judge it on rows it never saw.

    Raises
    ------
    DataError
        If the data cannot be used.
    """
    source, rows = _checked(job)
    part, test = _parts(job.model, rows)
    fitted = _fit(job, part, test)
    probabilities = probabilities_from_log_odds(fitted.scorer.log_odds_from_matrix(test.matrix))
    figures = _figures(fitted, test.labels, probabilities, job.seed)
    family = fitted.scorer.estimator.family
    manifest = build_manifest(job.model, family, figures, _provenance(job, rows, test))
    golden = golden_rows(fitted.scorer, rows.applications, job.seed)
    signs = sign_checks(fitted.scorer, test.matrix, job.seed)
    base_rate = float(part.labels.mean())
    return Trained(
        model=job.model,
        source=source.name,
        remarks=source.remarks,
        seed=job.seed,
        command=job.command(),
        rows=rows,
        scorer=fitted.scorer,
        bundle=Bundle(manifest, fitted.scorer.estimator, golden, fitted.scorer.baseline),
        families=fitted.families,
        test=test,
        probabilities=probabilities,
        signs=signs,
        gates=(
            *absolute_gates(test.labels, probabilities, figures.metrics["auc"], base_rate),
            *calibration_gates(figures.reliability),
            sign_gate(signs),
        ),
    )


def _checked(job: Job) -> tuple[Source, CheckedRows]:
    """Read the source and hold its rows against the contract, and say what was found."""
    source, name = read_source(job.model, job.data, job.seed), name_from_model(job.model)
    rows = check_rows(job.model, source.frame, job.max_refused_share, source.refused)
    say(f"{name}: {len(rows.labels)} rows of {source.name}, {rows.refused} refused")
    for remark in source.remarks:
        say(f"{name}: {remark}")
    return source, rows


def _fit(job: Job, part: Part, test: Part) -> Fitted:
    """Compare the families, fit the best one, export it and calibrate it."""
    fit = Fit(job.model, job.seed, job.threads)
    frame = frame_from_matrix(job.model, part.matrix)
    families = compare(fit, job.candidates(), frame, part.labels)
    best = families[0]
    pipeline = best.candidate.build(fit).fit(frame, part.labels)
    estimator = export(best.candidate.family, pipeline, job.model)
    check_parity(estimator, pipeline, job.model, test.matrix)
    reference = fit_baseline(job.model, part.applications, part.labels)
    calibration = best.calibration.calibration
    expected = probabilities_from_log_odds(calibrated(best.out_of_fold.log_odds, calibration))
    policy = choose_cutoffs(job.model.policy, part.labels, expected)
    scorer = Scorer.from_catalogue(job.model, estimator, calibration, reference, policy)
    default_from = choose_cutoff(job.model.default_rule, part.labels, expected)
    spreads = spreads_from_matrix(job.model, part.matrix)
    return Fitted(scorer, default_from, spreads, families)


def _figures(fitted: Fitted, labels: Labels, probabilities: Probabilities, seed: int) -> Figures:
    metrics = evaluate(labels, probabilities, seed, fitted.default_from)
    found = reliability(labels, probabilities, CALIBRATION_CONFIDENCE, seed)
    scorer = fitted.scorer
    return Figures(
        scorer.calibration, scorer.policy, metrics, found, fitted.spreads, fitted.default_from
    )


def _parts(model: type[CreditModel], rows: CheckedRows) -> tuple[Part, Part]:
    """Split into the training part and the untouched test part."""
    held = is_test(rows.keys)
    parts = _part(model, rows, ~held), _part(model, rows, held)
    for part, what in zip(parts, ("training", "test"), strict=True):
        counts = np.bincount(part.labels, minlength=2)
        if counts.min() < LEAST_OF_EACH_OUTCOME:
            message = (
                f"the {what} part has {counts[1]} defaults and {counts[0]} others; "
                f"at least {LEAST_OF_EACH_OUTCOME} of each are needed"
            )
            raise DataError(message)
    return parts


def _part(model: type[CreditModel], rows: CheckedRows, chosen: NDArray[np.bool_]) -> Part:
    applications = [a for a, wanted in zip(rows.applications, chosen, strict=True) if wanted]
    matrix = matrix_from_columns(model, columns_from_applications(model, applications))
    return Part(applications, matrix, rows.labels[chosen])


def _provenance(job: Job, rows: CheckedRows, test: Part) -> Provenance:
    return Provenance(
        data_sha256=rows.fingerprint(),
        rows=len(rows.labels),
        rows_refused=rows.refused,
        rows_train=len(rows.labels) - len(test.labels),
        rows_test=len(test.labels),
        bads_test=int(test.labels.sum()),
        seed=job.seed,
        threads=job.threads,
        libraries={name: version_of(name) for name in LIBRARIES},
    )
