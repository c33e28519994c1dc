"""NBA.com as it stood at a moment: leaguegamelog and scheduleleaguev2, from the archive's box
scores and schedule.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from local.replay.archive import Archive
from local.replay.games import EPOCH, MICROSECOND, format_us, to_us
from shared.core.clock import NEW_YORK, at_new_york
from shared.nba.teams import Team, team_by_abbr

SEASON_TYPES = {
    "Pre Season": "pre_season",
    "Regular Season": "regular_season",
    "PlayIn": "playin",
    "Playoffs": "playoffs",
}
_SEASON_DIGIT = {"pre_season": "1", "regular_season": "2", "playoffs": "4", "playin": "5"}

_STATS = {
    "FGM": "fgm", "FGA": "fga", "FG3M": "fg3m", "FG3A": "fg3a", "FTM": "ftm", "FTA": "fta", "OREB": "off_rebounds",
    "DREB": "def_rebounds", "REB": "rebounds", "AST": "assists", "STL": "steals", "BLK": "blocks",
    "TOV": "turnovers", "PF": "fouls", "PTS": "points", "PLUS_MINUS": "plus_minus",
}  # fmt: skip
_SHARES = {"FG_PCT": ("FGM", "FGA"), "FG3_PCT": ("FG3M", "FG3A"), "FT_PCT": ("FTM", "FTA")}
TEAM_HEADERS = [
    "SEASON_ID", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID", "GAME_DATE", "MATCHUP", "WL", "MIN", "FGM",
    "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT", "OREB", "DREB", "REB", "AST", "STL", "BLK",
    "TOV", "PF", "PTS", "PLUS_MINUS", "VIDEO_AVAILABLE",
]  # fmt: skip
PLAYER_HEADERS = [
    "SEASON_ID", "PLAYER_ID", "PLAYER_NAME", *TEAM_HEADERS[1:-1], "FANTASY_PTS", "VIDEO_AVAILABLE",
]  # fmt: skip


class StatsApi:
    """Answers of stats.nba.com; every method takes the moment the question is asked, in
    microseconds UTC.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @cached_property
    def _box(self) -> dict[str, Any]:
        """Box-score columns in order of game, home side first, and player; Arrow text, numpy
        numbers.
        """
        table = self._archive.table("player_box")
        index = self._archive.games.index
        game = np.array([index[game_id] for game_id in table["game_id"].to_pylist()], dtype=np.int64)
        home = table["is_home"].to_numpy()
        order = np.lexsort((table["player_id"].to_numpy(), ~home, game))
        columns: dict[str, Any] = {name: table[column].to_numpy()[order] for name, column in _STATS.items()}
        return columns | {
            "game": game[order],
            "home": home[order],
            "PLAYER_ID": table["player_id"].to_numpy()[order],
            "PLAYER_NAME": table["player_name"].take(pa.array(order)),
            "MIN": table["minutes"].to_numpy()[order].astype(np.float64),
        }

    @cached_property
    def _points(self) -> NDArray[np.int64]:
        """Points of both sides by game (games x home, away) from the box scores, -1 where there are
        none.
        """
        box = self._box
        sums = np.zeros((len(self._archive.games.game_id), 2), dtype=np.int64)
        np.add.at(sums, (box["game"], np.where(box["home"], 0, 1)), box["PTS"])
        sums[sums.sum(axis=1) == 0] = -1
        return sums

    def league_game_log(
        self,
        season: str,
        season_type: str,
        player_or_team: str,
        now_us: int,
        first: date | None = None,
        last: date | None = None,
        *,
        descending: bool = True,
    ) -> list[list[Any]]:
        """Rows in the order of PLAYER_HEADERS (P) or TEAM_HEADERS (T) of games that had ended by
        now.
        """
        games, box = self._archive.games, self._box
        wanted = [
            number
            for number, (of, kind, day) in enumerate(zip(games.season, games.season_type, games.day, strict=True))
            if of == season
            and kind == season_type
            and games.end_us[number] <= now_us
            and (first is None or day >= first)
            and (last is None or day <= last)
        ]
        if not wanted:
            return []
        # Games are in order of day, so the wanted lie between the first and the last of them.
        low, high = np.searchsorted(box["game"], [wanted[0], wanted[-1] + 1])
        rows = low + np.flatnonzero(np.isin(box["game"][low:high], wanted))
        if descending:
            days = np.array([games.day[game].toordinal() for game in box["game"][rows].tolist()])
            rows = rows[np.argsort(-days, kind="stable")]
        if player_or_team == "P":
            columns = {name: box[name][rows] for name in ("game", "home", "PLAYER_ID", "MIN", *_STATS)}
            names = box["PLAYER_NAME"].take(pa.array(rows)).to_pylist()
            return self._rows(columns, PLAYER_HEADERS, {"PLAYER_NAME": names})
        return self._rows(_team_sums(box, rows), TEAM_HEADERS, {})

    def _rows(
        self, columns: dict[str, NDArray[Any]], headers: list[str], texts: dict[str, list[Any]]
    ) -> list[list[Any]]:
        games = self._archive.games
        game, home = columns["game"].tolist(), columns["home"].tolist()
        ours = [games.home[g] if h else games.away[g] for g, h in zip(game, home, strict=True)]
        theirs = [games.away[g] if h else games.home[g] for g, h in zip(game, home, strict=True)]
        teams = [_team(abbr) for abbr in ours]
        points = self._points
        won = (points[columns["game"], 0] > points[columns["game"], 1]) == columns["home"]
        count = len(game)
        filled: dict[str, list[Any]] = texts | {
            "SEASON_ID": [_SEASON_DIGIT[games.season_type[g]] + games.season[g][:4] for g in game],
            "TEAM_ID": [team.team_id for team in teams],
            "TEAM_ABBREVIATION": ours,
            "TEAM_NAME": [team.nba_name for team in teams],
            "GAME_ID": [games.game_id[g] for g in game],
            "GAME_DATE": [games.day[g].isoformat() for g in game],
            "MATCHUP": [f"{a} {'vs.' if h else '@'} {b}" for a, b, h in zip(ours, theirs, home, strict=True)],
            "WL": np.where(won, "W", "L").tolist(),
            "MIN": [int(m) if m == int(m) else round(m, 2) for m in columns["MIN"].tolist()],
            "FANTASY_PTS": [None] * count,
            "VIDEO_AVAILABLE": [1] * count,
        }
        if "PLAYER_ID" in columns:
            filled["PLAYER_ID"] = columns["PLAYER_ID"].tolist()
        for name in _STATS:
            filled[name] = [_number(value) for value in columns[name].tolist()]
        for name, (made, tried) in _SHARES.items():
            pairs = zip(filled[made], filled[tried], strict=True)
            filled[name] = [_share(m, a) for m, a in pairs]
        return [list(row) for row in zip(*(filled[name] for name in headers), strict=True)]

    def schedule(self, season: str, now_us: int) -> list[dict[str, Any]]:
        """gameDates of a season: [{gameDate, games: [...]}].

        Results show from three hours after tip-off.

        A tip-off the archive does not know is midnight New York, with status text TBD until the
        game has ended. Scores are 0 until they are known, as NBA.com has them, and stay 0 for the
        few games (pre-season, the playoffs of 2019 and 2020) whose result the archive lacks.
        """
        games = self._archive.games
        numbers = [n for n, of in enumerate(games.season) if of == season and games.listed_us[n] <= now_us]
        return [
            {
                "gameDate": f"{day:%m/%d/%Y} 00:00:00",
                "games": [self._game(number, place, now_us) for place, number in enumerate(group, start=1)],
            }
            for day, group in groupby(numbers, key=lambda n: games.day[n])
        ]  # fmt: skip

    def _game(self, number: int, sequence: int, now_us: int) -> dict[str, Any]:
        games = self._archive.games
        day, known = games.day[number], bool(games.on_schedule[number])
        tipoff_us = int(games.tipoff_us[number]) if known else to_us(at_new_york(day, time(0)))
        local = (EPOCH + tipoff_us * MICROSECOND).astimezone(NEW_YORK)
        ended, begun = games.end_us[number] <= now_us, games.tipoff_us[number] <= now_us
        if ended:
            status, text = 3, "Final"
        elif begun:
            status, text = 2, "Live"
        else:
            status, text = 1, f"{local:%I:%M %p} ET".lstrip("0").replace("AM", "am").replace("PM", "pm")
            text = text if known else "TBD"
        home, away = _team(games.home[number]), _team(games.away[number])
        scores = (games.home_points[number], games.away_points[number]) if ended else (None, None)
        midnight = format_us(to_us(at_new_york(day, time(0))))
        tipoff = format_us(tipoff_us)
        return {
            "gameId": games.game_id[number],
            "gameCode": f"{day:%Y%m%d}/{away.abbr}{home.abbr}",
            "gameStatus": status,
            "gameStatusText": text,
            "gameSequence": sequence,
            "gameDateEst": f"{day}T00:00:00Z",
            "gameTimeEst": f"1900-01-01T{local:%H:%M:%S}Z",
            "gameDateTimeEst": f"{local:%Y-%m-%dT%H:%M:%S}Z",
            "gameDateUTC": midnight,
            "gameTimeUTC": f"1900-01-01{tipoff[10:]}",
            "gameDateTimeUTC": tipoff,
            "day": f"{day:%a}",
            "monthNum": day.month,
            "ifNecessary": False,
            "gameLabel": "Preseason" if games.season_type[number] == "pre_season" else "",
            "gameSubLabel": "",
            "seriesText": "",
            "arenaName": "" if games.neutral[number] else home.arena,
            "postponedStatus": "N",
            "isNeutral": games.neutral[number],
            "homeTeam": _schedule_team(home, scores[0]),
            "awayTeam": _schedule_team(away, scores[1]),
        }


def _team(abbr: str) -> Team:
    """The NBA team, or a guest of the pre-season, who has no id of the NBA's."""
    return team_by_abbr(abbr) or Team(0, abbr, abbr, "", abbr, "")


def _schedule_team(team: Team, score: int | None) -> dict[str, Any]:
    return {
        "teamId": team.team_id,
        "teamName": team.nickname,
        "teamCity": team.city,
        "teamTricode": team.abbr,
        "teamSlug": team.slug,
        "score": score or 0,
    }


def _team_sums(box: dict[str, Any], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Sums over the players of each side, in the order in which the sides first appear in
    `rows`.
    """
    side = box["game"][rows] * 2 + ~box["home"][rows]
    _, first, group = np.unique(side, return_index=True, return_inverse=True)
    order = np.argsort(first)
    sums = {
        name: np.bincount(group, weights=np.nan_to_num(box[name][rows].astype(np.float64)))[order]
        for name in ("MIN", *_STATS)
    }
    counts = {name: np.rint(values).astype(np.int64) for name, values in sums.items()}
    leading = rows[first[order]]
    sides = {"game": box["game"][leading], "home": box["home"][leading]}
    # A side's margin is the difference of points, not the sum of its players' plus-minus, which
    # counts five times.
    points = dict(zip(side[first[order]].tolist(), counts["PTS"].tolist(), strict=True))
    counts["PLUS_MINUS"] = np.array([own - points[code ^ 1] for code, own in points.items()])
    return sides | counts


def _share(made: int, tried: int) -> float | None:
    """In three places, halves upwards as NBA.com rounds (9 of 16 is 0.563); None without
    attempts.
    """
    return (2000 * made + tried) // (2 * tried) / 1000 if tried else None


def _number(value: float) -> int | None:
    """A whole number, None where the archive has none."""
    return None if value != value else int(value)


def parse_day(text: str) -> date:
    """A date as NBA.com takes it: 2025-11-14 or 11/14/2025. Raises ValueError for anything else."""
    if "/" in text:
        return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=NEW_YORK).date()
    return date.fromisoformat(text)
