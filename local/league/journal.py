"""Collects the simulated days and turns them into the columns of the archive's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from local.league.bookmaker import BOOKMAKERS, Lines
from local.league.calendar import Game
from local.league.game_columns import GameColumns
from local.league.game_day import Outcome, Setting
from local.league.injury_reports import InjuryReports
from local.league.names import spell_for
from local.league.players import ROSTER, ZONES, Floats, Ints, Players
from local.league.tables import write_table
from shared.nba.stats import STATS

SOURCE = "simulated league"
LONGEST_ABSENCE = 60  # team games; who is away longer is no longer missed


class Journal:
    """Every row of the archive, in order of day, game, team and player."""

    def __init__(self, abbrs: list[str], players: Players, lists: np.random.Generator) -> None:
        """`lists` is the random stream of the injury lists."""
        self.abbrs = abbrs
        self.players = players
        self.games: list[Game] = []
        self._scores: list[Ints] = []
        self._game_lines: list[Floats] = []
        self._box: list[Mapping[str, NDArray[Any]]] = []
        self._lines: list[Mapping[str, NDArray[Any]]] = []
        self._absences: list[Mapping[str, NDArray[Any]]] = []
        self._injuries = InjuryReports(players, lists)
        count = len(players.player_id)
        # The last ten games played of everybody, as a ring: minutes and points, and how many there
        # were.
        self._recent = np.zeros((count, 10, 2))
        self._played = np.zeros(count, dtype=np.int64)
        self._team_then = np.full(count, -1, dtype=np.int64)
        self._missed = np.zeros(count, dtype=np.int64)

    def add_day(
        self,
        games: list[Game],
        setting: Setting,
        outcome: Outcome,
        out: NDArray[np.bool_],
        newly: NDArray[np.bool_],
        lines: Lines,
        odds: tuple[Floats, Floats, Floats, Floats],
    ) -> None:
        """Record one day; `out` and `newly` as game_day.miss_games gives them, `odds` as
        bookmaker.game_lines.
        """
        first = len(self.games)
        self.games.extend(games)
        self._scores.append(outcome.points.sum(axis=1).reshape(-1, 2))
        self._game_lines.append(np.stack(odds, axis=1))
        row, place = np.nonzero(outcome.minutes > 0)
        who = setting.roster[row, place]
        in_order = np.lexsort((who, row))
        row, place, who = row[in_order], place[in_order], who[in_order]
        starts = np.argsort(np.argsort(-outcome.minutes, axis=1, kind="stable"), axis=1, kind="stable") < 5
        self._note_absences(first, setting, out)
        usual = self._last_ten(setting.roster[newly])[:, 0]
        self._injuries.add_day(games, setting, out, newly, outcome.minutes > 0, usual)
        self._box.append(
            {
                "game": first + row // 2, "home": row % 2 == 0, "player": who, "starter": starts[row, place],
                "minutes": outcome.minutes[row, place], "points": outcome.points[row, place],
                "attempts": outcome.zone_attempts[row, place], "makes": outcome.zone_makes[row, place],
                "fta": outcome.free_throws[row, place], "ftm": outcome.free_throws_made[row, place],
                "others": outcome.others[row, place], "plus_minus": outcome.plus_minus[row, place],
            }
        )  # fmt: skip
        line_row, line_place = lines.place // ROSTER, lines.place % ROSTER
        self._lines.append(
            {
                "game": first + line_row // 2, "player": setting.roster[line_row, line_place],
                "played": outcome.minutes[line_row, line_place] > 0, "stat": lines.stat, "book": lines.book,
                "line": lines.line, "over": lines.over, "under": lines.under, "taken_us": lines.taken_us,
                "main": lines.main, "last": lines.last,
            }
        )  # fmt: skip
        self._note_games(setting, outcome)

    def _note_absences(self, first: int, setting: Setting, out: NDArray[np.bool_]) -> None:
        """Absentees who have played for this team before, with their last ten games."""
        row, place = np.nonzero(out)
        who = setting.roster[row, place]
        known = (self._team_then[who] == setting.team[row]) & (self._missed[who] < LONGEST_ABSENCE)
        row, who = row[known], who[known]
        in_order = np.lexsort((who, row))
        row, who = row[in_order], who[in_order]
        means = self._last_ten(who)
        self._absences.append(
            {
                "game": first + row // 2, "home": row % 2 == 0, "player": who,
                "since": self._missed[who] + 1, "minutes": means[:, 0], "points": means[:, 1],
            }
        )  # fmt: skip

    def _last_ten(self, who: Ints) -> Floats:
        """Mean minutes and points of the last ten games played; zeros of somebody without any."""
        games = np.clip(self._played[who], 1, 10)[..., None]
        means: Floats = self._recent[who].sum(axis=-2) / games
        return means

    def _note_games(self, setting: Setting, outcome: Outcome) -> None:
        self._missed[setting.roster] += 1
        row, place = np.nonzero(outcome.minutes > 0)
        who = setting.roster[row, place]
        cell = self._played[who] % 10
        self._recent[who, cell, 0] = outcome.minutes[row, place]
        self._recent[who, cell, 1] = outcome.points[row, place]
        self._played[who] += 1
        self._missed[who] = 0
        self._team_then[who] = setting.team[row]

    def write(self, folder: Path) -> None:
        """Write the nine files of the archive into an existing folder."""
        for name, columns in self.tables():
            write_table(folder, name, columns)

    def tables(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(file name, columns) of every file."""
        scores, odds = np.concatenate(self._scores), np.concatenate(self._game_lines)
        of_game = GameColumns(self.games, self.abbrs, scores)
        yield "schedule", of_game.schedule()
        box = _join_columns(self._box)
        yield "player_box", self._player_box(of_game, box)
        yield "prop_lines", self._prop_lines(of_game, _join_columns(self._lines))
        named = dict(zip(("home_spread", "total", "home_ml", "away_ml"), odds.T, strict=True))
        yield "game_lines", of_game.pick("game_lines") | named | {"source": [SOURCE] * len(odds)}
        missing = _join_columns(self._absences)
        yield (
            "absences",
            of_game.pick("absences", missing["game"], missing["home"])
            | self._person(missing)
            | {
                "team_games_since_played": missing["since"],
                "minutes_l10": np.round(missing["minutes"], 1),
                "points_l10": np.round(missing["points"], 1),
            },
        )
        yield from self._injuries.tables(of_game, SOURCE)
        yield from self._shot_zones(of_game, box)

    def _person(self, rows: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            "player_id": self.players.player_id[rows["player"]],
            "player_name": pa.array(self.players.name).take(pa.array(rows["player"])),
        }

    def _player_box(self, of_game: GameColumns, box: Mapping[str, NDArray[Any]]) -> Mapping[str, Any]:
        others, attempts, makes = box["others"], box["attempts"], box["makes"]
        three = slice(ZONES.index("corner3"), None)
        named = ("off_rebounds", "def_rebounds", "assists", "steals", "blocks", "turnovers", "fouls")
        return (
            of_game.pick("player_box", box["game"], box["home"])
            | self._person(box)
            | {name: others[:, column] for column, name in enumerate(named)}
            | {name: box[name] for name in ("starter", "minutes", "points", "ftm", "fta", "plus_minus")}
            | {
                "is_home": box["home"],
                "rebounds": others[:, 0] + others[:, 1],
                "fga": attempts.sum(axis=1),
                "fgm": makes.sum(axis=1),
                "fg3a": attempts[:, three].sum(axis=1),
                "fg3m": makes[:, three].sum(axis=1),
                "usage_pct": pa.nulls(len(others), pa.float32()),
                "source": pa.repeat(SOURCE, len(others)),
            }
        )

    def _prop_lines(self, of_game: GameColumns, lines: Mapping[str, NDArray[Any]]) -> Mapping[str, Any]:
        in_order = np.lexsort(
            (
                lines["line"],
                ~lines["main"],
                lines["taken_us"],
                lines["book"],
                lines["player"],
                lines["stat"],
                lines["game"],
            )
        )
        lines = {name: values[in_order] for name, values in lines.items()}
        count, codes = len(in_order), lines["book"] * len(self.players.name) + lines["player"]
        spellings = pa.array([spell_for(book, name) for book in BOOKMAKERS for name in self.players.name])
        constants = {"odds_type": "", "snapshot_kind": "market_last_update", "source": SOURCE}
        return (
            of_game.pick("prop_lines", lines["game"])
            | {
                name: pa.DictionaryArray.from_arrays(np.zeros(count, np.int8), [value])
                for name, value in constants.items()
            }
            | {
                "market": pa.DictionaryArray.from_arrays(lines["stat"].astype(np.int8), list(STATS)),
                "player_name": spellings.take(pa.array(codes)),
                "player_id": self.players.player_id[lines["player"]],
                "played": lines["played"],
                "bookmaker": pa.DictionaryArray.from_arrays(lines["book"].astype(np.int8), list(BOOKMAKERS)),
                "line": lines["line"],
                "over_price": lines["over"],
                "under_price": lines["under"],
                "snapshot_time": lines["taken_us"].astype("datetime64[us]"),
                "commence_time": of_game.tipoff[lines["game"]],
                "pregame": np.ones(count, dtype=np.bool_),
                "is_main": lines["main"],
                "is_last": lines["last"],
            }
        )  # fmt: skip

    def _shot_zones(
        self, of_game: GameColumns, box: Mapping[str, NDArray[Any]]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        kinds = {"fga": box["attempts"], "fgm": box["makes"]}
        shot = box["attempts"].sum(axis=1) > 0  # the real file has only players who shot
        yield (
            "shot_zones_player_game",
            of_game.pick("shot_zones_player_game", box["game"][shot], box["home"][shot])
            | {
                "player_id": self.players.player_id[box["player"][shot]],
                **{f"{zone}_{kind}": made[shot, z] for kind, made in kinds.items() for z, zone in enumerate(ZONES)},
            },
        )
        side = box["game"] * 2 + ~box["home"]
        sides = np.arange(2 * len(self.games))
        yield (
            "shot_zones_team_game",
            of_game.pick("shot_zones_team_game", sides // 2, sides % 2 == 0)
            | {
                f"{zone}_{kind}": np.bincount(side, weights=made[:, z], minlength=len(sides)).astype(np.int64)
                for kind, made in kinds.items()
                for z, zone in enumerate(ZONES)
            },
        )


def _join_columns(parts: list[Mapping[str, NDArray[Any]]]) -> Mapping[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
