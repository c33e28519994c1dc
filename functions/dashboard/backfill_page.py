"""The page of backfills: begin one, and see how far each is."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from functions.dashboard.api import ask, query
from shared.operations.actions.backfills import BEGIN
from shared.operations.api.questions import question_of

TONES = {"done": "good", "failed": "bad", "running": "idle", "waiting": "idle", "nothing to do": "idle"}


def add_backfill(pages: Blueprint, render: Callable[..., str]) -> None:
    """The page's route; `render` is that of all pages."""

    @pages.get("/backfill")
    def backfill() -> str:
        question = question_of("backfills")
        found = ask(question, query(question.parameters))["backfills"]
        return render("backfill", backfills=found, parameters=BEGIN, tones=TONES)
