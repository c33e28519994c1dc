"""The latency of the last days, read in three statements."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from shared.core.clock import new_york_date
from shared.core.errors import ConfigError, DataError
from shared.core.pipeline import GRADING, Pipeline
from shared.operations.api.as_json import OF_THE_MOMENT
from shared.operations.latency.games import DateLatency, GameLatency, Loaded, dates_of, game_of
from shared.operations.latency.runs import RunLatency, runs_of
from shared.operations.latency.stages import GAME, GRADED, Stage, WeekLatency, stages_of, weeks_of
from shared.operations.slowdown.executions import DID_WORK
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

PACKAGE = "shared.operations.latency"
# A season and its summer.
DAYS = range(1, 401)
# Writes player_game_summary, of games that are over.
LOADER = "phase3"


@dataclass(frozen=True)
class Latency:
    """Games, dates and runs of some days, oldest first; weeks newest first."""

    at: datetime = field(metadata=OF_THE_MOMENT)
    first_date: date
    last_date: date
    """Of games; runs are about a day more (the first predictions of tomorrow)."""
    target_seconds: float
    """From the end of a date's last game to its last grade."""
    games: tuple[GameLatency, ...]
    dates: tuple[DateLatency, ...]
    runs: tuple[RunLatency, ...]
    weeks: tuple[WeekLatency, ...]


@dataclass(frozen=True)
class Measured:
    """The latency as it is now, its stages, and those that are recorded."""

    latency: Latency
    stages: tuple[Stage, ...]
    recorded: tuple[Stage, ...]


def read_latency(runtime: Runtime, pipeline: Pipeline, days: int) -> Latency:
    """Today and so many days before it; three statements.

    Raises DataError for days that are not 1 to 400, ConfigError where pipeline.yaml has no target,
    StoreUnavailable.
    """
    return measure(runtime, pipeline, days).latency


def measure(runtime: Runtime, pipeline: Pipeline, days: int) -> Measured:
    """The same with what is recorded of it: for who records it, too. Raises what it raises."""
    if days not in DAYS:
        raise DataError(
            f"The latency of {days} days cannot be measured.", next_step=f"ask for {DAYS[0]} to {DAYS[-1]} days."
        )
    target = target_of(pipeline)
    now = runtime.clock.now()
    today = new_york_date(now)
    first, tomorrow = today - timedelta(days=days), today + timedelta(days=1)
    read = runtime.warehouse.query
    recorded = read(read_sql(PACKAGE, "recorded"), {"first_date": first, "last_date": tomorrow}).to_pylist()
    phases = read(read_sql(PACKAGE, "phases"), {"first_date": first, "last_date": tomorrow}).to_pylist()
    rows = read(read_sql(PACKAGE, "games"), {"first_date": first, "last_date": today, "now": now}).to_pylist()
    before = [Stage(**row) for row in recorded]
    graded = {(each.game_date, each.subject): each.ended_at for each in before if _is_a_games_grade(each)}
    loaded = _loading(phases, is_simulated=runtime.machine is not None)
    games = [game_of(row, loaded, graded) for row in rows]
    dates, runs = dates_of(games, target, now), runs_of(phases, pipeline)
    stages = stages_of(games, dates, runs, target)
    latency = Latency(
        at=now,
        first_date=first,
        last_date=today,
        target_seconds=target.total_seconds(),
        games=tuple(games),
        dates=tuple(dates),
        runs=tuple(runs),
        weeks=tuple(weeks_of(stages, runs)),
    )
    return Measured(latency, tuple(stages), tuple(before))


def target_of(pipeline: Pipeline) -> timedelta:
    """From the end of a date's last game to its last grade: the deadline of pipeline.yaml.

    Raises ConfigError where it has none that counts from the last game.
    """
    for each in pipeline.deadlines:
        if each.phase == pipeline.functions[GRADING].phase and each.within_hours is not None:
            return timedelta(hours=each.within_hours)
    raise ConfigError(
        "pipeline.yaml has no deadline of grading in hours after the last game.",
        next_step="add one with within_hours under `deadlines`.",
    )


def _is_a_games_grade(stage: Stage) -> bool:
    return (stage.kind, stage.stage) == (GAME, GRADED)


def _loading(phases: Sequence[Mapping[str, Any]], *, is_simulated: bool) -> Loaded:
    """When box scores were in the tables: at the end of the date's first phase 3 after they were
    fetched.

    Of a backfill, whose phase 3 bears the last of its dates, when they were fetched; also under a
    simulated clock, which stands still from there on, while the log has the machine's times.
    """
    ends: dict[date, list[datetime]] = defaultdict(list)
    for row in phases:
        if row["phase"] == LOADER and row["status"] in DID_WORK and not is_simulated:
            ends[row["game_date"]].append(row["finished_at"])

    def find_end(day: date, fetched_at: datetime) -> datetime:
        of_day = sorted(ends[day])
        place = bisect_right(of_day, fetched_at)
        return of_day[place] if place < len(of_day) else fetched_at

    return find_end
