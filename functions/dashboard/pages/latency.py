"""Latency and slowdown: from games to grades, from triggers to exports, and what is slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request

from functions.dashboard.drawing import Chart, draw_bars, draw_lines
from functions.dashboard.pages.page import Asked, answer_of_query, render_live, try_asking
from shared.operations.latency.latency import Latency
from shared.operations.latency.stages import DATE, EXPORTED, GRADED, RUN, WeekLatency
from shared.operations.levels import Level

HOUR = 3_600


def add_routes(pages: Blueprint) -> None:
    """The route of latency and slowdown."""

    @pages.get("/latency")
    def latency() -> Response:
        found: Latency = answer_of_query("latency")
        slow: Asked[Any] = try_asking("slowdown")
        rows = slow.answer.rows if slow.answer else ()
        return render_live(
            "latency",
            latency=found,
            dates=list(reversed([each for each in found.dates if each.due])),
            runs=list(reversed([each for each in found.runs if each.is_whole])),
            chart=draw_bars(
                "From the last game's end to the last grade",
                "hours",
                [
                    (f"{each.game_date:%m-%d}", None if each.seconds is None else each.seconds / HOUR)
                    for each in found.dates
                    if each.due
                ],
                found.target_seconds / HOUR,
            ),
            week_charts=[chart for chart in (_by_week(found, DATE, GRADED), _by_week(found, RUN, EXPORTED)) if chart],
            slow=slow,
            attention=[each for each in rows if each.level is not Level.GREEN],
            fine=[each for each in rows if each.level is Level.GREEN],
            report=try_asking("report"),
            given=request.args,
        )


def _by_week(found: Latency, kind: str, stage: str) -> Chart | None:
    weeks = [each for each in reversed(found.weeks) if (each.kind, each.stage) == (kind, stage)]
    of_dates = kind == DATE
    series = (("p50", _scale(weeks, "p50", of_dates=of_dates)), ("p95", _scale(weeks, "p95", of_dates=of_dates)))
    title = "Last game to grades, by week" if of_dates else "Trigger to export, by week"
    labels = [f"{each.starts_on:%m-%d}" for each in weeks]
    return draw_lines(title, "hours" if of_dates else "seconds", labels, series) if labels else None


def _scale(weeks: Sequence[WeekLatency], name: str, *, of_dates: bool) -> list[float | None]:
    return [getattr(each, name) / (HOUR if of_dates else 1) for each in weeks]
