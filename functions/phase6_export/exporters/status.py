"""status.json: how the latest export went, and the latest one of each of the last dates."""

from __future__ import annotations

from typing import Any

from functions.phase6_export.schema_check import is_valid

SCHEMA = "status"
# Today, tomorrow, and the days an operator looks back at.
DATES = 7


def content(attempt: dict[str, Any], details: dict[str, Any], before: Any) -> dict[str, Any]:
    """The attempt (game_date, status, reason, generated_at) with its details, and the attempts before it by date."""
    earlier = before["dates"] if is_valid(before, SCHEMA) else []
    dates = [each for each in earlier if each["game_date"] != attempt["game_date"]]
    newest_first = sorted([attempt, *dates], key=lambda each: str(each["game_date"]), reverse=True)
    return {"status": attempt["status"], "reason": attempt["reason"], **details, "dates": newest_first[:DATES]}
