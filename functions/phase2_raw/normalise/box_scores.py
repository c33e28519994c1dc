"""NBA.com's leaguegamelog -> nba_raw.nbac_player_boxscores and nba_raw.nbac_team_boxscores, column
by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.columns import Columns
from functions.phase2_raw.normalise.rows import Problems, each_answer, join_tables, make_table
from functions.phase2_raw.normalise.twice import drop_repeats
from shared.nba import feed_values
from shared.nba.bounds import BOUNDS, MAKES
from shared.nba.feed_values import ElementRefused
from shared.nba.player_names import natural_order, player_lookup
from shared.nba.schedule import season_of_game, season_type_of
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent

PLAYERS, TEAMS = "nba_raw.nbac_player_boxscores", "nba_raw.nbac_team_boxscores"
NUMBERS = {
    "PTS": "points", "REB": "rebounds", "OREB": "offensive_rebounds", "DREB": "defensive_rebounds", "AST": "assists",
    "STL": "steals", "BLK": "blocks", "TOV": "turnovers", "PF": "fouls", "FGM": "fgm", "FGA": "fga", "FG3M": "fg3m",
    "FG3A": "fg3a", "FTM": "ftm", "FTA": "fta", "PLUS_MINUS": "plus_minus",
}  # fmt: skip
_WON = {"W": True, "L": False, "": None}


class PlayerBoxScores:
    """Rows of players; every row the source gave for the days asked is kept, whatever the run's
    dates.

    A row with a value that is odd or beyond its bounds is left out and named, and so are rows of
    one player of one game with different figures.
    """

    table = PLAYERS
    key: tuple[str, str] = ("game_id", "player_id")

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._tables: list[pa.Table] = []

    def add(self, path: str, content: RawContent) -> None:
        tables: list[pa.Table] = []

        def read(answer: RawAnswer) -> None:
            tables.append(self._read(path, content, answer.body))

        each_answer(path, content.answers_named("leaguegamelog"), self._problems, read, "resultSets[0]")
        for table in join_tables(self.table, tables).values():
            self._tables.append(drop_repeats(table, self.key, path, self._problems))

    def tables(self) -> dict[str, pa.Table]:
        return join_tables(self.table, self._tables)

    def _read(self, path: str, content: RawContent, body: Any) -> pa.Table:
        """Raises ElementRefused where the answer as a whole has another shape."""
        by_name, numbers = self._by_name(path, body)
        players = self.table == PLAYERS
        wanted = ["GAME_ID", "GAME_DATE", "TEAM_ABBREVIATION", "MATCHUP", "WL", "MIN", *NUMBERS]
        wanted += ["PLAYER_ID", "PLAYER_NAME"] if players else []
        missing = [name for name in wanted if name not in by_name]
        if missing:
            raise ElementRefused(f"headers without {', '.join(missing)}")
        bounds, reading = BOUNDS[self.table], Columns()
        columns = _keys(by_name, reading)
        if players:
            columns["player_id"] = reading.wholes(by_name["PLAYER_ID"], "PLAYER_ID", bounds["player_id"])
            reading.require(columns["player_id"], "PLAYER_ID")
            names = reading.texts(by_name["PLAYER_NAME"], "PLAYER_NAME", _name)
            columns |= {"player_name": [name and name[0] for name in names]}
            columns |= {"player_lookup": [name and name[1] for name in names]}
        for source, target in NUMBERS.items():
            columns[target] = reading.wholes(by_name[source], source, bounds[target])
        columns["minutes"] = reading.numbers(by_name["MIN"], "MIN", bounds["minutes"])
        sources = {target: source for source, target in NUMBERS.items()}
        for makes, attempts in MAKES:
            reading.not_above(columns[makes], columns[attempts], sources[makes], sources[attempts])
        for row, why in sorted(reading.refused.items()):
            self._problems.row(path, f"rowSet[{numbers[row]}]", why)
        for row, why in sorted(reading.missing):
            if row not in reading.refused:
                self._problems.missing(path, f"rowSet[{numbers[row]}]", why)
        constants = {"snapshot_time": content.fetched_at, "run_id": content.run_id, "source_file": path}
        table = make_table(self.table, len(numbers), columns, constants)
        kept = [row not in reading.refused for row in range(len(numbers))]
        return table.filter(pa.array(kept)) if reading.refused else table

    def _by_name(self, path: str, body: Any) -> tuple[dict[str, Sequence[Any]], list[int]]:
        """The answer's columns by header, and their rows' numbers; rows of another length are left
        out and named.
        """
        sets = feed_values.require_list(feed_values.require_object(body, "the answer").get("resultSets"), "resultSets")
        found = feed_values.require_object(sets[0] if sets else None, "resultSets[0]")
        headers = feed_values.require_list(found.get("headers"), "headers")
        rows = feed_values.require_list(found.get("rowSet"), "rowSet")
        if not all(isinstance(header, str) for header in headers) or len(set(headers)) < len(headers):
            raise ElementRefused("headers are not all different texts")
        fit = [isinstance(row, list) and len(row) == len(headers) for row in rows]
        fitting = rows
        if not all(fit):
            if not any(fit):
                raise ElementRefused(f"headers and rowSet do not fit: no row is a list of {len(headers)}")
            for number, row in enumerate(rows):
                if not fit[number]:
                    why = f"it is {feed_values.show_value(row)}, the headers are {len(headers)}"
                    self._problems.row(path, f"rowSet[{number}]", why)
            fitting = [row for row, fits in zip(rows, fit, strict=True) if fits]
        numbers = [number for number, fits in enumerate(fit) if fits]
        columns = list(zip(*fitting, strict=True)) or [()] * len(headers)
        return dict(zip(headers, columns, strict=True)), numbers


class TeamBoxScores(PlayerBoxScores):
    """Rows of teams: the same answer without the player columns."""

    table = TEAMS
    key = ("game_id", "team")


def _keys(by_name: dict[str, Sequence[Any]], reading: Columns) -> dict[str, Any]:
    """Game, day, teams and outcome."""
    games = reading.texts(by_name["GAME_ID"], "GAME_ID", _game)
    days = reading.texts(by_name["GAME_DATE"], "GAME_DATE", feed_values.day)
    sides = reading.texts(by_name["MATCHUP"], "MATCHUP", _matchup)
    teams = by_name["TEAM_ABBREVIATION"]
    for row, side in enumerate(sides):
        if side is not None and teams[row] != side[0]:
            matchup = by_name["MATCHUP"][row]
            reading.refuse(row, f"TEAM_ABBREVIATION {feed_values.show_value(teams[row])} is not first in {matchup!r}")
    return {
        "game_id": [game and game[0] for game in games],
        "season": [game and game[1] for game in games],
        "season_type": [game and game[2] for game in games],
        "game_date": days,
        "team": [side and side[0] for side in sides],
        "opponent": [side and side[1] for side in sides],
        "is_home": [side and side[2] for side in sides],
        "won": _parse_won(by_name["WL"], reading),
    }


def _game(value: Any, what: str) -> tuple[str, str, str]:
    game_id = feed_values.game_id(value, what)
    return game_id, season_of_game(game_id), season_type_of(game_id)


def _matchup(value: Any, what: str) -> tuple[str, str, bool]:
    """(own team, other team, at home) of "GSW vs. NYK" (home first) or "IND @ MIL"."""
    words = value.split() if isinstance(value, str) else []
    if len(words) != 3 or words[1] not in ("vs.", "@"):
        raise ElementRefused(f"{what} is {feed_values.show_value(value)}, not like 'GSW vs. NYK' or 'IND @ MIL'")
    own, other = (
        feed_values.team_code(word, f"a team of {what} {feed_values.show_value(value)}") for word in words[::2]
    )
    if own == other:
        raise ElementRefused(f"{what} is {feed_values.show_value(value)}, a team against itself")
    return own, other, words[1] == "vs."


def _name(value: Any, what: str) -> tuple[str, str]:
    if not isinstance(value, str) or not value.strip():
        raise ElementRefused(f"{what} {feed_values.show_value(value)} is no player's name")
    name = natural_order(feed_values.text(value, what))
    return name, player_lookup(name)


def _parse_won(values: Sequence[Any], reading: Columns) -> list[bool | None]:
    """NULL where the feed says neither (a game that goes on)."""
    if set(map(type, values)) <= {str} and set(values) <= _WON.keys():
        return [_WON[value] for value in values]
    found: list[bool | None] = []
    for row, value in enumerate(values):
        notes: list[str] = []
        if not feed_values.missing(value, "WL", notes) and not (isinstance(value, str) and value in _WON):
            reading.refuse(row, f"WL is {feed_values.show_value(value)}, neither W nor L")
        found.append(_WON.get(value) if isinstance(value, str) else None)
        reading.missing += [(row, note) for note in notes]
    return found
