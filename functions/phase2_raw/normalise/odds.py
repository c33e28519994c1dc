"""The Odds API's event odds, live or historical -> odds_api_player_props and odds_api_game_lines.

A file may hold any markets; each goes to its table. When a line was known is the market's
last_update at the bookmaker, but never later than it was seen: a clock that runs ahead elsewhere
must not push it past as_of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.prices import american, half_points, points
from functions.phase2_raw.normalise.rows import Problems, make_table
from shared.core.clock import new_york_date
from shared.core.printable import one_line
from shared.nba import feed_values
from shared.nba.bounds import GAME_LINES, LONGEST_KEY
from shared.nba.feed_values import ElementRefused, show_value
from shared.nba.odds_markets import GAME_MARKETS, MARKETS
from shared.nba.player_names import natural_order, player_lookup, player_lookup_base
from shared.nba.stats import POINTS, STAT_OF_MARKET, STATS, Stat
from shared.nba.teams import team_by_name
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent

PROPS, LINES = "nba_raw.odds_api_player_props", "nba_raw.odds_api_game_lines"
# What the answers of a kind of file are about, where the request does not say. Files of
# player_points are of a release that knew points alone.
_ABOUT = {
    "player_points": POINTS.markets,
    "game_lines": GAME_MARKETS,
    "live_odds": MARKETS,
    "event_odds": (*POINTS.markets, *GAME_MARKETS),
}
_SPREAD, _TOTAL = GAME_LINES["home_spread"], GAME_LINES["total"]


@dataclass(frozen=True, slots=True)
class _Event:
    """What all rows of one answer share; `seen_at` is the moment the answer stands for."""

    path: str
    event_id: str
    teams: tuple[str, str]  # the feed's names, home first
    columns: Mapping[str, Any]
    seen_at: datetime
    books: list[Any]


class OddsRows:
    """Rows of all events, kept as codes into small tables of markets and names until the end: a
    season has 200,000.

    A statistic that an event's answer is about and brings no line of is one row of that statistic
    without a bookmaker, and so are game lines: what earlier answers offered is offered no more. An
    answer that was not asked for a statistic says nothing of it.
    """

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._markets: list[dict[str, Any]] = []
        self._names: dict[str, int] = {}
        self._rows: tuple[list[int], list[int], list[float], list[int | None], list[int | None]] = ([], [], [], [], [])
        self._lines: list[dict[str, Any]] = []
        self._nothing: dict[str, list[dict[str, Any]]] = {PROPS: [], LINES: []}
        self._subjects: set[str] = set()  # of the answer that is read: what a row has come of

    def add(self, path: str, content: RawContent) -> None:
        for listed in content.answers_named("gone"):  # events that are listed no more: nobody offers anything
            for entry in listed.body:
                with self._problems.element(path, "an event that is gone"):
                    event = _event(path, content, {**feed_values.require_object(entry, "it"), "bookmakers": []})
                    self._say_nothing(event, _ABOUT.get(content.kind, ()))
        for number, answer in enumerate(content.answers_named("odds")):
            with self._problems.element(path, f"odds {number}"):
                event = _event(path, content, answer.body)
                self._subjects = set()
                about = {*_asked_markets(content, answer)}
                for book in event.books:
                    about |= self._book(event, book)
                self._say_nothing(event, about)

    def _say_nothing(self, event: _Event, about: Iterable[str]) -> None:
        """A row without a bookmaker of all that markets are about and no row has come of."""
        shared = {**event.columns, "snapshot_time": event.seen_at}
        subjects = {_subject(market) for market in about} - self._subjects
        self._nothing[PROPS] += [{**shared, "stat": stat} for stat in STATS if stat in subjects]
        if LINES in subjects:
            self._nothing[LINES].append(shared)

    def tables(self) -> dict[str, pa.Table]:
        found = {}
        for table, columns, count in (
            (PROPS, self._props(), len(self._rows[0])),
            (LINES, self._game_lines(), len(self._lines)),
        ):
            made = [make_table(table, count, columns, {})] if count else []
            nothing = self._nothing[table]
            if nothing:
                made.append(
                    make_table(table, len(nothing), {name: [row[name] for row in nothing] for name in nothing[0]}, {})
                )
            if made:
                found[table] = pa.concat_tables(made)
        return found

    def _book(self, event: _Event, book: Any) -> set[str]:
        """The rows of a bookmaker; the markets that it was seen to have."""
        seen: set[str] = set()
        game_lines: dict[str, Any] = {}
        key = ""
        with self._problems.element(event.path, f"event {event.event_id}"):
            fields = feed_values.require_object(book, "a bookmaker")
            key = feed_values.text(fields.get("key"), "key of a bookmaker", LONGEST_KEY)
            for market in feed_values.require_list(fields.get("markets"), f"markets of {key}"):
                with self._problems.element(event.path, f"event {event.event_id}, {key}"):
                    seen.add(self._market(event, fields, key, market, game_lines))
        if game_lines:
            self._subjects.add(LINES)
            self._lines.append({"home_spread": None, "total": None, **game_lines, **event.columns, "bookmaker": key})
        return seen

    def _market(self, event: _Event, book: Mapping[str, Any], key: str, market: Any, game_lines: dict[str, Any]) -> str:
        """The rows of one market of a bookmaker, and its name.

        Raises ElementRefused where it is no market.
        """
        fields = feed_values.require_object(market, "a market")
        name = feed_values.text(fields.get("key"), "key of a market", LONGEST_KEY)
        stat = STAT_OF_MARKET.get(name)
        if stat is None and name not in GAME_MARKETS:
            self._problems.leave_out(f"markets {name}")
            return name
        where = f"event {event.event_id}, {key}, {name}"
        with self._problems.element(event.path, where):
            stated = fields.get("last_update")
            if stated is None or feed_values.is_nan(stated):
                stated = book.get("last_update")
            updated = min(feed_values.parse_feed_timestamp(stated, "last_update"), event.seen_at)
            outcomes = feed_values.require_list(fields.get("outcomes"), "outcomes")
            if stat is not None:
                shared = {
                    **event.columns, "bookmaker": key, "stat": stat.name, "market": name, "snapshot_time": updated,
                }  # fmt: skip
                self._player_lines(event.path, where, stat, shared, outcomes)
            else:
                self._game_line(event, where, name, outcomes, updated, game_lines)
        return name

    def _player_lines(self, path: str, where: str, stat: Stat, shared: dict[str, Any], outcomes: list[Any]) -> None:
        """Over and Under of the same player and line become one row."""
        sides: dict[tuple[str, float], dict[str, int | None]] = {}
        for outcome in outcomes:
            try:
                side, player, line, price = self._outcome(path, where, stat, outcome)
                found = sides.setdefault((player, line), {})
                if side in found and found[side] != price:
                    raise ElementRefused(f"{side} {line} of {player} at both {found[side]} and {price}")
                found[side] = price
            except ElementRefused as refused:
                self._problems.row(path, where, str(refused))
        if not sides:
            return
        self._subjects.add(stat.name)
        self._markets.append(shared)
        markets, names, lines, over, under = self._rows
        for (player, line), prices in sides.items():
            markets.append(len(self._markets) - 1)
            names.append(self._names.setdefault(player, len(self._names)))
            lines.append(line)
            over.append(prices.get("Over"))
            under.append(prices.get("Under"))

    def _outcome(self, path: str, where: str, stat: Stat, outcome: Any) -> tuple[str, str, float, int | None]:
        """(Over or Under, player, line, price). Raises ElementRefused."""
        if not isinstance(outcome, dict):
            raise ElementRefused(f"an outcome is {show_value(outcome)}, not an object")
        given, side, price = outcome.get("description"), outcome.get("name"), outcome.get("price")
        player = given if isinstance(given, str) and given in self._names else _name(given)
        if side not in ("Over", "Under"):
            raise ElementRefused(f"outcome {show_value(side)} of {player} is neither Over nor Under")
        if feed_values.is_nan(price):
            self._problems.missing(path, where, f"{player}: the price of {side} is NaN, taken as missing")
            price = None
        try:
            return side, player, half_points(outcome.get("point"), stat), american(price)
        except ElementRefused as refused:
            raise ElementRefused(f"{player}: {refused}") from None

    def _game_line(
        self, event: _Event, where: str, market: str, outcomes: list[Any], updated: datetime, found: dict[str, Any]
    ) -> None:
        """The home team's spread, or the total, into `found`; both were known when the later of
        them was.
        """
        side, column, bound = ("Over", "total", _TOTAL)
        if market == "spreads":
            side, column, bound = (event.teams[0], "home_spread", _SPREAD)
        given = [each.get("point") for each in outcomes if isinstance(each, dict) and _is(each.get("name"), side)]
        if len(given) != 1:
            raise ElementRefused(f"there are {len(given)} outcomes {side!r}, not one")
        try:
            read = points(given[0], bound)
        except ElementRefused as refused:
            raise ElementRefused(f"not one readable outcome {side!r}: {refused}") from None
        if read is None:
            raise ElementRefused(f"outcome {side!r} has no point")
        found[column] = read
        found["snapshot_time"] = max(updated, found.get("snapshot_time", updated))

    def _props(self) -> dict[str, Any]:
        markets, codes, lines, over, under = self._rows
        if not lines:
            return {}
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
        return columns | {
            "line": pa.array(lines).cast(pa.decimal128(38, 9)),
            "over_price": over,
            "under_price": under,
        }

    def _game_lines(self) -> dict[str, Any]:
        return {name: [row[name] for row in self._lines] for name in self._lines[0]} if self._lines else {}


def _event(path: str, content: RawContent, body: Any) -> _Event:
    """An answer's event, which a historical one wraps in `data`. Raises ElementRefused."""
    answer = feed_values.require_object(body, "the answer")
    seen_at = content.fetched_at
    if "data" in answer:
        seen_at = min(feed_values.parse_feed_timestamp(answer.get("timestamp"), "timestamp"), seen_at)
        answer = feed_values.require_object(answer["data"], "data")
    event_id = feed_values.text(answer.get("id"), "id", LONGEST_KEY)
    names = (
        feed_values.text(answer.get("home_team"), f"home_team of event {event_id}"),
        feed_values.text(answer.get("away_team"), f"away_team of event {event_id}"),
    )
    commence = feed_values.parse_feed_timestamp(answer.get("commence_time"), f"commence_time of event {event_id}")
    books = feed_values.require_list(answer.get("bookmakers"), f"bookmakers of event {event_id}")
    home, away = (team_by_name(name) for name in names)
    if home is None or away is None or home == away:
        raise ElementRefused(f"event {event_id}: {names[1]!r} at {names[0]!r}: these are not two NBA teams")
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
    return _Event(path, event_id, names, columns, seen_at, books)


def _subject(market: str) -> str:
    """The statistic that a market is about, or LINES; markets of neither have themselves."""
    stat = STAT_OF_MARKET.get(market)
    return stat.name if stat is not None else LINES if market in GAME_MARKETS else market


def _asked_markets(content: RawContent, answer: RawAnswer) -> tuple[str, ...]:
    """The markets that the answer is about: those asked for, whether or not a bookmaker has
    them.
    """
    request = answer.request if isinstance(answer.request, Mapping) else {}
    params = request.get("params")
    markets = params.get("markets") if isinstance(params, Mapping) else None
    if isinstance(markets, str):
        return tuple(markets.split(","))
    return _ABOUT.get(content.kind, ())


def _is(given: Any, name: str) -> bool:
    return isinstance(given, str) and one_line(given) == name


def _name(given: Any) -> str:
    """A player's name as it may be shown. Raises ElementRefused."""
    try:
        name = natural_order(feed_values.text(given, "description"))
    except ElementRefused:
        name = ""
    if not player_lookup(name):
        raise ElementRefused(f"description {show_value(given)} is no player's name")
    return name
