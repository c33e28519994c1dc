"""train_model's work: reads the training rows, fits walk-forward, writes a version, makes it current."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.clock import new_york_date
from shared.context import Context, Outcome
from shared.features.names import model_features
from shared.messages import PhaseMessage
from shared.systems.columns import columns_of_table
from shared.systems.history import HISTORY_VALUES, History, histories_before
from shared.systems.output import XGBOOST
from shared.systems.predict import FORMULA_FEATURES
from shared.systems.registry import current_versions, save_models
from shared.training.walk_forward import Training, TrainingRows, fit
from shared.warehouse.sql import read_sql

if TYPE_CHECKING:
    import pyarrow as pa

    from shared.ports import Warehouse

# Trees, combination and spreads of fewer rows say more about chance than about basketball.
FEWEST_ROWS = 500
# Columns of a training row besides the model's features and the formulas'.
_ALSO = ("games_known", "minutes_l10", "points_season", "line")
EVERY_GAME = 100_000
# Before any game that box scores exist of.
FIRST_DAY = date(1946, 11, 1)


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Train xgboost_v1 and ensemble_v1 on everything known before the run's as_of.

    no_data where there are too few rows. A version that on the hold-out is worse than the season average never
    replaces a current one: then partial, with the figures.
    """
    warehouse, blobs = context.runtime.warehouse, context.runtime.models
    rows = read_training_rows(warehouse, context.as_of)
    known = 0 if rows is None else int(rows.predicted.sum())
    if rows is None or known < FEWEST_ROWS:
        return Outcome(
            status="no_data",
            reason=f"{known} training rows before {context.as_of.isoformat()}, at least {FEWEST_ROWS} are needed:"
            " backfill more history",
        )
    training = fit(rows)
    promoted = _better_than_season_average(training) or not current_versions(blobs)
    metadata = {
        "features": list(rows.names),
        "rows": int(rows.trained.sum()),
        "first_day": str(rows.day.min()),
        "last_day": str(rows.day.max()),
        "metrics": training.metrics,
    }
    paths = save_models(blobs, training.models, metadata, keep_current=not promoted)
    version = training.models.xgboost.version if training.models.xgboost else ""
    return Outcome(
        status="success" if promoted else "partial",
        record_count=int(rows.trained.sum()),
        reason="" if promoted else f"version {version} is worse than the season average: the current one stays",
        metadata={"version": version, "promoted": promoted, "paths": paths, "metrics": training.metrics},
    )


def read_training_rows(warehouse: Warehouse, as_of: datetime) -> TrainingRows | None:
    """Feature rows with what happened and the histories as they were known then; None without any row."""
    days = {"first_date": FIRST_DAY, "last_date": new_york_date(as_of)}
    table = warehouse.query(read_sql("shared.features", "training_rows"), {"as_of": as_of, **days})
    if table.num_rows == 0:
        return None
    names = model_features()
    columns = columns_of_table(table, sorted({*names, *FORMULA_FEATURES, *_ALSO, "actual_points"}))
    player = _integers(table, "player_id")
    return TrainingRows(
        features=columns,
        names=names,
        history=_histories(warehouse, as_of, table, player),
        day=table.column("game_date").to_numpy().astype("datetime64[D]"),
        line=columns["line"],
        points=columns["actual_points"],
    )


def _histories(warehouse: Warehouse, as_of: datetime, rows: pa.Table, player: NDArray[np.int64]) -> History:
    """The batch loader's query for all games of all players, cut off for each row at its own features_as_of."""
    games = warehouse.query(
        read_sql("shared.systems", "batch_histories"),
        {
            "as_of": as_of,
            "game_date": max(rows.column("game_date").to_pylist()),
            "player_ids": sorted(set(player.tolist())),
            "last_games": EVERY_GAME,
        },
    )
    # The query gives each player's newest first; histories_before wants players in order and the oldest first.
    games = games.take(np.lexsort((_moments(games, "known_at"), _integers(games, "player_id"))))
    return histories_before(
        _integers(games, "player_id"),
        _moments(games, "known_at"),
        columns_of_table(games, HISTORY_VALUES),
        player,
        _moments(rows, "features_as_of"),
    )


def _integers(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(table.column(name).to_numpy(), dtype=np.int64)


def _moments(table: pa.Table, name: str) -> NDArray[np.int64]:
    """Microseconds since 1970, UTC."""
    return np.asarray(table.column(name).to_numpy().astype("datetime64[us]").astype(np.int64))


def _better_than_season_average(training: Training) -> bool:
    figures = training.metrics["all"]
    if figures["season_avg_mae"] is None:
        return True  # no season average on the hold-out to compare with
    return bool(figures[XGBOOST]["mae"] < figures["season_avg_mae"])
