"""DuckDB's errors as the error tree's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from shared.errors import Fatal, NotFound, PipelineError, StoreUnavailable, WriteConflict


def _translated(error: duckdb.Error, doing: str) -> PipelineError:
    text = str(error)
    if isinstance(error, duckdb.TransactionException) or "conflict on" in text.lower():
        return WriteConflict(f"{doing}: another writer got in between: {text}.", next_step="try again.")
    if isinstance(error, duckdb.CatalogException) and "does not exist" in text and "Table" in text:
        return NotFound(f"{doing}: {text}", next_step="check the table's name, and that what writes it has run.")
    if isinstance(error, duckdb.IOException | duckdb.ConnectionException):
        return StoreUnavailable(f"{doing}: {text}", next_step="check the disk and that the warehouse is open.")
    return Fatal(f"{doing}: {text}", next_step="correct the SQL or the rows.")


@contextmanager
def errors(doing: str) -> Iterator[None]:
    """Within, an error of DuckDB is raised as one of ours; `doing` begins its message."""
    try:
        yield
    except duckdb.Error as error:
        raise _translated(error, doing) from error
