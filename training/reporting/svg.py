"""Charts as inline SVG whose colours are the page's classes, so that they follow its colour scheme.

No style stands in an element: a page with a strict content security policy shows them all.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

WIDTH, HEIGHT = 460, 300
SMALL_WIDTH, SMALL_HEIGHT = 350, 230
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 12, 44
TICKS = 5
LEGEND_LINE = 17
CHARACTER = 6.4  # mean width of a character of a legend

Points = Sequence[tuple[float, float]]
Label = Callable[[float], str]
Corner = Literal["top left", "top right", "bottom left", "bottom right"]


def per_cent(value: float) -> str:
    """Write a share as a percentage, with as few digits as tell ticks apart."""
    return f"{100 * value:.3g} %"


def plain(value: float) -> str:
    """Write a number with thousands separators and at most four digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 -- thousands


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One direction of a chart: its range, its title and how its ticks are written."""

    low: float
    high: float
    title: str
    label: Label = plain
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value is between the ends, from 0 to 1."""
        low, high, x = self.low, self.high, value
        if self.is_log:
            low, high, x = math.log(low), math.log(high), math.log(max(x, low))
        return (x - low) / (high - low) if high > low else 0.5

    def ticks(self) -> list[float]:
        """Return round values between the ends."""
        return _ticks_of_decades(self.low, self.high) if self.is_log else self._linear_ticks()

    def _linear_ticks(self) -> list[float]:
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        rough = span / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(i * step, 12) for i in range(first, last + 1)]


def _ticks_of_decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = range(first, last + 1)
    marks = (1, 2, 5) if last - first <= 2 else (1,)  # noqa: PLR2004 -- few decades need more marks
    ticks = [mark * 10.0**power for power in decades for mark in marks]
    return [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]


@dataclass(frozen=True, slots=True)
class Chart:
    """A pair of axes that places marks; `alternative` is the text for those who cannot see it."""

    x: Axis
    y: Axis
    alternative: str
    width: int = WIDTH
    height: int = HEIGHT

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point in the picture."""
        across = LEFT + (self.width - LEFT - RIGHT) * self.x.share(x)
        down = self.height - BOTTOM - (self.height - TOP - BOTTOM) * self.y.share(y)
        return round(across, 1), round(down, 1)

    def line(self, points: Points, css: str) -> str:
        """Draw a line through points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in (self.at(*p) for p in points))
        return f'<polyline class="{css}" points="{path}"/>'

    def dots(self, points: Points, css: str) -> str:
        """Draw a dot at each point."""
        centers = (self.at(*p) for p in points)
        return "".join(f'<circle class="{css}" cx="{x:g}" cy="{y:g}" r="3.2"/>' for x, y in centers)

    def ranges(self, ranges: Sequence[tuple[float, float, float]], css: str) -> str:
        """Draw a vertical bar from `low` to `high` at each `(x, low, high)`."""
        lines = ((self.at(x, low), self.at(x, high)) for x, low, high in ranges)
        return "".join(
            f'<line class="{css}" x1="{a[0]:g}" y1="{a[1]:g}" x2="{b[0]:g}" y2="{b[1]:g}"/>'
            for a, b in lines
        )

    def columns(self, edges: Sequence[float], heights: Sequence[float], css: str) -> str:
        """Draw the columns of a histogram from the bottom."""
        drawn = []
        for low, high, height in zip(edges, edges[1:], heights, strict=False):
            (left, top), (right, bottom) = self.at(low, height), self.at(high, self.y.low)
            if bottom > top:
                drawn.append(_rectangle(css, (left, top), (right - left, bottom - top)))
        return "".join(drawn)

    def mark(self, x: float, text: str, line: int) -> str:
        """Draw a vertical line across the chart, with a text in one of several lines at its top."""
        across, bottom = self.at(x, self.y.low)
        anchor = "end" if across > self.width / 2 else "start"
        shift = -4 if anchor == "end" else 4
        return (
            f'<line class="mark" x1="{across:g}" y1="{TOP}" x2="{across:g}" y2="{bottom:g}"/>'
            f'<text class="hint" x="{across + shift:g}" y="{TOP + 10 + 15 * line}" '
            f'text-anchor="{anchor}">'
            f"{escape(text)}</text>"
        )

    def legend(self, entries: Sequence[tuple[str, str]], corner: Corner) -> str:
        """Draw `(css, text)` entries in a corner."""
        width = 26 + CHARACTER * max(len(text) for _, text in entries)
        left = LEFT + 10 if "left" in corner else self.width - RIGHT - width
        height = LEGEND_LINE * len(entries)
        top = TOP + 14 if "top" in corner else self.height - BOTTOM - height - 2
        drawn = []
        for index, (css, text) in enumerate(entries):
            y = top + LEGEND_LINE * index + 6
            key = f'<line class="{css}" x1="{left:g}" y1="{y:g}" x2="{left + 18:g}" y2="{y:g}"/>'
            if css.startswith("dot"):
                key = f'<circle class="{css}" cx="{left + 9:g}" cy="{y:g}" r="4"/>'
            drawn.append(f'{key}<text x="{left + 24:g}" y="{y + 4:g}">{escape(text)}</text>')
        return "".join(drawn)

    def draw(self, *marks: str) -> str:
        """Draw the axes with marks in them."""
        grid = "".join((*map(self._x_tick, self.x.ticks()), *map(self._y_tick, self.y.ticks())))
        middle = LEFT + (self.width - LEFT - RIGHT) / 2
        center = TOP + (self.height - TOP - BOTTOM) / 2
        titles = (
            f'<text class="title" x="{middle:g}" y="{self.height - 8}" text-anchor="middle">'
            f"{escape(self.x.title)}</text>"
            f'<text class="title" transform="translate(13 {center:g}) rotate(-90)" '
            f'text-anchor="middle">{escape(self.y.title)}</text>'
        )
        return _picture(self.width, self.height, self.alternative, grid + "".join(marks) + titles)

    def _x_tick(self, value: float) -> str:
        across, bottom = self.at(value, self.y.low)
        return (
            f'<text class="tick" x="{across:g}" y="{bottom + 16:g}" text-anchor="middle">'
            f"{escape(self.x.label(value))}</text>"
        )

    def _y_tick(self, value: float) -> str:
        right, down = self.width - RIGHT, self.at(self.x.low, value)[1]
        return (
            f'<line class="grid" x1="{LEFT}" y1="{down:g}" x2="{right}" y2="{down:g}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{down + 4:g}" text-anchor="end">'
            f"{escape(self.y.label(value))}</text>"
        )


def draw_bars(
    bars: Sequence[tuple[str, float]],
    title: str,
    alternative: str,
    label: Label = plain,
    least_width: int = SMALL_WIDTH,
) -> str:
    """Draw named horizontal bars, the first at the top, with their values."""
    gutter = 16 + CHARACTER * max((len(name) for name, _ in bars), default=1)
    largest = max((value for _, value in bars), default=1.0) or 1.0
    width = max(least_width, round(gutter + 190))
    room = width - gutter - 62
    drawn = []
    for index, (name, value) in enumerate(bars):
        y, length = 4 + 22 * index, room * max(value, 0.0) / largest
        drawn.append(
            f'<text x="{gutter - 8:g}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
            + _rectangle("bar", (gutter, y), (max(length, 0.5), 15))
            + f'<text class="tick" x="{gutter + length + 6:.1f}" y="{y + 12}">'
            f"{escape(label(value))}</text>"
        )
    height = 22 * len(bars) + 26
    heading = f'<text class="title" x="{gutter:g}" y="{height - 6}">{escape(title)}</text>'
    return _picture(width, height, alternative, "".join(drawn) + heading)


def draw_spark(rows: Sequence[int], bads: Sequence[int], alternative: str) -> str:
    """Draw a small histogram of rows, with the bads of each bar in another colour."""
    width, height = 120, 34
    most = max(rows, default=1) or 1
    step = width / max(len(rows), 1)
    drawn = []
    for index, (count, bad) in enumerate(zip(rows, bads, strict=True)):
        for css, value in (("bar", count), ("bad", bad)):
            size = height * value / most
            if size:
                drawn.append(
                    _rectangle(css, (index * step, height - size), (max(step - 1, 0.8), size))
                )
    return _picture(width, height, alternative, "".join(drawn), css="spark")


def _rectangle(css: str, corner: tuple[float, float], size: tuple[float, float]) -> str:
    (x, y), (width, height) = corner, size
    return (
        f'<rect class="{css}" x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}"/>'
    )


def _picture(width: int, height: int, alternative: str, body: str, css: str = "chart") -> str:
    return (
        f'<svg class="{css}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(alternative)}">{body}</svg>'
    )
