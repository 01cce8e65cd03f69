"""The training run: source -> contract -> features -> candidates -> export -> evaluation."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of_package
from pathlib import Path

from models.calibration import calibrate
from models.contract import CreditModel, name_from_model
from models.errors import DataError
from models.estimators.families import Estimator, Family, estimator_from_bytes
from models.explaining.recourse_grid import Spreads
from models.metrics import Probabilities, evaluate
from models.registry.bundle import (
    Bundle,
    Figures,
    Golden,
    Manifest,
    Provenance,
    Weighting,
    build_manifest,
)
from models.reliability import measure_reliability
from models.scorer import Scorer, probabilities_from_log_odds
from training.baseline import fit_baseline, spreads_from_matrix
from training.cutoffs import choose_cutoff, choose_cutoffs
from training.families.balance import warn_of_balance
from training.families.calibration_fit import OutOfFold, choose_calibration
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.constraint_costs import ConstraintCosts, measure_constraint_costs
from training.families.export import check_parity, check_predictions, export
from training.families.folds import FOLDS, FoldedData
from training.families.selection import FamilyResult, compare_families
from training.gate_evidence import GateEvidence, JudgedRows, gather_evidence
from training.gates import Evaluation
from training.golden_rows import draw_golden_rows
from training.model_review import SignCheck, check_signs
from training.parts import Part, Parts, list_split_remarks, split_rows
from training.progress import say
from training.reading.data import DataRequest, TrainingData, read_data
from training.reading.options import DataOptions
from training.row_independence import require_same_scores
from training.search_settings import QUICK_SEARCH, SearchSettings, plan_search
from training.streaming.engine import IN_MEMORY, Engine
from training.streaming.fitting import fit_large
from training.streaming.preparation import (
    STREAMED_FAMILIES,
    LargeFit,
    prepare_stream,
    require_streamable,
)

LIBRARIES = (
    "lightgbm",
    "numpy",
    "optbinning",
    "pandas",
    "scikit-learn",
    "scipy",
    "xgboost-cpu",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """The parameters of one training run."""

    model: type[CreditModel]
    data: DataOptions
    seed: int
    threads: int
    max_refused_share: float
    families: tuple[Family, ...] = ()
    last_months: int | None = None
    refused: Path | None = None  # where refused rows are written
    search: SearchSettings = QUICK_SEARCH
    engine: Engine = IN_MEMORY

    @property
    def request(self) -> DataRequest:
        """The data to read."""
        return DataRequest(
            options=self.data,
            seed=self.seed,
            max_refused_share=self.max_refused_share,
            refused=self.refused,
        )

    def select_candidates(self) -> list[Candidate]:
        """Select the candidates of the requested families, or all, with given parameters."""
        families = STREAMED_FAMILIES if self.engine.is_streamed else self.families
        selected = [c for c in CANDIDATES if not families or c.family in families]
        parameters, balance = self.search.parameters, self.search.balance
        if unused := sorted(set(parameters) - {c.family for c in selected}):
            message = f"--parameters: {unused[0]} is not trained; add --family {unused[0]}"
            raise DataError(message)
        tuned = [c.with_parameters(parameters.get(c.family, {})) for c in selected]
        return [candidate.with_balance(balance) for candidate in tuned]

    def build_command(self) -> str:
        """Build the shell command that repeats the run."""
        words = ["python", "-m", "training", "train", "--model", name_from_model(self.model)]
        words += self.data.to_words()
        words += [word for family in self.families for word in ("--family", family)]
        words += ["--last-months", str(self.last_months)] if self.last_months else []
        words += self.engine.to_words()
        words += self.search.to_words()
        words += ["--seed", str(self.seed), "--max-refused-share", str(self.max_refused_share)]
        return shlex.join(words)


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
    """The two parts of the data, and the results of all families on the folds, best first.

    `job` repeats the run: it has the parameters that searches chose, and searches no more.
    `constraints` is what documented signs cost, if the budget has time to measure it. `large` has
    the rows that only the final fit sees, if the engine streams them.
    """

    job: TrainingJob
    data: TrainingData
    parts: Parts
    families: tuple[FamilyResult, ...]
    constraints: ConstraintCosts | None
    large: LargeFit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A fitted model with its results on the test part. It is not published yet."""

    job: TrainingJob
    data: TrainingData
    parts: Parts
    fitted: Fitted
    families: tuple[FamilyResult, ...]  # all that were compared, best first
    constraints: ConstraintCosts | None  # None in a quick run, or without documented signs
    probabilities: Probabilities  # of the rows of the test part
    signs: tuple[SignCheck, ...]
    evidence: GateEvidence
    manifest: Manifest
    golden: Golden

    @property
    def model(self) -> type[CreditModel]:
        """The credit model."""
        return self.job.model

    @property
    def part(self) -> Part:
        """The rows that the model was fitted to."""
        return self.parts.training

    @property
    def test(self) -> Part:
        """The rows that judge the model."""
        return self.parts.test

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
            weights=self.test.weights,
            probabilities=self.probabilities,
            base_rate=self.fitted.base_rate,
            auc=self.manifest.metrics["auc"],
            reliability=self.manifest.reliability,
            signs=self.signs,
            policy=self.model.gate_policy,
            default_from=self.fitted.default_from,
            evidence=self.evidence,
            seed=self.job.seed,
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
    data, parts, large = _read(job)
    if job.search.balance:
        remark = warn_of_balance(job.search.balance)
        say(remark)
        data = replace(data, remarks=(*data.remarks, remark))
    for remark in list_split_remarks(parts):
        say(f"{name_from_model(job.model)}: {remark}")
        data = replace(data, remarks=(*data.remarks, remark))
    part = parts.training
    frame = frame_from_matrix(job.model, part.matrix)
    plan = plan_search(job.search)
    folded = FoldedData(frame, part.labels, groups=part.groups, weights=part.weights)
    folded = folded.fold(FOLDS, job.seed)
    families = compare_families(_build_fit(job), job.select_candidates(), folded, plan)
    parameters = {r.candidate.family: r.candidate.parameters for r in families}
    repeatable = replace(job, search=job.search.without_search(parameters))
    constraints = _measure_constraints(job, folded)
    return Prepared(repeatable, data, parts, families, constraints, large)


def _read(job: TrainingJob) -> tuple[TrainingData, Parts, LargeFit | None]:
    """Read the rows and their parts; an engine that streams reads a sample of them."""
    if job.engine.is_streamed:
        require_streamable(job.engine, job.families, job.search.balance)
        return prepare_stream(job.model, job.request, job.engine, job.last_months)
    data = read_data(job.model, job.request)
    return data, split_rows(data.rows, job.last_months), None


def finish(prepared: Prepared, result: FamilyResult) -> Trained:
    """Fit one of the compared families to the training part, and evaluate it on the test part."""
    job, data, parts = prepared.job, prepared.data, prepared.parts
    test = parts.test
    fitted = _fit(prepared, result)
    require_same_scores(fitted.scorer, test.columns)
    probabilities = probabilities_from_log_odds(fitted.scorer.log_odds_from_matrix(test.matrix))
    figures = _measure(fitted, test, probabilities, job.seed)
    provenance = _build_provenance(prepared, result.candidate.parameters)
    return Trained(
        job=job,
        data=data,
        fitted=fitted,
        families=tuple(fitted.result if r is result else r for r in prepared.families),
        constraints=prepared.constraints,
        parts=parts,
        probabilities=probabilities,
        signs=check_signs(fitted.scorer, test.matrix, job.seed),
        evidence=_gather_evidence(prepared, fitted, probabilities),
        manifest=build_manifest(job.model, result.candidate.family, figures, provenance),
        golden=draw_golden_rows(fitted.scorer, data.rows.columns, job.seed),
    )


def _build_fit(job: TrainingJob) -> Fit:
    return Fit(job.model, job.seed, job.threads)


def _measure_constraints(job: TrainingJob, data: FoldedData) -> ConstraintCosts | None:
    """Measure what documented signs cost, if the budget has time, and name the costly ones."""
    if not job.search.measures_constraints:
        return None
    costs = measure_constraint_costs(_build_fit(job), data)
    for sign in costs.costly if costs else ():
        say(
            f"{name_from_model(job.model)}: the sign of {sign.feature} costs {sign.cost:.4f} AUC "
            f"(95 % interval {sign.low:.4f} to {sign.high:.4f}); look at its special codes, or "
            "leave the sign out"
        )
    return costs


def _fit(prepared: Prepared, result: FamilyResult) -> Fitted:
    """Fit one family to the entire training part, export it and calibrate it."""
    job, part = prepared.job, prepared.parts.training
    estimator, result = _fit_estimator(prepared, result)
    baseline = fit_baseline(job.model, part.columns, part.labels, part.weights)
    calibration = result.calibration.calibration
    expected = probabilities_from_log_odds(calibrate(result.out_of_fold.log_odds, calibration))
    policy = choose_cutoffs(job.model.policy, part.labels, expected, part.weights)
    return Fitted(
        scorer=Scorer.from_catalogue(job.model, estimator, calibration, baseline, policy),
        default_from=choose_cutoff(job.model.default_rule, part.labels, expected, part.weights),
        spreads=spreads_from_matrix(job.model, part.matrix, part.weights),
        base_rate=part.default_rate,
        result=result,
    )


def _fit_estimator(prepared: Prepared, result: FamilyResult) -> tuple[Estimator, FamilyResult]:
    """Fit to the training part in memory, or to the rows of the large fit.

    The large fit has not seen the training part, which therefore calibrates it.
    """
    job, part, test = prepared.job, prepared.parts.training, prepared.parts.test
    settings = _build_fit(job)
    if prepared.large is None:
        frame = frame_from_matrix(job.model, part.matrix)
        pipeline = result.candidate.fit(settings, frame, part.labels, part.weights)
        estimator = export(result.candidate.family, pipeline, job.model)
        check_parity(estimator, pipeline, job.model, test.matrix)
        return estimator, result
    classifier = result.candidate.build(settings).named_steps["classify"]
    booster = fit_large(classifier, prepared.large, job.threads)
    estimator = estimator_from_bytes("xgboost", bytes(booster.save_raw("ubj")))
    check_predictions(estimator, booster.inplace_predict(test.matrix), test.matrix)
    out_of_fold = OutOfFold(estimator.log_odds(part.matrix), result.out_of_fold.folds)
    calibration = choose_calibration(out_of_fold, part.labels)
    return estimator, replace(result, out_of_fold=out_of_fold, calibration=calibration)


def _gather_evidence(
    prepared: Prepared, fitted: Fitted, probabilities: Probabilities
) -> GateEvidence:
    part, test, result = prepared.parts.training, prepared.parts.test, fitted.result
    expected = calibrate(result.out_of_fold.log_odds, result.calibration.calibration)
    return gather_evidence(
        fitted.scorer,
        JudgedRows.from_part(part, probabilities_from_log_odds(expected)),
        JudgedRows.from_part(test, probabilities),
        prepared.job.seed,
    )


def _measure(fitted: Fitted, test: Part, probabilities: Probabilities, seed: int) -> Figures:
    confidence = fitted.scorer.model.gate_policy.calibration_confidence
    return Figures(
        calibration=fitted.scorer.calibration,
        policy=fitted.scorer.policy,
        metrics=evaluate(test.labels, probabilities, seed, fitted.default_from, test.weights),
        reliability=measure_reliability(test.labels, probabilities, confidence, seed, test.weights),
        spreads=fitted.spreads,
        default_from=fitted.default_from,
    )


def _build_provenance(prepared: Prepared, parameters: Mapping[str, float]) -> Provenance:
    job, rows, large = prepared.job, prepared.data.rows, prepared.large
    part, test = prepared.parts.training, prepared.parts.test
    totals = prepared.data.count()
    return Provenance(
        data_sha256=totals.sha256,
        rows=totals.rows,
        rows_refused=rows.refused,
        rows_train=len(large.selected.labels if large else part.labels),
        rows_test=len(test.labels),
        bads_test=int(test.labels.sum()),
        weights=_describe_weights(prepared),
        seed=job.seed,
        threads=job.threads,
        parameters=dict(parameters),
        libraries={name: version_of_package(name) for name in LIBRARIES},
        train_dates=large.dates if large else part.span_dates(),
        test_dates=test.span_dates(),
        streaming=large.describe(len(rows.labels)) if large else None,
    )


def _describe_weights(prepared: Prepared) -> Weighting | None:
    """Describe the weights of the rows, if they have some."""
    column = prepared.data.rows.special.weight_column
    part, test = prepared.parts.training, prepared.parts.test
    if column is None or part.weights is None or test.weights is None:
        return None
    return Weighting(
        column=column,
        applications_train=float(part.weights.sum()),
        applications_test=float(test.weights.sum()),
        effective_train=part.effective_rows,
        effective_test=test.effective_rows,
    )
