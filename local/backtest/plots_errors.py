"""Plots of errors beside the line: by how high the line is, and over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isinf
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from local.backtest.drawing import BOOK, FAINT, blank, colour, stroke
from shared.nba.stats import STATS
from shared.science.evaluation import DayBootstrap, Floats, Scored, mean_absolute_error, rolling_mean
from shared.science.evaluation.over_time import WINDOW_DAYS

FEWEST_POINTS = 2  # of a curve
# In what a usual player has: below it are role players, from two and a half times it on the stars
# (of points 10, 15, 20, 25).
LINES = (0.0, 1.0, 1.5, 2.0, 2.5, inf)


def by_line(systems: Sequence[Scored], seed: int) -> Figure:
    """Left: the error of each system and of the line by bucket of the line.

    Right: the difference, with intervals.
    """
    figure, (left, right) = blank(2, height=4.8)
    bounds = [each * STATS[systems[0].stat].usual for each in LINES]
    inside = [(systems[0].line >= start) & (systems[0].line < end) for start, end in pairwise(bounds)]
    used = [i for i, rows in enumerate(inside) if rows.any()]
    places = np.arange(len(used), dtype=np.float64)
    first = systems[0]
    errors = [mean_absolute_error(first.line[inside[i]], first.actual[inside[i]]) for i in used]
    left.plot(places, np.array(errors, dtype=np.float64), color=BOOK, marker="s", markersize=5, label="line", zorder=5)
    right.axhline(0, color=BOOK, linewidth=1.5)
    apart = np.linspace(-0.32, 0.32, len(systems)) if len(systems) > 1 else np.zeros(1)
    for scored, shift in zip(systems, apart, strict=True):
        look: dict[str, Any] = {"color": colour(scored), "marker": "o" if scored.market else "D", "markersize": 4.0}
        errors = [mean_absolute_error(scored.predicted[inside[i]], scored.actual[inside[i]]) for i in used]
        left.plot(places, np.array(errors, dtype=np.float64), linestyle=stroke(scored), linewidth=1.1, **look)
        difference, low, high = _differences(scored, [inside[i] for i in used], seed)
        right.errorbar(
            places + shift,
            difference,
            yerr=[difference - low, high - difference],
            linestyle="none",
            elinewidth=1.2,
            markerfacecolor=colour(scored) if scored.market else "white",
            label=scored.label,
            **look,
        )
    names = [f"{_bucket(bounds[i], bounds[i + 1])}\nn = {int(inside[i].sum()):,}" for i in used]
    for axis in (left, right):
        axis.set_xticks(places, names)
        axis.set_xlabel(f"line, {first.stat}")
    left.set(ylabel=f"mean absolute error, {first.stat}", title=f"Error by line, n = {_count_known(first):,}")
    left.legend(loc="upper left")
    right.set(ylabel=f"system − line, {first.stat}", title="Difference to the line, bars: 95% over days")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _differences(scored: Scored, buckets: Sequence[np.ndarray], seed: int) -> tuple[Floats, Floats, Floats]:
    days = DayBootstrap(scored.day, seed)
    found = []
    for rows in buckets:
        values = np.where(rows, scored.line_difference, np.nan)
        mean = float(np.nanmean(values)) if (~np.isnan(values)).any() else np.nan
        found.append((mean, *(days.mean_interval(values) or (mean, mean))))
    means, lows, highs = np.array(found).T
    return means, lows, highs


def lasts(systems: Sequence[Scored], seed: int) -> bool:
    """Whether a system has a curve over time: means that end on two days at least.

    A short backtest has none.
    """
    curves = (rolling_mean(each.line_difference, DayBootstrap(each.day, seed)) for each in systems)
    return any(len(curve.day) >= FEWEST_POINTS for curve in curves)


def over_time(systems: Sequence[Scored], main: Sequence[Scored], seed: int) -> Figure:
    """Rolling difference to the line of all systems; those of `main` with the bootstrap's band."""
    figure, (axis,) = blank(1, height=4.4)
    axis.axhline(0, color=BOOK, linewidth=1.5)
    for scored in systems:
        chief = scored in main
        curve = rolling_mean(scored.line_difference, DayBootstrap(scored.day, seed))
        width, order = (2.4, 4) if chief else (1.0, 3)
        axis.plot(
            curve.day,
            curve.value,
            color=colour(scored),
            linestyle=stroke(scored),
            label=scored.label,
            linewidth=width,
            zorder=order,
        )
        if chief:
            axis.fill_between(curve.day, curve.low, curve.high, color=colour(scored), alpha=0.13, linewidth=0)
    axis.set(
        title=f"Difference to the line over {WINDOW_DAYS} days, n = {_count_known(systems[0]):,}; bands: 95% over days",
        xlabel=f"last of the {WINDOW_DAYS} days",
        ylabel=f"error of system − error of line, {systems[0].stat}",
    )
    axis.annotate("nearer than the line below 0", (0.005, 0.02), xycoords="axes fraction", color=FAINT, fontsize=9)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _count_known(scored: Scored) -> int:
    return int((~np.isnan(scored.line_difference)).sum())


def _bucket(start: float, end: float) -> str:
    if start == 0:
        return f"under {end:g}"
    return f"{start:g} and more" if isinf(end) else f"{start:g} to {end:g}"
