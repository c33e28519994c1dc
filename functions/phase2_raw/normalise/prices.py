"""Prices and points as bookmakers write them, and the one form each is stored in."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any


def american(price: Any) -> int | None:
    """A price as American odds; NULL where the book shows none. Raises ValueError, with the value, for no price.

    American odds are asked for and are whole numbers of at least 100 either way. Anything between 1 and 100 is
    decimal odds (stake included) and converted to the nearest American ones; so are broken numbers above.
    """
    if price is None:
        return None
    if isinstance(price, bool) or not isinstance(price, int | float) or not math.isfinite(price):
        raise ValueError(f"price {price!r} is no odds")
    if abs(price) >= 100 and float(price).is_integer():
        return int(price)
    if price <= 1:
        raise ValueError(f"price {price!r} is neither American odds (100 or more either way) nor decimal (above 1)")
    profit = price - 1
    return round(profit * 100) if profit >= 1 else -round(100 / profit)


def half_points(point: Any) -> float:
    """A points line: a multiple of a half above 0, exact as a float. Raises ValueError, with the value."""
    if isinstance(point, bool) or not isinstance(point, int | float) or not math.isfinite(point) or point <= 0:
        raise ValueError(f"line {point!r} is no number of points")
    if not float(point * 2).is_integer():
        raise ValueError(f"line {point!r} is not in half points")
    return float(point)


def points(point: Any) -> Decimal | None:
    """A spread or total, exactly as written. Raises ValueError, with the value."""
    if point is None:
        return None
    if isinstance(point, bool) or not isinstance(point, int | float) or not math.isfinite(point):
        raise ValueError(f"point {point!r} is no number")
    return Decimal(str(point))
