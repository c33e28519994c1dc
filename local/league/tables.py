"""The archive's files: column names and types, equal to those of the real archive, and how they are
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_DAY = pa.timestamp("us")
_MOMENT = pa.timestamp("us", tz="UTC")
_TEXT = pa.large_string()
_CODE = pa.dictionary(pa.int8(), pa.string())
_COUNT = pa.int16()
_ZONE_COLUMNS = [
    (f"{zone}_{kind}", _COUNT)
    for kind in ("fga", "fgm")
    for zone in ("ab3", "backcourt", "corner3", "mid", "paint_nonra", "ra")
]

SCHEMAS: Mapping[str, pa.Schema] = {
    "schedule": pa.schema(
        [
            ("game_id", pa.string()), ("game_date", _DAY), ("season", pa.string()), ("season_type", pa.string()),
            ("home_abbr", pa.string()), ("home_wl", pa.string()), ("away_abbr", pa.string()),
            ("is_neutral", pa.bool_()), ("home_points", _COUNT), ("away_points", _COUNT), ("tipoff_utc", _MOMENT),
        ]
    ),
    "player_box": pa.schema(
        [
            ("game_id", _TEXT), ("game_date", _DAY), ("season", _TEXT), ("season_type", _TEXT),
            ("team_abbr", _TEXT), ("opponent_abbr", _TEXT), ("is_home", pa.bool_()), ("player_id", pa.int64()),
            ("player_name", _TEXT), ("starter", pa.bool_()), ("minutes", pa.float32()), ("points", _COUNT),
            ("rebounds", _COUNT), ("off_rebounds", _COUNT), ("def_rebounds", _COUNT), ("assists", _COUNT),
            ("steals", _COUNT), ("blocks", _COUNT), ("turnovers", _COUNT), ("fouls", _COUNT), ("fgm", _COUNT),
            ("fga", _COUNT), ("fg3m", _COUNT), ("fg3a", _COUNT), ("ftm", _COUNT), ("fta", _COUNT),
            ("plus_minus", _COUNT), ("usage_pct", pa.float32()), ("source", _TEXT),
        ]
    ),
    "prop_lines": pa.schema(
        [
            ("game_date", _DAY), ("season", _CODE), ("season_type", _CODE), ("game_id", _TEXT),
            ("home_abbr", _CODE), ("away_abbr", _CODE), ("player_name", _TEXT), ("player_id", pa.int64()),
            ("played", pa.bool_()), ("market", _CODE), ("bookmaker", _CODE), ("line", pa.float32()),
            ("over_price", pa.float32()), ("under_price", pa.float32()), ("odds_type", _CODE),
            ("snapshot_time", _MOMENT), ("snapshot_kind", _CODE), ("commence_time", _MOMENT),
            ("pregame", pa.bool_()), ("is_main", pa.bool_()), ("is_last", pa.bool_()), ("source", _CODE),
        ]
    ),
    "game_lines": pa.schema(
        [
            ("game_date", _DAY), ("game_id", _TEXT), ("home_abbr", _TEXT), ("away_abbr", _TEXT),
            ("home_spread", pa.float64()), ("total", pa.float64()), ("home_ml", pa.float64()),
            ("away_ml", pa.float64()), ("source", _TEXT), ("season", _TEXT), ("season_type", _TEXT),
            ("home_points", _COUNT), ("away_points", _COUNT),
        ]
    ),
    "absences": pa.schema(
        [
            ("game_id", _TEXT), ("game_date", _DAY), ("season", _TEXT), ("season_type", _TEXT),
            ("team_abbr", _TEXT), ("opponent_abbr", _TEXT), ("player_id", pa.int64()), ("player_name", _TEXT),
            ("team_games_since_played", pa.int8()), ("minutes_l10", pa.float32()), ("points_l10", pa.float32()),
        ]
    ),
    "injury_reports": pa.schema(
        [
            ("report_time", _MOMENT), ("report_time_kind", pa.string()), ("game_date", pa.date32()),
            ("game_id", pa.string()), ("team_abbr", pa.string()), ("player_name", pa.string()),
            ("player_id", pa.int64()), ("status", pa.string()), ("reason", pa.string()), ("source", pa.string()),
        ]
    ),
    "injury_report_teams": pa.schema(
        [
            ("report_time", _MOMENT), ("game_date", pa.date32()), ("game_id", pa.string()),
            ("team_abbr", pa.string()), ("submitted", pa.bool_()), ("source", pa.string()),
        ]
    ),
    "shot_zones_player_game": pa.schema(
        [
            ("game_id", _TEXT), ("game_date", _DAY), ("season", _TEXT), ("player_id", pa.int64()),
            ("team_abbr", _TEXT), ("opponent_abbr", _TEXT), *_ZONE_COLUMNS,
        ]
    ),
    "shot_zones_team_game": pa.schema(
        [
            ("season", _TEXT), ("game_id", _TEXT), ("game_date", _DAY), ("team_abbr", _TEXT),
            ("opponent_abbr", _TEXT), *_ZONE_COLUMNS,
        ]
    ),
}  # fmt: skip


def write_table(folder: Path, name: str, columns: Mapping[str, Any]) -> None:
    """Write `{name}.parquet`; columns are numpy arrays, lists or Arrow arrays in any order, floats'
    NaN as null.
    """
    schema = SCHEMAS[name]
    if set(columns) != set(schema.names):
        raise ValueError(f"{name}: columns differ from the archive's: {sorted(set(columns) ^ set(schema.names))}")
    arrays = [_column(columns[field.name], field.type) for field in schema]
    pq.write_table(pa.table(arrays, schema=schema), folder / f"{name}.parquet", compression="zstd")


def _column(values: Any, wanted: pa.DataType) -> pa.Array:
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(wanted):
        plain = array.dictionary_encode() if not pa.types.is_dictionary(array.type) else array
        return pa.DictionaryArray.from_arrays(plain.indices.cast(pa.int8()), plain.dictionary.cast(pa.string()))
    return array.cast(wanted)
