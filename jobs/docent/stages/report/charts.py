"""Place numbers on chart axes; the template `charts.svg.j2` draws them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from docent.stages.report.inputs.training import Point
from docent.stages.report.sentences.amounts import thousands
from docent.tables import ArmFamily

# One shape per family, centred on (0, 0), so that the chart can be read without telling colours apart.
MARKS: dict[ArmFamily, str] = {
    "tuned": "M0-7 7 0 0 7-7 0Z",
    "base": "M-5.5-5.5H5.5V5.5H-5.5Z",
    "look-up": "M0-6.5 6.5 5H-6.5Z",
    "floor": "M0-5.5A5.5 5.5 0 1 1 0 5.5 5.5 5.5 0 1 1 0-5.5Z",
}
# Room for half a mark and half a tick label at both ends of a strip.
EDGE = 4.0


@dataclass(frozen=True)
class Axis:
    """A linear scale from `low` to `high` with round ticks, labelled in percent if `percent` is set."""

    low: float
    high: float
    ticks: tuple[float, ...]
    percent: bool = False

    def place(self, value: float) -> float:
        """Return the position of a value on the axis, from 0 to 100; values off the scale are clamped to its ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def inset(self, value: float) -> str:
        """Return the position of a value as an SVG percentage, with room for EDGE at both ends of the strip."""
        return f"{EDGE + self.place(value) * (100 - 2 * EDGE) / 100:.2f}%"

    def label(self, tick: float) -> str:
        """Return the text of a tick label."""
        if self.percent:
            return f"{tick * 100:g}\N{NO-BREAK SPACE}%"
        return f"{tick:.6g}".replace("-", "−")


def axis_for(values: Iterable[float], percent: bool = False, from_zero: bool = True) -> Axis:
    """Choose an axis with round ticks that covers all finite values.

    Args:
        values: the values to show; infinite and missing (NaN) ones are ignored.
        percent: whether the values are shares. If all are from 0 to 1, the axis runs from 0 to 100 %.
        from_zero: whether the axis includes zero.
    """
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


def loss_axes(train: Sequence[Point], validation: Sequence[Point]) -> tuple[Axis, Axis]:
    """Return the axes of a training curve: steps, and loss."""
    points = [*train, *validation]
    steps = axis_for((x for x, _ in points), from_zero=True)
    return steps, axis_for((y for _, y in points), from_zero=False)


def drawings() -> Any:
    """Load the macros of `charts.svg.j2`: mark, forest_strip, forest_axis, bar, curve, curve_losses, curve_steps."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.globals.update(MARKS=MARKS, isfinite=math.isfinite, loss_axes=loss_axes, thousands=thousands)
    return environment.from_string(files(__package__).joinpath("charts.svg.j2").read_text(encoding="utf-8")).module
