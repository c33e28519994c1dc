"""NBA.com's leaguegamelog -> nba_raw.nbac_player_boxscores and nba_raw.nbac_team_boxscores, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.rows import Problems, joined, make_table, whole_numbers, wrong_file
from shared.names import player_lookup
from shared.nba_games import is_game_id, season_of_game, season_type_of
from shared.ports import DateRange
from shared.raw_files import RawContent

PLAYERS, TEAMS = "nba_raw.nbac_player_boxscores", "nba_raw.nbac_team_boxscores"
_NUMBERS = {
    "PTS": "points", "REB": "rebounds", "OREB": "offensive_rebounds", "DREB": "defensive_rebounds", "AST": "assists",
    "STL": "steals", "BLK": "blocks", "TOV": "turnovers", "PF": "fouls", "FGM": "fgm", "FGA": "fga", "FG3M": "fg3m",
    "FG3A": "fg3a", "FTM": "ftm", "FTA": "fta", "PLUS_MINUS": "plus_minus",
}  # fmt: skip


class PlayerBoxScores:
    """Rows of players; every row the source gave for the days asked is kept, whatever the run's dates."""

    table = PLAYERS

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._tables: list[pa.Table] = []

    def add(self, path: str, content: RawContent) -> None:
        for answer in content.named("leaguegamelog"):
            self._tables.append(self._read(path, content, answer.body))

    def tables(self) -> dict[str, pa.Table]:
        return joined(self.table, self._tables)

    def _read(self, path: str, content: RawContent, body: Any) -> pa.Table:
        by_name, count = _by_name(path, body)
        wanted = ["GAME_ID", "GAME_DATE", "TEAM_ABBREVIATION", "MATCHUP", "WL", "MIN", *_NUMBERS]
        players = self.table == PLAYERS
        wanted += ["PLAYER_ID", "PLAYER_NAME"] if players else []
        missing = [name for name in wanted if name not in by_name]
        if missing:
            raise wrong_file(path, "resultSets[0].headers", f"without {', '.join(missing)}")
        bad: dict[int, str] = {}
        columns = _keys(by_name, bad)
        if players:
            columns |= _player_keys(by_name, bad)
        for source, target in _NUMBERS.items():
            columns[target], wrong = whole_numbers(by_name[source])
            for row in wrong:
                bad.setdefault(row, f"{source} is {by_name[source][row]!r}, not a whole number")
        columns["minutes"] = _minutes(by_name["MIN"], bad)
        for row, why in sorted(bad.items()):
            self._problems.row(path, f"rowSet[{row}]", why)
        table = make_table(self.table, count, _nullable(columns, bad), _constants(path, content))
        return table.filter(pa.array([row not in bad for row in range(count)])) if bad else table


class TeamBoxScores(PlayerBoxScores):
    """Rows of teams: the same answer without the player columns."""

    table = TEAMS


def _by_name(path: str, body: Any) -> tuple[dict[str, Sequence[Any]], int]:
    """The answer's columns by header, and the number of rows."""
    try:
        headers, rows = body["resultSets"][0]["headers"], body["resultSets"][0]["rowSet"]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(headers)
        return dict(zip(headers, columns, strict=True)), len(rows)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise wrong_file(path, "resultSets[0]", f"headers and rowSet do not fit ({error!r})") from error


def _keys(by_name: dict[str, Sequence[Any]], bad: dict[int, str]) -> dict[str, Any]:
    """Game, day, teams and outcome; rows where one is missing or wrong go to `bad`."""
    games = {value: _game(value) for value in set(by_name["GAME_ID"])}
    days = {value: _day(value) for value in set(by_name["GAME_DATE"])}
    pairs = {value: _matchup(value) for value in set(by_name["MATCHUP"])}
    for row, values in enumerate(zip(by_name["GAME_ID"], by_name["GAME_DATE"], by_name["MATCHUP"], strict=True)):
        game, day, matchup = values
        if games[game] is None:
            bad.setdefault(row, f"GAME_ID is {game!r}, not 10 digits")
        elif days[day] is None:
            bad.setdefault(row, f"GAME_DATE is {day!r}, not a date")
        elif pairs[matchup] is None:
            bad.setdefault(row, f"MATCHUP is {matchup!r}, not like 'GSW vs. NYK' or 'IND @ MIL'")
        elif (by_name["TEAM_ABBREVIATION"][row]) != pairs[matchup][0]:  # type: ignore[index]  # not None here
            bad.setdefault(row, f"TEAM_ABBREVIATION {by_name['TEAM_ABBREVIATION'][row]!r} is not first in {matchup!r}")
    known = [games[value] or ("", "") for value in by_name["GAME_ID"]]
    sides = [pairs[value] or ("", "", False) for value in by_name["MATCHUP"]]
    return {
        "game_id": list(by_name["GAME_ID"]),
        "season": [season for season, _ in known],
        "season_type": [season_type for _, season_type in known],
        "game_date": [days[value] for value in by_name["GAME_DATE"]],
        "team": [own for own, _, _ in sides],
        "opponent": [other for _, other, _ in sides],
        "is_home": [home for _, _, home in sides],
        "won": [{"W": True, "L": False}.get(value) for value in by_name["WL"]],
    }


def _player_keys(by_name: dict[str, Sequence[Any]], bad: dict[int, str]) -> dict[str, Any]:
    ids, wrong = whole_numbers(by_name["PLAYER_ID"])
    for row in wrong:
        bad.setdefault(row, f"PLAYER_ID is {by_name['PLAYER_ID'][row]!r}, not a whole number")
    for row, (player, name) in enumerate(zip(by_name["PLAYER_ID"], by_name["PLAYER_NAME"], strict=True)):
        if player is None or not isinstance(name, str) or not name:
            bad.setdefault(row, f"PLAYER_ID is {player!r} and PLAYER_NAME {name!r}")
    lookups = {name: player_lookup(name) if isinstance(name, str) else "" for name in set(by_name["PLAYER_NAME"])}
    return {
        "player_id": ids,
        "player_name": list(by_name["PLAYER_NAME"]),
        "player_lookup": [lookups[name] for name in by_name["PLAYER_NAME"]],
    }


def _game(value: Any) -> tuple[str, str] | None:
    return (season_of_game(value), season_type_of(value)) if is_game_id(value) else None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value[:10])
    except (ValueError, TypeError):
        return None


def _matchup(value: Any) -> tuple[str, str, bool] | None:
    """(own team, other team, at home) of "GSW vs. NYK" (home first) or "IND @ MIL"."""
    words = value.split() if isinstance(value, str) else []
    if len(words) != 3 or words[1] not in ("vs.", "@"):
        return None
    return words[0], words[2], words[1] == "vs."


def _minutes(values: Sequence[Any], bad: dict[int, str]) -> pa.Array:
    """Minutes as numbers; leaguegamelog gives whole ones."""
    for row, value in enumerate(values):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            bad.setdefault(row, f"MIN is {value!r}, not a number of minutes")
    return pa.array([None if row in bad else value for row, value in enumerate(values)], pa.float64())


def _nullable(columns: dict[str, Any], bad: dict[int, str]) -> dict[str, Any]:
    """Lists with the values of bad rows taken out, so that Arrow can hold the rest."""
    if not bad:
        return columns
    return {
        name: values if isinstance(values, pa.Array) else [None if row in bad else v for row, v in enumerate(values)]
        for name, values in columns.items()
    }


def _constants(path: str, content: RawContent) -> dict[str, Any]:
    return {"snapshot_time": content.fetched_at, "run_id": content.run_id, "source_file": path}
