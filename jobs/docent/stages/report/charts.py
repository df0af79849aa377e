"""Draw charts as inline SVG whose letters stay readable at any width: all positions are percentages.

Reads numbers, writes markup. Colours come from the page's style sheet by class, so dark mode and print need no second
drawing. Every chart stands beside a table with the same numbers and is hidden from screen readers where it adds none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from docent.stages.report.inputs.training import Point
from docent.stages.report.sentences.amounts import thousands
from docent.stages.report.sentences.findings import Estimate
from docent.tables import Family

# One shape per family, drawn around (0, 0), so that nothing is said by colour alone.
MARKS: dict[Family, str] = {
    "tuned": "M0-7 7 0 0 7-7 0Z",
    "base": "M-5.5-5.5H5.5V5.5H-5.5Z",
    "look-up": "M0-6.5 6.5 5H-6.5Z",
    "floor": "M0-5.5A5.5 5.5 0 1 1 0 5.5 5.5 5.5 0 1 1 0-5.5Z",
}
STRIP_HEIGHT_PX = 36
AXIS_HEIGHT_PX = 22
# Room for half a mark and half a tick label at both ends of a strip.
EDGE = 4.0


@dataclass(frozen=True)
class Axis:
    """A linear scale from low to high with round ticks; `percent` labels them as shares."""

    low: float
    high: float
    ticks: tuple[float, ...]
    percent: bool = False

    def place(self, value: float) -> float:
        """Return a position between 0 and 100; values off the scale stick to its ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def inset(self, value: float) -> str:
        """Return the same as an SVG length inside the edges of a strip."""
        return f"{EDGE + self.place(value) * (100 - 2 * EDGE) / 100:.2f}%"

    def label(self, tick: float) -> str:
        """Write a tick for people."""
        if self.percent:
            return f"{tick * 100:g}\N{NO-BREAK SPACE}%"
        return f"{tick:.6g}".replace("-", "−")


def axis_for(values: Iterable[float], percent: bool = False, from_zero: bool = True) -> Axis:
    """Choose an axis with round ticks that holds all finite values; shares from 0 to 1 always run from 0 to 100 %."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    if percent and low >= 0 and high <= 1:
        return Axis(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), True)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):  # no span worth dividing
        high = low + 1.0
    step = _round_step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(step * i for i in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks, percent)


def _round_step(rough: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= rough * (1 - 1e-9))


def mark(family: Family) -> Markup:
    """Draw the family's mark alone, for legends and table rows."""
    return Markup('<svg class="mark {0}" width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">'
                  '<path d="{1}"/></svg>').format(_class(family), MARKS[family])  # fmt: skip


def forest_strip(estimate: Estimate, axis: Axis, family: Family, reference: float | None = None) -> Markup:
    """Draw a row of a forest plot: the 95 % interval as a line, the mean as the family's mark, the reference dashed."""
    parts = [_upright("grid", axis.inset(tick), "0", "100%") for tick in axis.ticks]
    if reference is not None:
        parts.append(_upright("reference", axis.inset(reference), "0", "100%"))
    if math.isfinite(estimate.low + estimate.high):
        low, high = axis.inset(estimate.low), axis.inset(estimate.high)
        parts += [
            Markup('<line class="whisker" x1="{0}" x2="{1}" y1="50%" y2="50%"/>').format(low, high),
            _upright("whisker", low, "38%", "62%"),
            _upright("whisker", high, "38%", "62%"),
        ]
    parts.append(
        Markup('<svg class="dot" x="{0}" y="50%" overflow="visible"><path d="{1}"/></svg>').format(
            axis.inset(estimate.mean), MARKS[family]
        )
    )
    return _strip(parts, f"forest {_class(family)}", STRIP_HEIGHT_PX)


def forest_axis(axis: Axis, reference: float | None = None, reference_label: str = "") -> Markup:
    """Draw the scale under the rows of a forest plot, with the reference named above it."""
    parts = []
    if reference is not None and reference_label:
        parts.append(
            Markup('<text class="reference-label" x="{0}" y="11" text-anchor="{1}">{2}</text>').format(
                axis.inset(reference), _anchor(axis.place(reference)), reference_label
            )
        )
    top = 26 if parts else 14
    for place, tick in enumerate(axis.ticks):
        # On a telephone the style sheet leaves out every second label.
        parts.append(
            Markup('<text class="{0}" x="{1}" y="{2}" text-anchor="middle">{3}</text>').format(
                "minor" if place % 2 else "major", axis.inset(tick), top, axis.label(tick)
            )
        )
    return _strip(parts, "axis", top + 8)


def bar(share: float, kind: str = "plain") -> Markup:
    """Draw a horizontal bar that fills `share` of its track, 0 to 1."""
    width = round(100 * min(max(share, 0.0), 1.0), 2)
    parts = [
        Markup('<rect class="track" width="100%" height="100%" rx="2"/>'),
        Markup('<rect class="fill" width="{0}%" height="100%" rx="2"/>').format(width),
    ]
    return _strip(parts, f"bar {_class(kind)}", 12)


def loss_axes(train: Sequence[Point], validation: Sequence[Point]) -> tuple[Axis, Axis]:
    """Choose the axes of a training curve: steps and loss."""
    points = [*train, *validation]
    steps = axis_for((x for x, _ in points), from_zero=True)
    return steps, axis_for((y for _, y in points), from_zero=False)


def curve(train: Sequence[Point], validation: Sequence[Point], best_step: int | None) -> Markup:
    """Draw training loss as a thin line, validation loss as a thick one with marks, the kept step as a dashed line.

    The lines stretch with the page (their width does not); the letters live in `curve_scale` beside it.
    """
    steps, losses = loss_axes(train, validation)
    grid = [
        Markup('<line class="grid" x1="0" x2="100%" y1="{0}%" y2="{0}%"/>').format(round(100 - losses.place(tick), 2))
        for tick in losses.ticks
    ]
    lines = Markup('<svg viewBox="0 0 100 100" preserveAspectRatio="none" overflow="visible">{0}{1}</svg>').format(
        _polyline(train, steps, losses, "train"), _polyline(validation, steps, losses, "validation")
    )
    dots = [
        Markup('<circle class="evaluation" cx="{0}%" cy="{1}%" r="3.5"/>').format(
            steps.place(x), round(100 - losses.place(y), 2)
        )
        for x, y in validation
    ]
    best: list[Markup] = []
    if best_step is not None:
        place = steps.place(best_step)
        best = [
            Markup('<line class="best" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>').format(place),
            Markup('<text class="best-label" x="{0}%" dx="{1}" y="12" text-anchor="{2}">kept: step {3}</text>').format(
                place, 6 if place < 50 else -6, "start" if place < 50 else "end", thousands(best_step)
            ),
        ]
    return _strip([*grid, lines, *best, *dots], "curve", 220)


def curve_scale(train: Sequence[Point], validation: Sequence[Point]) -> tuple[Markup, Markup]:
    """Draw the letters of a training curve: losses (a column to its left) and steps (a row below it)."""
    steps, losses = loss_axes(train, validation)
    left = [
        Markup('<text x="100%" dx="-8" y="{0}%" dy="4" text-anchor="end">{1}</text>').format(
            round(100 - losses.place(tick), 2), losses.label(tick)
        )
        for tick in losses.ticks
    ]
    below = [
        Markup('<text x="{0}%" y="15" text-anchor="{1}">{2}</text>').format(
            steps.place(tick), _anchor(steps.place(tick)), steps.label(tick)
        )
        for tick in steps.ticks
    ]
    return _strip(left, "scale", 220), _strip(below, "scale", AXIS_HEIGHT_PX)


def _polyline(points: Sequence[Point], steps: Axis, losses: Axis, kind: str) -> Markup:
    if not points:
        return Markup("")
    text = " ".join(f"{steps.place(x):g},{100 - losses.place(y):.2f}" for x, y in points)
    return Markup('<polyline class="{0}" points="{1}" vector-effect="non-scaling-stroke"/>').format(kind, text)


def _upright(kind: str, x: str, top: str, bottom: str) -> Markup:
    return Markup('<line class="{0}" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>').format(kind, x, top, bottom)


def _anchor(place: float) -> str:
    return "start" if place < 8 else "end" if place > 92 else "middle"


def _class(name: str) -> str:
    """Make a style-sheet class of a name of this package: `look-up` stays, spaces go."""
    return f"is-{name.replace(' ', '-')}"


def _strip(parts: Sequence[Markup], kind: str, height_px: int) -> Markup:
    return Markup('<svg class="{0}" width="100%" height="{1}" aria-hidden="true" focusable="false">{2}</svg>').format(
        kind, height_px, Markup("").join(parts)
    )
