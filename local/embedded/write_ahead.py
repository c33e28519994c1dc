"""Write-ahead logs that begin as none: databases take them for empty, and what was committed is
gone unsaid.
"""

from __future__ import annotations

import struct
from pathlib import Path

from local.embedded.storage_faults import file_errors, storage_damaged

# https://sqlite.org/fileformat2.html#walformat: magic number, version, page size, count, two salts,
# two checksums.
_SQLITE_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_SQLITE_HEADER = 32
# DuckDB writes its log's version first: field 100 of an entry, kind WAL_VERSION (98), field 101.
_DUCKDB_BEGINS = bytes.fromhex("6400626500")


def check_sqlite_log(database: Path) -> None:
    """Raises StorageDamaged where the log beside a SQLite file has no header that SQLite wrote."""
    log, head = _head(database, "-wal", _SQLITE_HEADER)
    if not head.strip(b"\0"):
        return  # none, emptied, or of a machine that went down before it was written
    magic = int.from_bytes(head[:4], "big")
    if magic not in _SQLITE_MAGIC or (len(head) == _SQLITE_HEADER and not _adds_up(head, _SQLITE_MAGIC[magic])):
        raise storage_damaged(database, f"its log {log.name} does not begin as one")


def check_duckdb_log(database: Path) -> None:
    """Raises StorageDamaged where the log beside a DuckDB file does not begin as one."""
    log, head = _head(database, ".wal", len(_DUCKDB_BEGINS))
    if not _DUCKDB_BEGINS.startswith(head):
        raise storage_damaged(database, f"its log {log.name} does not begin as one")


def _head(database: Path, suffix: str, size: int) -> tuple[Path, bytes]:
    log = database.with_name(f"{database.name}{suffix}")
    try:
        with file_errors(log), log.open("rb") as file:
            return log, file.read(size)
    except FileNotFoundError:
        return log, b""


def _adds_up(head: bytes, order: str) -> bool:
    first = second = 0
    words = struct.unpack(f"{order}6I", head[:24])
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return (first, second) == struct.unpack(">2I", head[24:])
