"""The record of the best bets: every list that an export writes is kept, and what became of the
picks is counted.

Only what stood on the list before a game's tip-off counts, at the price it stood there with: an
export made again later cannot improve the past.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from functions.phase6_export.document import Document, half_points, points, share
from functions.phase6_export.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "nba_predictions.exported_best_bets"
SEED = 20251114
OUTCOMES = {"wins": "win", "losses": "loss", "pushes": "push", "voids": "void"}
COPIED = (
    "rank",
    "game_id",
    "player_id",
    "player_lookup",
    "player_name",
    "team",
    "opponent",
    "stat",
    "line_kind",
    "side",
)
FIGURES = ("bookmaker", "price", "p_over", "expected_value")


def make_record(file: Document, list_id: str, exported_at: datetime) -> pa.Table:
    """Rows of exported_best_bets for a best-bets file as it was written: the list itself, and its
    picks by rank.

    A halted file's readers show no advice, so its list has no picks.
    """
    from shared.stores.warehouse.rows import table_of

    body = json.loads(file.data)
    of = {"game_date": datetime.fromisoformat(body["game_date"]).date(), "list_id": list_id, "exported_at": exported_at}
    picks = [] if body["halted"] else body["picks"]
    rows = [{**of, "rank": 0}, *({**of, "system_id": body["system_id"], **_record_pick(pick)} for pick in picks)]
    return table_of(TABLE, rows)


def _record_pick(pick: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: pick[name] for name in (*COPIED, *FIGURES)},
        "tipoff_at": datetime.fromisoformat(pick["tipoff_at"]),
        "line_value": Decimal(str(pick["line"])),
    }


def record(rows: Sequence[Row]) -> dict[str, Any]:
    """Of graded picks (best_bets_record.sql): counts, units won or lost on one unit a pick, and
    rates with intervals.

    hit_rate is of wins and losses, roi of pushes too; voids are in neither. The intervals are 95%,
    over whole days.
    """
    import numpy as np

    from shared.science.evaluation.betting import betting_figures
    from shared.science.evaluation.bootstrap import DayBootstrap

    outcomes = Counter(row["outcome"] for row in rows)
    won = np.array([{"win": 1.0, "loss": 0.0}.get(row["outcome"], np.nan) for row in rows])
    profit = np.array([np.nan if row["profit"] is None else row["profit"] for row in rows], dtype=np.float64)
    days = np.array([row["game_date"] for row in rows], dtype="datetime64[D]")
    figures = betting_figures(won, profit, DayBootstrap(days, SEED))
    return {
        "since": min(row["game_date"] for row in rows).isoformat() if rows else None,
        "days": len({row["game_date"] for row in rows}),
        "picks": len(rows),
        **{name: outcomes[outcome] for name, outcome in OUTCOMES.items()},
        "profit": points(float(np.nansum(profit))),
        **{name: share(value) for name, value in figures.items() if name != "bets"},
    }


def graded_pick(row: Row) -> dict[str, Any]:
    """A pick beside what became of it."""
    return {
        **{name: row[name] for name in COPIED},
        "line": half_points(row["line_value"]),
        "bookmaker": row["bookmaker"],
        "price": row["price"],
        "p_over": share(row["p_over"]),
        "expected_value": share(row["expected_value"]),
        "actual": row["actual"],
        "outcome": row["outcome"],
        "void_reason": row["void_reason"],
        "profit": points(row["profit"]),
    }
