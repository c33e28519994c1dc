"""Feature rows of a world with what a backtest needs to know of them besides what training does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.core.errors import DataError
from shared.nba.stats import STATS
from shared.science.evaluation import Floats, Mask, Texts
from shared.science.predictions.outputs import with_parts
from shared.science.training.rows import TrainingRows, choose_rows, read_table, rows_of_table
from shared.stores.ports import Warehouse
from shared.stores.warehouse.sql import read_sql

Timestamps = NDArray[np.datetime64]


@dataclass(frozen=True)
class AskedRows:
    """The feature rows of player-games asked for, as far as there are any."""

    rows: Mapping[str, TrainingRows]
    """By statistic."""
    there: Mask
    """Of each player-game asked for, whether it has a row."""


@dataclass(frozen=True)
class FeatureRows:
    """n rows ordered by day, game and player: what training reads, and who and when each row is."""

    known: Mapping[str, TrainingRows]
    """By statistic: those asked for and all parts of sums among them."""
    game: Texts
    player: NDArray[np.int64]
    as_of: Timestamps
    """datetime64[us], UTC: strictly before it is what the row knows."""
    known_at: Timestamps
    """datetime64[us], UTC: when the row's own result became history."""
    list_source: Texts
    """Where the injury list of the row's team comes from; empty: there was none."""

    def __len__(self) -> int:
        return len(self.game)

    @property
    def day(self) -> NDArray[np.datetime64]:
        """datetime64[D], New York day of the game."""
        return next(iter(self.known.values())).day

    def book_p_over(self, stat: str) -> Floats:
        """The books' no-vig P(over) at the row's line of a statistic; NaN: not known."""
        return self.known[stat].features[STATS[stat].price_feature]

    def last10(self, stat: str) -> Floats:
        """The player's mean over his last ten games; of a sum that of its parts together."""
        features = self.known[stat].features
        return np.asarray(np.sum([features[f"{part}_l10"] for part in STATS[stat].parts], axis=0))

    def known_before(self, moment: datetime) -> dict[str, TrainingRows]:
        """What training at that moment (aware) reads."""
        return choose_rows(self.known, self.known_at < np.datetime64(moment.replace(tzinfo=None), "us"))

    def places(self, keys: Sequence[tuple[str, int]]) -> NDArray[np.int64]:
        """Row number of each (game_id, player_id), -1 where there is none."""
        place = {key: row for row, key in enumerate(zip(self.game.tolist(), self.player.tolist(), strict=True))}
        return np.array([place.get(key, -1) for key in keys], dtype=np.int64)

    def of(self, keys: Sequence[tuple[str, int]]) -> AskedRows:
        """The rows of (game_id, player_id), which must be in this order.

        One may be missing: who has just changed his team is on a roster by the list that names him.
        Raises DataError where the order is another.
        """
        places = self.places(keys)
        there: Mask = places >= 0
        if (np.diff(places[there]) <= 0).any():
            raise DataError("The player-games asked for are not in order.", next_step="a defect: sort them.")
        chosen: Mask = np.zeros(len(self), dtype=np.bool_)
        chosen[places[there]] = True
        return AskedRows(choose_rows(self.known, chosen), there)


def read_rows(warehouse: Warehouse, as_of: datetime, first_day: date, stats: Collection[str]) -> FeatureRows:
    """All rows of games from first_day on whose result was history at as_of (aware), of these
    statistics and of the parts of the sums among them.

    Raises DataError where there is none.
    """
    table = read_table(warehouse, as_of, first_day)
    if not table.num_rows:
        raise DataError(
            f"There is no feature row of a game from {first_day} on.",
            next_step="choose a later FROM, or see why phase 3 of these days wrote nothing (logs/functions.jsonl).",
        )
    needed = {*stats, *(part.name for part in with_parts(STATS[stat] for stat in stats))}

    def timestamps(name: str) -> Timestamps:
        return np.asarray(table.column(name).to_numpy()).astype("datetime64[us]")

    return FeatureRows(
        known=rows_of_table(warehouse, as_of, table, [stat for stat in STATS if stat in needed]),
        game=np.array(table.column("game_id").to_pylist(), dtype=np.str_),
        player=np.asarray(table.column("player_id").to_numpy(), dtype=np.int64),
        as_of=timestamps("features_as_of"),
        known_at=timestamps("actual_known_at"),
        list_source=_list_sources(warehouse, table),
    )


def _list_sources(warehouse: Warehouse, rows: pa.Table) -> Texts:
    days = rows.column("game_date").to_pylist()
    found = warehouse.query(
        read_sql("local.backtest", "list_sources"), {"first_date": min(days), "last_date": max(days)}
    ).to_pylist()
    source = {(row["game_id"], row["player_id"]): row["injury_report_source"] or "" for row in found}
    keys = zip(rows.column("game_id").to_pylist(), rows.column("player_id").to_pylist(), strict=True)
    return np.array([source.get(key, "") for key in keys], dtype=np.str_)
