"""Plots of probabilities: calibration of P(over) beside the books', and the PIT histogram of whole
distributions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from local.backtest.drawing import BOOK, FAINT, blank, colour
from shared.science.evaluation import (
    Z_95,
    Floats,
    Scored,
    calibration_bins,
    calibration_error,
    pit_histogram,
    probability_given_no_push,
    wilson_interval,
)

BINS = 20
# A bin with fewer rows has an interval wider than the picture.
ENOUGH_ROWS = 25
PIT_BINS = 20


def fills_a_bin(scored: Scored) -> bool:
    """Whether its calibration has a point to show: a bin with enough rows.

    A short backtest may have none.
    """
    judged = scored.judged
    binned = calibration_bins(judged.p_over, np.nan_to_num(judged.p_push), judged.over, BINS)
    return bool((binned.count >= ENOUGH_ROWS).any())


def calibration(systems: Sequence[Scored]) -> Figure:
    """Draw reliability diagrams side by side, with the bookmaker's no-vig curve; below, how often
    P(over) comes.
    """
    figure, axes = blank(len(systems), rows=2, height=6.2, sharex=True, height_ratios=[4, 1])
    low, high = _range(systems)
    for scored, above, below in zip(systems, axes[: len(systems)], axes[len(systems) :], strict=True):
        _reliability(above, scored)
        probability = probability_given_no_push(scored.judged.p_over, np.nan_to_num(scored.judged.p_push))
        below.hist(probability, bins=np.linspace(0, 1, BINS + 1).tolist(), color=colour(scored), alpha=0.75)
        above.set(xlim=(low, high), ylim=(low, high))
        below.set_xlabel("P(over) said, given no push")
    axes[0].set_ylabel("share that went over")
    axes[len(systems)].set_ylabel("rows")
    axes[0].legend(loc="upper left")
    return figure


def calibration_of_others(systems: Sequence[Scored]) -> Figure:
    """The same, small, without the counts."""
    columns = min(5, len(systems))
    rows = -(-len(systems) // columns)
    figure, axes = blank(columns, rows=rows, height=2.9 * rows, sharex=True, sharey=True)
    for scored, axis in zip(systems, axes, strict=False):
        _reliability(axis, scored, small=True)
    low, high = _range(systems)
    axes[0].set(xlim=(low, high), ylim=(low, high))
    for unused in axes[len(systems) :]:
        unused.set_visible(False)
    figure.supxlabel("P(over) said, given no push", fontsize=10)
    figure.supylabel("share that went over", fontsize=10)
    return figure


def _reliability(axis: Axes, scored: Scored, small: bool = False) -> None:
    judged = scored.judged
    push = np.nan_to_num(judged.p_push)
    axis.plot([0, 1], [0, 1], color=FAINT, linewidth=1, label="perfect")
    nothing = np.zeros(len(judged))
    _bars(axis, judged.book_p_over, nothing, judged.over, BOOK, "s", -0.004, "books, margin taken out")
    _bars(axis, judged.p_over, push, judged.over, colour(scored), "o", 0.004, "system, bars: 95% (Wilson)")
    error = calibration_error(judged.p_over, push, judged.over)
    label = "" if error is None else f"calibration error {error:.3f}"
    names = f"{scored.system}\n{'with' if scored.market else 'without'} market" if small else scored.label
    axis.set_title(f"{names}, n = {len(judged):,}\n{label}", fontsize=8.5 if small else None)


def _range(systems: Sequence[Scored]) -> tuple[float, float]:
    """Tenths that hold all points of the systems' curves."""
    seen = [0.4, 0.6]
    for scored in systems:
        binned = calibration_bins(scored.judged.p_over, np.nan_to_num(scored.judged.p_push), scored.judged.over, BINS)
        full = binned.count >= ENOUGH_ROWS
        seen += [*(binned.probability[full] / binned.count[full]), *(binned.overs[full] / binned.count[full])]
    return float(np.floor(min(seen) * 10.0) / 10.0), float(np.ceil(max(seen) * 10.0) / 10.0)


def _bars(
    axis: Axes, p_over: Floats, p_push: Floats, over: Floats, ink: str, mark: str, shift: float, name: str
) -> None:
    binned = calibration_bins(p_over, p_push, over, BINS)
    full = binned.count >= ENOUGH_ROWS
    if not full.any():
        return
    count, overs = binned.count[full], binned.overs[full]
    share = overs / count
    bounds = [wilson_interval(int(hits), int(rows)) or (0.0, 1.0) for hits, rows in zip(overs, count, strict=True)]
    low, high = np.array(bounds).T
    axis.errorbar(
        binned.probability[full] / count + shift,
        share,
        yerr=[share - low, high - share],
        color=ink,
        marker=mark,
        markersize=4.5,
        linewidth=1.2,
        elinewidth=1,
        label=name,
    )


def pit(systems: Sequence[Scored]) -> Figure:
    """PIT histograms: flat, within the dotted lines in 95% of bins, is what chance does to
    calibrated ones.
    """
    figure, axes = blank(len(systems), height=3.6 if len(systems) > 1 else 2.8, sharey=True)
    even = 100.0 / PIT_BINS
    for scored, axis in zip(systems, axes, strict=True):
        assert scored.cdf is not None
        shares = 100.0 * pit_histogram(scored.cdf, scored.actual, PIT_BINS)
        band = Z_95 * np.sqrt(even * (100.0 - even) / max(len(scored), 1))
        for height in (even - band, even + band):
            axis.axhline(height, color=BOOK, linewidth=1, linestyle=":", zorder=3)
        starts = np.arange(PIT_BINS) / PIT_BINS
        axis.bar(starts, shares, width=0.92 / PIT_BINS, align="edge", color=colour(scored), alpha=0.7)
        axis.set_title(f"{scored.label}, n = {len(scored):,}")
        axis.set(xlim=(0, 1), xlabel="where the results fell in the predicted distribution (0 lowest, 1 highest)")
    axes[0].set_ylabel("share of rows, %")
    return figure
