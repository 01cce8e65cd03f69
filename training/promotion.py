"""Into the bucket: a trained model is held against the champion, published, perhaps promoted."""

from dataclasses import dataclass
from typing import Literal

from models.contract import name_from_model
from models.errors import ModelRefusedError, ObjectMissingError
from models.metrics import Probabilities
from models.registry.pointer import Author, find_pointer, promote_over
from models.registry.serving import load_version
from models.registry.versions import Version, find_published, publish
from models.scorer import probabilities_from_log_odds
from models.stores.store import Store
from training.gates import Gate, champion_gates, evidence_gate
from training.isolated_load import load_in_isolation
from training.progress import say
from training.report import report_files
from training.run import Trained

OutcomeName = Literal["promoted", "kept", "rejected", "insufficient_evidence"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What should happen to a trained model, and why.

    `published` has its content already; `champion` is what it was judged against.
    """

    outcome: OutcomeName
    gates: tuple[Gate, ...]
    published: Version | None
    champion: Version | None


def judge(trained: Trained, store: Store) -> Verdict:
    """Hold a trained model against the champion; reads the store, writes nothing.

    `kept`: exactly this model was published before, and need not be promoted now. A champion that
    this code must refuse (its bytes or its contract are not what they should be) cannot be
    compared and so defends nothing.
    """
    pointer = find_pointer(store, name_from_model(trained.model))
    defending = pointer.champion if pointer else None
    champion = _champion_probabilities(trained, store, defending) if defending else None
    known = find_published(store, name_from_model(trained.model), trained.bundle.to_bytes())
    if champion is None:
        return Verdict(_outcome(trained.gates), trained.gates, known, defending)
    labels = trained.test.labels
    evidence = evidence_gate(int(labels.sum()))
    gates = (
        *trained.gates,
        *champion_gates(labels, trained.probabilities, champion),
        evidence,
    )
    outcome = _outcome(gates)
    if outcome == "rejected" and _outcome(trained.gates) == "promoted" and not evidence.passed:
        outcome = "insufficient_evidence"
    # A version that passes, and is neither champion nor the one before, belongs to a run that ended
    # before promoting it.
    was_champion = pointer and known in (pointer.champion, pointer.previous)
    if known and (outcome != "promoted" or was_champion):
        outcome = "kept"
    return Verdict(outcome, gates, known, defending)


def release(trained: Trained, verdict: Verdict, store: Store, author: Author) -> str:
    """Publish a judged model, promote it if the verdict says so, and return its version.

    Raises
    ------
    PointerMovedError
        If another became champion since it was judged: the verdict is void, the version stays.
    """
    name, version = name_from_model(trained.model), verdict.published
    bundle = trained.bundle.to_bytes()
    if version is None or verdict.outcome == "promoted":
        load_in_isolation(bundle, trained.model)
    if version is None:
        files = report_files(trained, verdict.outcome, verdict.gates)
        version = publish(store, name, bundle, files, author.when)
    if verdict.outcome == "promoted":
        promote_over(store, name, version, verdict.champion, author)
    return version.version


def _outcome(gates: tuple[Gate, ...]) -> OutcomeName:
    return "promoted" if all(gate.passed for gate in gates) else "rejected"


def _champion_probabilities(
    trained: Trained, store: Store, version: Version
) -> Probabilities | None:
    try:
        champion = load_version(store, trained.model, version)
    except ObjectMissingError:
        return None
    except ModelRefusedError as error:
        say(f"the champion is refused and cannot be compared: {error}")
        return None
    return probabilities_from_log_odds(champion.scorer.log_odds_from_matrix(trained.test.matrix))
