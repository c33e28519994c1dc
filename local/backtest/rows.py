"""Feature rows of a world with what a backtest needs to know of them besides what training does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import DataError
from shared.science.evaluation import Floats, Mask, Texts
from shared.science.systems.columns import columns_of_table
from shared.science.training.rows import TrainingRows, read_table, rows_of_table
from shared.stores.ports import Warehouse

Timestamps = NDArray[np.datetime64]


@dataclass(frozen=True)
class FeatureRows:
    """n rows ordered by day, game and player: what training reads, and who and when each row is."""

    known: TrainingRows
    game: Texts
    player: NDArray[np.int64]
    as_of: Timestamps
    """datetime64[us], UTC: strictly before it is what the row knows."""
    known_at: Timestamps
    """datetime64[us], UTC: when the row's own result became history."""
    book_p_over: Floats
    """line_p_over of the feature store: the books' no-vig P(over) at the row's line."""
    season_average: Floats
    last10: Floats

    def __len__(self) -> int:
        return len(self.game)

    def known_before(self, moment: datetime) -> TrainingRows:
        """What training at that moment (aware) reads."""
        return self.known.where(self.known_at < np.datetime64(moment.replace(tzinfo=None), "us"))

    def places(self, keys: Sequence[tuple[str, int]]) -> NDArray[np.int64]:
        """Row number of each (game_id, player_id), -1 where there is none."""
        place = {key: row for row, key in enumerate(zip(self.game.tolist(), self.player.tolist(), strict=True))}
        return np.array([place.get(key, -1) for key in keys], dtype=np.int64)

    def of(self, keys: Sequence[tuple[str, int]]) -> TrainingRows:
        """The rows of (game_id, player_id), which must be in this order.

        Raises DataError where one is missing.
        """
        places = self.places(keys)
        if (places < 0).any() or (np.diff(places) <= 0).any():
            raise DataError(
                f"{int((places < 0).sum())} of {len(keys)} player-games have no feature row here, or not in order.",
                next_step="a defect: two worlds of the same games have the same rosters.",
            )
        chosen: Mask = np.zeros(len(self), dtype=np.bool_)
        chosen[places] = True
        return self.known.where(chosen)


def read_rows(warehouse: Warehouse, as_of: datetime, first_day: date) -> FeatureRows:
    """All rows of games from first_day on whose result was history at as_of (aware).

    Raises DataError where there is none.
    """
    table = read_table(warehouse, as_of, first_day)
    if not table.num_rows:
        raise DataError(
            f"There is no feature row of a game from {first_day} on.",
            next_step="choose a later FROM, or see why phase 3 of these days wrote nothing (logs/functions.jsonl).",
        )
    also = columns_of_table(table, ("line_p_over", "points_season", "points_l10"))

    def timestamps(name: str) -> Timestamps:
        return np.asarray(table.column(name).to_numpy()).astype("datetime64[us]")

    return FeatureRows(
        known=rows_of_table(warehouse, as_of, table),
        game=np.array(table.column("game_id").to_pylist(), dtype=np.str_),
        player=np.asarray(table.column("player_id").to_numpy(), dtype=np.int64),
        as_of=timestamps("features_as_of"),
        known_at=timestamps("actual_known_at"),
        book_p_over=also["line_p_over"],
        season_average=also["points_season"],
        last10=also["points_l10"],
    )
