"""Charts as geometry: where bars, lines and ticks lie; charts.html draws them as SVG.

Every chart stands beside a table of the same figures, so it says nothing that the table does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 14, 46
TICKS = 4
# Labels below the axis that can be read side by side.
MOST_LABELS = 12


@dataclass(frozen=True)
class Tick:
    """A place on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """A bar; `is_over`: beyond the target."""

    x: float
    y: float
    width: float
    height: float
    is_over: bool


@dataclass(frozen=True)
class Line:
    """A series: polylines, one for each stretch without a gap, and its dots."""

    name: str
    kind: int
    """1 to 3: how it is drawn."""
    stretches: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Chart:
    """A chart of WIDTH by HEIGHT."""

    title: str
    unit: str
    values: tuple[Tick, ...]
    """Of the vertical axis."""
    labels: tuple[Tick, ...]
    """Of the horizontal one."""
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    target: float | None = None
    """Where the line of the target lies."""

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True)
class _Scale:
    """Values on the vertical axis."""

    least: float
    most: float

    def y(self, value: float) -> float:
        share = (value - self.least) / (self.most - self.least)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    def ticks(self) -> tuple[Tick, ...]:
        step = (self.most - self.least) / TICKS
        return tuple(Tick(self.y(self.least + n * step), _write(self.least + n * step)) for n in range(TICKS + 1))


def draw_bars(
    title: str, unit: str, values: Sequence[tuple[str, float | None]], target: float | None = None
) -> Chart | None:
    """A bar for each label, oldest first; None where there is nothing to draw."""
    known = [value for _, value in values if value is not None]
    if not known:
        return None
    scale = _Scale(0.0, _round_up(max(*known, target or 0.0, 0.0)))
    slot = (WIDTH - LEFT - RIGHT) / len(values)
    bars = [
        Bar(
            x=round(LEFT + place * slot + slot * 0.15, 1),
            y=scale.y(value),
            width=round(slot * 0.7, 1),
            height=round(scale.y(0.0) - scale.y(value), 1),
            is_over=target is not None and value > target,
        )
        for place, (_, value) in enumerate(values)
        if value is not None
    ]
    return Chart(
        title=title,
        unit=unit,
        values=scale.ticks(),
        labels=_labels([label for label, _ in values], slot),
        bars=tuple(bars),
        target=None if target is None else scale.y(target),
    )


def draw_lines(
    title: str,
    unit: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    *,
    from_zero: bool = True,
) -> Chart | None:
    """At most three series over the same labels, oldest first; None where there is nothing to
    draw.
    """
    known = [value for _, values in series for value in values if value is not None]
    if not known:
        return None
    least = 0.0 if from_zero else math.floor(min(known) * 2) / 2
    top = _round_up(max(known)) if from_zero else math.ceil(max(known) * 2) / 2
    scale = _Scale(least, top if top > least else least + 1)
    slot = (WIDTH - LEFT - RIGHT) / len(labels)
    return Chart(
        title=title,
        unit=unit,
        values=scale.ticks(),
        labels=_labels(labels, slot),
        lines=tuple(_line(name, kind, values, scale, slot) for kind, (name, values) in enumerate(series, 1)),
    )


def _line(name: str, kind: int, values: Sequence[float | None], scale: _Scale, slot: float) -> Line:
    stretches: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((round(LEFT + (place + 0.5) * slot, 1), scale.y(value)))
    return Line(
        name=name,
        kind=kind,
        stretches=tuple(" ".join(f"{x},{y}" for x, y in stretch) for stretch in stretches if len(stretch) > 1),
        dots=tuple(point for stretch in stretches for point in stretch),
    )


def _labels(labels: Sequence[str], slot: float) -> tuple[Tick, ...]:
    every = math.ceil(len(labels) / MOST_LABELS)
    # counted from the newest, which always has its label
    return tuple(
        Tick(round(LEFT + (place + 0.5) * slot, 1), label)
        for place, label in enumerate(labels)
        if (len(labels) - 1 - place) % every == 0
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 8 times a power of ten: a quarter of it is short to write."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(each * power for each in (1, 2, 4, 8, 10) if each * power >= value))


def _write(value: float) -> str:
    return f"{value:.6g}"
