"""Grades a date: each current prediction against the box score, then every system's performance up
to that date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from functions.grading.games import Game, describe, short_of
from functions.grading.performance import figures
from shared.chain.execution.alerts import alert
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxMessage
from shared.core.errors import DataError
from shared.core.events import Event
from shared.core.severity import Severity
from shared.science.evaluation import alarms
from shared.stores.ports import DateRange
from shared.stores.warehouse.sql import read_sql

PACKAGE = "functions.grading"
ACCURACY = "nba_predictions.prediction_accuracy"
PERFORMANCE = "nba_predictions.system_daily_performance"
SUMMARY = ("n", "mae", "line_mae", "season_avg_mae", "hit_rate")


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Grade message.game_date; grading it again writes the same rows.

    Four warehouse calls whatever the number of games. Games without the final box score of both
    teams, and those whose players' points do not add up to the team's, are left for a later grading
    (partial); a date without predictions is no_data. Figures too good to be true raise an alert.
    """
    if message.game_date is None:
        raise DataError(
            f"grading takes one game_date; the message has {message.from_date} to {message.to_date}.",
            next_step="publish one message per date.",
        )
    day = message.game_date
    warehouse = context.runtime.warehouse
    now = context.runtime.clock.now()
    found = warehouse.query(read_sql(PACKAGE, "games"), {"game_date": day, "now": now}).to_pylist()
    games = [Game(**row) for row in found]
    if not games:
        return Outcome("no_data", reason=f"there are no current predictions for {day}", event=Event.NO_PREDICTIONS)
    ready = [game for game in games if game.why_not is None]
    made_late = sum(game.made_late for game in ready)
    metadata = describe(games)
    params = {
        "game_date": day,
        "graded_at": now,
        "games": json.dumps([game.as_graded() for game in ready]),
    }
    if not ready:
        if any(game.grades for game in games):
            # of an earlier time, before the box score changed; with other games graded they go by
            # themselves
            warehouse.execute(read_sql(PACKAGE, "no_grades"), {"game_date": day})
            warehouse.execute(read_sql(PACKAGE, "no_performance"), {"game_date": day})
        return Outcome("no_data", reason=short_of(games, day), metadata=metadata, event=Event.NOT_GRADABLE)
    rows = warehouse.replace_partition(ACCURACY, DateRange(day, day), read_sql(PACKAGE, "graded"), params)
    if not rows:
        why = f"every prediction for {day} was made after tip-off"
        return Outcome("no_data", reason=why, metadata=metadata, event=Event.PREDICTED_AFTER_TIPOFF)
    season_start = min((game.season_start for game in games if game.season_start), default=day)
    window = warehouse.query(read_sql(PACKAGE, "window"), {"game_date": day, "season_start": season_start})
    performance = figures(window, day)
    warehouse.replace_partition(
        PERFORMANCE,
        DateRange(day, day),
        read_sql(PACKAGE, "performance"),
        {**params, "figures": json.dumps(performance, allow_nan=False)},
    )
    metadata["graded"] = {
        stat: {row["system_id"]: {name: row[name] for name in SUMMARY} for row in rows_of}
        for stat, rows_of in groupby(
            (row for row in performance if row["window_name"] == "day"), lambda row: str(row["stat"])
        )
    }
    left = sum(game.predictions for game in games if game.why_not is not None)
    reasons = [short_of(games, day)] if left else []
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
        stat, system, window = row["stat"], row["system_id"], row["window_name"]
        for position, sentence in enumerate(alarms({**row, "system": system}, window)):
            fingerprint = f"implausible-{stat}-{system}-{window}-{position}"
            title = f"{system} is too good to be true on {stat}"
            now = context.runtime.clock.now()
            found.append(alert(fingerprint, Severity.WARNING, title, sentence, now, event=Event.IMPLAUSIBLE))
    return found
