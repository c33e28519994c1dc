"""Lines and prices: the five tested lines, the best price at each, expected value and the
recommendation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from shared.core.clock import parse_timestamp
from shared.nba.stats import LOWEST_LINE, Stat

LEAST_AMERICAN_ODDS = 100
SUSPICIOUS = "suspicious_line"
# The reason of a line that no book prices: judged at the assumed price, no bet of anybody.
ASSUMED = "assumed_price"
# An expected profit as high as the stake means a price twice as good as fair, which no book offers:
# the line or the price is an error, or the system is. Of 77,125 real main lines judged by form
# alone 2 promise as much (see docs/science.md).
SUSPICIOUS_VALUE = 1.0
# Standard deviations of a system's own points between its figure and a line: beyond them it is
# suspicious. Real lines reach from -1.4 to 3.0 deviations of form (docs/science.md).
# functions/phase3_analytics/suspicious.py hands these to SQL.
MOST_DEVIATIONS_ABOVE = 4.0
MOST_DEVIATIONS_BELOW = 2.5
# Of a figure in a reason.
MOST_DIGITS = 9


class Policy(Protocol):
    """When a recommendation is made: the settings of the same names (shared.core.settings.Settings
    is one).
    """

    @property
    def min_expected_value(self) -> float: ...

    @property
    def min_confidence(self) -> float: ...

    @property
    def assumed_price(self) -> int: ...


@dataclass(frozen=True)
class Offer:
    """One bookmaker's line as a request brings it: prices are American odds, None where the book
    shows none.

    suspicious says what is wrong of it (upcoming_player_lines); such an offer counts for nothing.
    """

    bookmaker: str
    line: Decimal
    over: int | None
    under: int | None
    snapshot_time: datetime
    is_main: bool
    suspicious: str | None = None


@dataclass(frozen=True)
class Best:
    """The best prices at one line over all books, and the book of each.

    suspicious: what is wrong of the line, where every book's offer of it is suspicious; then there
    is no price.
    """

    over: int | None = None
    over_book: str | None = None
    under: int | None = None
    under_book: str | None = None
    suspicious: str | None = None


class Decision(NamedTuple):
    """A recommendation for one line with the figures it rests on; see player_prop_predictions.

    side (OVER or UNDER) is what expected_value and confidence belong to, whatever the
    recommendation, and bookmaker is the book of the price on it: None where nobody prices it. A
    line that is suspicious has no side.
    """

    recommendation: str
    reason: str
    expected_value: float | None
    confidence: float | None
    side: str | None
    bookmaker: str | None


def offers(books: Iterable[Mapping[str, Any]]) -> list[Offer]:
    """The latest offers of each book: rows of its latest snapshot, main lines and alternates apart.

    A line that a book has moved away from is no longer offered. Odds between -100 and 100 exist
    nowhere and count as no price. Ordered by book, line, main first.
    """
    read = [
        Offer(
            bookmaker=str(book["bookmaker"]),
            line=Decimal(str(book["line"])),
            over=_price(book["over"]),
            under=_price(book["under"]),
            snapshot_time=to_datetime(book["snapshot_time"]),
            is_main=bool(book["is_main"]),
            suspicious=book.get("suspicious"),
        )
        for book in books
    ]
    latest: dict[tuple[str, bool], datetime] = {}
    for offer in read:
        key = (offer.bookmaker, offer.is_main)
        latest[key] = max(latest.get(key, offer.snapshot_time), offer.snapshot_time)
    current = {o for o in read if o.snapshot_time == latest[o.bookmaker, o.is_main]}
    return sorted(current, key=lambda o: (o.bookmaker, o.line, not o.is_main, o.over or 0, o.under or 0))


def to_datetime(value: Any) -> datetime:
    """Read a moment as JSON (ISO text) or a table brings it."""
    return value if isinstance(value, datetime) else parse_timestamp(str(value))


def _price(value: Any) -> int | None:
    return None if value is None or abs(int(value)) < LEAST_AMERICAN_ODDS else int(value)


def main_line(current: Sequence[Offer]) -> Decimal | None:
    """The median of the books' latest main lines rounded to a half; a quarter is rounded up (24.75
    -> 25.0).

    SQL's ROUND does the same. A book with several main lines counts with its lowest, a suspicious
    one only where all are. None without a main line.
    """
    by_book: dict[str, Decimal] = {}
    mains = [offer for offer in current if offer.is_main]
    for offer in [offer for offer in mains if not offer.suspicious] or mains:
        by_book[offer.bookmaker] = min(offer.line, by_book.get(offer.bookmaker, offer.line))
    lines = sorted(by_book.values())
    if not lines:
        return None
    middle = (lines[(len(lines) - 1) // 2] + lines[len(lines) // 2]) / 2
    return to_half(middle)


def to_half(value: Decimal) -> Decimal:
    """Rounded to a half point, quarters up, with one decimal: exact, never by way of a float."""
    return (value * 2).quantize(Decimal(1), rounding=ROUND_HALF_UP) / 2 + Decimal("0.0")


def tested_lines(main: Decimal, stat: Stat) -> list[Decimal]:
    """The main line and those of the statistic's steps about it; lines below 0.5 are left out.

    In points a main line of 1.5 has four, of 0.5 three, of 2.0 four; from 2.5 on there are five.
    """
    return [main + step for step in stat.line_steps if main + step >= LOWEST_LINE]


def best_prices(current: Iterable[Offer]) -> dict[Decimal, Best]:
    """The best over and under price at each line that a book offers; among equal prices the first
    book by name.
    """
    best: dict[Decimal, Best] = {}
    for offer in sorted(current, key=lambda o: (o.suspicious is not None, o.bookmaker)):
        if offer.suspicious:  # after all others: a line that only suspicious offers have is one itself
            best.setdefault(offer.line, Best(suspicious=offer.suspicious))
            continue
        seen = best.get(offer.line, Best())
        over, over_book, under, under_book = seen.over, seen.over_book, seen.under, seen.under_book
        if offer.over is not None and (over is None or profit(offer.over) > profit(over)):
            over, over_book = offer.over, offer.bookmaker
        if offer.under is not None and (under is None or profit(offer.under) > profit(under)):
            under, under_book = offer.under, offer.bookmaker
        best[offer.line] = Best(over, over_book, under, under_book)
    return best


def profit(american: int) -> float:
    """Profit per unit staked of a won bet at American odds: +150 -> 1.5, -110 -> 0.909."""
    return american / 100.0 if american > 0 else 100.0 / -american


def expected_value(p_win: float, p_lose: float, american: int) -> float:
    """Expected profit per unit staked; a push returns the stake, so it adds nothing."""
    return p_win * profit(american) - p_lose


def fair_american(p_win: float, p_lose: float) -> float | None:
    """American odds at which the expected value is 0, pushes returned; None where one side cannot
    win.
    """
    if p_win <= 0 or p_lose <= 0:
        return None
    ratio = p_lose / p_win
    return round(100.0 * ratio if ratio >= 1 else -100.0 / ratio, 2)


class _Side(NamedTuple):
    """What a bet on one side promises at a price: expected profit a unit, probability to win given
    no push.
    """

    name: str
    value: float
    confidence: float
    price: int
    bookmaker: str | None


def decide(p_over: float, p_push: float, best: Best, policy: Policy, plays: float = 1.0) -> Decision:
    """OVER, UNDER or PASS for one line.

    p_over and p_push are those of a night on which he plays, as bets are: who does not play, with
    probability 1 - plays, makes them void. So the expected value is that of a bet that stands times
    `plays`, and the confidence that of a bet that stands.

    The side with the higher expected value at its price is judged: it needs min_expected_value and
    min_confidence, and a PASS says by how much it lacks them. A side that no book prices is not on
    offer where the other is priced; where neither is, both are judged at the assumed price, and
    expected_value is None. A suspicious line is always PASS, as is a promise of SUSPICIOUS_VALUE or
    more; what they promise is not told.
    """
    if best.suspicious:
        return _suspicious(best.suspicious)
    p_under = max(0.0, 1.0 - p_over - p_push)
    assumed = best.over is None and best.under is None
    sides: list[_Side] = []
    for name, win, lose, price, book in (
        ("OVER", p_over, p_under, best.over, best.over_book),
        ("UNDER", p_under, p_over, best.under, best.under_book),
    ):
        used = policy.assumed_price if assumed else price
        if used is not None:
            value, confidence = plays * expected_value(win, lose, used), win / max(win + lose, 1e-12)
            sides.append(_Side(name, value, confidence, used, book))
    side = max(sides, key=lambda s: (s.value, s.name))
    promise = side.value / plays if plays else 0.0
    if not assumed and promise >= SUSPICIOUS_VALUE:
        return _suspicious(f"a {side.name} worth {promise:.2f} a unit", side)
    lacks = _explain_no_bet(side, policy, alone=len(sides) == 1)
    return Decision(
        recommendation="PASS" if lacks else side.name,
        reason=ASSUMED if assumed else lacks or "expected value and confidence suffice",
        expected_value=None if assumed else round(side.value, 6),
        confidence=round(side.confidence, 6),
        side=side.name,
        bookmaker=side.bookmaker,
    )


def _explain_no_bet(side: _Side, policy: Policy, *, alone: bool) -> str | None:
    """What the better side lacks of what a bet needs, with both figures; None where it lacks
    nothing.

    alone: no book prices the other. Figures have as many digits as it takes to tell them from what
    is needed.
    """
    value, least = _apart(side.value, policy.min_expected_value, "+.3f")
    chance, fewest = _apart(side.confidence, policy.min_confidence, ".1%")
    named = f"{side.name} {'alone has a price' if alone else 'is nearer to a bet'}"
    sentence = f"{named}, with a {chance} chance and an expected value of {value} a unit at {side.price:+d}, at least"
    poor, unsure = side.value < policy.min_expected_value, side.confidence < policy.min_confidence
    if poor and unsure:
        return f"expected value and confidence too low: {sentence} {least} and a {fewest} chance are needed"
    if poor:
        return f"expected value too low: {sentence} {least} is needed"
    return f"confidence too low: {sentence} a {fewest} chance is needed" if unsure else None


def _apart(value: float, least: float, form: str) -> tuple[str, str]:
    """Both figures in the form, with more digits where they would look the same and are not."""
    shown = format(value, form), _format_least(least, form)
    digits = int(form[-2])
    while shown[0] == shown[1] and value != least and digits < MOST_DIGITS:
        digits += 1
        shown = format(value, longer := f"{form[:-2]}{digits}{form[-1]}"), format(least, longer)
    return shown


# a run's rows are held against the same few figures
_format_least = lru_cache(maxsize=32)(format)


def _suspicious(why: str, side: _Side | None = None) -> Decision:
    named = (side.name, side.bookmaker) if side else (None, None)
    return Decision("PASS", f"{SUSPICIOUS}; {why}", None, None, *named)
