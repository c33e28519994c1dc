"""Phase 4's work: rolling figures, zones, composite factors and the feature store, one statement a
table.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.events import Event
from shared.science.features.names import FEATURE_STORE
from shared.stores.warehouse.sql import read_sql

PACKAGE = "functions.phase4_precompute"
BY_MOMENT = ("game_date", "features_as_of")
CACHE = "nba_precompute.player_daily_cache"
# In the order in which they read one another; the SQL files bear the tables' names.
TABLES = (
    CACHE,
    "nba_precompute.player_shot_zone_analysis",
    "nba_precompute.team_defense_zone_analysis",
    "nba_precompute.player_composite_factors",
    FEATURE_STORE,
)


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Write the features of everyone on the rosters of the run's dates: as many statements for a
    season as for a day.

    A run that begins here (no as_of in its message) computes the newest context that phase 3 has
    written once more. no_data where there is none; partial where rows were lost between the tables.
    """
    as_of = context.as_of if message.as_of is not None else _newest_context(context)
    if as_of is None:
        return _no_data(context, message)
    warehouse = context.runtime.warehouse
    params = {"as_of": as_of, "first_date": context.dates.first, "last_date": context.dates.last}
    rows: dict[str, int] = {}
    for table in TABLES:
        sql = read_sql(PACKAGE, table.partition(".")[2])
        rows[table] = warehouse.replace_partition(table, context.dates, sql, params, by=BY_MOMENT)
        if table == CACHE and not rows[table]:
            return _no_data(context, message)
    quality = {**params, "min_quality": context.runtime.settings.min_quality}
    figures = warehouse.query(read_sql(PACKAGE, "quality"), quality).to_pylist()[0]
    lost = rows[CACHE] - rows[FEATURE_STORE]
    metadata: dict[str, Any] = {"rows": rows, "features_as_of": as_of.isoformat(), **figures}
    reasons = [
        text
        for holds, text in (
            (lost, f"{lost} of {rows[CACHE]} players have no feature row: a team of theirs has no context"),
            (
                figures["rows_without_injury_report"] == figures["row_count"],
                "no team's injury list of the day is known: features of missing players are NULL",
            ),
            (not figures["rows_with_line"], "no player has a line"),
        )
        if holds
    ]
    return Outcome(
        "partial" if lost else "success",
        record_count=rows[FEATURE_STORE],
        records_failed=lost,
        reason="; ".join(reasons),
        output_table=FEATURE_STORE,
        metadata=metadata,
    )


def _newest_context(context: Context) -> datetime | None:
    params = {"as_of": context.as_of, "first_date": context.dates.first, "last_date": context.dates.last}
    newest: datetime | None = context.runtime.warehouse.query(read_sql(PACKAGE, "newest_context"), params).to_pylist()[
        0
    ]["features_as_of"]
    return newest


def _no_data(context: Context, message: PhaseMessage) -> Outcome:
    reason = f"phase 3 has no player context for {context.dates}"
    if message.status == "no_data" and message.reason:
        reason = f"{reason}: {message.reason}"
    elif message.as_of is None:
        reason = f"{reason}; publish the date to nba-phase3-trigger"
    return Outcome("no_data", output_table=FEATURE_STORE, reason=reason, event=Event.NO_PLAYER_CONTEXT)
