"""Promotion: compare a trained model with the champion, publish it, and promote it if it passes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from models.contract import name_from_model
from models.errors import ModelRefusedError, ObjectMissingError
from models.registry.isolated_load import load_in_isolation
from models.registry.pointer import Author, find_pointer, promote_over
from models.registry.serving import load_version
from models.registry.versions import Version, find_published, publish, version_from_bundle
from models.scorer import probabilities_from_log_odds
from models.stores.store import Store
from training.gate import Gate
from training.gates import (
    COMPARING_GATES,
    EVIDENCE_GATE,
    ChampionScores,
    judge_against,
    judge_alone,
)
from training.progress import say
from training.report import ReportedRun, build_report_files
from training.run import Prepared, Trained, finish

EVERY_GATE_PASSED = "every gate passed"  # the reason of a training run

OutcomeName = Literal["promoted", "kept", "rejected", "insufficient_evidence"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for a trained model, and the gates it is based on.

    `published` is an earlier version with the same content. `champion` is the version that the
    model was compared with; `champion_scores` is None if it cannot be compared.
    """

    outcome: OutcomeName
    gates: tuple[Gate, ...]
    published: Version | None
    champion: Version | None
    champion_scores: ChampionScores | None = None

    @property
    def failures(self) -> tuple[Gate, ...]:
        """The gates that prevent the promotion."""
        return tuple(gate for gate in self.gates if gate.refuses)

    @property
    def warnings(self) -> tuple[Gate, ...]:
        """The gates that are failed and have a warning as their consequence."""
        return tuple(gate for gate in self.gates if gate.warns)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A family that gave way to another, and the gates it failed."""

    family: str
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The family that was selected, its verdict, and the families that were judged before it.

    If no family passes, the best one by cross-validation is selected, and `passed_over` has the
    others.
    """

    trained: Trained
    verdict: Verdict
    passed_over: tuple[PassedOver, ...]


def select_family(prepared: Prepared, store: Store) -> Selection:
    """Judge the families in the order of cross-validation until one passes every gate.

    The order is fixed before any row of the test part is looked at. So that several attempts do not
    add up to a higher probability of error, they share the policy's `alpha` (`share_alpha`).
    A lack of evidence holds for every family, so no other one is tried then.
    """
    judged: list[Selection] = []
    for result, alpha_share in zip(
        prepared.families, share_alpha(len(prepared.families)), strict=True
    ):
        trained = finish(prepared, result)
        verdict = judge(trained, store, alpha_share)
        failed = tuple(gate.name for gate in verdict.failures)
        if _choose_outcome(verdict.gates) != "rejected":
            return Selection(trained, verdict, tuple(_list_passed_over(judged)))
        say(f"{result.candidate.family} fails {', '.join(failed)}")
        judged.append(Selection(trained, verdict, ()))
    return replace(judged[0], passed_over=tuple(_list_passed_over(judged[1:])))


def share_alpha(families: int) -> tuple[float, ...]:
    """Divide `alpha` among families: half for the first one, the rest in equal shares."""
    if families == 1:
        return (1.0,)
    return (0.5, *[0.5 / (families - 1)] * (families - 1))


def _list_passed_over(selections: Sequence[Selection]) -> list[PassedOver]:
    return [
        PassedOver(s.trained.manifest.family, tuple(gate.name for gate in s.verdict.failures))
        for s in selections
    ]


def judge(trained: Trained, store: Store, alpha_share: float = 1.0) -> Verdict:
    """Compare a trained model with the champion. This reads the store and writes nothing.

    The outcome `kept` means that exactly this model was published before and is not promoted now.
    A champion whose bundle is refused cannot be compared, so the model only has to pass the gates
    for a first model.
    """
    model_name = name_from_model(trained.model)
    pointer = find_pointer(store, model_name)
    champion = pointer.champion if pointer else None
    scores = _score_champion(trained, store, champion) if champion else None
    published = find_published(store, model_name, trained.bundle.to_bytes())
    if scores is None:
        gates = judge_alone(trained.evaluation)
        return Verdict(_choose_outcome(gates), gates, published, champion)
    gates = judge_against(trained.evaluation, scores, alpha_share)
    outcome = _choose_outcome(gates)
    # A published version that passes and was never champion comes from a run that ended before it
    # could promote the version. All other published versions stay as they are.
    was_champion = pointer and published in (pointer.champion, pointer.previous)
    if published and (outcome != "promoted" or was_champion):
        outcome = "kept"
    return Verdict(outcome, gates, published, champion, scores)


def release(trained: Trained, verdict: Verdict, store: Store, author: Author) -> str:
    """Publish a model, promote it if the verdict is `promoted`, and return its version name.

    Before a version is published or promoted, a separate process loads it.

    Raises
    ------
    PointerMovedError
        If the champion changed after the comparison. The version stays published.
    """
    model_name, version = name_from_model(trained.model), verdict.published
    bundle = trained.bundle.to_bytes()
    if version is None or verdict.outcome == "promoted":
        load_in_isolation(bundle, trained.model)
    if version is None:
        files = build_report_files(trained, _describe(verdict, bundle, author))
        version = publish(store, model_name, bundle, files, author.when)
    if verdict.outcome == "promoted":
        author = replace(author, reason=author.reason or EVERY_GATE_PASSED)
        promote_over(store, model_name, version, verdict.champion, author)
    return version.version


def _describe(verdict: Verdict, bundle: bytes, author: Author) -> ReportedRun:
    return ReportedRun(
        outcome=verdict.outcome,
        gates=verdict.gates,
        version=version_from_bundle(bundle, author.when).version,
        author=author,
        champion=verdict.champion.version if verdict.champion else None,
        champion_scores=verdict.champion_scores,
    )


def _choose_outcome(gates: Sequence[Gate]) -> OutcomeName:
    """Choose the outcome by the gates that refuse.

    `insufficient_evidence` means that the model passes all gates but those that compare it with the
    champion, and that the test part has too few defaults to compare two models.
    """
    failed = {gate.base_name for gate in gates if gate.refuses}
    if not failed:
        return "promoted"
    is_comparison_only = EVIDENCE_GATE in failed and failed <= COMPARING_GATES
    return "insufficient_evidence" if is_comparison_only else "rejected"


def _score_champion(trained: Trained, store: Store, version: Version) -> ChampionScores | None:
    try:
        champion = load_version(store, trained.model, version)
    except ObjectMissingError:
        return None
    except ModelRefusedError as error:
        say(f"the champion is refused and cannot be compared: {error}")
        return None
    train_dates = champion.manifest.provenance.train_dates
    rows = np.flatnonzero(trained.test.find_unfitted(train_dates and train_dates[1]))
    log_odds = champion.scorer.log_odds_from_matrix(trained.test.matrix[rows])
    return ChampionScores(rows, probabilities_from_log_odds(log_odds))
