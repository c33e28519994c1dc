"""What a file says twice: once is kept where both say the same, neither where they differ, and that
is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from functions.phase2_raw.normalise.rows import Problems


def drop_repeats(table: pa.Table, keys: Sequence[str], path: str, problems: Problems) -> pa.Table:
    """The rows of one file without repetitions of a key.

    Nobody knows which of two figures is right, and to add both up is wrong whichever it is.
    """
    if table.num_rows < 2:
        return table
    if _differ(table, keys):
        return table
    values = list(zip(*(table[key].to_pylist() for key in keys), strict=True))
    at: dict[tuple[Any, ...], list[int]] = {}
    for row, value in enumerate(values):
        at.setdefault(value, []).append(row)
    gone: set[int] = set()
    for value, rows in at.items():
        if len(rows) == 1:
            continue
        found = table.take(pa.array(rows)).to_pylist()
        if all(row == found[0] for row in found):
            gone.update(rows[1:])
            continue
        gone.update(rows)
        named = ", ".join(f"{key} {each}" for key, each in zip(keys, value, strict=True) if each is not None)
        problems.row(path, named, f"there {len(rows)} times with different figures ({_difference(found)})")
    return table.filter(pa.array([row not in gone for row in range(table.num_rows)]))


def _differ(table: pa.Table, keys: Sequence[str]) -> bool:
    """Whether no two rows have the same key: a season's 26,000 in milliseconds."""
    number = pa.repeat(pa.scalar(0, pa.int64()), table.num_rows)
    for key in keys:
        coded = table[key].combine_chunks().dictionary_encode(null_encoding="encode")
        number = pc.add(pc.multiply(number, len(coded.dictionary)), coded.indices.cast(pa.int64()))
    return bool(pc.count_distinct(number, mode="all").as_py() == table.num_rows)


def _difference(rows: Sequence[dict[str, Any]]) -> str:
    first = next(name for name in rows[0] if any(row[name] != rows[0][name] for row in rows))
    return f"{first} {' and '.join(str(value) for value in dict.fromkeys(row[first] for row in rows))}"
