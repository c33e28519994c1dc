"""A cell, a batch, and a pick back to what it was made of."""

from __future__ import annotations

from flask import Blueprint, Response, g

from functions.dashboard.pages.page import answer_of, render, render_live
from functions.dashboard.pages.stat_choice import choose_stat
from shared.nba.stats import POINTS, place_of
from shared.operations.actions.mending import mending_of, mending_of_cell
from shared.operations.actions.runs import FAN_OUT, phases
from shared.operations.status.batch import BatchDetail
from shared.operations.status.cell import CellDetail
from shared.operations.status.lineage import Lineage
from shared.science.systems.error_codes import NOTHING_TO_SAY


def add_routes(pages: Blueprint) -> None:
    """Routes of what the grid leads to."""

    @pages.get("/dates/<game_date>/phases/<phase>")
    def cell(game_date: str, phase: str) -> Response:
        found: CellDetail = answer_of("cell", game_date=game_date, phase=phase)
        return render_live(
            "grid",
            "cell.html",
            is_running=found.cell.is_running,
            title=f"{found.cell.phase} of {found.cell.game_date}",
            detail=found,
            stats=sorted({stat for table in found.rows_by_stat for stat in table.rows}, key=place_of),
            cell=found.cell,
            mending=mending_of_cell(found.cell),
            incidents=[(each, mending_of(each)) for each in found.incidents],
            restartable=phase in phases(g.pipeline),
            can_run_alone=phase not in FAN_OUT,
            actions=answer_of("actions-of-date", game_date=game_date)["actions"],
        )

    @pages.get("/batches/<batch_id>")
    def batch(batch_id: str) -> Response:
        found: BatchDetail = answer_of("batch", batch_id=batch_id)
        return render_live(
            "grid",
            "batch.html",
            is_running=found.is_running,
            title=found.batch_id,
            batch=found,
        )

    @pages.get("/dates/<game_date>/players/<player>")
    def pick(game_date: str, player: str) -> str:
        found: Lineage = answer_of("lineage", game_date=game_date, player=player)
        choice = choose_stat((each.stat for each in found.predictions), first=POINTS.name)
        return render(
            "today",
            "pick.html",
            title=f"{found.player_lookup} on {found.game_date}",
            lineage=found,
            choice=choice,
            predictions=[each for each in found.predictions if choice.shows(each.stat)],
            lines=[each for each in found.lines if choice.shows(each.stat)],
            nothing_to_say=NOTHING_TO_SAY,
        )
