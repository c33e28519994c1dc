"""One place where tests get the real embedded ports on a folder, rows in declared tables, and a
function's Context."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from local.embedded.bus import SqliteBus
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.file_blobs import FileBlobs
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.chain.execution.context import Context
from shared.chain.messages.messages import Mode
from shared.core.clock import Clock
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.stores.ports import DateRange, Warehouse
from shared.stores.runtime import Runtime
from shared.stores.warehouse.rows import table_of
from shared.stores.warehouse.schemas import all_schemas
from tests.support.lent_warehouses import lent_warehouse


def throwaway_warehouse(path: Path) -> DuckDbWarehouse:
    """A warehouse of a folder that is thrown away: closing it does not tidy its file, which takes
    most of the time.

    What the log holds is read at the next opening, if there is one.
    """
    warehouse = DuckDbWarehouse(path)
    warehouse._root.execute("PRAGMA disable_checkpoint_on_shutdown")
    return warehouse


def copy_into_memory(file: Path) -> DuckDbWarehouse:
    """A warehouse in memory with the rows of a file's declared tables, by the names of its columns;
    of one thread."""
    warehouse = DuckDbWarehouse(Path(":memory:"))
    root = warehouse._root
    root.execute("SET GLOBAL threads = 1")
    root.execute(f"ATTACH '{file}' AS copied (READ_ONLY)")
    for schema in all_schemas():
        name = warehouse._name(schema.name)
        root.execute(f"INSERT INTO {name} BY NAME SELECT * FROM copied.{name}")
    root.execute("DETACH copied")
    return warehouse


def reset_counts(warehouse: DuckDbWarehouse) -> None:
    """Count statements from here on."""
    with warehouse._lock:
        warehouse._counts.clear()


@contextmanager
def open_stores(
    folder: Path,
    clock: Clock,
    *,
    settings: Settings | None = None,
    epoch: int = 1,
    template: Path | None = None,
    on_disk: bool = False,
) -> Iterator[Runtime]:
    """A runtime on the embedded stores of a folder, closed at the end.

    The warehouse is a lent one, with the rows of the template's file: they end with the runtime,
    unless its own file is there or `on_disk` asks for one.
    """
    path = folder / "warehouse.duckdb"
    with ExitStack() as stack:
        file = stack.enter_context(closing(SqliteFile(folder / "state.sqlite")))
        if on_disk or path.exists():
            warehouse = stack.enter_context(closing(throwaway_warehouse(path)))
        else:
            warehouse = stack.enter_context(lent_warehouse(path, template))
        yield Runtime(
            settings=settings or Settings(),
            clock=clock,
            warehouse=warehouse,
            state=SqliteState(file),
            bus=SqliteBus(file, load_pipeline(), clock),
            raw=FileBlobs(folder / "raw"),
            exports=FileBlobs(folder / "exports"),
            models=FileBlobs(folder / "models"),
            epoch=epoch,
        )


def append(warehouse: Warehouse, table: str, rows: Iterable[Mapping[str, Any]], job_id: str) -> None:
    """Load rows into a declared table, columns by name; columns that no row has stay NULL."""
    listed = list(rows)
    names = {name for row in listed for name in row}
    warehouse.load(table, table_of(table, listed, names), mode="append", job_id=job_id)


def context_of(
    runtime: Runtime,
    function: str,
    first: date,
    last: date | None = None,
    *,
    mode: Mode = "same_day",
    run_id: str = "run-1",
    as_of: datetime | None = None,
    attempt: int = 1,
) -> Context:
    """What a function's run is given, for the days first to last."""
    return Context(
        runtime=runtime,
        function=load_pipeline().functions[function],
        execution_id=f"{function}.{run_id}",
        run_id=run_id,
        mode=mode,
        correlation_id="correlation",
        dates=DateRange(first, last or first),
        as_of_or_none=as_of,
        attempt=attempt,
    )
