"""The plots of the report page, each with what it shows and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from local.backtest.drawing import apply_style, svg
from local.backtest.plots_errors import by_line, lasts, over_time
from local.backtest.plots_probability import calibration, calibration_of_others, fills_a_bin, pit
from local.backtest.plots_profit import days_with_profit, profit_curves
from shared.science.evaluation import Scored

ENSEMBLE = "ensemble_v1"


@dataclass(frozen=True)
class Plot:
    """A plot for the page: its heading, the <svg> element, and how to read it."""

    title: str
    image: str
    reading: str


def draw_lined(systems: Sequence[Scored], seed: int) -> list[Plot]:
    """All plots of one statistic's systems on the same rows with lines; [] without a system."""
    with apply_style():
        return list(_draw_lined(systems, seed)) if systems else []


def draw_unlined(systems: Sequence[Scored]) -> list[Plot]:
    """What can be shown without a line: the PIT histogram."""
    with apply_style():
        return list(_pit("all", _main(systems)))


def _draw_lined(systems: Sequence[Scored], seed: int) -> Iterator[Plot]:
    main = _main(systems)
    judged = [each for each in main if len(each.judged) and fills_a_bin(each)]
    others = [each for each in systems if each not in main and len(each.judged) and fills_a_bin(each)]
    if judged:
        yield _plot(
            main[0].stat,
            "calibration",
            "Calibration of P(over)",
            lambda: calibration(judged),
            "Of the rows where a probability was said, the share that went over. On the diagonal is calibrated; a "
            "flatter curve is too sure of itself, a steeper one too timid. Bins of five points with at least 25 rows.",
        )
    if others:
        yield _plot(
            main[0].stat,
            "calibration-others",
            "Calibration of the other systems",
            lambda: calibration_of_others(others),
            "As above: circles are the system, black squares the books.",
        )
    yield _plot(
        main[0].stat,
        "by-line",
        "Error by line",
        lambda: by_line(systems, seed),
        "Who has more is missed by more. On the right, below zero is nearer than the line; a bar that crosses zero "
        "does not tell the two apart. Hollow diamonds and dashes: without market.",
    )
    if lasts(systems, seed):
        yield _plot(
            main[0].stat,
            "over-time",
            "Error over time against the line",
            lambda: over_time(systems, main, seed),
            "Each point is the mean of the fourteen days that end there. Bands are for each day by itself, so one in "
            "twenty days leaves them by chance.",
        )
    betting = next((each for each in main if days_with_profit(each) > 1), None)
    if betting is not None:
        yield _plot(
            main[0].stat,
            "profit",
            f"Profit of {betting.label}",
            lambda: profit_curves(betting, seed),
            "The band is where the curve would have been had other days of the same kind been played. As long as it "
            "holds zero at the end, the profit is not told apart from luck. n counts bets as the table does, pushes "
            "apart; without a price nothing is won.",
        )
    yield from _pit("lined", main)


def _pit(rows: str, main: Sequence[Scored]) -> Iterator[Plot]:
    whole = [each for each in main if each.cdf is not None]
    if whole:
        yield _plot(
            whole[0].stat,
            f"pit-{rows}",
            "Calibration of the whole distribution (PIT)",
            lambda: pit(whole),
            "Flat is calibrated; chance keeps 95% of the bins between the dotted lines. A hump in the middle says the "
            "distributions are too wide, high ends too narrow, a slope that they lie too low (rising) or too high "
            "(falling).",
        )


def _main(systems: Sequence[Scored]) -> list[Scored]:
    """The ensemble, with market first; where there is none, the first system."""
    ensembles = sorted((each for each in systems if each.system == ENSEMBLE), key=lambda each: not each.market)
    return ensembles or list(systems[:1])


def _plot(stat: str, name: str, title: str, draw: Callable[[], Figure], reading: str) -> Plot:
    """`stat` is in the ids of the drawing, too: two statistics have the same plots."""
    heading = f"{title}: {stat}"
    return Plot(heading, svg(draw(), f"{stat}-{name}", f"{heading}. {reading}"), reading)
