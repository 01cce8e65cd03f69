"""Promotion: compare a trained model with the champion, publish it, and promote it if it passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.contract import name_from_model
from models.errors import ModelRefusedError, ObjectMissingError
from models.metrics import Probabilities
from models.registry.pointer import Author, find_pointer, promote_over
from models.registry.serving import load_version
from models.registry.versions import Version, find_published, publish, version_from_bundle
from models.scorer import probabilities_from_log_odds
from models.stores.store import Store
from training.gates import EVIDENCE_GATE, Gate, judge_against, judge_alone
from training.isolated_load import load_in_isolation
from training.progress import say
from training.report import Judgement, build_report_files
from training.run import Trained

OutcomeName = Literal["promoted", "kept", "rejected", "insufficient_evidence"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for a trained model, and the gates it is based on.

    `published` is an earlier version with the same content. `champion` is the version that the
    model was compared with; `champion_probabilities` is None if it cannot be compared.
    """

    outcome: OutcomeName
    gates: tuple[Gate, ...]
    published: Version | None
    champion: Version | None
    champion_probabilities: Probabilities | None = None


def judge(trained: Trained, store: Store) -> Verdict:
    """Compare a trained model with the champion. This reads the store and writes nothing.

    The outcome `kept` means that exactly this model was published before and is not promoted now.
    A champion whose bundle is refused cannot be compared, so the model only has to pass the gates
    for a first model.
    """
    model_name = name_from_model(trained.model)
    pointer = find_pointer(store, model_name)
    champion = pointer.champion if pointer else None
    champion_probabilities = _score_champion(trained, store, champion) if champion else None
    published = find_published(store, model_name, trained.bundle.to_bytes())
    alone = judge_alone(trained.evaluation)
    if champion_probabilities is None:
        return Verdict("promoted" if _all_passed(alone) else "rejected", alone, published, champion)
    gates = judge_against(trained.evaluation, champion_probabilities)
    outcome = _choose_outcome(alone, gates)
    # A published version that passes and was never champion comes from a run that ended before it
    # could promote the version. All other published versions stay as they are.
    was_champion = pointer and published in (pointer.champion, pointer.previous)
    if published and (outcome != "promoted" or was_champion):
        outcome = "kept"
    return Verdict(outcome, gates, published, champion, champion_probabilities)


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
        promote_over(store, model_name, version, verdict.champion, author)
    return version.version


def _describe(verdict: Verdict, bundle: bytes, author: Author) -> Judgement:
    return Judgement(
        outcome=verdict.outcome,
        gates=verdict.gates,
        version=version_from_bundle(bundle, author.when).version,
        author=author,
        champion=verdict.champion.version if verdict.champion else None,
        champion_probabilities=verdict.champion_probabilities,
    )


def _choose_outcome(alone: Sequence[Gate], gates: Sequence[Gate]) -> OutcomeName:
    """Choose the outcome of a comparison with a champion.

    `insufficient_evidence` means that the model passes all gates for a first model, but the test
    part has too few defaults to compare two models.
    """
    if _all_passed(gates):
        return "promoted"
    has_evidence = all(gate.passed for gate in gates if gate.name == EVIDENCE_GATE)
    return "insufficient_evidence" if _all_passed(alone) and not has_evidence else "rejected"


def _all_passed(gates: Sequence[Gate]) -> bool:
    return all(gate.passed for gate in gates)


def _score_champion(trained: Trained, store: Store, version: Version) -> Probabilities | None:
    try:
        champion = load_version(store, trained.model, version)
    except ObjectMissingError:
        return None
    except ModelRefusedError as error:
        say(f"the champion is refused and cannot be compared: {error}")
        return None
    return probabilities_from_log_odds(champion.scorer.log_odds_from_matrix(trained.test.matrix))
