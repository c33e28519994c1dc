"""Stages that have ended, of games, dates, runs and phases alike: what is recorded, and what the
weeks' figures are of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.operations.latency.games import DateLatency, GameLatency
from shared.operations.latency.runs import RunLatency
from shared.operations.slowdown.figures import quantile

GAME, DATE, RUN, PHASE = "game", "date", "run", "phase"
FINAL_SEEN, LOADED, GRADED, EXPORTED = "final_seen", "loaded", "graded", "exported"
P50, P95 = 0.5, 0.95


@dataclass(frozen=True)
class Stage:
    """One stage that has ended, as a row of nba_monitoring.pipeline_latency."""

    game_date: date
    kind: str
    """game, date, run or phase."""
    subject: str
    stage: str
    began_at: datetime
    ended_at: datetime
    seconds: float
    target_seconds: float | None = None


@dataclass(frozen=True)
class WeekLatency:
    """A stage in a week. Of dates: graded; of games: final_seen and loaded; of whole runs: exported
    and each phase.
    """

    starts_on: date
    """A Monday."""
    kind: str
    stage: str
    count: int
    p50: float
    """Seconds."""
    p95: float
    over_target: int | None
    """None where there is no target."""


def stages_of(
    games: Iterable[GameLatency], dates: Iterable[DateLatency], runs: Iterable[RunLatency], target: timedelta
) -> list[Stage]:
    """Every stage that has ended, in the order of the table's key."""
    found = [stage for game in games if game.is_followed for stage in _of_game(game)]
    for each in dates:
        if each.last_end is not None and each.graded_at is not None:
            found.append(
                _stage(each.game_date, DATE, str(each.game_date), GRADED, each.last_end, each.graded_at, target)
            )
    found += [stage for run in runs for stage in _of_run(run)]
    return sorted(found, key=lambda each: (each.game_date, each.kind, each.subject, each.stage))


def _of_game(game: GameLatency) -> list[Stage]:
    reached = ((FINAL_SEEN, game.final_seen_at), (LOADED, game.loaded_at), (GRADED, game.graded_at))
    return [
        _stage(game.game_date, GAME, game.game_id, name, game.ended_at, moment)
        for name, moment in reached
        if moment is not None
    ]


def _of_run(run: RunLatency) -> list[Stage]:
    found = [
        _stage(run.game_date, PHASE, run.run_id, phase.phase, phase.started_at, phase.finished_at)
        for phase in run.phases
        if phase.did_work
    ]
    if run.is_whole and run.exported_at is not None:
        found.append(_stage(run.game_date, RUN, run.run_id, EXPORTED, run.triggered_at, run.exported_at))
    return found


def _stage(
    day: date, kind: str, subject: str, stage: str, began: datetime, ended: datetime, target: timedelta | None = None
) -> Stage:
    # a game is over when its schedule says final: its end was assumed too late, then
    seconds = max(0.0, (ended - began).total_seconds())
    return Stage(day, kind, subject, stage, began, ended, seconds, None if target is None else target.total_seconds())


def weeks_of(stages: Iterable[Stage], runs: Iterable[RunLatency]) -> list[WeekLatency]:
    """Figures by week, newest first. Of phases only those of whole runs: an export by itself is
    another thing.
    """
    whole = {run.run_id for run in runs if run.is_whole}
    groups: dict[tuple[date, str, str], list[Stage]] = defaultdict(list)
    for each in stages:
        if each.kind == PHASE and each.subject not in whole:
            continue
        if (each.kind, each.stage) == (GAME, GRADED):
            continue  # a date's games are graded together: that is the date's
        groups[_monday(each.game_date), each.kind, each.stage].append(each)
    ordered = sorted(groups, key=lambda key: (-key[0].toordinal(), key[1], key[2]))
    return [_week_of(key, groups[key]) for key in ordered]


def _week_of(key: tuple[date, str, str], stages: Sequence[Stage]) -> WeekLatency:
    seconds = [each.seconds for each in stages]
    targets = [each.seconds > each.target_seconds for each in stages if each.target_seconds is not None]
    return WeekLatency(
        *key, len(seconds), quantile(seconds, P50), quantile(seconds, P95), sum(targets) if targets else None
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
