"""The players' lines and game lines of the archive as the Odds API's bookmakers, indexed by game
for quick answers.

Lines of any statistic that have no time, or none to trust, are shown from UNTIMED_LINES of the
game's day, as the archive says: nearly all of 2024-25 but PRA, and of 2025-26 the daily snapshots.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from local.replay.archive import Archive, microseconds
from local.replay.games import UNTIMED_LINES, format_us, to_us
from shared.core.clock import at_new_york
from shared.nba.stats import STAT_OF_MARKET, STATS

UNTIMED_KINDS = ("file_name_assumed_utc", "unknown_pregame")
# The archive's game lines are a mean over books, without prices of spread and total.
CONSENSUS = "consensus"
TITLES = {
    "betmgm": "BetMGM", "betonlineag": "BetOnline.ag", "betrivers": "BetRivers", "bovada": "Bovada",
    "caesars": "Caesars", CONSENSUS: "Consensus", "draftkings": "DraftKings", "fanatics": "Fanatics",
    "fanduel": "FanDuel", "mybookieag": "MyBookie.ag", "pointsbetus": "PointsBet (US)",
    "prizepicks": "PrizePicks", "underdog": "Underdog", "unibet_us": "Unibet",
}  # fmt: skip
FANTASY_BOOKS = frozenset({"prizepicks", "underdog"})  # the Odds API lists them in region us_dfs, the rest in us


@dataclass(frozen=True, slots=True)
class Snapshots:
    """One book's snapshots of one statistic of one game: when each became known, and the rows
    [start, end) it consists of.
    """

    book: str
    known_us: list[int]
    rows: list[tuple[int, int]]


class Lines:
    """What each bookmaker showed for a game at a moment; prices American or decimal."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @cached_property
    def _columns(self) -> tuple[dict[str, list[Any]], dict[tuple[int, str], list[Snapshots]]]:
        """Columns in order of game, statistic, book, time, and the snapshots of each game and
        statistic.
        """
        table, games = self._archive.player_lines, self._archive.games
        game = _codes(table["game_id"], games.game_id)
        untimed = pc.is_in(table["snapshot_kind"].cast(pa.string()), value_set=pa.array(UNTIMED_KINDS))
        opened = np.array([to_us(at_new_york(day, UNTIMED_LINES)) for day in games.day], dtype=np.int64)
        stated = microseconds(table["snapshot_time"])
        without_time = untimed.to_numpy() | (stated == np.iinfo(np.int64).min)
        known = np.where(without_time, opened[game], stated)
        names = sorted(set(table["bookmaker"].cast(pa.string()).to_pylist()))
        book = _codes(table["bookmaker"].cast(pa.string()), names)
        stats = list(STATS)
        stat = _codes(table["market"].cast(pa.string()), stats)
        player = _codes(table["player_name"], sorted(set(table["player_name"].to_pylist())))
        order = np.lexsort((table["line"].to_numpy(), player, known, book, stat, game))
        ordered = table.select(["player_name", "line", "over_price", "under_price", "is_main"]).take(pa.array(order))
        columns = {name: ordered[name].to_pylist() for name in ordered.column_names}

        keys = np.stack([game, stat, book, known], axis=1)[order]
        starts = [0, *(np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)) + 1).tolist(), len(keys)]
        snapshots: dict[tuple[int, str], list[Snapshots]] = {}
        heads = keys[starts[:-1]].tolist() if len(keys) else []
        for (start, end), (number, of, code, moment) in zip(pairwise(starts), heads, strict=False):
            books = snapshots.setdefault((number, stats[of]), [])
            if not books or books[-1].book != names[code]:
                books.append(Snapshots(names[code], [], []))
            books[-1].known_us.append(moment)
            books[-1].rows.append((start, end))
        return columns, snapshots

    def player_markets(
        self, game: int, at_us: int, markets: Iterable[str], decimal: bool
    ) -> list[tuple[str, int, str, list[dict[str, Any]]]]:
        """(book, known at, market, outcomes) of the latest snapshot of each market and book at or
        before `at_us`.
        """
        columns, snapshots = self._columns
        found = []
        for market in markets:
            stat = STAT_OF_MARKET[market]
            wanted = market == stat.market
            for book in snapshots.get((game, stat.name), []):
                latest = bisect_right(book.known_us, at_us) - 1
                if latest < 0:
                    continue
                start, end = book.rows[latest]
                rows = [row for row in range(start, end) if columns["is_main"][row] == wanted]
                outcomes = [outcome for row in rows for outcome in _over_under(columns, row, decimal)]
                if outcomes:
                    found.append((book.book, book.known_us[latest], market, outcomes))
        return found

    @cached_property
    def _game_lines(self) -> dict[int, dict[str, Any]]:
        index = self._archive.games.index
        rows = self._archive.table("game_lines").to_pylist()
        # Of the few games given twice, the first row counts.
        return {index[row["game_id"]]: row for row in reversed(rows) if row["game_id"] in index}

    def game_markets(
        self, game: int, at_us: int, markets: Iterable[str], decimal: bool
    ) -> list[tuple[str, int, str, list[dict[str, Any]]]]:
        """As player_markets, for spreads, totals and h2h; prices of spreads and totals are null
        (not archived).
        """
        known_us = to_us(at_new_york(self._archive.games.day[game], UNTIMED_LINES))
        row = self._game_lines.get(game)
        if row is None or known_us > at_us:
            return []
        home, away = "home", "away"  # replaced by the team names of the event
        made: dict[str, list[dict[str, Any]]] = {}
        if row["home_spread"] is not None:
            made["spreads"] = [
                {"name": away, "price": None, "point": -row["home_spread"]},
                {"name": home, "price": None, "point": row["home_spread"]},
            ]
        if row["total"] is not None:
            made["totals"] = [{"name": side, "price": None, "point": row["total"]} for side in ("Over", "Under")]
        if row["home_ml"] is not None and row["away_ml"] is not None:
            made["h2h"] = [
                {"name": away, "price": _price(row["away_ml"], decimal)},
                {"name": home, "price": _price(row["home_ml"], decimal)},
            ]
        return [(CONSENSUS, known_us, market, made[market]) for market in markets if market in made]


def event_bookmakers(
    found: list[tuple[str, int, str, list[dict[str, Any]]]], home: str, away: str
) -> list[dict[str, Any]]:
    """The bookmakers of an event odds answer, in order of their keys."""
    books: dict[str, dict[str, Any]] = {}
    for key, known_us, market, outcomes in sorted(found, key=lambda item: item[0]):
        updated = format_us(known_us)
        book = books.setdefault(key, {"key": key, "title": TITLES.get(key, key), "last_update": updated, "markets": []})
        book["last_update"] = max(book["last_update"], updated)
        if market in ("spreads", "h2h"):
            outcomes = [item | {"name": home if item["name"] == "home" else away} for item in outcomes]
        book["markets"].append({"key": market, "last_update": updated, "outcomes": outcomes})
    return list(books.values())


def _over_under(columns: dict[str, list[Any]], row: int, decimal: bool) -> list[dict[str, Any]]:
    """Both sides of a line; a side without a price is left out unless neither has one (pick'em
    books).
    """
    prices = {"Over": columns["over_price"][row], "Under": columns["under_price"][row]}
    bare = all(price is None for price in prices.values())
    return [
        {
            "name": side,
            "description": columns["player_name"][row],
            "price": None if price is None else _price(price, decimal),
            "point": columns["line"][row],
        }
        for side, price in prices.items()
        if bare or price is not None
    ]


def _price(american: float, decimal: bool) -> float | int:
    """American as a whole number, or decimal odds in two places as the Odds API rounds them."""
    if not decimal:
        return round(american)
    return round(1 + (american / 100 if american > 0 else 100 / -american), 2)


def _codes(column: Any, values: list[str]) -> np.ndarray:
    """The position of each text in `values`."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    found = pc.index_in(column.cast(pa.string()), value_set=pa.array(values, pa.string()))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)
