"""status.json: how the newest date's latest export went, and the latest one of each of the last
dates.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from functions.phase6_export.schema_check import is_valid, load

SCHEMA = "status"
# Today, tomorrow, and the days an operator looks back at.
DATES = 7
# What the top level says of its date; the rest of the header is of the latest export, whatever date
# that was about.
OF_THE_DATE = (
    "game_date",
    "generated_at",
    "batches",
    "sources",
    "status",
    "reason",
    "coverage",
    "files_written",
    "files_kept_newer",
)


def content(attempt: dict[str, Any], details: dict[str, Any], before: Any, today: date) -> dict[str, Any]:
    """The attempt (game_date, status, reason, generated_at) with its details, and the attempts
    before it by date.

    The top level is of the newest date that New York has reached (`today`), of one to come only
    where there is none: an attempt of another date only enters `dates`, and what the file says of
    its own date stays. The fields returned go over those of the header.
    """
    dates = [each for each in _entries(before) if each["game_date"] != attempt["game_date"]]
    newest_first = sorted([attempt, *dates], key=lambda each: str(each["game_date"]), reverse=True)[:DATES]
    top = {"status": attempt["status"], "reason": attempt["reason"], **details}
    if is_valid(before, SCHEMA) and _rank(before["game_date"], today) > _rank(attempt["game_date"], today):
        top = {name: before[name] for name in OF_THE_DATE}
    return {**top, "dates": newest_first}


def _rank(day: str, today: date) -> tuple[bool, str]:
    """Which date the top level is about: one that has come before one to come, then the newer; the
    higher wins.
    """
    has_come = day <= today.isoformat()
    return has_come, day if has_come else ""


def _entries(before: Any) -> list[dict[str, Any]]:
    """The entries of the file before, each for itself: a header of an older form takes none of them
    away.
    """
    match before:
        case {"dates": list(found)}:
            return [each for each in found if _entry().is_valid(each)]
    return []


@cache
def _entry() -> Draft202012Validator:
    return Draft202012Validator(load(SCHEMA)["properties"]["dates"]["items"])
