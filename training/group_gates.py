"""Fairness gates: approvals and calibration by group of each protected field.

A gate fails only if chance does not explain the figure: bounds are one-sided, and the field's
`group_alpha` is shared among its groups (Bonferroni). Of weighted rows, bounds know the number of
unweighted rows that would be as certain.
"""

import itertools
from collections.abc import Sequence
from statistics import NormalDist

from models.gate_policy import FairnessGate, GatePolicy
from training.gate import Gate
from training.model_review import GroupFigures

# A group's figure and its confidence bound in the groups' favour.
Measured = tuple[str, float, float]


def judge_groups(groups: Sequence[GroupFigures], policy: GatePolicy) -> tuple[Gate, ...]:
    """Judge the groups of each protected field with at least two of them."""
    gates: list[Gate] = []
    for name, members in itertools.groupby(groups, key=lambda group: group.characteristic):
        figures = list(members)
        if len(figures) > 1:
            gates += [
                _judge_selection(name, figures, policy),
                _judge_opportunity(name, figures, policy),
                _judge_calibration(name, figures, policy),
            ]
    return tuple(gates)


def _judge_selection(name: str, groups: Sequence[GroupFigures], policy: GatePolicy) -> Gate:
    """Compare approval rates: the lowest must be four fifths of the highest, or could be."""
    best = max(groups, key=lambda group: group.approval_rate)
    errors, least = _critical_value(len(groups) - 1, policy), policy.least_selection_ratio
    variance = least**2 * _variance(best.approval_rate, best.approval_rows)

    def measure(group: GroupFigures) -> Measured:
        # `rate - least x best` is nearly normal, unlike the ratio itself.
        slack = errors * (_variance(group.approval_rate, group.approval_rows) + variance) ** 0.5
        high = group.selection_ratio + slack / max(best.approval_rate, 1 / best.approval_rows)
        return group.group, group.selection_ratio, high

    others = [group for group in groups if group is not best]
    group, ratio, high = min(map(measure, others), key=lambda measured: measured[2])
    return _build_gate(
        ("four_fifths", name, policy),
        (high, least, high >= least),
        f"the approval rate of {group} is {ratio:.3f} of that of {best.group}, at most "
        f"{high:.3f} with confidence; must reach {least:g}",
    )


def _judge_opportunity(name: str, groups: Sequence[GroupFigures], policy: GatePolicy) -> Gate:
    """Compare approval rates of applicants who did not default."""
    rates = [(g.group, g.good_approval_rate, _count_goods(g)) for g in groups]
    measured = [(group, rate, rows) for group, rate, rows in rates if rate is not None]
    measured = measured or [("nobody", 0.0, 1.0)]
    low, high = (choose(measured, key=lambda entry: entry[1]) for choose in (min, max))
    error = (_variance(low[1], low[2]) + _variance(high[1], high[2])) ** 0.5
    pairs = len(groups) * (len(groups) - 1) // 2
    least = high[1] - low[1] - _critical_value(pairs, policy) * error
    most = policy.most_opportunity_difference
    return _build_gate(
        ("equal_opportunity", name, policy),
        (least, most, least <= most),
        f"good applicants of {low[0]} are approved {high[1] - low[1]:.3f} less often than those "
        f"of {high[0]}, at least {least:.3f} with confidence; at most {most:g}",
    )


def _judge_calibration(name: str, groups: Sequence[GroupFigures], policy: GatePolicy) -> Gate:
    """Compare the mean probability of each group with its default rate."""
    bound = _critical_value(2 * len(groups), policy)

    def measure(group: GroupFigures) -> float:
        error = _variance(group.mean_probability, group.default_rows) ** 0.5
        return float(abs(group.mean_probability - group.default_rate) / error)

    worst = max(groups, key=measure)
    figure = measure(worst)
    return _build_gate(
        ("calibrated_by_group", name, policy),
        (figure, bound, figure <= bound),
        f"the mean probability of {worst.group} is {worst.mean_probability:.4f} and its default "
        f"rate {worst.default_rate:.4f}: {figure:.1f} standard errors; at most {bound:.1f}",
    )


def _critical_value(comparisons: int, policy: GatePolicy) -> float:
    return NormalDist().inv_cdf(1 - policy.group_alpha / comparisons)


def _variance(rate: float, rows: float) -> float:
    """Return the variance of a share, with one row added so that 0 and 1 are not certain."""
    smoothed = (rate * rows + 0.5) / (rows + 1)
    return smoothed * (1 - smoothed) / max(rows, 1)


def _count_goods(group: GroupFigures) -> float:
    return group.approval_rows * (1 - group.default_rate)


def _build_gate(
    subject: tuple[FairnessGate, str, GatePolicy], measured: tuple[float, float, bool], reason: str
) -> Gate:
    gate, name, policy = subject
    figure, bound, passed = measured
    return Gate(
        name=f"{gate}[{name}]",
        figure=figure,
        bound=bound,
        passed=passed,
        consequence=policy.find_fairness_consequence(gate, name),
        reason=reason,
    )
