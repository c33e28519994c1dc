"""What the exports advise on a line: the table's decision, turned to PASS where no book prices
it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from functions.phase6_export.rows import Row

BETS = ("OVER", "UNDER")


class Advice(NamedTuple):
    """One row of player_prop_predictions as somebody who bets needs it.

    The table keeps the decision at an assumed price, so that every line is judged; nobody can bet
    at such a price, and all files that are read for betting take their recommendation from here.
    """

    recommendation: str
    side: str | None
    """The side that expected value and confidence belong to; None without a line or a
    probability.
    """
    priced: bool
    """A book prices the side; where there is no side, either of them."""
    bookmaker: str | None
    """The book of the price on the side."""
    price: int | None
    """American odds of it."""

    @classmethod
    def of(cls, row: Row) -> Advice:
        """Of a row of current.sql."""
        recommendation: str = row["recommendation"]
        side: str | None = row["side"] or (
            recommendation if recommendation in BETS else None
        )  # rows older than `side` have none
        price, book = {
            "OVER": (row["over_price"], row["over_bookmaker"]),
            "UNDER": (row["under_price"], row["under_bookmaker"]),
            None: (None, None),
        }[side]
        offered = (row["over_price"], row["under_price"]) if side is None else (price,)
        priced = any(each is not None for each in offered)
        return cls(
            recommendation="PASS" if recommendation in BETS and not priced else recommendation,
            side=side,
            priced=priced,
            bookmaker=None if price is None else book or row["bookmaker"],
            price=price,
        )

    def books(self, row: Row) -> dict[str, Any]:
        """The fields of a line about its prices, each price beside its own book."""
        return {
            "side": self.side,
            "priced": self.priced,
            "over_bookmaker": row["over_bookmaker"],
            "over_price": row["over_price"],
            "under_bookmaker": row["under_bookmaker"],
            "under_price": row["under_price"],
        }
