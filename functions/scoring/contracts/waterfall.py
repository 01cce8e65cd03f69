"""Waterfall chart of an explanation: from the base's score to the application's.

One SVG without script, style sheet or external reference. Its title and description say the same
to a screen reader, and the signs of the figures to readers who cannot tell the colours apart.
"""

from collections.abc import Sequence
from html import escape

from models.explaining.explanation import Explanation, FieldValue, Step, waterfall

MAX_BARS = 10
MAX_LABEL_CHARACTERS = 44
WIDTH, LABELS, FIGURES, ROW, BAR = 760, 330, 60, 26, 16  # pixels
MIN_POINTS = 0.05  # less is shown as 0.0
LOWER, HIGHER, LEVEL = "#b3261e", "#1b6e3c", "#4a4a4a"
STARTS = {"reference": "the baseline applicant", "training_mean": "the mean of the training rows"}


def svg_from_explanation(explanation: Explanation) -> str:
    """Draw the strongest contributions, the others in one bar, and where they start and end."""
    steps = waterfall(explanation, MAX_BARS)
    base, total = explanation.base.credit_score, explanation.total.credit_score
    start = STARTS[explanation.base_of]
    rows = [
        (start, base, base, f"{base:.1f}"),
        *((_label_from_step(step), step.start, step.end, _format_points(step)) for step in steps),
        ("this application", total, total, f"{total:.1f}"),
    ]
    title = f"How the credit score of {total:.1f} comes about"
    description = "; ".join(f"{_label_from_step(step)}: {_format_points(step)}" for step in steps)
    height = ROW * len(rows) + 10
    attributes = f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="13"'
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {attributes}>',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(f'From {base:.1f} points, {start}, in points. {description}.')}</desc>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            *_draw_rows(rows),
            "</svg>",
        ]
    )


def _draw_rows(rows: Sequence[tuple[str, float, float, str]]) -> list[str]:
    """Each row's label, bar and figure, all on one scale of points."""
    ends = [end for _, *both, _ in rows for end in both]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0
    room = WIDTH - LABELS - FIGURES - 10
    elements = []
    for i, (label, start, end, figure) in enumerate(rows):
        left, right = (LABELS + room * (x - low) / span for x in sorted((start, end)))
        colour = LEVEL if abs(end - start) < MIN_POINTS else LOWER if end < start else HIGHER
        top = 5 + ROW * i
        elements.append(
            f'<text x="{LABELS - 10}" y="{top + 17}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{left:.1f}" y="{top + 5}" width="{max(right - left, 2.0):.1f}" '
            f'height="{BAR}" fill="{colour}"/>'
            f'<text x="{WIDTH - 5}" y="{top + 17}" text-anchor="end">{figure}</text>'
        )
    return elements


def _label_from_step(step: Step) -> str:
    if step.contribution is None:
        return "all others"
    label = f"{step.contribution.characteristic} = {_format_value(step.contribution.value)}"
    return label if len(label) <= MAX_LABEL_CHARACTERS else label[: MAX_LABEL_CHARACTERS - 1] + "…"


def _format_value(value: FieldValue) -> str:
    if value is None:
        return "not given"
    return value if isinstance(value, str) else f"{value:,.6g}"


def _format_points(step: Step) -> str:
    text = f"{step.points:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text
