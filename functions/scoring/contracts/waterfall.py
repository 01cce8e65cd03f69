"""An explanation as a picture: a waterfall from the base's score to the application's.

One SVG without script, style sheet or reference to anything outside. Whoever cannot see it hears
the same from its title and description; whoever cannot tell the colours apart reads the signs.
"""

from collections.abc import Sequence
from html import escape

from models.explaining.explanation import Explanation, FieldValue, Step, waterfall

MOST_BARS = 10
MOST_LETTERS = 44  # of a label
WIDTH, LABELS, FIGURES, ROW, BAR = 760, 330, 60, 26, 16  # pixels
LEAST = 0.05  # points: less is shown as 0.0
LOWER, HIGHER, LEVEL = "#b3261e", "#1b6e3c", "#4a4a4a"
STARTS = {"reference": "the reference", "training_mean": "the mean of the training rows"}


def svg_from(explanation: Explanation) -> str:
    """Draw the strongest contributions, the others in one bar, and where they start and end."""
    steps = waterfall(explanation, MOST_BARS)
    base, total = explanation.base.credit_score, explanation.total.credit_score
    start = STARTS[explanation.base_of]
    rows = [
        (start, base, base, f"{base:.1f}"),
        *((_label(step), step.start, step.end, _signed(step)) for step in steps),
        ("this application", total, total, f"{total:.1f}"),
    ]
    title = f"How the credit score of {total:.1f} comes about"
    told = "; ".join(f"{_label(step)}: {_signed(step)}" for step in steps)
    height = ROW * len(rows) + 10
    named = f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="13"'
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {named}>',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(f'From {base:.1f} points, {start}, in points. {told}.')}</desc>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            *_drawn(rows),
            "</svg>",
        ]
    )


def _drawn(rows: Sequence[tuple[str, float, float, str]]) -> list[str]:
    """Each row's label, bar and figure, all on one scale of points."""
    ends = [end for _, *both, _ in rows for end in both]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0
    room = WIDTH - LABELS - FIGURES - 10
    drawn = []
    for i, (label, start, end, figure) in enumerate(rows):
        left, right = (LABELS + room * (x - low) / span for x in sorted((start, end)))
        colour = LEVEL if abs(end - start) < LEAST else LOWER if end < start else HIGHER
        top = 5 + ROW * i
        drawn.append(
            f'<text x="{LABELS - 10}" y="{top + 17}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{left:.1f}" y="{top + 5}" width="{max(right - left, 2.0):.1f}" '
            f'height="{BAR}" fill="{colour}"/>'
            f'<text x="{WIDTH - 5}" y="{top + 17}" text-anchor="end">{figure}</text>'
        )
    return drawn


def _label(step: Step) -> str:
    if step.contribution is None:
        return "all others"
    told = f"{step.contribution.characteristic} = {_told(step.contribution.value)}"
    return told if len(told) <= MOST_LETTERS else told[: MOST_LETTERS - 1] + "…"


def _told(value: FieldValue) -> str:
    if value is None:
        return "not given"
    return value if isinstance(value, str) else f"{value:,.6g}"


def _signed(step: Step) -> str:
    return f"{step.points:+.1f}".replace("-", "\N{MINUS SIGN}")
