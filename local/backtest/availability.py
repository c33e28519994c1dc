"""Who played, by his status on the injury list when he was forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from local.day.plan import DateSpan
from shared.stores.ports import Warehouse
from shared.stores.warehouse.sql import read_sql

TITLE = "who played, by his status at 17:30"
NOT_LISTED = "not_listed"
# From the worst; who is on no list comes last.
STATUSES = ("OUT", "DOUBTFUL", "QUESTIONABLE", "PROBABLE", "AVAILABLE", NOT_LISTED)
TESTED, HISTORY = "tested", "history"
HEADS = {TESTED: "tested days", HISTORY: "seasons before"}
Availability = Mapping[str, Sequence[Mapping[str, Any]]]


def read_availability(warehouse: Warehouse, spans: Sequence[DateSpan], first: date, last: date) -> Availability:
    """{status, n, played} by status, of the tested days and of the seasons before theirs in a
    world; nothing where there are no lists.

    `spans` are the world's days, a season each, oldest first.
    """
    before = [span for span in spans if span.last < first]
    return {
        TESTED: _read(warehouse, first, last),
        HISTORY: _read(warehouse, before[0].first, before[-1].last) if before else [],
    }


def _read(warehouse: Warehouse, first: date, last: date) -> list[dict[str, Any]]:
    found = warehouse.query(read_sql("local.backtest", "availability"), {"first_date": first, "last_date": last})
    return sorted(found.to_pylist(), key=lambda row: STATUSES.index(row["status"]))


def rows_of(availability: Availability) -> list[dict[str, str]]:
    """A row of text for each status there is: how many there were, and how many of them played."""
    found = {(when, row["status"]): row for when, rows in availability.items() for row in rows}
    rows = []
    for status in STATUSES:
        there = {when: found[when, status] for when in HEADS if (when, status) in found}
        if there:
            cells = {head: _cell(there.get(when)) for when, head in HEADS.items()}
            rows.append({"status": status.replace("_", " "), **cells})
    return rows


def _cell(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else f"{row['played'] / row['n']:.2%} of {row['n']:,}"
