"""The batch loader (one query for all players' last games) against the same query for each player
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from local.bench.measure import BenchFailed, Progress, milliseconds, ratio, time_work
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.core.clock import at_new_york
from shared.core.settings import Settings
from shared.science.systems.history import GAMES
from shared.stores.ports import Warehouse
from shared.stores.warehouse.sql import read_sql

BATCH_REPEATS = 3
# When the day's last predictions are made.
AS_OF = time(17, 30)


def measure(warehouse_file: Path, game_date: date, players: Sequence[int], progress: Progress) -> dict[str, Any]:
    """Milliseconds of both ways on a warehouse with history; `players` are ids.

    Raises BenchFailed where rows differ.

    Both begin with an uncounted call of each shape, so neither pays for translating its SQL.
    """
    with closing(DuckDbWarehouse(warehouse_file, Settings.from_environment().dataset_prefix)) as warehouse:
        load_histories(warehouse, game_date, players)
        load_histories(warehouse, game_date, players[:1])
        batch = [time_work(partial(load_histories, warehouse, game_date, players)) for _ in range(BATCH_REPEATS)]
        seconds, single = 0.0, []
        for number, player in enumerate(players):
            took, rows = time_work(partial(load_histories, warehouse, game_date, [player]))
            seconds += took
            single.append(rows)
            progress(number + 1, len(players))
    best, whole = min(batch, key=lambda each: each[0])
    expect_same_rows(whole, single)
    return {
        "players": len(players),
        "rows": whole.num_rows,
        "batch_ms": milliseconds(best),
        "per_player_ms": milliseconds(seconds),
        "ms_per_query": milliseconds(seconds / len(players)),
        "ratio": ratio(seconds, best),
        "identical": True,
    }


def load_histories(warehouse: Warehouse, game_date: date, players: Sequence[int]) -> pa.Table:
    """The last games of the players by the coordinator's own query."""
    params = {
        "game_date": game_date,
        "as_of": at_new_york(game_date, AS_OF),
        "player_ids": list(players),
        "last_games": GAMES,
    }
    return warehouse.query(read_sql("shared.science.systems", "batch_histories"), params)


def expect_same_rows(whole: pa.Table, single: Sequence[pa.Table]) -> None:
    """The single answers one after the other are the batch's answer (players in ascending order),
    or BenchFailed.
    """
    together = pa.concat_tables(single)
    if not whole.num_rows or not whole.equals(together):
        raise BenchFailed(
            f"The batch loader gave {whole.num_rows} rows, one query per player {together.num_rows}; they differ.",
            next_step="look at shared/science/systems/sql/batch_histories.sql.",
        )
