"""Pages: the same questions and actions as the API's, for people."""

from __future__ import annotations

from flask import Blueprint

from functions.dashboard.pages import (
    accuracy,
    actions,
    alerts,
    backfill,
    dates,
    grid,
    health,
    latency,
    queues,
    today,
)
from functions.dashboard.pages.page import PAGES, render

__all__ = ["PAGES", "create_pages", "render"]


def create_pages() -> Blueprint:
    """Routes of the pages."""
    pages = Blueprint("pages", __name__)
    for each in (today, grid, dates, queues, alerts, backfill, latency, accuracy, health, actions):
        each.add_routes(pages)
    return pages
