"""Grades a date: each current prediction against the box score, then every system's performance up to that date."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from functions.grading.performance import figures
from shared.context import Context, Outcome
from shared.errors import DataError
from shared.evaluation import alarms
from shared.messages import PhaseMessage
from shared.observability.alerts import alert
from shared.outbox import OutboxMessage
from shared.ports import DateRange
from shared.warehouse.sql import read_sql

PACKAGE = "functions.grading"
ACCURACY = "nba_predictions.prediction_accuracy"
PERFORMANCE = "nba_predictions.system_daily_performance"
ALERTS = "nba-alerts"
SUMMARY = ("n", "mae", "line_mae", "season_avg_mae", "hit_rate")


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Grade message.game_date; grading it again writes the same rows.

    Four warehouse calls whatever the number of games. Games without a final box score are left for a later grading
    (partial); a date without predictions is no_data. Figures too good to be true raise an alert.
    """
    if message.game_date is None:
        raise DataError(
            f"grading takes one game_date; the message has {message.from_date} to {message.to_date}.",
            next_step="publish one message per date.",
        )
    day = message.game_date
    warehouse = context.runtime.warehouse
    games = warehouse.query(read_sql(PACKAGE, "games"), {"game_date": day}).to_pylist()
    if not games:
        return Outcome("no_data", reason=f"there are no current predictions for {day}")
    pending = [game["game_id"] for game in games if game["state"] == "pending"]
    made_late = sum(game["made_late"] for game in games if game["state"] != "pending")
    metadata: dict[str, Any] = {"games": len(games), "games_pending": pending, "predictions_made_late": made_late}
    if len(pending) == len(games):
        reason = f"none of the {len(games)} games with predictions on {day} has a final box score"
        return Outcome("no_data", reason=reason, metadata=metadata)

    params = {"game_date": day, "graded_at": context.runtime.clock.now()}
    rows = warehouse.replace_partition(ACCURACY, DateRange(day, day), read_sql(PACKAGE, "graded"), params)
    if not rows:
        return Outcome("no_data", reason=f"every prediction for {day} was made after tip-off", metadata=metadata)
    season_start = min((game["season_start"] for game in games if game["season_start"]), default=day)
    window = warehouse.query(read_sql(PACKAGE, "window"), {"game_date": day, "season_start": season_start})
    performance = figures(window, day)
    warehouse.replace_partition(
        PERFORMANCE,
        DateRange(day, day),
        read_sql(PACKAGE, "performance"),
        {**params, "figures": json.dumps(performance, allow_nan=False)},
    )
    metadata["graded"] = {
        row["system_id"]: {name: row[name] for name in SUMMARY} for row in performance if row["window_name"] == "day"
    }
    left = sum(game["predictions"] for game in games if game["state"] == "pending")
    reasons = [f"{len(pending)} of {len(games)} games have no final box score"] if pending else []
    reasons += [f"{made_late} predictions were written after tip-off and are not graded"] if made_late else []
    return Outcome(
        "partial" if reasons else "success",
        record_count=rows,
        records_failed=left + made_late,
        reason="; ".join(reasons),
        output_table=ACCURACY,
        metadata=metadata,
        messages=implausible(performance, context),
    )


def implausible(performance: Sequence[Mapping[str, Any]], context: Context) -> list[OutboxMessage]:
    """An alert for each of the rows of system_daily_performance that is too good to be true."""
    found = []
    for row in performance:
        system, window = row["system_id"], row["window_name"]
        for position, sentence in enumerate(alarms({**row, "system": system}, window)):
            fingerprint = f"implausible-{system}-{window}-{position}"
            title = f"{system} is too good to be true"
            found.append(alert(ALERTS, fingerprint, "warning", title, sentence, context.runtime.clock.now()))
    return found
