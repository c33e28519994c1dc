"""The tables of the embedded bus: messages, their deliveries, and what was counted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from shared.core.pipeline import Subscription

# `due_at` of a waiting delivery: not before. Of one in flight: its ack deadline. Either way it may
# be claimed then.
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT UNIQUE, topic TEXT NOT NULL, data BLOB NOT NULL,
    attributes TEXT NOT NULL, publish_time TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, number INTEGER NOT NULL,
    copy INTEGER NOT NULL, attempt INTEGER NOT NULL, in_flight INTEGER NOT NULL, due_at TEXT NOT NULL,
    position INTEGER NOT NULL, last_error TEXT NOT NULL
);
DROP INDEX IF EXISTS deliveries_due;
CREATE INDEX IF NOT EXISTS deliveries_claimed ON deliveries (subscription, in_flight, position, due_at, delivery_id);
CREATE INDEX IF NOT EXISTS deliveries_of_message ON deliveries (number);
CREATE INDEX IF NOT EXISTS deliveries_in_flight ON deliveries (due_at) WHERE in_flight = 1;
CREATE TABLE IF NOT EXISTS bus_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID
"""
COUNTERS = ("published", "delivered", "redelivered", "dead_lettered")


@dataclass(frozen=True)
class Delivery:
    """A message claimed for one push; `copy` 2 is the deliberate duplicate of `deliver_twice`."""

    delivery_id: int
    subscription: Subscription
    message_id: str
    topic: str
    data: bytes
    attributes: dict[str, str]
    publish_time: str
    attempt: int
    copy: int


def end(connection: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> bool:
    """Forget one delivery, and the content of its message with the last of them; its id stays
    taken. Returns whether there was one.
    """
    found = connection.execute(f"SELECT delivery_id, number FROM deliveries WHERE {condition}", values).fetchone()
    if found is not None:
        delivery_id, number = found
        connection.execute("DELETE FROM deliveries WHERE delivery_id = ?", (delivery_id,))
        connection.execute(
            "UPDATE messages SET data = X'' WHERE number = ? AND NOT EXISTS "
            "(SELECT 1 FROM deliveries WHERE number = messages.number)",
            (number,),
        )
    return found is not None


def count(connection: sqlite3.Connection, name: str, by: int) -> None:
    """Add to one of COUNTERS."""
    if by:
        sql = "INSERT INTO bus_counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
        connection.execute(sql, (name, by))
