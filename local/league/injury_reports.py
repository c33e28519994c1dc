"""The injury lists that the league's teams publish, collected by day; drawn from a random stream of
their own, so that everything else of a league is as it would be without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from local.league.calendar import Game
from local.league.game_columns import GameColumns
from local.league.game_day import Setting
from local.league.injury_paths import LAST, REPORTS, STATUSES, draw_statuses, draw_submitted, draw_unnamed
from local.league.players import Floats, Ints, Players
from shared.core.clock import NEW_YORK, at_new_york

Bools = NDArray[np.bool_]

# Days from the game's and New York time of the reports but the last. Reports are of every hour's
# thirtieth minute.
TIMES = ((-1, time(17, 30)), (0, time(10, 30)), (0, time(13, 30)), (0, time(17, 30)))
BEFORE_TIPOFF = timedelta(minutes=30)  # of the last report, at least
REASONS = (
    "Injury/Illness - Right Ankle; Sprain", "Injury/Illness - Left Ankle; Sprain",
    "Injury/Illness - Left Knee; Soreness",
    "Injury/Illness - Right Knee; Injury Management", "Injury/Illness - Left Hamstring; Strain",
    "Injury/Illness - Right Calf; Strain", "Injury/Illness - N/a; Illness", "Injury/Illness - Low Back; Spasms",
    "Injury/Illness - Right Wrist; Sprain", "Rest", "Personal Reasons", "",
)  # fmt: skip


class InjuryReports:
    """Every list of the league, in order of day, team and time."""

    def __init__(self, players: Players, rng: np.random.Generator) -> None:
        self._players = players
        self._rng = rng
        count = len(players.player_id)
        self._unnamed = np.zeros(count, dtype=np.bool_)  # of his present or last spell
        self._reason = rng.integers(len(REASONS), size=count)  # the same
        self._days: list[Mapping[str, NDArray[Any]]] = []

    def add_day(
        self, games: Sequence[Game], setting: Setting, out: Bools, newly: Bools, plays: Bools, minutes: Floats
    ) -> None:
        """Record who is absent on one day.

        Args:
            games: of the day, in their order.
            out, newly, plays: who is absent, who of them was not in the game before, who plays:
                K x ROSTER.
            minutes: a game, of the newly absent.
        """
        roster = setting.roster
        self._unnamed[roster[newly]] = draw_unnamed(minutes, self._rng)
        self._reason[roster[newly]] = self._rng.integers(len(REASONS), size=len(minutes))
        at_us, is_due = report_times(games)
        self._days.append(
            {
                "player": roster, "named": out & ~self._unnamed[roster], "newly": newly, "plays": plays,
                "reason": self._reason[roster], "tired": setting.tired, "at_us": at_us, "is_due": is_due,
            }
        )  # fmt: skip

    def tables(self, of_game: GameColumns, source: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(file name, columns) of both files."""
        teams, listed = self._publish()
        yield (
            "injury_reports",
            _of_game(of_game, "injury_reports", listed, source)
            | {
                "report_time_kind": pa.repeat("stated", len(listed["game"])),
                "player_id": self._players.player_id[listed["player"]],
                "player_name": pa.array(self._players.name).take(pa.array(listed["player"])),
                "status": pa.array(STATUSES).take(pa.array(listed["status"])),
                "reason": pa.array([reason or None for reason in REASONS]).take(pa.array(listed["reason"])),
            },
        )
        yield (
            "injury_report_teams",
            _of_game(of_game, "injury_report_teams", teams, source) | {"submitted": teams["submitted"]},
        )

    def _publish(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, NDArray[Any]]]:
        """Rows of teams, and of players, of every report that says anything new."""
        days = {name: np.concatenate([day[name] for day in self._days]) for name in self._days[0]}
        statuses = draw_statuses(days["named"], days["newly"], days["plays"], self._rng)
        submitted = draw_submitted(days["tired"], self._rng)
        kept = _find_changes(statuses, submitted, days["is_due"])
        row, report = np.nonzero(kept)
        teams = _rows_of(days, row, report) | {"submitted": submitted[row, report]}
        shown = (kept & submitted)[:, :, None] & (statuses.transpose(0, 2, 1) > 0)
        row, report, place = np.nonzero(shown)
        listed = _rows_of(days, row, report) | {
            "player": days["player"][row, place],
            "status": statuses[row, place, report],
            "reason": days["reason"][row, place],
        }
        return teams, listed


def _rows_of(days: Mapping[str, NDArray[Any]], row: Ints, report: Ints) -> dict[str, NDArray[Any]]:
    """Game, side and time; row 2g is the home team of game g, row 2g + 1 its guest."""
    return {"game": row // 2, "home": row % 2 == 0, "at_us": days["at_us"][row, report]}


def _of_game(of_game: GameColumns, file: str, rows: Mapping[str, NDArray[Any]], source: str) -> dict[str, Any]:
    columns = of_game.pick(file, rows["game"], rows["home"])
    del columns["opponent_abbr"]
    return columns | {
        "report_time": rows["at_us"].astype("datetime64[us]"),
        "source": pa.repeat(source, len(rows["game"])),
    }


def report_times(games: Sequence[Game]) -> tuple[Ints, Bools]:
    """When each team's reports of one day come out (microseconds since 1970 UTC) and which of them
    do: two rows a game. The last comes half an hour before tip-off or earlier, and none after it.
    """
    fixed = [_to_us(at_new_york(games[0].day + timedelta(days=days), clock)) for days, clock in TIMES]
    last = np.repeat([_to_us(_last_report(game.tipoff)) for game in games], 2)
    at_us = np.concatenate([np.tile(fixed, (len(last), 1)), last[:, None]], axis=1)
    is_due = at_us < last[:, None]
    is_due[:, LAST] = True
    return at_us, is_due


def _last_report(tipoff: datetime) -> datetime:
    """The thirtieth minute of an hour, half an hour or more before tip-off."""
    latest = tipoff.astimezone(NEW_YORK) - BEFORE_TIPOFF
    hour = latest if latest.minute >= 30 else latest - timedelta(hours=1)
    return hour.replace(minute=30, second=0, microsecond=0)


def _to_us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _find_changes(statuses: Ints, submitted: Bools, is_due: Bools) -> Bools:
    """Which reports say anything new of a team, K x REPORTS: equal ones are published and not
    kept.
    """
    shown = np.where(submitted[:, None, :], statuses, -1)
    kept = np.zeros_like(is_due)
    before = np.full(shown.shape[:2], -2)
    for report in range(REPORTS):
        differs = is_due[:, report] & (shown[:, :, report] != before).any(axis=1)
        kept[:, report] = differs
        before = np.where(differs[:, None], shown[:, :, report], before)
    return kept
