"""Who of a roster is predicted: the coordinator goes by it, and self_heal that looks for what is
missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.core.settings import Settings


def reason_to_leave_out(row: Mapping[str, Any], settings: Settings, now: datetime) -> str | None:
    """Why a roster player is not predicted; None: he is."""
    if row["tipoff_at"] <= now:
        return "tipped_off"
    if row["injury_status"] in ("OUT", "DOUBTFUL"):
        return str(row["injury_status"]).lower()
    if not row["games_known"] or row["minutes_l10"] is None:
        return "no_history"
    if row["minutes_l10"] < settings.min_minutes:
        return "low_minutes"
    if row["quality_score"] < settings.min_quality:
        return "low_quality"
    return None
