"""DuckDB's errors as the error tree's."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from local.embedded.storage_faults import GOES_ON, disk_full, first_line, storage_damaged, storage_denied
from shared.core.errors import (
    DiskFull,
    Fatal,
    NotFound,
    PipelineError,
    StorageDenied,
    StorageFault,
    StoreUnavailable,
    WriteConflict,
)

# DuckDB gives the operating system's word in its text. The last is said where a query spills to the
# disk.
_FULL = (*map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)), "max_temp_directory_size")
_DENIED = (*map(os.strerror, (errno.EACCES, errno.EPERM, errno.EROFS)), "read-only mode")
# What DuckDB 1 says of a file whose blocks, header or log are not those that it wrote.
_DAMAGED = re.compile(
    r"corrupt|checksum|not a valid duckdb|(not|n't) read (enough|all|sufficient) bytes|replaying wal|deserializ", re.I
)
_UNWELL = re.compile("|".join(map(os.strerror, (errno.EIO, errno.EMFILE, errno.ENFILE))) + "|out of memory", re.I)
_HELD = re.compile(r"could not set lock|conflicting lock", re.I)
_PID = re.compile(r"\(PID (\d+)\)")


def storage_fault(error: duckdb.Error, file: Path) -> StorageFault | None:
    """The fault of the warehouse's file that an error tells of; None where it tells of none.

    By its text, since a full disk comes as a failed COMMIT (TransactionException), and everything
    after a fatal error as a FatalException that repeats it.
    """
    text = str(error)
    if any(word in text for word in _FULL):
        return disk_full(file, text)
    if any(word in text for word in _DENIED):
        return storage_denied(file, text)
    kinds = duckdb.IOException | duckdb.SerializationException | duckdb.FatalException | duckdb.InternalException
    if isinstance(error, kinds) and _DAMAGED.search(text):
        return storage_damaged(file, text)
    if isinstance(error, duckdb.OutOfMemoryException):
        return StorageFault(
            f"{file} needs more memory than there is: {first_line(text)}.",
            next_step=f"end other programs, or use a machine with more memory; {GOES_ON}",
        )
    if isinstance(error, duckdb.IOException) and not _HELD.search(text):
        return StorageFault(
            f"{file} cannot be read or written: {first_line(text)}.",
            next_step=f"see that the disk is well and files may be opened (`dmesg`, `ulimit -n`); {GOES_ON}",
        )
    return None


def of_opening(error: duckdb.Error, file: Path) -> PipelineError:
    """Why a file cannot be opened: another process has it, the disk, or else it is no warehouse any
    more.
    """
    text = str(error)
    if _HELD.search(text):
        holder = _PID.search(text)
        return StoreUnavailable(
            f"The warehouse {file} cannot be opened: {f'process {holder[1]}' if holder else 'another process'} holds"
            " it.",
            next_step="end that process, talk to it (./nba), or use another LOCAL_DIR.",
        )
    fault = storage_fault(error, file)
    if isinstance(fault, DiskFull | StorageDenied) or _UNWELL.search(text):
        return fault or storage_damaged(file, text)
    return storage_damaged(file, f"it cannot be opened: {text}")


def _translate(error: duckdb.Error, doing: str, file: Path) -> PipelineError:
    text = str(error)
    fault = storage_fault(error, file)
    if fault is not None:
        return fault
    if isinstance(error, duckdb.TransactionException) or "conflict on" in text.lower():
        return WriteConflict(f"{doing}: another writer got in between: {text}.", next_step="try again.")
    if isinstance(error, duckdb.CatalogException) and "does not exist" in text and "Table" in text:
        return NotFound(f"{doing}: {text}", next_step="check the table's name, and that what writes it has run.")
    if isinstance(error, duckdb.IOException | duckdb.ConnectionException):
        return StoreUnavailable(f"{doing}: {text}", next_step="see that the warehouse is open, and nobody else has it.")
    return Fatal(f"{doing}: {text}", next_step="correct the SQL or the rows.")


@contextmanager
def errors(doing: str, file: Path) -> Iterator[None]:
    """Within, an error of DuckDB about a warehouse's file is raised as one of ours; `doing` begins
    its message.
    """
    try:
        yield
    except duckdb.Error as error:
        raise _translate(error, doing, file) from error
