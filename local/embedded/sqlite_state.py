"""The state port on SQLite: documents as JSON, read-then-write transactions, queries on top-level
fields.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from local.embedded.json_values import TIMESTAMP_KEY, decode, encode, format_stored_timestamp
from local.embedded.sqlite_file import SqliteFile
from shared.core.errors import AlreadyExists, Fatal, NotFound, PreconditionFailed
from shared.stores.document_rules import MAX_IN_VALUES, check_collection, document_place
from shared.stores.ports import ArrayUnion, Document, Filter, Increment, T

# Versions come from one sequence, so a document deleted and made again never shows an old version.
SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    path TEXT PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, data TEXT NOT NULL, version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_of_collection ON documents (collection, id);
CREATE TABLE IF NOT EXISTS document_versions (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);
INSERT OR IGNORE INTO document_versions VALUES (1, 0)
"""
OPERATORS = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class SqliteState:
    """ports.State on a SqliteFile; safe to use from many threads, which take turns."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        file.define(SCHEMA)

    def create(self, path: str, data: Mapping[str, Any]) -> None:
        with self._file.write() as connection:
            _create(connection, path, data)

    def get(self, path: str) -> Document | None:
        with self._file.read() as connection:
            return _get(connection, path)

    def update(self, path: str, fields: Mapping[str, Any], *, if_version: str | None = None) -> None:
        with self._file.write() as connection:
            _update(connection, path, fields, if_version)

    def delete(self, path: str) -> None:
        document_place(path)
        with self._file.write() as connection:
            connection.execute("DELETE FROM documents WHERE path = ?", (path,))

    def transaction(self, body: Callable[[SqliteTransaction], T]) -> T:
        """Run body once, alone: nobody else writes meanwhile, so there is no conflict to run it
        again for.
        """
        with self._file.write() as connection:
            transaction = SqliteTransaction(connection)
            result = body(transaction)
            transaction.apply()
            return result

    def query(
        self,
        collection: str,
        where: Sequence[Filter] = (),
        *,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """As Firestore does, a document without the order_by field is not among the results."""
        condition, values = _conditions(collection, where)
        order = "id"
        if order_by is not None:
            field = _json_path(order_by)
            condition += " AND json_type(data, ?) IS NOT NULL"
            order = "json_extract(data, ?), id"
            values += [field, field]
        sql = f"SELECT path, data, version FROM documents WHERE {condition} ORDER BY {order} LIMIT ?"
        with self._file.read() as connection:
            rows = connection.execute(sql, [*values, -1 if limit is None else limit]).fetchall()
            return [Document(path, decode(data), str(version)) for path, data, version in rows]

    def count(self, collection: str, where: Sequence[Filter] = ()) -> int:
        condition, values = _conditions(collection, where)
        with self._file.read() as connection:
            found = connection.execute(f"SELECT COUNT(*) FROM documents WHERE {condition}", values).fetchone()
        return int(found[0])


class SqliteTransaction:
    """ports.Transaction: writes are kept until the body has ended, as Firestore does it, then all
    or none apply.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._writes: list[Callable[[], None]] = []

    def get(self, path: str) -> Document | None:
        if self._writes:
            raise Fatal(
                f"{path} is read after a write in the same transaction; Firestore refuses that.",
                next_step="read everything first.",
            )
        return _get(self._connection, path)

    def create(self, path: str, data: Mapping[str, Any]) -> None:
        self._writes.append(lambda: _create(self._connection, path, data))

    def set(self, path: str, data: Mapping[str, Any]) -> None:
        self._writes.append(lambda: _put(self._connection, path, encode(path, data)))

    def update(self, path: str, fields: Mapping[str, Any]) -> None:
        self._writes.append(lambda: _update(self._connection, path, fields, None))

    def apply(self) -> None:
        """Carry out the writes in order; the caller's database transaction makes them one."""
        for write in self._writes:
            write()


def _get(connection: sqlite3.Connection, path: str) -> Document | None:
    document_place(path)
    row = connection.execute("SELECT data, version FROM documents WHERE path = ?", (path,)).fetchone()
    return None if row is None else Document(path, decode(row[0]), str(row[1]))


def _put(connection: sqlite3.Connection, path: str, text: str) -> None:
    collection, name = document_place(path)
    connection.execute("UPDATE document_versions SET last = last + 1")
    connection.execute(
        "INSERT OR REPLACE INTO documents SELECT ?, ?, ?, ?, last FROM document_versions",
        (path, collection, name, text),
    )


def _create(connection: sqlite3.Connection, path: str, data: Mapping[str, Any]) -> None:
    text = encode(path, data)
    if _get(connection, path) is not None:
        raise AlreadyExists(f"{path} is there already.")
    _put(connection, path, text)


def _update(connection: sqlite3.Connection, path: str, fields: Mapping[str, Any], if_version: str | None) -> None:
    document = _get(connection, path)
    if document is None:
        raise NotFound(f"{path} does not exist, so it cannot be updated.")
    if if_version is not None and if_version != document.version:
        raise PreconditionFailed(f"{path} has version {document.version}, not {if_version}: it changed meanwhile.")
    changed = {name: _transform(document.data.get(name), value) for name, value in fields.items()}
    _put(connection, path, encode(path, document.data | changed))


def _transform(current: object, value: object) -> object:
    """The new value of a field; as in Firestore, a transform of a field of another type starts
    afresh.
    """
    if isinstance(value, Increment):
        is_number = isinstance(current, int | float) and not isinstance(current, bool)
        return current + value.by if is_number else value.by  # type: ignore[operator]
    if isinstance(value, ArrayUnion):
        union = list(current) if isinstance(current, list) else []
        for each in value.values:
            if each not in union:
                union.append(each)
        return union
    return value


def _json_path(field: str) -> str:
    if not field or '"' in field:
        raise Fatal(f"{field!r} is no field name.", next_step="name a top-level field.")
    return f'$."{field}"'


def _conditions(collection: str, where: Sequence[Filter]) -> tuple[str, list[Any]]:
    check_collection(collection)
    sql, values = ["collection = ?"], [collection]
    for each in where:
        condition, found = _condition(each)
        sql.append(condition)
        values += found
    return " AND ".join(sql), values


def _condition(each: Filter) -> tuple[str, list[Any]]:
    """SQL and its values.

    As in Firestore, values of another type never match, and != skips null and absent.
    """
    field = _json_path(each.field)
    if each.op == "in":
        if not isinstance(each.value, list | tuple) or not 1 <= len(each.value) <= MAX_IN_VALUES:
            raise Fatal(
                f"Filter {each.field} in {each.value!r}: Firestore takes a list of 1 to {MAX_IN_VALUES} values.",
                next_step="ask in several queries.",
            )
        alternatives = [_compare_sql(field, "=", value) for value in each.value]
        return f"({' OR '.join(sql for sql, _ in alternatives)})", [v for _, found in alternatives for v in found]
    if each.op == "!=":
        sql, values = _compare_sql(field, "=", each.value)
        return f"(json_type(data, ?) <> 'null' AND NOT COALESCE({sql}, FALSE))", [field, *values]
    return _compare_sql(field, OPERATORS[each.op], each.value)


def _compare_sql(field: str, operator: str, value: object) -> tuple[str, list[Any]]:
    if value is None or isinstance(value, bool):
        if operator != "=":
            raise Fatal(f"{field} {operator} {value!r} has no order.", next_step="compare with == or !=.")
        return "json_type(data, ?) = ?", [field, "null" if value is None else str(value).lower()]
    if isinstance(value, datetime):
        return f"json_extract(data, ?) {operator} ?", [f'{field}."{TIMESTAMP_KEY}"', format_stored_timestamp(value)]
    if isinstance(value, str):
        return f"(json_type(data, ?) = 'text' AND json_extract(data, ?) {operator} ?)", [field, field, value]
    if isinstance(value, int | float):
        of_type = "json_type(data, ?) IN ('integer', 'real')"
        return f"({of_type} AND json_extract(data, ?) {operator} ?)", [field, field, value]
    raise Fatal(f"{field} cannot be compared with {value!r}.", next_step="use str, number, bool, None or datetime.")
