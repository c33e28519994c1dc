"""The rows a model learns from: features as they were known before each game, what happened, and
the histories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.core.clock import new_york_date
from shared.nba.stats import BASE_STATS, POINTS, STATS, Stat
from shared.science.features.names import model_features
from shared.science.predictions.outputs import formula_features
from shared.science.systems.columns import Floats, columns_of_table
from shared.science.systems.history import HISTORY_VALUES, History, histories_before
from shared.stores.warehouse.sql import read_sql

if TYPE_CHECKING:
    import pyarrow as pa

    from shared.stores.ports import Warehouse

Days = NDArray[np.datetime64]
Mask = NDArray[np.bool_]

# The trees also learn from players who get few minutes; combinations, spreads and figures come from
# those predicted.
TRAINED_MINUTES, PREDICTED_MINUTES = 8.0, 15.0
TRAINED_GAMES = 5
# No season pauses so long (the All-Star break is a week), and every summer is longer.
PAUSE = np.timedelta64(45, "D")
# Columns of a training row besides the model's features and the formulas'.
_ALSO = ("games_known", "minutes_l10")
_MINUTES = "actual_minutes"
EVERY_GAME = 100_000
# Before any game that box scores exist of.
FIRST_DAY = date(1946, 11, 1)


@dataclass(frozen=True)
class TrainingRows:
    """n rows of a statistic ordered by day, game and player: features float64[n] by name, what
    happened, and the histories. Rows of several statistics are the same rows, with the same
    features and histories.

    names are the inputs of the statistic's trees (of a sum: none); line is the main line (NaN: none
    known); day is datetime64[D].
    """

    features: Mapping[str, Floats]
    names: tuple[str, ...]
    history: History
    day: Days
    line: Floats
    actual: Floats
    """What the player did, in the statistic; NaN where the box score does not tell it."""
    minutes: Floats
    """What he played."""
    stat: str
    """The statistic's name in shared/nba/stats.py."""

    def __len__(self) -> int:
        return len(self.actual)

    def first_day(self, share: float) -> np.datetime64:
        """The day on which a later share of the rows begins: 0.9 gives the first day of the last
        tenth.
        """
        day: np.datetime64 = self.day[int(share * (len(self) - 1))]
        return day

    @property
    def season_starts(self) -> Days:
        """First days of the seasons, and of what follows a long pause, after the first day."""
        days = np.unique(self.day)
        starts: Days = days[1:][np.diff(days) > PAUSE]
        return starts

    @property
    def trained(self) -> Mask:
        """Rows the trees learn from."""
        enough = (self.features["games_known"] >= TRAINED_GAMES) & ~np.isnan(self.actual)
        return enough & (self.features["minutes_l10"] >= TRAINED_MINUTES)

    @property
    def predicted(self) -> Mask:
        """Rows of players such as the coordinator asks predictions for."""
        return self.trained & (self.features["minutes_l10"] >= PREDICTED_MINUTES)

    @property
    def season_average(self) -> Floats:
        """The player's season average of the statistic, float64[n]."""
        return np.asarray(np.sum([self.features[season_column(part)] for part in STATS[self.stat].parts], axis=0))

    def where(self, use: Mask) -> TrainingRows:
        """The rows of a mask bool[n], in their order."""
        return choose_rows({self.stat: self}, use)[self.stat]

    @property
    def data_hash(self) -> str:
        """SHA-256 (hex) over inputs and targets: the same data gives the same hash, wherever it was
        read.
        """
        names = columns_read([STATS[self.stat]])
        digest = hashlib.sha256(repr((len(self), self.names, names)).encode())
        columns = [self.features[name] for name in names]
        # of base statistics those that its systems read: more of them change no other's versions
        unread = set(BASE_STATS) - {POINTS.name, *STATS[self.stat].parts}
        columns += [self.history.values[name] for name in sorted(self.history.values.keys() - unread)]
        for values in (*columns, self.line, self.actual, self.minutes):
            # one NaN and one zero, whatever bits the warehouse's driver gave them
            digest.update(np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8").tobytes())
        digest.update(self.history.count.astype("<i8").tobytes())
        digest.update(self.day.astype("datetime64[D]").astype("<i8").tobytes())
        return digest.hexdigest()


def choose_rows(rows: Mapping[str, TrainingRows], use: Mask) -> dict[str, TrainingRows]:
    """The rows of a mask bool[n], in their order, of each statistic: what they share is taken
    once.
    """
    first = next(iter(rows.values()))
    features = {name: values[use] for name, values in first.features.items()}
    history = History({name: values[use] for name, values in first.history.values.items()}, first.history.count[use])
    day, minutes = first.day[use], first.minutes[use]
    return {
        stat: replace(
            each,
            features=features,
            history=history,
            day=day,
            line=each.line[use],
            actual=each.actual[use],
            minutes=minutes,
        )
        for stat, each in rows.items()
    }


def read_training_rows(warehouse: Warehouse, as_of: datetime, stats: Collection[str]) -> dict[str, TrainingRows]:
    """Of each of the statistics feature rows with what happened and the histories as they were
    known then; empty without any row.

    Two queries whatever the number of statistics.
    """
    table = read_table(warehouse, as_of)
    return rows_of_table(warehouse, as_of, table, stats) if table.num_rows else {}


def columns_read(stats: Collection[Stat]) -> list[str]:
    """Columns of the feature store that training reads for these statistics, sorted."""
    bases = [part for stat in stats for part in stat.parts]
    return sorted(
        {
            *(name for part in bases for name in model_features(part)),
            *formula_features(stats),
            *(season_column(part) for part in bases),
            *(stat.line_feature for stat in stats),
            *_ALSO,
        }
    )


def read_table(warehouse: Warehouse, as_of: datetime, first_day: date = FIRST_DAY) -> pa.Table:
    """The result of training_rows.sql for the games from first_day on that were history before
    as_of.
    """
    days = {"first_date": first_day, "last_date": new_york_date(as_of)}
    return warehouse.query(read_sql("shared.science.features", "training_rows"), {"as_of": as_of, **days})


def rows_of_table(
    warehouse: Warehouse, as_of: datetime, table: pa.Table, stats: Collection[str]
) -> dict[str, TrainingRows]:
    """By statistic the rows of read_table, in its order, with their histories; at least one. Where
    the box score has not the statistic, or one of a sum's parts, what the player did is NaN.
    """
    wanted = [STATS[stat] for stat in stats]
    # what happened is no feature
    actual = columns_of_table(
        table, sorted({*(actual_column(part) for stat in wanted for part in stat.parts), _MINUTES})
    )
    features = columns_of_table(table, columns_read(wanted))
    history = _histories(warehouse, as_of, table, _integers(table, "player_id"))
    day = table.column("game_date").to_numpy().astype("datetime64[D]")
    return {
        stat.name: TrainingRows(
            features=features,
            names=() if stat.is_sum else model_features(stat.name),
            history=history,
            day=day,
            line=features[stat.line_feature],
            actual=np.asarray(np.sum([actual[actual_column(part)] for part in stat.parts], axis=0)),
            minutes=actual[_MINUTES],
            stat=stat.name,
        )
        for stat in wanted
    }


def actual_column(stat: str) -> str:
    """The column of training_rows.sql with what a player did, in a base statistic."""
    return f"actual_{stat}"


def season_column(stat: str) -> str:
    """The feature that is a player's season average, in a statistic."""
    return f"{stat}_season"


def _histories(warehouse: Warehouse, as_of: datetime, rows: pa.Table, player: NDArray[np.int64]) -> History:
    """The batch loader's query for all games of all players, cut off for each row at its own
    features_as_of.
    """
    games = warehouse.query(
        read_sql("shared.science.systems", "batch_histories"),
        {
            "as_of": as_of,
            "game_date": max(rows.column("game_date").to_pylist()),
            "player_ids": sorted(set(player.tolist())),
            "last_games": EVERY_GAME,
        },
    )
    # The query gives each player's newest first; histories_before wants players in order and the
    # oldest first.
    games = games.take(np.lexsort((_microseconds(games, "known_at"), _integers(games, "player_id"))))
    return histories_before(
        _integers(games, "player_id"),
        _microseconds(games, "known_at"),
        columns_of_table(games, HISTORY_VALUES),
        player,
        _microseconds(rows, "features_as_of"),
    )


def _integers(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(table.column(name).to_numpy(), dtype=np.int64)


def _microseconds(table: pa.Table, name: str) -> NDArray[np.int64]:
    """Microseconds since 1970, UTC."""
    return np.asarray(table.column(name).to_numpy().astype("datetime64[us]").astype(np.int64))
