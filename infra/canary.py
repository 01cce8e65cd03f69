"""Whether a candidate treats its callers as the revision before does: pure comparisons.

Both read the same champions and are asked at random by the same callers, so what differs is the
release's doing. What the release itself asked is no caller's, and is taken off first.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

FEWEST_ERRORS, ERROR_MARGIN = 3, 0.01
FEWEST_CALLS, SLOWER = 100, 1.25
FEWEST_DECISIONS, APPROVAL_MARGIN = 100, 0.10
# A smaller difference counts if chance makes one in about 400 such.
SMALL_MARGIN, SURE_DEVIATIONS = 0.03, 3.0
APPROVE = "approve"

Decisions = Mapping[str, Mapping[str, int]]  # model -> decision -> how many


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFigures:
    """What one revision answered since the candidate got its share."""

    answers: int = 0
    errors: int = 0
    p95_ms: float | None = None
    decisions: Decisions = field(default_factory=dict)

    @property
    def error_share(self) -> float:
        """The share answered by a 5xx; 0 where nobody asked."""
        return self.errors / self.answers if self.answers else 0.0

    def approvals(self, model: str) -> tuple[int, int]:
        """Decisions to approve, and all decisions, of a model."""
        counts = self.decisions.get(model, {})
        return counts.get(APPROVE, 0), sum(counts.values())


def without(figures: CanaryFigures, answers: int, decisions: Decisions) -> CanaryFigures:
    """Take off what the release itself asked; Monitoring may not show all of it yet."""
    callers = {
        model: {
            decision: max(0, count - decisions.get(model, {}).get(decision, 0))
            for decision, count in counts.items()
        }
        for model, counts in figures.decisions.items()
    }
    least = min(figures.answers, figures.errors)
    return replace(figures, answers=max(least, figures.answers - answers), decisions=callers)


def complaints(candidate: CanaryFigures, old: CanaryFigures) -> list[str]:
    """Every way in which the candidate treats callers worse, or otherwise, than the old one."""
    return [
        *_errors(candidate, old),
        *_latency(candidate, old),
        *_approvals(candidate, old),
    ]


def _errors(candidate: CanaryFigures, old: CanaryFigures) -> Iterator[str]:
    more = candidate.error_share - old.error_share > ERROR_MARGIN
    if candidate.errors >= FEWEST_ERRORS and more:
        yield (
            f"it answered {candidate.errors} of {candidate.answers} requests with a 5xx, "
            f"the revision before {old.errors} of {old.answers}"
        )


def _latency(candidate: CanaryFigures, old: CanaryFigures) -> Iterator[str]:
    if min(candidate.answers, old.answers) < FEWEST_CALLS:
        return
    if candidate.p95_ms and old.p95_ms and candidate.p95_ms > SLOWER * old.p95_ms:
        yield (
            f"its 95th percentile of latency is {candidate.p95_ms:.0f} ms, "
            f"that of the revision before {old.p95_ms:.0f} ms"
        )


def _approvals(candidate: CanaryFigures, old: CanaryFigures) -> Iterator[str]:
    for model in sorted(candidate.decisions):
        approved, decided = candidate.approvals(model)
        approved_before, decided_before = old.approvals(model)
        if min(decided, decided_before) < FEWEST_DECISIONS:
            continue
        share, before = approved / decided, approved_before / decided_before
        difference = abs(share - before)
        pooled = (approved + approved_before) / (decided + decided_before)
        error = math.sqrt(pooled * (1 - pooled) * (1 / decided + 1 / decided_before))
        is_sure = difference > SMALL_MARGIN and difference > SURE_DEVIATIONS * error
        if round(difference, 9) >= APPROVAL_MARGIN or is_sure:
            yield (
                f"it approves {share:.1%} of {decided} applications of {model}, "
                f"the revision before {before:.1%} of {decided_before}"
            )


def verdict(candidate: CanaryFigures, old: CanaryFigures, smoke_answers: int) -> str:
    """Say what the candidate was judged by, for one without complaints."""
    if not candidate.answers:
        return f"no caller asked it: the smoke test's own {smoke_answers} answers alone judged it"
    failed = f"{candidate.errors} of {candidate.answers} requests were answered with a 5xx"
    parts = [f"{failed} (the revision before: {old.errors} of {old.answers})"]
    if min(candidate.answers, old.answers) < FEWEST_CALLS or not (candidate.p95_ms and old.p95_ms):
        parts.append("too few requests to compare latencies")
    else:
        parts.append(f"95th percentile {candidate.p95_ms:.0f} ms ({old.p95_ms:.0f} ms)")
    compared = [
        model
        for model in sorted(candidate.decisions)
        if min(candidate.approvals(model)[1], old.approvals(model)[1]) >= FEWEST_DECISIONS
    ]
    judged = f"approval rates of {', '.join(compared)} are alike" if compared else ""
    parts.append(judged or "too few decisions to compare approval rates")
    return "; ".join(parts)
