"""Nights as tests plant them: two games on 2025-11-14, 19:00 and 22:00 in New York, what was
fetched of them, and the log of runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.grading.grade import run as grade
from shared.core.pipeline import load_pipeline
from shared.operations.latency.latency import Latency, read_latency
from tests.support.prediction_tables import (
    DAY,
    EARLY,
    LATE,
    NOW,
    TEAMS,
    TIPOFFS,
    Evening,
    batch,
    evening,
    message,
    prediction_row,
    schedule_row,
    summary_row,
)

PIPELINE = load_pipeline()
SCHEDULE, BOXES = "nba_raw.nbac_schedule", "nba_raw.nbac_player_boxscores"
SUMMARY, LOG = "nba_analytics.player_game_summary", "nba_monitoring.pipeline_execution_log"
RESULTS_RUN = f"{DAY}-daily-yesterday-analytics"
# The morning after in UTC: New York is five hours behind.
SEEN_AT, FETCHED_AT, LOADED_AT = (datetime(2025, 11, 15, 11, minute, tzinfo=UTC) for minute in (30, 31, 34))


def at(hour: int, minute: int = 0, day: int = 15) -> datetime:
    """A moment of November 2025, UTC."""
    return datetime(2025, 11, day, hour, minute, tzinfo=UTC)


def sighting(game: str, status: str, moment: datetime, **changes: Any) -> dict[str, Any]:
    """A game in a schedule fetched at a moment."""
    return {**schedule_row(game, status), "snapshot_time": moment, **changes}


def box(game: str, team: str, moment: datetime, **changes: Any) -> dict[str, Any]:
    """A player's row of a box score fetched at a moment."""
    home, away = TEAMS[game]
    return {
        "game_date": DAY,
        "game_id": game,
        "player_id": 1 + sum(map(ord, team)),
        "snapshot_time": moment,
        "season": "2025-26",
        "season_type": "regular_season",
        "player_name": team,
        "player_lookup": team.lower(),
        "team": team,
        "opponent": away if team == home else home,
        "is_home": team == home,
        "minutes": 30.0,
        "points": 20,
        "run_id": RESULTS_RUN,
        "source_file": "file",
        **changes,
    }


def log_row(run_id: str, phase: str, began: datetime, ended: datetime, **changes: Any) -> dict[str, Any]:
    """A row of the log of phases."""
    return {
        "game_date": DAY,
        "run_id": run_id,
        "phase": phase,
        "status": "success",
        "started_at": began,
        "finished_at": ended,
        "record_count": 1,
        "logged_at": ended,
        **changes,
    }


def chain(run_id: str, began: datetime, seconds: float, day: date = DAY) -> list[dict[str, Any]]:
    """A whole run from phase 1 to the export, each phase equally long and two seconds apart."""
    rows = []
    for phase in PIPELINE.phase_order:
        ended = began + timedelta(seconds=seconds)
        rows.append(log_row(run_id, phase, began, ended, game_date=day))
        began = ended + timedelta(seconds=2)
    return rows


def add_results(night: Evening, *games: str, moment: datetime = FETCHED_AT) -> None:
    """Box scores of both teams, fetched at a moment and in the summaries."""
    night.add(BOXES, [box(game, team, moment) for game in games for team in TEAMS[game]])
    night.add(
        SUMMARY,
        [summary_row(game, number, f"{game}{number}", 20, at_home=number == 1) for game in games for number in (1, 2)],
    )


@contextmanager
def predicted_evening(folder: Path) -> Iterator[Evening]:
    """Both games scheduled, one player of each predicted."""
    with evening(folder) as opened:
        opened.add(SCHEDULE, [sighting(game, "scheduled", NOW - timedelta(hours=1)) for game in (EARLY, LATE)])
        opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
        rows = [prediction_row(game, 1, f"{game}1") for game in (EARLY, LATE)]
        opened.add("nba_predictions.player_prop_predictions", rows)
        yield opened


@contextmanager
def played_night(folder: Path) -> Iterator[Evening]:
    """The same, played: final in the schedule, results loaded at 11:34 UTC; the clock is there."""
    with predicted_evening(folder) as opened:
        opened.add(SCHEDULE, [sighting(game, "final", SEEN_AT) for game in (EARLY, LATE)])
        add_results(opened, EARLY, LATE)
        opened.add(LOG, [log_row(RESULTS_RUN, "phase3", FETCHED_AT + timedelta(minutes=1), LOADED_AT)])
        move_to(opened, LOADED_AT)
        yield opened


def move_to(night: Evening, moment: datetime) -> None:
    night.clock.move(seconds=(moment - night.clock.now()).total_seconds())


def grade_at(night: Evening, moment: datetime) -> None:
    """The real grading, at a moment."""
    move_to(night, moment)
    grade(message(), night.context("grading"))


def read(night: Evening, days: int = 7) -> Latency:
    return read_latency(night.runtime, PIPELINE, days)


END_EARLY, END_LATE = TIPOFFS[EARLY] + timedelta(hours=3), TIPOFFS[LATE] + timedelta(hours=3)
