"""The grid: dates by phases, told by rows."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, g

from functions.dashboard.pages.page import answer_of_query, render_live
from shared.core.clock import new_york_date
from shared.operations.actions.runs import phases
from shared.operations.status.model import TROUBLE, Cell, Grid, Verdict

# Nothing is there to be started again.
_NOT_STARTED = (Verdict.NOT_DUE, Verdict.NOTHING_TO_DO, Verdict.LEFT_OUT)


def add_routes(pages: Blueprint) -> None:
    """The route of the grid."""

    @pages.get("/grid")
    def grid() -> Response:
        found: Grid = answer_of_query("grid")
        first, last = found.days[0].game_date, found.days[-1].game_date
        restartable = phases(g.pipeline)
        return render_live(
            "grid",
            is_running=found.is_running,
            grid=found,
            days=tuple(reversed(found.days)),
            before=first - timedelta(days=1),
            after=last + timedelta(days=len(found.days)),
            last=last,
            today=new_york_date(found.asked_at),
            starts={
                (cell.game_date, cell.phase): phase
                for day in found.days
                for cell in day.cells
                if (phase := _start_of(cell)) in restartable
            },
        )


def _start_of(cell: Cell) -> str | None:
    """The phase that a tick on the cell starts again: of what is short the one that mends it."""
    if cell.verdict in TROUBLE:
        return cell.rerun
    return None if cell.verdict in _NOT_STARTED else cell.phase
