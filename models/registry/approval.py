"""Promotion by hand: what a version's report says of its gates, and what its promotion needs."""

import json
from dataclasses import dataclass
from typing import Any

from models.errors import ApprovalError
from models.gate_policy import GatePolicy
from models.registry.store_paths import report_path
from models.registry.versions import find_object
from models.stores.store import Store

MOST_CHARACTERS = 1_000  # of a reason
PASSED = ("promoted", "kept")


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate as the report of a version has it."""

    name: str
    passed: bool
    consequence: str
    reason: str

    @property
    def refuses(self) -> bool:
        """Whether the gate prevented the promotion."""
        return not self.passed and self.consequence == "refuse"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the run that trained a version decided about it."""

    outcome: str
    gates: tuple[GateResult, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The gates that prevented the promotion."""
        return tuple(gate.name for gate in self.gates if gate.refuses)


def find_judgement(store: Store, model_name: str, version: str) -> Judgement | None:
    """Read the outcome and the gates of a version, or return None if it has no readable report.

    Reports of release 0.2 and earlier have the outcome as a member of their own.
    """
    stored = find_object(store, report_path(model_name, version))
    if stored is None:
        return None
    try:
        document = json.loads(stored.data)
        gates = tuple(_parse_gate(gate) for gate in document["gates"])
        outcome = document.get("outcome") or document["identity"]["outcome"]
        return Judgement(str(outcome), gates)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _parse_gate(gate: dict[str, Any]) -> GateResult:
    """Parse one gate; reports of earlier releases had no consequence, and one text as detail."""
    return GateResult(
        name=str(gate["name"]),
        passed=gate["passed"] is True,
        consequence=str(gate.get("consequence", "refuse")),
        reason=str(gate.get("reason", gate.get("detail", ""))),
    )


def needs_reason(judgement: Judgement | None) -> bool:
    """Whether the run itself would not have promoted the version."""
    return judgement is None or judgement.outcome not in PASSED or bool(judgement.failed)


def check_reason(version: str, judgement: Judgement | None, reason: str | None) -> None:
    """Require a reason for promoting what its own run did not promote.

    Raises
    ------
    ApprovalError
        If there is none. The message names the gates that failed.
    """
    if reason is not None and not 0 < len(reason.strip()) <= MOST_CHARACTERS:
        message = f"a reason has 1 to {MOST_CHARACTERS} characters"
        raise ApprovalError(message, "reason")
    if reason is None and needs_reason(judgement):
        message = f"{describe(version, judgement)}; to promote it all the same, give a reason"
        raise ApprovalError(message, "reason")


def needs_second_person(policy: GatePolicy, judgement: Judgement | None) -> bool:
    """Whether a second person must agree to the promotion."""
    return policy.second_person and needs_reason(judgement)


def check_second_person(who: str, approved_by: str | None, *, is_needed: bool) -> None:
    """Require that a second person agreed, and that it is another one.

    Raises
    ------
    ApprovalError
        If nobody did, or the one who moves the pointer.
    """
    if approved_by is None:
        if is_needed:
            message = "the policy of this model asks for a second person who approves"
            raise ApprovalError(message, "approved_by")
        return
    if not approved_by.strip() or approved_by.strip().casefold() == who.strip().casefold():
        message = f"{who} moves the pointer, so somebody else must approve"
        raise ApprovalError(message, "approved_by")


def describe(version: str, judgement: Judgement | None) -> str:
    """Describe in a sentence what the run decided about a version."""
    if judgement is None:
        return f"{version} has no report that says which gates it passed"
    failed = ", ".join(judgement.failed) or "no gate"
    return f"the outcome of {version} was {judgement.outcome}, and it failed {failed}"
