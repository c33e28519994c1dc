"""Accuracy: systems beside the line and the season average on the same rows."""

from __future__ import annotations

from flask import Blueprint, Response, request

from functions.dashboard.drawing import Chart, draw_lines
from functions.dashboard.pages.page import answer_of_query, render_live
from shared.nba.stats import POINTS
from shared.operations.accuracy.accuracy import Accuracy


def add_routes(pages: Blueprint) -> None:
    """The route of accuracy."""

    @pages.get("/accuracy")
    def accuracy() -> Response:
        stat = request.args.get("stat") or POINTS.name
        found: Accuracy = answer_of_query("accuracy", stat=stat)
        systems = sorted({each.system for each in found.weeks})
        # exports and picks are the ensemble's; a history from before it has another
        shown = next((each for each in systems if each.startswith("ensemble")), systems[-1] if systems else "")
        return render_live(
            "accuracy",
            accuracy=found,
            stat=stat,
            stats=found.stats if stat in found.stats else (stat, *found.stats),
            shown=shown,
            chart=_by_week(found, shown),
            weeks=list(reversed(found.weeks)),
            calibration=[each for each in found.calibration if each.system == shown],
            calibration_chart=_calibration(found, shown),
            given=request.args,
        )


def _by_week(found: Accuracy, system: str) -> Chart | None:
    weeks = [each for each in found.weeks if each.system == system]
    if not weeks:
        return None
    series = (
        (system, [each.mae for each in weeks]),
        ("the line", [each.line_mae for each in weeks]),
        ("season average", [each.season_average_mae for each in weeks]),
    )
    labels = [f"{each.starts_on:%m-%d}" for each in weeks]
    return draw_lines("Mean absolute error by week", weeks[0].stat, labels, series, from_zero=False)


def _calibration(found: Accuracy, system: str) -> Chart | None:
    bins = [each for each in found.calibration if each.system == system]
    if not bins:
        return None
    labels = [f"{each.bin * 10}–{each.bin * 10 + 10}%" for each in bins]
    series = (
        ("went over", [each.overs * 100 for each in bins]),
        ("said P(over)", [each.chance * 100 for each in bins]),
    )
    return draw_lines("Calibration", "% of predictions", labels, series)
