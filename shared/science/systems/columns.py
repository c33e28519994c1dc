"""Feature rows as numpy columns: by name, never by position, and NaN where a value is NULL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import SchemaMismatch

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Features = Mapping[str, Floats]


def columns_of_rows(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, Floats]:
    """Columns (float64[len(rows)]) of rows as JSON brings them; None becomes NaN, true and false 1
    and 0.

    Raises SchemaMismatch with the names of columns that a row does not have at all.
    """
    wanted = list(names)
    missing = sorted({name for name in wanted for row in rows if name not in row})
    if missing:
        raise SchemaMismatch(
            f"feature rows lack the columns {', '.join(missing)}.",
            next_step="precompute the feature store with this version of the project.",
        )
    return {name: _floats([row[name] for row in rows]) for name in wanted}


def columns_of_table(table: pa.Table, names: Iterable[str]) -> dict[str, Floats]:
    """The same columns of an Arrow table. Raises SchemaMismatch with the names it lacks."""
    wanted = list(names)
    missing = sorted(set(wanted) - set(table.column_names))
    if missing:
        raise SchemaMismatch(
            f"the feature table lacks the columns {', '.join(missing)}.",
            next_step="precompute the feature store with this version of the project.",
        )
    return {name: _column(table.column(name)) for name in wanted}


def _column(column: pa.ChunkedArray) -> Floats:
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _floats(values: list[Any]) -> Floats:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def first_known(*columns: Floats) -> Floats:
    """Row by row the first value that is not NaN; NaN where all are."""
    result = columns[0].copy()
    for column in columns[1:]:
        result = np.where(np.isnan(result), column, result)
    return result


def fill_unknown(column: Floats, value: float) -> Floats:
    """The column with `value` for NaN: only for adjustments whose neutral value is exactly that."""
    return np.where(np.isnan(column), value, column)
