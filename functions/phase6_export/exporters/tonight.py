"""tonight/all-players.json and tonight/player/{lookup}.json: every player considered, with what is
said about him.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from functions.phase6_export.by_stat import figure_of, list_by_stat
from functions.phase6_export.document import Encoded, format_optional_timestamp, half_points, points, share
from functions.phase6_export.exporters import injuries
from functions.phase6_export.exporters.advice import Advice
from functions.phase6_export.reading import Day, Key, key_of
from functions.phase6_export.reasons import full_reason
from functions.phase6_export.rows import Row

ENSEMBLE = "ensemble_v1"
# What stands in the place of a line's prices where a player has no prediction.
NO_BOOKS = {
    "side": None,
    "priced": False,
    **dict.fromkeys(("over_bookmaker", "over_price", "under_bookmaker", "under_price")),
}


class Tonight:
    """The date's players as the two kinds of file show them; each player's entry is made once."""

    def __init__(self, day: Day, last_games: Mapping[int, Sequence[Row]]) -> None:
        self.day = day
        self._last_games = last_games
        self._games = {game["game_id"]: game for game in day.games}
        self._rows = [row for row in day.players if _is_matched(row)]
        self.files = _files(self._rows)
        self._entries = {key_of(row): self._entry(row) for row in self._rows}

    def all_players(self) -> dict[str, Any]:
        """Content of tonight/all-players.json: games by tip-off, their players by team and lookup.

        Names of a feed that matched no player, or no game, stand apart under `unmatched`.
        """
        by_game: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in self._entries.values():
            by_game[entry["game_id"]].append(entry)
        left_out = Counter(entry["reason"] for entry in self._entries.values() if entry["status"] == "left_out")
        return {
            "total_players": len(self._entries),
            "total_predicted": sum(entry["status"] == "predicted" for entry in self._entries.values()),
            "total_with_lines": sum(entry["has_line"] for entry in self._entries.values()),
            "total_left_out": dict(sorted(left_out.items())),
            "games": [self._game(game_id, by_game[game_id]) for game_id in self._games_by_tipoff(by_game)],
            "unmatched": [
                {name: row[name] for name in ("player_name", "player_lookup", "game_id", "reason", "has_line")}
                for row in self.day.players
                if not _is_matched(row)
            ],
        }

    def one_player(self, key: Key, stats: Encoded) -> dict[str, Any]:
        """Content of a player's file: his entry, all lines of all systems by statistic, and his
        last ten games.

        stats: as the date's predictions have them; both schemas say the same of one.
        """
        return {
            "player": self._entries[key],
            "stats": stats,
            "last_games": [
                {
                    "game_date": game["game_date"].isoformat(),
                    "opponent": game["opponent"],
                    "is_home": game["is_home"],
                    "minutes": points(game["minutes"]),
                    **{stat: figure_of(game, stat) for stat in self.day.stats},
                }
                for game in self._last_games.get(key[1], [])
            ],
        }

    def _games_by_tipoff(self, with_players: Mapping[str, Any]) -> list[str]:
        """Scheduled games, and those that left the date's schedule since they were predicted."""
        tipoffs = self.day.tipoffs
        known = {*(game["game_id"] for game in self.day.on_the_date), *with_players}
        return sorted(known, key=lambda game: (tipoffs.get(game) is None, tipoffs.get(game), game))

    def _game(self, game_id: str, players: list[dict[str, Any]]) -> dict[str, Any]:
        game = self._games.get(game_id, {})
        return {
            "game_id": game_id,
            "home_team": game.get("home_team"),
            "away_team": game.get("away_team"),
            "tipoff_at": format_optional_timestamp(self.day.tipoffs.get(game_id)),
            "status": game.get("called_off") or game.get("status", "not_scheduled"),
            "injury_lists": injuries.entries(self.day, game),
            "players": players,
        }

    def _entry(self, row: Row) -> dict[str, Any]:
        """Predicted, or left out with the reason, his game's first; of each statistic of the date
        what is said.
        """
        is_predicted = key_of(row) in self.day.by_player
        mains = list_by_stat(self.day.mains.get(key_of(row), ()))
        off = self.day.withheld.get(row["game_id"])
        return {
            "player_id": row["player_id"],
            "player_lookup": row["player_lookup"],
            "player_name": row["player_name"],
            "file": self.files[key_of(row)],
            "game_id": row["game_id"],
            **self.day.venue(row),
            "status": "predicted" if is_predicted else "left_out",
            "reason": f"game_{off}" if off else None if is_predicted else row["reason"] or "no_prediction",
            **injuries.entry(self.day, row),
            "has_line": row["has_line"],
            "stats": {stat: self._stat(row, stat, mains.get(stat, ())) for stat in self.day.stats},
            "context": _context(row),
        }

    def _stat(self, row: Row, stat: str, of_systems: Sequence[Row]) -> dict[str, Any]:
        """The ensemble's word on the main line of a statistic, nulls where he is left out; what the
        features say of it, null where they do not know or have none of it.

        row: his of players.sql; of_systems: the systems' rows at that line.
        """
        mains = {each["system_id"]: each for each in of_systems}
        ensemble = mains.get(ENSEMBLE, {})
        advice = Advice.of(ensemble) if ensemble else None
        offered = next((each["line_value"] for each in mains.values()), None)
        line = row.get(f"{stat}_line") if offered is None else offered
        return {
            "has_line": line is not None,
            "line": half_points(line),
            "predicted": points(ensemble.get("predicted")),
            "predicted_no_market": points(ensemble.get("predicted_no_market")),
            "recommendation": advice.recommendation if advice else None,
            "recommendation_reason": full_reason(ensemble, ensemble, row) if ensemble else None,
            "confidence": share(ensemble.get("confidence_score")),
            "expected_value": share(ensemble.get("expected_value")),
            **(advice.books(ensemble) if advice else NO_BOOKS),
            "systems": [
                {
                    "system_id": system,
                    "predicted": points(each["predicted"]),
                    "p_over": share(each["p_over"]),
                    "recommendation": Advice.of(each).recommendation,
                    "error_code": each["error_code"],
                }
                for system, each in sorted(mains.items())
            ],
            "season_average": points(figure_of(row, stat, "season")),
            "last_5_average": points(figure_of(row, stat, "l5")),
            "last_10_average": points(figure_of(row, stat, "l10")),
            "last_10": [figure_of(game, stat) for game in self._last_games.get(row["player_id"], [])],
        }


def _is_matched(row: Row) -> bool:
    return row["game_id"] is not None and row["player_id"] is not None


def _files(rows: Sequence[Row]) -> dict[Key, str]:
    """Path of each player's file. Players who share a lookup get their id added, all of them."""
    bearers = Counter(row["player_lookup"] for row in rows)
    paths = {}
    for row in rows:
        lookup = row["player_lookup"]
        name = lookup if bearers[lookup] == 1 else f"{lookup}-{row['player_id']}"
        paths[key_of(row)] = f"tonight/player/{name}.json"
    return paths


def _context(row: Row) -> dict[str, Any]:
    """What the features say of the player, NULL where it is unknown (`unknown` says why)."""
    return {
        "quality_score": points(row["quality_score"]),
        "games_season": row["games_season"],
        "minutes_last_10": points(row["minutes_l10"]),
        "rest_days": row["rest_days"],
        "opponent_def_rating_rel": points(row["opponent_def_rating_rel"]),
        "pace_factor": share(row["pace_factor"]),
        "teammates_out_points": points(row["teammates_out_points"]),
        "implied_team_total": points(row["implied_team_total"]),
        "unknown": row["null_reasons"],
    }
