"""The report of a version: one document of figures, as JSON and as a page drawn from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.annotations import date_from_days
from models.contract import characteristics
from models.features import columns_from_fields
from models.registry.pointer import Author
from models.registry.store_paths import REFERENCE
from models.scorer import probabilities_from_log_odds
from models.weighting import select_weights, weighted_mean
from training.evaluation import SampleFigures, measure_periods, measure_sample
from training.gate import Gate
from training.gates import ChampionScores
from training.model_review import measure_fairness, measure_importances
from training.monitoring.reference import build_reference
from training.reporting.data_dictionary import FieldEntry, describe_fields
from training.reporting.decisions import (
    SimulationSettings,
    compare_pairwise,
    count_decisions,
    count_ratings,
    count_scores,
    find_costs,
    name_cutoffs,
    scores_from_probabilities,
    summarise_scores,
    tabulate_simulation,
)
from training.reporting.discrimination import classify, tabulate_tenths, trace_curve
from training.reporting.explanations import (
    count_reasons,
    draw_sample,
    measure_sensitivity,
    trace_partial_dependence,
)
from training.reporting.macro_sensitivity import measure_macro_sensitivity
from training.reporting.model_contents import describe_contents, describe_parameters
from training.reporting.monitoring import list_limits, set_thresholds
from training.reporting.page import render_report
from training.reporting.performance import compare_parts, describe_candidate, find_out_of_fold
from training.reporting.reliability_bins import judge_hosmer_lemeshow, tabulate_reliability
from training.reporting.reproduction import describe_reproduction
from training.reporting.segments import measure_segments, select_segments
from training.reporting.stability import measure_score_stability, measure_stability
from training.run import Trained

FORMAT = 2  # 1 had fewer figures, and pictures that were not drawn from them
DIGITS = 9  # that matter of a figure; those of the manifest are as in the bundle
MOSTLY = 0.5
GENERATED = "generated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRun:
    """What was decided about a trained model, by whom and when, and whom it was compared with.

    `champion_scores` are the champion's for rows of the test part. They are None if
    there is no champion, or none that can be compared.
    """

    outcome: str
    gates: Sequence[Gate]
    version: str
    author: Author
    champion: str | None
    champion_scores: ChampionScores | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Review:
    """A trained model with what several sections are made of.

    `columns`, `training` and `test` have one column for each field: of all accepted rows, of the
    training part and of the test part.
    """

    trained: Trained
    columns: Mapping[str, Any]
    training: Mapping[str, Any]
    test: Mapping[str, Any]
    importances: Mapping[str, float]


def build_report_files(trained: Trained, reported_run: ReportedRun) -> dict[str, bytes]:
    """Build `report.json`, `report.html`, whose every number is in it, and `reference.json`.

    The same data, seed and commit give the same bytes but for two members: `identity`, which
    differs between two runs of the same job, and `reproduce`, which names the commit and machine.
    """
    document = build_document(trained, reported_run)
    return {
        "report.json": json.dumps(document, indent=1, allow_nan=False).encode(),
        "report.html": render_report(document).encode(),
        REFERENCE: _build_reference(trained),
    }


def _build_reference(trained: Trained) -> bytes:
    reference = build_reference(trained.scorer, trained.part, trained.test, trained.probabilities)
    return reference.model_dump_json(indent=1).encode()


def build_document(trained: Trained, reported_run: ReportedRun) -> dict[str, Any]:
    """Build the document of all figures."""
    review = _review(trained)
    document = {
        "identity": _describe_identity(trained, reported_run),
        "gates": [_describe_gate(gate) for gate in reported_run.gates],
        "purpose": _describe_purpose(trained),
        "tests": _describe_tests(trained),
        "data": _describe_data(review),
        "candidates": [
            asdict(describe_candidate(result, is_selected=result is trained.fitted.result))
            for result in trained.families
        ],
        "constraints": asdict(trained.constraints) if trained.constraints else None,
        "parts": [asdict(figures) for figures in compare_parts(trained)],
        "discrimination": _describe_discrimination(review),
        "calibration": _describe_calibration(trained),
        "decisions": _describe_decisions(trained),
        "champion": _compare_champion(trained, reported_run),
        "explanations": _describe_explanations(review),
        "stability": _describe_stability(review),
        "fairness": _describe_fairness(trained),
        **_describe_monitoring(review),
        "contents": describe_contents(trained.scorer, trained.part),
        "parameters": _describe_parameters(trained),
        "baseline": dict(trained.scorer.baseline),
        "reproduce": describe_reproduction(trained.job),
    }
    manifest = trained.manifest.model_dump(mode="json")
    return {"format": FORMAT, **round_figures(document), "manifest": manifest}


def round_figures(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Round every float of a document to `DIGITS` digits that matter."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {name: round_figures(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [round_figures(item) for item in value]
    return value


def _review(trained: Trained) -> _Review:
    model, test = trained.model, trained.test
    return _Review(
        trained=trained,
        columns=columns_from_fields(model, trained.data.rows.columns),
        training=columns_from_fields(model, trained.part.columns),
        test=columns_from_fields(model, test.columns),
        importances=measure_importances(trained.scorer, test.matrix, trained.job.seed),
    )


def _describe_gate(gate: Gate) -> dict[str, Any]:
    return asdict(gate) | {
        "verdict": gate.verdict,
        "remedy": None if gate.passed else gate.remedy,
    }


def _describe_identity(trained: Trained, reported_run: ReportedRun) -> dict[str, Any]:
    is_promoted = reported_run.outcome == "promoted"
    return {
        "model": trained.manifest.model,
        "version": reported_run.version,
        "published": reported_run.author.when.isoformat(timespec="seconds"),
        "run_by": reported_run.author.who,
        "approved_by": "the gates, in a run of this author" if is_promoted else None,
        "outcome": reported_run.outcome,
        "champion": reported_run.champion,
    }


def _describe_purpose(trained: Trained) -> dict[str, Any]:
    lines = [line.strip() for line in (trained.model.__doc__ or "").strip().splitlines()]
    return {
        "title": lines[0] if lines else trained.manifest.model,
        "description": " ".join(lines[1:]).strip(),
        "scale": str(trained.scorer.scale),
    }


def _describe_tests(trained: Trained) -> list[dict[str, Any]]:
    """Describe the samples that test the model; the first one judges it."""
    dates = trained.test.span_dates()
    judged = SampleFigures(
        name="the last months, out of time" if dates else "random rows, held out",
        rows=len(trained.test.labels),
        bads=int(trained.test.labels.sum()),
        first=dates[0].isoformat() if dates else None,
        last=dates[1].isoformat() if dates else None,
        effective_rows=trained.test.effective_rows,
        metrics=trained.manifest.metrics,
    )
    samples = [judged]
    if (part := trained.parts.in_time) is not None:
        log_odds = trained.scorer.log_odds_from_matrix(part.matrix)
        settings = trained.job.seed, trained.fitted.default_from
        probabilities = probabilities_from_log_odds(log_odds)
        samples.append(measure_sample("random rows, in time", part, probabilities, settings))
    return [asdict(sample) for sample in samples]


def _describe_window(trained: Trained) -> dict[str, str] | None:
    days = trained.data.rows.special.dates
    if days is None:
        return None
    return {
        "from": date_from_days(days.min()).isoformat(),
        "to": date_from_days(days.max()).isoformat(),
    }


def _describe_data(review: _Review) -> dict[str, Any]:
    trained = review.trained
    data, rows = trained.data, trained.data.rows
    fields = describe_fields(trained.model, review.columns, rows.labels)
    return {
        "source": data.source,
        "window": _describe_window(trained),
        "accepted": len(rows.labels),
        "refused": rows.refused,
        "refusals": rows.refusals,
        "remarks": list(data.remarks),
        "ignored_columns": sorted(map(str, rows.ignored)),
        "defaults": int(rows.labels.sum()),
        "default_rate": weighted_mean(rows.labels, rows.special.weights),
        "train_rows": len(trained.part.labels),
        "train_default_rate": trained.part.default_rate,
        "test_default_rate": trained.test.default_rate,
        "fields": [asdict(field) for field in fields],
    }


def _describe_discrimination(review: _Review) -> dict[str, Any]:
    trained = review.trained
    labels, probabilities = trained.test.labels, trained.probabilities
    weights = trained.test.weights
    segments = select_segments(trained.model, review.test, review.importances)
    cutoffs = name_cutoffs(trained.scorer.policy, trained.fitted.default_from)
    approve_below = trained.scorer.policy.approve_below
    figures = measure_segments(segments, labels, probabilities, approve_below, weights)
    curve = asdict(trace_curve(labels, probabilities, weights))
    return {
        "curve": curve | {"default_rate": trained.test.default_rate},
        "tenths": [asdict(tenth) for tenth in tabulate_tenths(labels, probabilities, weights)],
        "classifications": [
            asdict(classify((name, cutoff), labels, probabilities, weights))
            for cutoff, name in sorted(cutoffs.items())
        ],
        "segments": [asdict(one) for one in figures],
        "periods": [
            asdict(one) for one in measure_periods(trained.test, probabilities, approve_below)
        ],
    }


def _describe_calibration(trained: Trained) -> dict[str, Any]:
    test = trained.test
    bins = tabulate_reliability(test.labels, trained.probabilities, test.weights)
    choice = trained.fitted.result.calibration
    return {
        "bins": [asdict(one) for one in bins],
        "hosmer_lemeshow": asdict(judge_hosmer_lemeshow(bins)) if test.weights is None else None,
        "parameters": asdict(trained.scorer.calibration),
        "is_applied": choice.log_loss_after < choice.log_loss_before,
        "log_loss_before": choice.log_loss_before,
        "log_loss_after": choice.log_loss_after,
    }


def _describe_decisions(trained: Trained) -> dict[str, Any]:
    labels, probabilities = trained.test.labels, trained.probabilities
    scorer, weights = trained.scorer, trained.test.weights
    scores = scores_from_probabilities(probabilities, scorer.scale)
    own = name_cutoffs(scorer.policy, trained.fitted.default_from)
    costs = find_costs(trained.model)
    simulated = SimulationSettings(scorer.scale, own, costs)
    lines = tabulate_simulation(labels, probabilities, simulated, weights)
    marks = [line for line in lines if line.name]
    bands = scorer.bands
    ratings = count_ratings(labels, probabilities, scores, bands, weights) if bands else ()
    return {
        "scores": asdict(count_scores(labels, scores, weights)),
        "score_summaries": [asdict(one) for one in summarise_scores(labels, scores, weights)],
        "marks": [
            {
                "name": line.name,
                "credit_score": line.credit_score,
                "is_drawn": float(scores.min()) <= line.credit_score <= float(scores.max()),
            }
            for line in marks
        ],
        "decisions": [
            asdict(group)
            for group in count_decisions(labels, probabilities, scorer.policy, weights)
        ],
        "ratings": [asdict(group) for group in ratings],
        "costs": asdict(costs) if costs else None,
        "cutoffs": [
            asdict(line.figures)
            | {"credit_score": line.credit_score, "name": line.name, "cost": line.cost}
            for line in lines
        ],
    }


def _compare_champion(trained: Trained, reported_run: ReportedRun) -> dict[str, Any] | None:
    """Compare with the champion, both at this version's cut-offs, which the policy states."""
    scores = reported_run.champion_scores
    if scores is None or not len(scores.rows):
        return None
    cutoff = trained.scorer.policy.approve_below
    figures = compare_pairwise(
        (trained.test.labels[scores.rows], select_weights(trained.test.weights, scores.rows)),
        trained.probabilities[scores.rows],
        scores.probabilities,
        trained.scorer.scale,
        (cutoff, cutoff),
    )
    return asdict(figures)


def _describe_explanations(review: _Review) -> dict[str, Any]:
    trained, importances = review.trained, review.importances
    sample = draw_sample(trained.scorer, trained.test.columns, trained.job.seed)
    dependence = trace_partial_dependence(sample, review.columns, importances)
    sensitivity = measure_sensitivity(sample, review.columns, importances)
    reasons = count_reasons(
        trained.scorer, trained.test.columns, trained.probabilities, trained.job.seed
    )
    total = sum(importances.values()) or 1.0
    return {
        "importances": [
            {"field": name, "contribution": value, "share": value / total}
            for name, value in importances.items()
        ],
        "sample_rows": len(sample),
        "partial_dependence": [asdict(one) for one in dependence],
        "sensitivity": [asdict(one) for one in sensitivity],
        "macro_sensitivity": [asdict(one) for one in measure_macro_sensitivity(sample)],
        "reasons": asdict(reasons),
        "signs": [asdict(check) for check in trained.signs],
    }


def _describe_stability(review: _Review) -> dict[str, Any]:
    trained = review.trained
    fields = [c for c in characteristics(trained.model) if not c.identifier]
    weights = trained.part.weights, trained.test.weights
    expected = find_out_of_fold(trained)
    stability = measure_stability(fields, review.training, review.test, weights)
    return {
        "score": asdict(measure_score_stability(expected, trained.probabilities, weights)),
        "fields": [asdict(one) for one in stability],
    }


def _describe_fairness(trained: Trained) -> list[dict[str, Any]]:
    test = trained.test
    groups = measure_fairness(
        trained.scorer, test.columns, test.labels, trained.probabilities, test.weights
    )
    return [asdict(group) for group in groups]


def _describe_monitoring(review: _Review) -> dict[str, Any]:
    trained = review.trained
    thresholds = set_thresholds(
        trained.manifest,
        trained.probabilities,
        trained.part.effective_rows,
        trained.job.max_refused_share,
        trained.test.weights,
    )
    fields = describe_fields(trained.model, review.columns, trained.data.rows.labels)
    limits = list_limits(
        trained.manifest,
        has_dates=trained.test.dates is not None,
        is_generated=trained.data.source.startswith(GENERATED),
        absent_fields=[field.name for field in fields if _is_mostly_absent(field)],
    )
    return {"monitoring": [asdict(one) for one in thresholds], "limits": limits}


def _is_mostly_absent(field: FieldEntry) -> bool:
    shares = (field.share_missing or 0.0, field.share_special or 0.0)
    return not field.is_protected and sum(shares) > MOSTLY


def _describe_parameters(trained: Trained) -> dict[str, Any]:
    """Describe the hyper-parameters, with those that a search or a person chose."""
    return describe_parameters(trained.fitted.result.candidate.build(trained.fit))
