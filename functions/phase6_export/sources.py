"""What the sources had said when a date was predicted: the state and age of each, for every file's
header.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from functions.phase6_export.document import format_optional_timestamp
from functions.phase6_export.lists import OFFICIAL, TeamList
from functions.phase6_export.rows import Row
from shared.core.clock import new_york_date

State = Literal["current", "stale", "missing"]
# How long an answer about lines stays in force (upcoming_player_lines.sql). An injury list holds
# for its day, so an older one still counts in the features; that it may be behind by then is said.
IN_FORCE = timedelta(hours=12)
NAMES = ("schedule", "box_scores", "injuries", "player_lines", "game_lines")
WORST: tuple[State, ...] = ("missing", "stale", "current")
# Why the features have nothing of a source that was known at their moment.
_NOT_SEEN = "it was loaded after they were made, or nothing of it could be used"
# (state, snapshot_at, reason) of one row.
Verdict = tuple[State, datetime | None, str | None]


@dataclass(frozen=True)
class Source:
    """A source as of the features. snapshot_at: the newest that was known; of several games the
    oldest of those.
    """

    source: str
    state: State
    snapshot_at: datetime | None
    as_of: datetime
    reason: str | None

    def as_json(self) -> dict[str, Any]:
        age = None if self.snapshot_at is None else int((self.as_of - self.snapshot_at).total_seconds() // 60)
        return {
            "source": self.source,
            "state": self.state,
            "snapshot_at": format_optional_timestamp(self.snapshot_at),
            "age_minutes": age,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Sources:
    """All sources of a date. rows: of sources.sql, one per predicted game and one of the whole date
    (game_id None).
    """

    game_date: date
    rows: Sequence[Row]
    not_asked: str = ""
    """Why nobody asks for injuries and lines: no game takes place."""

    @cached_property
    def _date(self) -> Row:
        return next(row for row in self.rows if row["game_id"] is None)

    @cached_property
    def _games(self) -> list[Row]:
        return [row for row in self.rows if row["game_id"] is not None]

    def of(self, games: Collection[str]) -> list[Source]:
        """The five sources for these games: of each the worst state among them."""
        rows = [row for row in self._games if row["game_id"] in games]
        found = [self._of_date("schedule", self._schedule()), self._of_date("box_scores", self._box_scores())]
        return found + [self._of_games(name, rows) for name in NAMES[2:]]

    def _of_date(self, name: str, verdict: Verdict) -> Source:
        return Source(name, verdict[0], verdict[1], self._date["features_as_of"], verdict[2])

    def _schedule(self) -> Verdict:
        """Every run asks for the schedule, so that an older one stands in for what did not come:
        what was postponed or moved since is not known.
        """
        known, as_of = self._date["schedule_at"], self._date["features_as_of"]
        if known is None:
            return "missing", None, "no schedule was known"
        if new_york_date(known) < new_york_date(as_of):
            return "stale", known, f"the newest schedule known was of {new_york_date(known)}"
        if known < as_of - IN_FORCE:
            return "stale", known, f"the newest schedule known was more than {_hours(IN_FORCE)} old"
        return "current", known, None

    def _box_scores(self) -> Verdict:
        known, row = self._date["box_scores_at"], self._date
        if known is None:
            return "missing", None, "no box score was known"
        if row["games_unboxed"]:
            games = f"{row['games_unboxed']} of {row['games_played']} games of {row['last_played_on']}"
            return "stale", known, f"no box scores of {games} were known"
        return "current", known, None

    def _of_games(self, name: str, rows: Sequence[Row]) -> Source:
        if self.not_asked or not rows:
            why = f"not asked for: {self.not_asked or 'nothing is predicted'}"
            return Source(name, "missing", None, self._date["features_as_of"], why)
        found = [(RULES[name](self.game_date, row), row) for row in rows]
        state = min((verdict[0] for verdict, _ in found), key=WORST.index)
        worst = [(verdict, row) for verdict, row in found if verdict[0] == state]
        (_, _, reason), of = min(worst, key=lambda each: each[0][2] is None)
        behind = sum(verdict[0] == state for verdict, _ in found)
        if state != "current" and behind < len(found):
            reason = f"{reason} for {behind} of {len(found)} games"
        # as old as the oldest that counts: no game's source is older than the header says
        known = [(row["features_as_of"] - verdict[1], verdict[1], row) for verdict, row in found if verdict[1]]
        if not known:
            return Source(name, state, None, of["features_as_of"], reason)
        _, snapshot_at, row = max(known, key=lambda each: each[0])
        return Source(name, state, snapshot_at, row["features_as_of"], reason)


def _injuries(day: date, row: Row) -> Verdict:
    """The worse of the two teams' lists, and the older of their moments."""
    found = [_of_list(day, row, each) for each in row["lists"].values()] or [_no_list(day)]
    state, _, reason = min(found, key=lambda verdict: (WORST.index(verdict[0]), verdict[2] is None))
    return state, min((known for _, known, _ in found if known is not None), default=None), reason


def _of_list(day: date, row: Row, team: TeamList) -> Verdict:
    """That a team has not submitted its list is an answer, too."""
    if team.at is None:
        return _no_list(day)
    if not team.is_submitted and team.source != OFFICIAL:
        return "missing", team.at, f"the newest injury list of {day} names nobody, so none is in force"
    if team.at < row["features_as_of"] - IN_FORCE:
        return "stale", team.at, f"the newest injury list of {day} was more than {_hours(IN_FORCE)} old"
    if not team.is_submitted:
        return "current", team.at, f"{team.team} had not submitted its injury list of {day}"
    if not team.is_seen:
        return "missing", team.at, f"the newest injury list of {day} is not in the features: {_NOT_SEEN}"
    return "current", team.at, None


def _no_list(day: date) -> Verdict:
    return "missing", None, f"no injury list of {day} was known"


def _lines(name: str, what: str) -> Callable[[date, Row], Verdict]:
    """An answer that offers nothing is an answer: the books have no lines yet, and that is
    known.
    """

    def verdict(day: date, row: Row) -> Verdict:
        known = row[f"{name}_at"]
        if known is None:
            return "missing", None, f"no answer about {what} of {day} was known"
        if known < row["features_as_of"] - IN_FORCE:
            return "stale", known, f"the newest answer about {what} was more than {_hours(IN_FORCE)} old, out of force"
        if not row[f"{name}_named"]:
            return "current", known, f"no bookmaker offered {what} for some game"
        if row[f"{name}_seen"] is False:
            return "missing", known, f"the newest answer about {what} is not in the features: {_NOT_SEEN}"
        return "current", known, None

    return verdict


RULES: dict[str, Callable[[date, Row], Verdict]] = {
    "injuries": _injuries,
    "player_lines": _lines("player_lines", "player lines"),
    "game_lines": _lines("game_lines", "game lines"),
}


def _hours(span: timedelta) -> str:
    return f"{span // timedelta(hours=1)} hours"


def gaps(sources: Sequence[Source]) -> list[str]:
    """The sources that a reader has to know of: not current, each with its reason."""
    return [f"{each.source} {each.state}: {each.reason}" for each in sources if each.state != "current"]
