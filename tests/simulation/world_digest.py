"""A digest of everything that a play has left, but what is the readers' own."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.simulation.reader_ports import AUDIT, AUDIT_FIELDS, OWN, is_own
from tests.simulation.world import SimulatedPipeline

LOAD_JOBS = "main._load_jobs"
_READERS_TABLES = OWN["monitor"]["warehouse"]


def digest_world(world: SimulatedPipeline) -> dict[str, str]:
    """Every document, table, object and message by its name, with a digest of its content.

    Documents are without their version: one sequence numbers those of readers too.
    """
    found = {f"state {path}": _hash(data) for path, data in _documents(world)}
    found |= {f"table {name}": _hash(rows) for name, rows in _tables(world)}
    for bucket in ("raw", "exports"):
        objects = getattr(world, bucket).objects
        found |= {f"{bucket} {path}": _hash(blob) for path, blob in objects.items() if not _is_readers(bucket, path)}
    for number, message in enumerate(world.bus.published, start=1):
        found[f"message {number} {message.name}"] = _hash(message)
    return found


def _documents(world: SimulatedPipeline) -> list[tuple[str, Any]]:
    with world.state._file.read() as connection:
        rows = connection.execute("SELECT path, data FROM documents").fetchall()
    documents = []
    for path, text in rows:
        data = json.loads(text)
        if path.startswith(AUDIT):
            data = {name: value for name, value in data.items() if name not in AUDIT_FIELDS}
        if not _is_readers("state", path):
            documents.append((path, sorted(data.items())))
    return documents


def _tables(world: SimulatedPipeline) -> list[tuple[str, Any]]:
    root = world.warehouse._root
    names = root.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal ORDER BY 1"
    ).fetchall()
    tables = [(name, sorted(map(repr, root.execute(f"FROM {name}").fetchall()))) for (name,) in names]
    return [
        # of the loads that were carried out the table says which table was the target
        (name, [row for row in rows if name != LOAD_JOBS or not any(table in row for table in _READERS_TABLES)])
        for name, rows in tables
        if not _is_readers("warehouse", name)
    ]


def _is_readers(port: str, path: str) -> bool:
    return any(is_own(reader, port, path) for reader in OWN)


def _hash(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
