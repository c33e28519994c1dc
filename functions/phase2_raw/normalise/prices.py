"""Prices and points as bookmakers write them, and the one form each is stored in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shared.nba import feed_values
from shared.nba.bounds import PROPS, Bound
from shared.nba.feed_values import ElementRefused, show_value
from shared.nba.stats import LOWEST_LINE, Stat

_PRICE = PROPS["over_price"]
_NOISE = 1e-6
_ANY = Bound(-1000, 1000, "no game is of so many points")


def american(price: Any) -> int | None:
    """A price as American odds; NULL where the book shows none.

    Raises ElementRefused, with the value, for no price.

    American odds are asked for and are whole numbers of at least 100 either way. Anything between 1
    and 100 is decimal odds (stake included) and converted to the nearest American ones; so are
    broken numbers above.
    """
    if price is None:
        return None
    if type(price) is int and abs(price) >= 100 and _PRICE.low <= price <= _PRICE.high:
        return price
    if isinstance(price, bool) or not isinstance(price, int | float) or feed_values.is_nan(price):
        raise ElementRefused(f"price {show_value(price)} is no odds")
    if not _PRICE.low <= price <= _PRICE.high:
        raise ElementRefused(f"price {show_value(price)} is not within {_PRICE.low} to {_PRICE.high}")
    whole = round(price)
    if abs(whole) >= 100 and abs(price - whole) <= _NOISE:
        return whole
    if price <= 1:
        raise ElementRefused(
            f"price {show_value(price)} is neither American odds (100 or more either way) nor decimal (above 1)"
        )
    profit = price - 1
    converted = round(profit * 100) if profit >= 1 else -round(100 / profit)
    if not _PRICE.low <= converted <= _PRICE.high:
        raise ElementRefused(
            f"price {show_value(price)} is {converted} in American odds, not within {_PRICE.low} to {_PRICE.high}"
        )
    return converted


def half_points(point: Any, stat: Stat) -> float:
    """A line of a statistic: a multiple of a half within its bounds, exact as a float.

    Raises ElementRefused.
    """
    if type(point) is float and LOWEST_LINE <= point <= stat.most and (point * 2).is_integer():
        return point
    if isinstance(point, bool) or not isinstance(point, int | float) or feed_values.is_nan(point) or point <= 0:
        raise ElementRefused(f"line {show_value(point)} is no number of {stat.name}")
    if not LOWEST_LINE <= point <= stat.most:
        raise ElementRefused(f"line {show_value(point)} is not within {LOWEST_LINE} to {stat.most}")
    halves = round(point * 2)
    if abs(point * 2 - halves) > _NOISE:
        raise ElementRefused(f"line {show_value(point)} is not in half points")
    return halves / 2


def points(point: Any, bound: Bound = _ANY) -> Decimal | None:
    """A spread or total within its bounds, exact; NULL where the book shows none.

    Raises ElementRefused.
    """
    if point is not None and (
        isinstance(point, bool) or not isinstance(point, int | float) or feed_values.is_nan(point)
    ):
        raise ElementRefused(f"point {show_value(point)} is no number")
    return feed_values.exact(point, "point", bound, [])
