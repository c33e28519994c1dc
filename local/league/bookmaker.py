"""The simulated bookmakers: good but not perfect.

Main and alternate points lines with prices, main lines of the other statistics, and game lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, time, timedelta

import numpy as np
from numpy.typing import NDArray

from local.league.game_day import Expectation
from local.league.odds import american, normal_cdf
from local.league.other_lines import BOOKS, line_of, means_of, offered_of, variance_of
from local.league.players import Floats, Ints
from shared.core.clock import at_new_york
from shared.nba.stats import OTHERS, STATS, Stat

BOOKMAKERS = ("draftkings", "fanduel", "betmgm", "betrivers", "prizepicks")
PRIZEPICKS = BOOKMAKERS.index("prizepicks")  # offers lines without prices
WITH_ALTERNATES = BOOKMAKERS.index("betrivers")
LINED_PLAYERS = 10  # a team, those who are expected to play most
LEAST_MINUTES = 12.0
LEAST_POINTS = 3.0
EARLY_ERROR = 0.07  # relative error of the evening before, on top of the final one
FINAL_ERROR = 0.06  # relative error all books share in the afternoon
BOOK_ERROR = 0.012  # relative disagreement between books
# Points are skewed to the right: the median lies this many standard deviations under the mean.
SKEW = 0.06
SPREAD_ERROR = 2.0  # points
TOTAL_ERROR = 3.0
MARGIN_SD = 12.5  # of final margins around a perfect spread: prices of the moneyline


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment at which books are read: days from the game day, New York time, and which books are
    open by then.
    """

    days: int
    clock: time
    books: tuple[int, ...]


SNAPSHOTS = (
    Snapshot(-1, time(18, 0), (0, 1, PRIZEPICKS)),
    Snapshot(0, time(9, 0), (0, 1, 2, 3, PRIZEPICKS)),
    Snapshot(0, time(16, 30), (0, 1, 2, 3, PRIZEPICKS)),
)


@dataclass(slots=True)
class Lines:
    """Lines of one game day; arrays over lines.

    `place` is row * ROSTER + roster place of the day's setting.
    """

    place: Ints
    stat: Ints  # place in STATS
    book: Ints
    line: Floats
    over: Floats  # American prices, NaN where the book gives none
    under: Floats
    taken_us: Ints  # snapshot time, microseconds since 1970 UTC
    main: NDArray[np.bool_]
    last: NDArray[np.bool_]


def player_lines(
    day: date,
    tipoff_us: Ints,
    early: Expectation,
    final: Expectation,
    out: NDArray[np.bool_],
    rng: np.random.Generator,
    others: np.random.Generator | None,
) -> Lines:
    """Lines of a day. `early` counts today's new absentees as playing, `final` knows better.

    tipoff_us: of each team row's game. Who is found out today keeps his line until the afternoon.
    `rng` is the random stream of points, `others` of the other statistics; None: nobody offers
    them.
    """
    shape = final.points.shape
    shared = np.exp(rng.normal(0, FINAL_ERROR, shape))
    before = np.exp(rng.normal(0, EARLY_ERROR, shape))
    wrong = None if others is None else {name: np.exp(others.normal(0, FINAL_ERROR, shape)) for name in means_of(final)}
    parts: list[Lines] = []
    for number, snapshot in enumerate(SNAPSHOTS):
        is_final = number == len(SNAPSHOTS) - 1
        view, factor = (final, shared) if is_final else (early, shared * (before if number == 0 else before**0.4))
        rank = np.argsort(np.argsort(-view.minutes, axis=1, kind="stable"), axis=1, kind="stable")
        offered = (rank < LINED_PLAYERS) & (view.minutes >= LEAST_MINUTES) & (view.points >= LEAST_POINTS)
        if is_final:
            offered &= ~out
        moment = at_new_york(day + timedelta(days=snapshot.days), snapshot.clock)
        at_us = int(moment.timestamp()) * 1_000_000
        offered &= (tipoff_us > at_us)[:, None]
        place = np.flatnonzero(offered)
        for book in snapshot.books:
            estimate = (view.points * factor).ravel()[place] * np.exp(rng.normal(0, BOOK_ERROR, place.size))
            parts.append(_offer(place, book, estimate, view.spread.ravel()[place], at_us + 7_000_000 * book))
        if number > 0 and others is not None and wrong is not None:
            parts += _offer_others(view, offered, wrong, at_us, others)
    lines = _join_lines(parts)
    latest = np.zeros((len(STATS), len(BOOKMAKERS), final.points.size), dtype=np.int64)
    np.maximum.at(latest, (lines.stat, lines.book, lines.place), lines.taken_us)
    lines.last = lines.main & (lines.taken_us == latest[lines.stat, lines.book, lines.place])
    return lines


def _offer_others(
    view: Expectation,
    offered: NDArray[np.bool_],
    wrong: Mapping[str, Floats],
    at_us: int,
    rng: np.random.Generator,
) -> list[Lines]:
    """The main lines of all but points of who is offered. A book is wrong about the parts, so that
    its sums fit them.
    """
    means = means_of(view)
    parts = []
    for book in BOOKS:
        own = {name: mean * wrong[name] * np.exp(rng.normal(0, BOOK_ERROR, mean.shape)) for name, mean in means.items()}
        for stat in OTHERS.values():
            place = np.flatnonzero(offered & offered_of(stat, means))
            mean = sum((own[part].ravel()[place] for part in stat.parts), np.zeros(place.size))
            line, over, under = line_of(stat, mean, variance_of(stat, own, view.spread).ravel()[place])
            parts.append(_lines(place, stat, book, line, over, under, at_us + 7_000_000 * book))
    return parts


def _lines(place: Ints, stat: Stat, book: int, line: Floats, over: Floats, under: Floats, at_us: int) -> Lines:
    """Main lines of one book and statistic."""
    ones = np.ones(place.size, dtype=np.int64)
    return Lines(
        place, ones * list(STATS).index(stat.name), ones * book, line, over, under, ones * at_us,
        ones.astype(np.bool_), np.zeros(place.size, dtype=np.bool_),
    )  # fmt: skip


def _offer(place: Ints, book: int, estimate: Floats, spread: Floats, at_us: int) -> Lines:
    """One book's main lines, and its alternates one and two points away where it has them."""
    main = np.maximum(np.round(estimate - SKEW * spread - 0.5) + 0.5, 0.5)
    steps = (0, -2, -1, 1, 2) if book == WITH_ALTERNATES else (0,)
    line = np.concatenate([main + step for step in steps])
    where, mean, sd = np.tile(place, len(steps)), np.tile(estimate, len(steps)), np.tile(spread, len(steps))
    is_main = np.repeat(np.arange(len(steps)) == 0, place.size)
    over = 1 - normal_cdf((line - (mean - SKEW * sd)) / sd)
    prices = [american(chance) for chance in (over, 1 - over)]
    if book == PRIZEPICKS:
        prices = [np.full(line.size, np.nan)] * 2
    kept = line > 0
    count = int(kept.sum())
    return Lines(
        where[kept], np.zeros(count, dtype=np.int64), np.full(count, book), line[kept], prices[0][kept],
        prices[1][kept], np.full(count, at_us), is_main[kept], np.zeros(count, dtype=np.bool_),
    )  # fmt: skip


def _join_lines(parts: list[Lines]) -> Lines:
    columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Lines)}
    return Lines(**columns)


def game_lines(final: Expectation, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """(home spread, total, home moneyline, away moneyline) of the day's games; the home side is row
    2g.

    The spread is the home side's handicap: negative for a favourite.
    """
    points = final.points.sum(axis=1)
    home, away = points[0::2], points[1::2]
    spread = np.round(2 * (away - home + rng.normal(0, SPREAD_ERROR, home.size))) / 2
    total = np.round(2 * (home + away + rng.normal(0, TOTAL_ERROR, home.size))) / 2
    wins = np.clip(normal_cdf(-spread / MARGIN_SD), 0.03, 0.97)
    return spread, total, american(wins), american(1 - wins)
