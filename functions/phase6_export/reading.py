"""Everything an export needs of one date, read in seven statements whatever the number of games,
players and books.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from functions.phase6_export.lists import TeamList, gather_lists, lists_seen, of_either
from functions.phase6_export.rows import Row, Rows
from shared.nba.stats import place_of
from shared.stores.ports import Warehouse
from shared.stores.warehouse.sql import read_sql

PACKAGE = "functions.phase6_export"
# (game_id, player_id): a player of a game.
Key = tuple[str, int]
MOVED_FORWARD = "moved_forward"
# Reasons of games.sql that say: not on this date at all.
LEFT_THE_DATE = ("moved", "not_scheduled")
# Rows that stand for a system's and player's forecast: of his main line, or without a line.
MAIN_KINDS = ("main", "none")


@dataclass(frozen=True)
class Day:
    """One date as the warehouse has it: games, players considered, and the current predictions."""

    game_date: date
    now: datetime
    games: Sequence[Row]
    """Of the schedule: the date's, and those predicted for it that have left it since."""
    players: Sequence[Row]
    predictions: Rows
    """Of current.sql, by game, player, statistic, system and line."""
    schedule_rows: int
    schedule_at: datetime | None
    """When the newest of what the schedule says around the date was known."""
    consolidated_batches: tuple[str, ...]
    source_rows: Sequence[Row]
    """Of sources.sql, gathered: what was known of each source, per predicted game and (game_id
    None) for the whole date.
    """

    @cached_property
    def withheld(self) -> dict[str, str]:
        """game_id -> why nothing is offered on it any more: called off, or its tip-off moved
        forward and passed.

        postponed, cancelled, suspended, moved (to another day), not_scheduled (gone from the
        schedule), or moved_forward.
        """
        predicted_tipoffs = self.predicted_tipoffs
        reasons = {}
        for game in self.games:
            game_id, tipoff = game["game_id"], game["tipoff_at"]
            if game["called_off"] is not None:
                reasons[game_id] = game["called_off"]
            elif (
                game_id in predicted_tipoffs
                and tipoff is not None
                and tipoff < predicted_tipoffs[game_id]
                and tipoff <= self.now
            ):
                reasons[game_id] = MOVED_FORWARD
        return reasons

    @cached_property
    def on_the_date(self) -> list[Row]:
        """Games that the schedule still has on the date, called off or not."""
        return [game for game in self.games if game["called_off"] not in LEFT_THE_DATE]

    @cached_property
    def predicted_tipoffs(self) -> dict[str, datetime]:
        """Tip-off of each predicted game, as its predictions say."""
        return {row["game_id"]: row["tipoff_at"] for row in self.predictions.distinct("game_id", "tipoff_at")}

    @cached_property
    def offered(self) -> Rows:
        """Current predictions of games that take place as they were predicted."""
        return self.predictions.where("game_id", lambda game: game not in self.withheld)

    @cached_property
    def not_offered(self) -> Rows:
        """Current predictions of the other games."""
        return self.predictions.where("game_id", lambda game: game in self.withheld)

    @cached_property
    def stats(self) -> list[str]:
        """Statistics that the date's predictions are of, in the order in which files show them."""
        return sorted((row["stat"] for row in self.predictions.distinct("stat")), key=place_of)

    @cached_property
    def stats_of_batch(self) -> dict[str, set[str]]:
        """batch_id -> the statistics that its predictions are of."""
        found: dict[str, set[str]] = {}
        for row in self.predictions.distinct("batch_id", "stat"):
            found.setdefault(row["batch_id"], set()).add(row["stat"])
        return found

    @cached_property
    def mains(self) -> dict[Key, Rows]:
        """By player the predictions on offer at the main lines, or without a line, by statistic and
        system.
        """
        return _by_player(self.offered.where("line_kind", lambda kind: kind in MAIN_KINDS))

    def venue(self, player: Row) -> dict[str, Any]:
        """Where a player plays, and against whom, as the schedule has it now.

        team, opponent and is_home of a row of players.sql; the last two are None where the schedule
        lacks the game.
        """
        game = next((game for game in self.games if game["game_id"] == player["game_id"]), None)
        if game is None or player["team"] is None:
            return {"team": player["team"], "opponent": None, "is_home": None}
        is_home = player["team"] == game["home_team"]
        return {"team": player["team"], "opponent": game["away_team" if is_home else "home_team"], "is_home": is_home}

    def list_of(self, game_id: str, team: str | None) -> TeamList:
        """What the features knew of a team's injury list; for a team without any, what was known at
        their moment, or at the date's newest. Of a player without a team, of either team's.
        """
        lists = self._lists.get(game_id, self._lists[None])
        if team is None:
            return of_either(self.list_of(game_id, each) for each in lists)
        return self._lists_seen.get((game_id, team)) or lists.get(team, TeamList(team))

    @cached_property
    def _lists_seen(self) -> dict[tuple[str, str], TeamList]:
        return lists_seen(self.players)

    def injuries_unknown(self, player: Row) -> bool:
        """Whether no injury list of his team was in force; player: a row with his game and team."""
        return not self.list_of(player["game_id"], player["team"]).is_known

    @cached_property
    def _lists(self) -> dict[str | None, dict[str, TeamList]]:
        return {row["game_id"]: row["lists"] for row in self.source_rows}

    @cached_property
    def teams_on_offer(self) -> set[tuple[str, str | None]]:
        """(game_id, team) of the players with predictions on offer."""
        return {(key[0], self.considered[key]["team"]) for key in self.by_player}

    @cached_property
    def silent_systems(self) -> dict[str, dict[str, tuple[str, str]]]:
        """system_id -> statistic -> error code and why, of each that has a forecast for nobody on
        offer; of several the usual.
        """
        offered = self.offered.only("stat", "system_id", "predicted", "error_code", "error_message")
        forecasting = {(row["system_id"], row["stat"]) for row in offered if row["predicted"] is not None}
        why: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
        for row in offered:
            key = row["system_id"], row["stat"]
            if key not in forecasting:
                code = row["error_code"] or "unknown"
                why.setdefault(key, Counter())[code, row["error_message"] or code] += 1
        silent: dict[str, dict[str, tuple[str, str]]] = {}
        for system, stat in sorted(why, key=lambda key: (key[0], place_of(key[1]))):
            silent.setdefault(system, {})[stat] = why[system, stat].most_common(1)[0][0]
        return silent

    @cached_property
    def offered_games(self) -> set[str]:
        """Games with predictions on offer."""
        return {row["game_id"] for row in self.offered.distinct("game_id")}

    @cached_property
    def by_player(self) -> dict[Key, Rows]:
        """By player the predictions on offer, by statistic, system and line."""
        return _by_player(self.offered)

    @cached_property
    def stats_of_player(self) -> dict[Key, set[str]]:
        """By player the statistics that his predictions on offer are of."""
        found: dict[Key, set[str]] = {}
        for row in self.offered.distinct("game_id", "player_id", "stat"):
            found.setdefault(key_of(row), set()).add(row["stat"])
        return found

    @cached_property
    def predicted_players(self) -> list[Key]:
        """Players with predictions on offer, by game and lookup."""
        offered = self.offered.distinct("game_id", "player_id", "player_lookup")
        names = {key_of(row): row["player_lookup"] for row in offered}
        return sorted(names, key=lambda key: (key[0], names[key], key[1]))

    @cached_property
    def considered(self) -> dict[Key, Row]:
        """The row of each player considered, for his name and team."""
        return {key_of(row): row for row in self.players}

    @cached_property
    def batches(self) -> tuple[str, ...]:
        """Batches that count for at least one game, sorted."""
        return tuple(sorted(row["batch_id"] for row in self.predictions.distinct("batch_id")))

    @cached_property
    def revision(self) -> int:
        """The newest revision that counts; 0 without any."""
        return max((row["revision"] for row in self.players if row["game_is_covered"]), default=0)

    @cached_property
    def consolidated_at(self) -> datetime:
        """When what counts was last consolidated; only of a date that has players on record."""
        newest: datetime = max(row["newest_consolidated_at"] for row in self.players)
        return newest

    @cached_property
    def tipoffs(self) -> dict[str, Any]:
        """Tip-off of each game: the schedule's as it is now, else of its predictions (odds feed or
        assumed).
        """
        predicted = self.predicted_tipoffs
        return predicted | {game["game_id"]: game["tipoff_at"] or predicted.get(game["game_id"]) for game in self.games}


def key_of(row: Row) -> Key:
    """The player of a game that a row is about."""
    return row["game_id"], row["player_id"]


def _by_player(rows: Rows) -> dict[Key, Rows]:
    found = rows.groups("game_id", "player_id")
    return {(game_id, player_id): of_him for (game_id, player_id), of_him in found.items()}


def read_day(warehouse: Warehouse, day: date, now: datetime) -> Day:
    """Four statements: schedule, players considered, current predictions, what was known of the
    sources.
    """
    scheduled = read_rows(warehouse, "games", day, now=now)
    facts = next(row for row in scheduled if row["game_id"] is None)
    return Day(
        game_date=day,
        now=now,
        games=[row for row in scheduled if row["game_id"] is not None],
        players=read_rows(warehouse, "players", day),
        predictions=read_columns(warehouse, "current", day),
        schedule_rows=facts["schedule_rows"],
        schedule_at=facts["schedule_at"],
        consolidated_batches=tuple((facts["consolidated_batches"] or "").split(","))
        if facts["consolidated_batches"]
        else (),
        source_rows=read_sources(warehouse, day, now),
    )


def read_sources(warehouse: Warehouse, day: date, now: datetime) -> list[Row]:
    """What was known of each source: a row per predicted game, and one of the whole date."""
    return gather_lists(read_rows(warehouse, "sources", day, now=now))


def read_last_games(warehouse: Warehouse, day: date) -> dict[int, list[Row]]:
    """player_id -> his last ten games known before his features' as-of, newest first."""
    rows = read_rows(warehouse, "last_games", day)
    return {player: list(games) for player, games in groupby(rows, lambda row: int(row["player_id"]))}


def read_results(warehouse: Warehouse, day: date, now: datetime) -> Rows:
    """Grades (main lines, alternates, and players without a line) of the last graded date on or
    before the day.
    """
    return read_columns(warehouse, "results", day, now=now)


def read_performance(warehouse: Warehouse, day: date, now: datetime) -> list[Row]:
    """Performance rows of the windows that end at the last graded date on or before the day."""
    return read_rows(warehouse, "performance", day, now=now)


def read_best_bets_record(warehouse: Warehouse, day: date, now: datetime) -> list[Row]:
    """Graded picks of the best bets up to the day, as they stood on the list before tip-off; by day
    and rank.
    """
    return read_rows(warehouse, "best_bets_record", day, now=now)


def read_rows(warehouse: Warehouse, name: str, day: date, **further: datetime) -> list[Row]:
    """The rows of sql/{name}.sql for a date: of those whose number does not grow with that of
    lines."""
    return list(read_columns(warehouse, name, day, **further))


def read_columns(warehouse: Warehouse, name: str, day: date, **further: datetime) -> Rows:
    """The rows of sql/{name}.sql for a date."""
    return Rows(warehouse.query(read_sql(PACKAGE, name), {"game_date": day, **further}))
