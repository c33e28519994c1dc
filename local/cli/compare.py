"""`make compare A=dir B=dir`: are two state folders the same in all that a repeated run must give?

Predictions, grades and exports are compared in everything but ids and times of the run itself
(IGNORED). Exit 0 the same, 1 different, 2 nothing that can be compared.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.console.values import place
from shared.core.errors import ConfigError, DataError, StorageFault

IGNORED = frozenset(
    {
        "prediction_id",
        "batch_id",
        "run_id",
        "execution_id",
        "correlation_id",
        "created_at",
        "updated_at",
        "generated_at",
        "graded_at",
        "duration",
        "best_bets",  # a record of what was offered before tip-off: when exports were made, not what they said
        "snapshot_at",  # of an export's sources: when a feed was asked; its state is compared
        "age_minutes",
        "order",  # an export's epoch and revision: which of two writes is newer, not what it says
    }
)
IGNORED_ENDINGS = ("seconds", "_duration")
TABLES = (
    "nba_predictions.current_predictions",
    "nba_predictions.prediction_accuracy",
    "nba_predictions.system_daily_performance",
)
# Those of these columns that a table has are its key, in this order.
KEYS = ("game_date", "game_id", "player_id", "stat", "system_id", "line_value", "window_name")
EXPORTS = Path("exports") / "v1"
SHOWN = 20
USAGE = "name two state folders: make compare A=dir B=dir"


@dataclass(frozen=True)
class Difference:
    """One place where the two differ: `where` is a table or file, `key` a row's key or a path in
    the file.
    """

    where: str
    key: str
    column: str
    a: str
    b: str

    def __str__(self) -> str:
        place = " ".join(part for part in (self.where, self.key, self.column) if part)
        return f"{place}\n    A: {self.a}\n    B: {self.b}"


@dataclass(frozen=True)
class Table:
    """A table's compared columns with their types, and its rows by key; rows of the same key are
    sorted.
    """

    columns: dict[str, str]
    key: tuple[str, ...]
    rows: Mapping[tuple[str, ...], Sequence[Mapping[str, Any]]]

    @property
    def count(self) -> int:
        return sum(len(rows) for rows in self.rows.values())


def is_ignored(name: str) -> bool:
    """Whether a field of this name may differ between two runs of the same inputs."""
    return name in IGNORED or name.endswith(IGNORED_ENDINGS)


def canonical(value: Any) -> str:
    """One spelling per value: floats by their shortest exact digits, objects sorted and without
    IGNORED.
    """
    if isinstance(value, Mapping):
        fields = (f"{key}: {canonical(value[key])}" for key in sorted(value) if not is_ignored(key))
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(canonical(each) for each in value) + "]"
    if isinstance(value, datetime.date | Decimal):
        return str(value)
    return repr(value)


def read_tables(folder: Path) -> dict[str, Table]:
    """The compared tables of a state folder's warehouse, which is opened read-only."""
    import duckdb

    from local.embedded.duckdb_errors import of_opening

    file = folder / "warehouse.duckdb"
    if not file.is_file():
        raise DataError(f"{folder} has no warehouse.duckdb.", next_step="name a folder that `make run` wrote.")
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            return {name: _read_table(connection, name) for name in TABLES}
    except duckdb.CatalogException as error:
        raise DataError(f"{file} lacks a compared table ({error}).", next_step="run the day again.") from error
    except duckdb.Error as error:
        fault = of_opening(error, file)
        in_use = not isinstance(fault, StorageFault)
        next_step = "stop the runtime that uses it." if in_use else fault.next_step
        raise DataError(fault.message, next_step=next_step) from error


def _read_table(connection: Any, name: str) -> Table:
    described = connection.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()
    columns = {column: kind for column, kind, *_ in described if not is_ignored(column)}
    key = tuple(column for column in KEYS if column in columns)
    chosen = ", ".join(f'"{column}"' for column in columns)
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for values in connection.execute(f"SELECT {chosen} FROM {name}").fetchall():
        row = dict(zip(columns, values, strict=True))
        rows[tuple(canonical(row[column]) for column in key)].append(row)
    return Table(columns, key, {each: sorted(rows[each], key=canonical) for each in sorted(rows)})


def table_differences(name: str, a: Table, b: Table) -> Iterator[Difference]:
    """Columns, then rows by key, then the values of rows that both have."""
    if a.columns != b.columns:
        for column in sorted(a.columns.keys() | b.columns.keys()):
            kind_a, kind_b = a.columns.get(column, "absent"), b.columns.get(column, "absent")
            if kind_a != kind_b:
                yield Difference(name, "", column, kind_a, kind_b)
        return
    for key in sorted(a.rows.keys() | b.rows.keys()):
        shown = ", ".join(f"{column}={value}" for column, value in zip(a.key, key, strict=True))
        rows_a, rows_b = a.rows.get(key, ()), b.rows.get(key, ())
        if len(rows_a) != len(rows_b):
            yield Difference(name, shown, "", f"{len(rows_a)} rows", f"{len(rows_b)} rows")
            continue
        for row_a, row_b in zip(rows_a, rows_b, strict=True):
            for column in a.columns:
                if (left := canonical(row_a[column])) != (right := canonical(row_b[column])):
                    yield Difference(name, shown, column, left, right)


def read_exports(folder: Path) -> dict[str, Any]:
    """Every JSON export by its path under exports/v1."""
    exports = {}
    for file in sorted((folder / EXPORTS).rglob("*.json")):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{file} is not JSON ({error}).", next_step="export the day again.") from error
        exports[file.relative_to(folder / EXPORTS).as_posix()] = content
    return exports


def json_differences(where: str, path: str, a: Any, b: Any) -> Iterator[Difference]:
    """Where two JSON values differ, by their path within the file."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in sorted(a.keys() | b.keys()):
            if is_ignored(name):
                continue
            if name in a and name in b:
                yield from json_differences(where, f"{path}.{name}", a[name], b[name])
            else:
                yield Difference(where, f"{path}.{name}", "", *("there" if name in x else "absent" for x in (a, b)))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from json_differences(where, f"{path}[{index}]", left, right)
    elif isinstance(a, list) and isinstance(b, list):
        yield Difference(where, path, "", f"{len(a)} items", f"{len(b)} items")
    elif canonical(a) != canonical(b):
        yield Difference(where, path, "", canonical(a), canonical(b))


def compare(a: Path, b: Path) -> tuple[list[str], list[Difference]]:
    """What was compared, a line each, and every difference.

    Raises DataError where a folder is no state folder or both are empty: comparing nothing shows
    nothing.
    """
    for folder in (a, b):
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder}.", next_step=USAGE)
    tables_a, tables_b = read_tables(a), read_tables(b)
    exports_a, exports_b = read_exports(a), read_exports(b)
    if not any(table.count for table in (*tables_a.values(), *tables_b.values())):
        raise DataError(f"Neither {a} nor {b} holds a prediction or a grade.", next_step="run a day in each.")

    compared: list[str] = []
    differences: list[Difference] = []
    for name in TABLES:
        compared.append(f"{name}: {tables_a[name].count} rows in A, {tables_b[name].count} in B")
        differences += table_differences(name, tables_a[name], tables_b[name])
    compared.append(f"{EXPORTS.as_posix()}: {len(exports_a)} files in A, {len(exports_b)} in B")
    for path in sorted(exports_a.keys() | exports_b.keys()):
        if path in exports_a and path in exports_b:
            differences += json_differences(path, "", exports_a[path], exports_b[path])
        else:
            differences.append(
                Difference(path, "", "", *("there" if path in each else "absent" for each in (exports_a, exports_b)))
            )
    return compared, differences


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares the folders A and B, from the command line or else the environment; returns the exit
    code.
    """
    parser = argparse.ArgumentParser(prog="make compare", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("a", nargs="?", metavar="A", default=os.environ.get("A"), help="a state folder")
    parser.add_argument("b", nargs="?", metavar="B", default=os.environ.get("B"), help="another")
    chosen = parser.parse_args(arguments)
    try:
        if not chosen.a or not chosen.b:
            raise DataError("Two state folders are needed.", next_step=USAGE)
        folders = [each for name in ("a", "b") if (each := place(vars(chosen), name))]
        compared, differences = compare(*folders)
    except (DataError, ConfigError) as error:
        complain(error)
        return WRONG_INPUT
    say(*compared, sep="\n")
    for difference in differences[:SHOWN]:
        say(difference)
    if differences:
        more = f"; the first {SHOWN} are shown" if len(differences) > SHOWN else ""
        say(f"Different in {len(differences)} places{more}.")
        return FAILED
    say("The same.")
    return DONE


if __name__ == "__main__":
    sys.exit(run_command(main, then="Next: run it again."))
