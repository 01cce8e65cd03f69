"""The answer about a challenger, applied to the pointer: if it is asked for, through the gates."""

from dataclasses import dataclass

from models.registry.approval import describe, find_judgement, needs_reason
from models.registry.pointer import Author, Pointer, promote, retire
from models.stores.store import Store
from training.monitoring.challenger import ChallengerFigures


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done about a challenger, and why."""

    answer: str
    is_applied: bool
    reason: str


def apply_answer(
    store: Store,
    pointer: Pointer,
    figures: ChallengerFigures | None,
    author: Author,
) -> Applied:
    """Promote or retire the challenger that was compared, if the pointer is as it was then.

    A version that failed a gate of its own run is left to a person, who can give a reason.

    Raises
    ------
    SequenceError
        If the pointer was moved since the comparison: then the answer is about another pair.
    """
    challenger = pointer.challenger
    if figures is None or challenger is None:
        return Applied("none", is_applied=False, reason="no challenger has enough outcomes")
    if figures.answer == "keep":
        return Applied("keep", is_applied=False, reason="there is no certain answer yet")
    if figures.answer == "retire":
        retire(store, pointer.model, author, expected=pointer.sequence)
        return Applied("retire", is_applied=True, reason="it is certainly no better by the margin")
    judgement = find_judgement(store, pointer.model, figures.version)
    if needs_reason(judgement):
        reason = f"{describe(figures.version, judgement)}; a person may promote it with a reason"
        return Applied("promote", is_applied=False, reason=reason)
    promote(store, pointer.model, challenger.version, author, expected=pointer.sequence)
    return Applied("promote", is_applied=True, reason="it is certainly better")
