"""The page of backfills: begin one, and see how far each is."""

from __future__ import annotations

from flask import Blueprint

from functions.dashboard.pages.page import answer_of_query, render
from shared.operations.actions.backfills import BEGIN

TONES = {"done": "good", "failed": "bad", "running": "idle", "waiting": "idle", "nothing to do": "idle"}


def add_routes(pages: Blueprint) -> None:
    """The page's route."""

    @pages.get("/backfill")
    def backfill() -> str:
        found = answer_of_query("backfills")["backfills"]
        return render("backfill", backfills=found, parameters=BEGIN, tones=TONES)
