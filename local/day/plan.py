"""What a simulated day consists of: the schedule's events in New York time, and the history before
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from local.replay import Archive
from shared.core.clock import at_new_york
from shared.core.pipeline import Pipeline

# Which of pipeline.yaml's schedules a day plays, and on which day: 0 is the game day, 1 the morning
# after.
PLAYED = (
    (0, "daily-yesterday-analytics"),
    (0, "overnight-predictions"),
    (0, "grading-daily"),
    (0, "same-day-predictions"),
    (0, "self-heal-predictions"),
    (0, "phase6-tonight-picks"),
    (0, "pre-game-predictions"),
    (1, "daily-yesterday-analytics"),
    (1, "grading-daily"),
)
# History is loaded, and models are trained, in the small hours of the game day.
HISTORY_AT = time(4, 0)
TRAINING_AT = time(5, 0)
# The results run of 06:30 brings the day before; history ends the day before that.
DAYS_NOT_HISTORY = 2
RETRAIN_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Event:
    """One scheduled publish."""

    schedule: str
    day: date
    at: datetime

    @property
    def label(self) -> str:
        return f"{self.day.isoformat()}-{self.schedule}"


def events_of(game_date: date, pipeline: Pipeline) -> list[Event]:
    """The day's events in the order of their times."""
    events = [
        Event(
            name,
            game_date + timedelta(days=offset),
            _scheduled_time(pipeline, name, game_date + timedelta(days=offset)),
        )
        for offset, name in PLAYED
    ]
    return sorted(events, key=lambda event: event.at)


def _scheduled_time(pipeline: Pipeline, schedule: str, day: date) -> datetime:
    return at_new_york(day, pipeline.schedules[schedule].times.at)


@dataclass(frozen=True)
class DateSpan:
    """A part of one season to backfill, both days included."""

    season: str
    first: date
    last: date


def history_before(game_date: date, archive: Archive, seasons: int, covered: Sequence[DateSpan]) -> list[DateSpan]:
    """What is missing of the `seasons` seasons before the game day's and of its own, oldest first.

    A stretch already covered is not loaded again; the rest of a season is.
    """
    last_day = game_date - timedelta(days=DAYS_NOT_HISTORY)
    own = archive.season_of(game_date)
    names = archive.seasons
    before = names[: names.index(own)] if own in names else [s for s in names if archive.game_days(s)[0] <= last_day]
    wanted = [*before[len(before) - min(seasons, len(before)) :], *([own] if own in names else [])]
    return find_uncovered(wanted, archive, last_day, covered)


def find_uncovered(
    seasons: Sequence[str], archive: Archive, last_day: date, covered: Sequence[DateSpan]
) -> list[DateSpan]:
    """What is missing of whole seasons up to last_day, in their order."""
    missing = []
    for season in seasons:
        days = archive.game_days(season)
        first, last = days[0], min(days[-1], last_day)
        for done in covered:
            if done.season == season and done.first <= first <= done.last:
                first = done.last + timedelta(days=1)
        if first <= last:
            missing.append(DateSpan(season, first, last))
    return missing
