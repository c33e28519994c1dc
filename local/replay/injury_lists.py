"""The injury lists of an archive as they stood at a moment: of each team the last report of the
best source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from local.replay.archive import COLUMNS, INJURY_LISTS, Archive, microseconds
from local.replay.games import Games

PLAYERS, TEAMS = INJURY_LISTS
# How a report's time is known, the surest first: from its own header, from the name of the file,
# from when somebody kept it.
KINDS = ("stated", "file_name", "commit_time")
# A source that leaves out who is out: that it does not name somebody means nothing.
NEVER_USED = "#no_out_rows"


@dataclass(frozen=True, slots=True)
class Listing:
    """A player on a list."""

    player_name: str
    status: str
    """OUT, DOUBTFUL, QUESTIONABLE, PROBABLE or AVAILABLE."""
    reason: str
    """Empty where none is given."""


@dataclass(frozen=True, slots=True)
class TeamList:
    """A team's list in force. Successive equal ones are kept once: an old one is not outdated."""

    report_us: int
    """When it was published, microseconds since 1970 UTC."""
    submitted: bool
    """False: NOT YET SUBMITTED. True without players: nobody is listed."""
    players: tuple[Listing, ...]


class InjuryLists:
    """The lists of an archive, read at first use; there is none in one without the two files."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @cached_property
    def _rows(self) -> tuple[_Rows, _Rows]:
        """Teams, and players."""
        games = self._archive.games
        teams, players = (self._archive.table(name, list(COLUMNS[name])) for name in (TEAMS, PLAYERS))
        if not teams.num_columns:
            return _Rows.none(), _Rows.none()
        preference = _prefer(players, teams)
        return _arrange(teams, games, preference), _arrange(players, games, preference)

    def of_game(self, game: int, at_us: int) -> dict[str, TeamList]:
        """The lists in force at a moment of a game's two teams, by team; one that no list covers by
        then is left out.
        """
        games = self._archive.games
        found = {
            team: self._last(2 * game + guest, at_us) for guest, team in enumerate((games.home[game], games.away[game]))
        }
        return {team: each for team, each in found.items() if each is not None}

    def covers(self, game: int, team: str) -> bool:
        """Whether any list, at whatever time, says something of a team of a game."""
        rows = self._rows[0].of_side(2 * game + (team == self._archive.games.away[game]))
        return bool(rows.stop > rows.start)

    def _last(self, side: int, at_us: int) -> TeamList | None:
        teams, players = self._rows
        here = teams.of_side(side)
        known = teams.at_us[here] <= at_us
        if not known.any():
            return None
        source = int(teams.source[here][known].min())
        # in order of source and time: the last of those that are known is the newest
        row = here.start + int(np.flatnonzero(known & (teams.source[here] == source))[-1])
        report_us = int(teams.at_us[row])
        submitted = teams.columns["submitted"][row] is not False
        there = players.of_side(side)
        chosen = (players.source[there] == source) & (players.at_us[there] == report_us) & submitted
        name, status, reason = (players.columns[column] for column in ("player_name", "status", "reason"))
        listed = (there.start + np.flatnonzero(chosen)).tolist()
        return TeamList(report_us, submitted, tuple(Listing(name[n], status[n], reason[n] or "") for n in listed))


@dataclass(frozen=True)
class _Column:
    """Values of few kinds: a report asks for those of forty teams, and Arrow takes its time for
    each.
    """

    codes: NDArray[np.int64]
    kinds: list[Any]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> _Column:
        encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        return cls(np.asarray(encoded.indices.to_numpy(), dtype=np.int64), encoded.dictionary.to_pylist())

    def __getitem__(self, row: int) -> Any:
        return self.kinds[self.codes[row]]


@dataclass(frozen=True)
class _Rows:
    """Rows of a file in order of team, source and time."""

    side: NDArray[np.int64]
    """Twice the game's number, one more for the guest."""
    source: NDArray[np.int64]
    """Its place in the order of preference."""
    at_us: NDArray[np.int64]
    columns: Mapping[str, _Column]

    @classmethod
    def none(cls) -> _Rows:
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, {})

    def of_side(self, side: int) -> slice:
        first, end = np.searchsorted(self.side, [side, side + 1]).tolist()
        return slice(first, end)


def _arrange(table: pa.Table, games: Games, preference: Mapping[str, int]) -> _Rows:
    """The rows of the schedule's games on the game's day, of sources that are used; a game that was
    put off is listed for its first day too.
    """
    abbrs = sorted({*games.home, *games.away})
    home, away = (np.array([abbrs.index(team) for team in teams], dtype=np.int64) for teams in (games.home, games.away))
    days = np.array(games.day, dtype="datetime64[D]")
    game, team = _code(table["game_id"], games.game_id), _code(table["team_abbr"], abbrs)
    source = _code(table["source"], list(preference))
    day = table["game_date"].cast(pa.date32()).to_numpy().astype("datetime64[D]")
    guest = team == away[game]
    used = (game >= 0) & (source >= 0) & (day == days[game]) & (guest | (team == home[game]))
    side = 2 * game + guest
    rank = np.array([*preference.values(), -1], dtype=np.int64)[source]
    at_us = microseconds(table["report_time"])
    order = np.lexsort((at_us, rank, side))
    order = order[used[order]]
    kept = [name for name in table.column_names if name in ("submitted", "player_name", "status", "reason")]
    chosen = table.select(kept).take(pa.array(order))
    columns = {name: _Column.of(chosen[name]) for name in kept}
    return _Rows(side[order], rank[order], at_us[order], columns)


def _code(column: pa.ChunkedArray, known: list[str]) -> NDArray[np.int64]:
    """Each value's place among the known ones, -1 where it is none of them."""
    places = pc.index_in(column.cast(pa.string()), value_set=pa.array(known, pa.string()))
    return np.asarray(pc.fill_null(places, -1).to_numpy(), dtype=np.int64)


def _prefer(players: pa.Table, teams: pa.Table) -> dict[str, int]:
    """The place of each file's source in the order of preference; of what is never used, none.

    Stated times come before the others, a source of every status before one of OUT alone.
    """
    kinds: dict[str, set[str]] = defaultdict(set)
    statuses: dict[str, set[str]] = defaultdict(set)
    for row in players.group_by(["source", "report_time_kind", "status"]).aggregate([]).to_pylist():
        family = _family(row["source"])
        kinds[family].add(row["report_time_kind"])
        statuses[family].add(row["status"])
    files = {*pc.unique(players["source"]).to_pylist(), *pc.unique(teams["source"]).to_pylist()}
    used = sorted(file for file in files if not file.endswith(NEVER_USED))

    def order(family: str) -> tuple[bool, bool, int, str]:
        surest = max((KINDS.index(kind) for kind in kinds[family]), default=len(KINDS))
        return surest > 0, statuses[family] <= {"OUT"}, surest, family

    places = {family: place for place, family in enumerate(sorted({_family(file) for file in used}, key=order))}
    return {file: places[_family(file)] for file in used}


def _family(source: str) -> str:
    """Whose files they are: the first two parts of a file's path."""
    return "/".join(source.split("/")[:2])
