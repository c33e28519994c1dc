"""The Odds API's event odds, live or historical -> odds_api_player_points_props and odds_api_game_lines.

A file may hold any markets; each goes to its table. When a line was known is the market's last_update at the
bookmaker, but never later than it was seen: a clock that runs ahead elsewhere must not push it past as_of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.prices import american, half_points, points
from functions.phase2_raw.normalise.rows import Problems, make_table, moment
from shared.clock import new_york_date
from shared.names import player_lookup, player_lookup_base
from shared.ports import DateRange
from shared.raw_files import RawContent
from shared.teams import team_by_name

PROPS, LINES = "nba_raw.odds_api_player_points_props", "nba_raw.odds_api_game_lines"
PROP_MARKETS = ("player_points", "player_points_alternate")
LINE_MARKETS = ("spreads", "totals")


@dataclass(frozen=True, slots=True)
class _Event:
    """What all rows of one answer share; `seen_at` is the moment the answer stands for."""

    path: str
    event_id: str
    teams: tuple[str, str]  # the feed's names, home first
    columns: Mapping[str, Any]
    seen_at: datetime


class OddsRows:
    """Rows of all events, kept as codes into small tables of markets and names until the end: a season has 200,000."""

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._markets: list[dict[str, Any]] = []
        self._names: dict[str, int] = {}
        self._rows: tuple[list[int], list[int], list[float], list[int | None], list[int | None]] = ([], [], [], [], [])
        self._lines: list[dict[str, Any]] = []

    def add(self, path: str, content: RawContent) -> None:
        for number, answer in enumerate(content.named("odds")):
            event = self._event(path, number, content, answer.body)
            if event is None:
                continue
            body = answer.body.get("data", answer.body)
            for book in body["bookmakers"]:
                self._book(event, book)

    def tables(self) -> dict[str, pa.Table]:
        found = {}
        if self._rows[0]:
            found[PROPS] = self._props()
        if self._lines:
            columns = {name: [row[name] for row in self._lines] for name in self._lines[0]}
            found[LINES] = make_table(LINES, len(self._lines), columns, {})
        return found

    def _event(self, path: str, number: int, content: RawContent, body: Any) -> _Event | None:
        try:
            data = body.get("data", body)
            seen_at = min(moment(body["timestamp"]), content.fetched_at) if "data" in body else content.fetched_at
            event_id, names = str(data["id"]), (str(data["home_team"]), str(data["away_team"]))
            commence, _ = moment(data["commence_time"]), data["bookmakers"]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self._problems.row(path, f"odds {number}", f"id, teams, commence_time or bookmakers: {error!r}")
            return None
        home, away = (team_by_name(name) for name in names)
        if home is None or away is None:
            self._problems.row(path, f"event {event_id}", f"{names[1]!r} at {names[0]!r}: not both are NBA teams")
            return None
        columns = {
            "game_date": new_york_date(commence),
            "event_id": event_id,
            "home_team": home.abbr,
            "away_team": away.abbr,
            "commence_time": commence,
            "answer_at": seen_at,
            "fetched_at": content.fetched_at,
            "run_id": content.run_id,
            "source_file": path,
        }
        return _Event(path, event_id, names, columns, seen_at)

    def _book(self, event: _Event, book: Any) -> None:
        game_lines: dict[str, Any] = {}
        try:
            key, markets = str(book["key"]), [(market["key"], market) for market in book["markets"]]
        except (KeyError, TypeError) as error:
            self._problems.row(event.path, f"event {event.event_id}", f"a bookmaker's key or markets: {error!r}")
            return
        for name, market in markets:
            where = f"event {event.event_id}, {key}, {name}"
            if name not in (*PROP_MARKETS, *LINE_MARKETS):
                self._problems.left_out(f"markets {name}")
                continue
            try:
                updated = min(moment(market.get("last_update") or book.get("last_update")), event.seen_at)
                outcomes = [(str(outcome["name"]), outcome) for outcome in market["outcomes"]]
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                self._problems.row(event.path, where, f"last_update or outcomes: {error}")
                continue
            if name in PROP_MARKETS:
                shared = {**event.columns, "bookmaker": key, "market": name, "snapshot_time": updated}
                self._player_lines(event.path, where, shared, outcomes)
            else:
                self._game_line(event, where, name, outcomes, updated, game_lines)
        if game_lines:
            self._lines.append({"home_spread": None, "total": None, **game_lines, **event.columns, "bookmaker": key})

    def _player_lines(
        self, path: str, where: str, shared: dict[str, Any], outcomes: list[tuple[str, dict[str, Any]]]
    ) -> None:
        """Over and Under of the same player and points become one row."""
        sides: dict[tuple[str, float], dict[str, int | None]] = {}
        for side, outcome in outcomes:
            player = outcome.get("description")
            try:
                if not isinstance(player, str) or not (player in self._names or player_lookup(player)):
                    raise ValueError(f"description {player!r} is no player's name")
                if side not in ("Over", "Under"):
                    raise ValueError(f"outcome {side!r} of {player} is neither Over nor Under")
                line, price = half_points(outcome.get("point")), american(outcome.get("price"))
            except ValueError as error:
                self._problems.row(path, where, f"{player}: {error}")
                continue
            found = sides.setdefault((player, line), {})
            if side in found and found[side] != price:
                self._problems.row(path, where, f"{side} {line} of {player} at both {found[side]} and {price}")
                continue
            found[side] = price
        if not sides:
            return
        self._markets.append(shared)
        markets, names, lines, over, under = self._rows
        for (player, line), prices in sides.items():
            markets.append(len(self._markets) - 1)
            names.append(self._names.setdefault(player, len(self._names)))
            lines.append(line)
            over.append(prices.get("Over"))
            under.append(prices.get("Under"))

    def _game_line(
        self,
        event: _Event,
        where: str,
        market: str,
        outcomes: list[tuple[str, dict[str, Any]]],
        updated: datetime,
        found: dict[str, Any],
    ) -> None:
        """The home team's spread, or the total, into `found`; both were known when the later of them was."""
        side = event.teams[0] if market == "spreads" else "Over"
        try:
            [value] = [points(outcome.get("point")) for name, outcome in outcomes if name == side]
        except ValueError as error:
            self._problems.row(event.path, where, f"not one readable outcome {side!r}: {error}")
            return
        found["home_spread" if market == "spreads" else "total"] = value
        found["snapshot_time"] = max(updated, found.get("snapshot_time", updated))

    def _props(self) -> pa.Table:
        markets, codes, lines, over, under = self._rows
        shared = pa.Table.from_pylist(self._markets).take(pa.array(markets))
        names = list(self._names)
        by_code = pa.table(
            {
                "player_name": names,
                "player_lookup": [player_lookup(name) for name in names],
                "player_lookup_base": [player_lookup_base(name) for name in names],
            }
        ).take(pa.array(codes))
        columns = {
            column: table[column].combine_chunks() for table in (shared, by_code) for column in table.column_names
        }
        columns |= {"line": pa.array(lines).cast(pa.decimal128(38, 9)), "over_price": over, "under_price": under}
        return make_table(PROPS, len(lines), columns, {})
