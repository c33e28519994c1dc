"""A small season for the tests of backfills: functions that make just the rows that a backfill is
judged by, on real stores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.clock import at_new_york
from shared.core.errors import DataError
from shared.nba.schedule import season_of
from tests.pipeline.support import PipelineHarness, Run

TOPIC = "nba-phase1-trigger"


def game_rows(day: date, snapshot: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A finished game of the day: its row of the schedule, and a player of each team. No team plays
    twice, so nobody has a roster.
    """
    number = day.toordinal() % 100_000
    season, tipoff = season_of(day), at_new_york(day, time(19))
    game_id, teams = f"002{season[2:4]}{number:05d}", (f"H{number}", f"A{number}")
    same = {"game_date": day, "game_id": game_id, "season": season, "season_type": "regular_season"}
    at = {"tipoff_at": tipoff, "snapshot_time": snapshot}
    where = {"home_team": teams[0], "away_team": teams[1], "status": "final", "run_id": "run", "source_file": "file"}
    players = [
        {
            **same,
            **at,
            "player_id": 2 * number + n,
            "player_name": f"P{n}",
            "player_lookup": f"p{n}",
            "team": teams[n],
            "opponent": teams[1 - n],
            "is_home": n == 0,
            "tipoff_source": "schedule",
            "known_at": tipoff + timedelta(hours=3),
            "minutes": 30.0,
            "points": 10,
        }
        for n in (0, 1)
    ]
    return {**same, **at, **where}, players


@dataclass
class Season:
    """Games on some days, and what the functions of phases 1 to 4 do with them."""

    world: PipelineHarness
    days: Iterable[date]
    without_scores: set[date] = field(default_factory=set)
    """Days whose box scores do not come, though nothing fails."""
    fails: set[date] = field(default_factory=set)
    """Days of which phase 3 can make nothing."""
    begun: list[str] = field(default_factory=list)
    """The runs that phase 1 took."""

    def load_schedule(self) -> None:
        self.world.add("nba_raw.nbac_schedule", [game_rows(day, self.world.clock.now())[0] for day in self.days])

    def load_scores(self, days: Iterable[date]) -> None:
        rows = [row for day in days for row in game_rows(day, self.world.clock.now())[1]]
        if rows:
            self.world.add("nba_analytics.player_game_summary", rows)

    def list_scored(self) -> list[date]:
        sql = "SELECT DISTINCT game_date FROM nba_analytics.player_game_summary WHERE game_date > @first ORDER BY 1"
        return [row["game_date"] for row in self.world.rows(sql, first=date(2000, 1, 1))]

    @property
    def chain(self) -> dict[str, tuple[Run, type[PhaseMessage]]]:
        work: dict[str, Run] = {
            "phase1_scrape": self._scrape,
            "phase2_raw": self._load,
            "phase3_analytics": self._analyse,
            "phase4_precompute": _nothing,
            "phase5_coordinator": _nothing,
        }
        return {name: (run, PhaseMessage) for name, run in work.items()}

    def play(self) -> None:
        self.world.run_until_idle(self.chain)

    def triggers(self) -> list[tuple[str, str]]:
        return [(each["from_date"], each["to_date"]) for each in self.world.list_published(TOPIC)]

    def _scrape(self, message: PhaseMessage, context: Context) -> Outcome:
        self.begun.append(context.run_id)
        return Outcome("success")

    def _load(self, message: PhaseMessage, context: Context) -> Outcome:
        self.load_schedule()
        return Outcome("success")

    def _analyse(self, message: PhaseMessage, context: Context) -> Outcome:
        days = [day for day in self.days if context.dates.first <= day <= context.dates.last]
        bad = sorted(self.fails.intersection(days))
        if bad:
            raise DataError(f"the box scores of {bad[0]} make no sense.", next_step="mend them.")
        self.load_scores(day for day in days if day not in self.without_scores and day not in self.list_scored())
        return Outcome("success")


def _nothing(message: PhaseMessage, context: Context) -> Outcome:
    return Outcome("success")
