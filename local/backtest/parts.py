"""Predictions of a month kept as a file, so that an interrupted backtest goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from local.backtest.sources import digest
from local.backtest.walk import Forecast, Month, Variant, Walked, variants_of

Keys = Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Parts:
    """A folder of months; `made_from` names data and code, so that no other's predictions are ever
    taken.
    """

    folder: Path
    made_from: str

    def path(self, month: Month, keys: Keys) -> Path:
        """The file of a month's predictions for these rows."""
        asked = digest(f"{game} {player}" for game, player in keys)
        return self.folder / f"{month.cutoff}-{digest([self.made_from, str(month), asked])}.parquet"

    def load(self, month: Month, keys: Keys) -> Walked | None:
        """What was kept; None where nothing was, or the file was cut short."""
        path = self.path(month, keys)
        if not path.is_file():
            return None
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException):
            path.unlink()
            return None
        kept = json.loads(table.schema.metadata[b"walked"])
        forecasts = {
            world: {
                stat: {variant: _forecast(table, _name(world, stat, variant)) for variant in variants_of(stat)}
                for stat in kept["stats"]
            }
            for world in kept["worlds"]
        }
        # of an earlier run: this one spends no time on it
        return Walked(month, forecasts, kept["training"], 0.0, 0.0)

    def save(self, walked: Walked, keys: Keys) -> None:
        """Keep a month, whole or not at all. Raises OSError."""
        columns: dict[str, Any] = {
            "game_id": [game for game, _ in keys],
            "player_id": [player for _, player in keys],
        }
        for world, forecasts in walked.forecasts.items():
            for stat, of_stat in forecasts.items():
                for variant, forecast in of_stat.items():
                    name = _name(world, stat, variant)
                    columns |= {
                        f"{name}/point": forecast.point,
                        f"{name}/mean": forecast.mean,
                        f"{name}/sd": forecast.sd,
                        f"{name}/plays": forecast.plays,
                        f"{name}/error": pa.array(forecast.error, pa.string()),
                    }
        stats = list(next(iter(walked.forecasts.values())))
        metadata = {"worlds": list(walked.forecasts), "stats": stats, "training": walked.training}
        table = pa.table(columns).replace_schema_metadata({"walked": json.dumps(metadata)})
        path = self.path(walked.month, keys)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        pq.write_table(table, partial, compression="zstd")
        partial.replace(path)


def _name(world: str, stat: str, variant: Variant) -> str:
    """What the columns of a forecast begin with."""
    return f"{world}/{stat}/{variant[0]}/{variant[1]}"


def _forecast(table: pa.Table, name: str) -> Forecast:
    def floats(what: str) -> np.ndarray:
        return np.asarray(table.column(f"{name}/{what}").to_numpy(), dtype=np.float64)

    error = tuple(table.column(f"{name}/error").to_pylist())
    return Forecast(floats("point"), floats("mean"), floats("sd"), floats("plays"), error)
