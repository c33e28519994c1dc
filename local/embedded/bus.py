"""The bus port on SQLite: a persistent queue with Pub/Sub's ack deadlines, back-off, attempts and
dead letters.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from local.embedded.bus_tables import COUNTERS, SCHEMA, Delivery, count, end
from local.embedded.causes import Causes
from local.embedded.json_values import decode, format_stored_timestamp
from local.embedded.sqlite_file import SqliteFile
from shared.chain.messages import dead_letter
from shared.chain.messages.dead_letter import MAX_DELIVERY_ATTEMPTS, Facts, parse_timestamp_or_none
from shared.core.clock import Clock
from shared.core.errors import Fatal, NotFound
from shared.core.pipeline import Pipeline, Subscription
from shared.stores.message_limits import check_publication
from shared.stores.ports import Publication, PulledMessage

__all__ = ["Delivery", "SqliteBus"]

# Others wait for the file while a batch is written: large enough to save commits, small enough to
# let them in.
PUBLISH_BATCH = 100


class SqliteBus:
    """ports.Bus on a SqliteFile, and the queue under it that a dispatcher delivers from.

    Args:
        deliver_twice: make every push delivery twice; each of the two is acknowledged and retried
            for itself.
        shuffle_seed: claim what is due in a random order that this seed repeats.
    """

    def __init__(
        self,
        file: SqliteFile,
        pipeline: Pipeline,
        clock: Clock,
        *,
        deliver_twice: bool = False,
        shuffle_seed: int | None = None,
    ) -> None:
        self._file = file
        self._clock = clock
        self._copies = 2 if deliver_twice else 1
        self._shuffle_seed = shuffle_seed
        self._push = pipeline.subscriptions
        self._pull = pipeline.pullable
        self.topics = pipeline.topics
        self._dead_letter_topics = {each.dead_letter_topic for each in self._push.values()}
        self.causes = Causes()
        self.on_change: Callable[[], None] = lambda: None  # called after something may have become due
        file.define(SCHEMA)

    # --- the port ---------------------------------------------------------------------------------

    def publish(
        self,
        topic: str,
        data: bytes,
        attributes: Mapping[str, str] | None = None,
        *,
        message_id: str | None = None,
    ) -> str:
        """Returns the message id once the message is durable. Raises NotFound for an unknown topic.

        With message_id (embedded only): an id that was published before is not published again, and
        an outage is waited for; a function without one is to see it.
        """
        check_publication(self.topics, topic, data, attributes or {})
        if message_id is not None and message_id.isdigit():
            raise Fatal(f"message_id {message_id!r} looks like the bus's own.", next_step="give it a name.")
        with self._file.write(patient=message_id is not None) as connection:
            if message_id is not None:
                sql = "SELECT 1 FROM messages WHERE message_id = ?"
                if connection.execute(sql, (message_id,)).fetchone():
                    return message_id
            published = self._insert(connection, topic, data, attributes or {}, message_id)
        self.on_change()
        return published

    def publish_all(self, topic: str, messages: Sequence[Publication]) -> list[str]:
        """The ids, in order, once all messages are durable; every PUBLISH_BATCH of them in one
        transaction.
        """
        for message in messages:
            check_publication(self.topics, topic, message.data, message.attributes)
        published: list[str] = []
        for first in range(0, len(messages), PUBLISH_BATCH):
            with self._file.write() as connection:
                for message in messages[first : first + PUBLISH_BATCH]:
                    published.append(self._insert(connection, topic, message.data, message.attributes))
            self.on_change()
        return published

    def pull(self, subscription: str, limit: int = 100) -> list[PulledMessage]:
        """Messages waiting, oldest first; they stay until acknowledged. Raises NotFound."""
        self._check_pull_subscription(subscription)
        return self._select_messages("subscription = ?", (subscription,), limit)

    def ack(self, subscription: str, ack_ids: Sequence[str]) -> list[str]:
        self._check_pull_subscription(subscription)
        one = "delivery_id = ? AND subscription = ?"
        with self._file.write() as connection:
            return [ack_id for ack_id in ack_ids if not end(connection, one, (int(ack_id), subscription))]

    # --- the queue --------------------------------------------------------------------------------

    def due(self, room: Mapping[str, int]) -> list[Delivery]:
        """Claim what is due now: at most room[function] deliveries to each function, over all its
        subscriptions.

        A delivery whose ack deadline has passed is due again, or a dead letter if that was its last
        attempt.
        """
        claimed: list[Delivery] = []
        left = dict(room)
        with self._file.write(patient=True) as connection:
            self._expire(connection, "the ack deadline passed without an answer")
            for subscription in self._push.values():
                if left.get(subscription.function, 0) > 0:
                    found = self._claim(connection, subscription, left[subscription.function])
                    left[subscription.function] -= len(found)
                    claimed += found
        return claimed

    def acknowledge(self, delivery: Delivery) -> None:
        """The push succeeded.

        A delivery claimed again meanwhile (deadline passed) is not ended by the old claim.
        """
        with self._file.write(patient=True) as connection:
            end(connection, "delivery_id = ? AND attempt = ?", (delivery.delivery_id, delivery.attempt))

    def refuse(self, delivery: Delivery, error: str) -> None:
        """The push failed: due again after the back-off, or moved to the dead letters after the
        last attempt.
        """
        wait = timedelta(seconds=delivery.subscription.backoff_seconds(delivery.attempt))
        with self._file.write(patient=True) as connection:
            refused = connection.execute(
                "UPDATE deliveries SET in_flight = 0, due_at = ?, last_error = ? "
                "WHERE delivery_id = ? AND attempt = ? AND in_flight = 1",
                (format_stored_timestamp(self._clock.now() + wait), error, delivery.delivery_id, delivery.attempt),
            ).rowcount
            if refused and delivery.attempt >= delivery.subscription.max_delivery_attempts:
                self._bury(connection, delivery.delivery_id)
        self.on_change()

    def give_back(self, delivery: Delivery) -> None:
        """The push came to nothing by a fault of this machine: due again at once, and the attempt
        was none.
        """
        with self._file.write(patient=True) as connection:
            connection.execute(
                "UPDATE deliveries SET in_flight = 0, attempt = attempt - 1, due_at = ?, last_error = ''"
                " WHERE delivery_id = ? AND attempt = ? AND in_flight = 1",
                (format_stored_timestamp(self._clock.now()), delivery.delivery_id, delivery.attempt),
            )

    def release_in_flight(self) -> int:
        """At start-up: what is in flight was a dead process's.

        It is due at once; the attempt counts as made.
        """
        with self._file.write(patient=True) as connection:
            now = format_stored_timestamp(self._clock.now())
            sql = "UPDATE deliveries SET due_at = ? WHERE in_flight = 1"
            released = connection.execute(sql, (now,)).rowcount
            self._expire(connection, "the process died during this attempt")
        self.on_change()
        return released

    def pending(self, messages: Collection[str] | None = None) -> int:
        """Push deliveries not acknowledged yet, in flight or waiting; of these messages, where some
        are given.
        """
        if messages is None:
            return sum(count for count, _ in self._outstanding())
        sql = (
            "SELECT COUNT(*) FROM json_each(?) JOIN messages ON message_id = value JOIN deliveries USING (number) "
            f"WHERE subscription IN ({', '.join('?' * len(self._push))})"
        )
        with self._file.read() as connection:
            return int(connection.execute(sql, (json.dumps(sorted(messages)), *self._push)).fetchone()[0])

    def next_due_at(self) -> datetime | None:
        """When the next push delivery may be claimed (one in flight: its ack deadline); None when
        all are done.
        """
        moments = [datetime.fromisoformat(due) for _, due in self._outstanding() if due is not None]
        return min(moments) if moments else None

    def counters(self) -> dict[str, int]:
        """Since the state began: published (dead letters apart), delivered (every push),
        redelivered (those of them that were a second or later try, or a deliberate duplicate),
        dead_lettered.
        """
        with self._file.read() as connection:
            kept = dict(connection.execute("SELECT name, value FROM bus_counters").fetchall())
        return {name: int(kept.get(name, 0)) for name in COUNTERS}

    def last_number(self) -> int:
        """How many messages were ever published, dead letters included: a mark for
        dead_letters_since.
        """
        with self._file.read() as connection:
            return int(connection.execute("SELECT COALESCE(MAX(number), 0) FROM messages").fetchone()[0])

    def dead_letters_since(self, number: int) -> list[PulledMessage]:
        """Unacknowledged dead letters of all subscriptions that were published after that mark,
        oldest first.
        """
        topics = sorted(self._dead_letter_topics)
        return self._select_messages(f"number > ? AND topic IN ({', '.join('?' * len(topics))})", (number, *topics), -1)

    def is_asked_for(self, message_id: str) -> bool:
        """Whether a message is a person's, published by a command beside whatever is being
        played.
        """
        return self.causes.was_followed(message_id)

    # --- within a transaction ---------------------------------------------------------------------

    def _insert(
        self,
        connection: sqlite3.Connection,
        topic: str,
        data: bytes,
        attributes: Mapping[str, str],
        message_id: str | None = None,
        cause: str = "",
    ) -> str:
        now = format_stored_timestamp(self._clock.now())
        text = json.dumps(dict(attributes), ensure_ascii=False)
        number = connection.execute(
            "INSERT INTO messages (message_id, topic, data, attributes, publish_time) VALUES (?, ?, ?, ?, ?)",
            (message_id, topic, data, text, now),
        ).lastrowid
        if message_id is None:
            message_id = str(number)
            connection.execute("UPDATE messages SET message_id = ? WHERE number = ?", (message_id, number))
        self.causes.on_published(message_id, cause)  # before anybody can deliver it
        targets = [(s.name, copy) for s in self._push.values() if s.topic == topic for copy in self._each_copy()]
        targets += [(name, 1) for name, pulled in self._pull.items() if pulled == topic]
        connection.executemany(
            "INSERT INTO deliveries (subscription, number, copy, attempt, in_flight, due_at, position, last_error) "
            "VALUES (?, ?, ?, 0, 0, ?, ?, '')",
            [(name, number, copy, now, self._position(message_id, name, copy)) for name, copy in targets],
        )
        count(connection, "dead_lettered" if topic in self._dead_letter_topics else "published", 1)
        return message_id

    def _claim(self, connection: sqlite3.Connection, subscription: Subscription, limit: int) -> list[Delivery]:
        now = self._clock.now()
        rows = connection.execute(
            "SELECT delivery_id, message_id, topic, data, attributes, publish_time, attempt + 1, copy "
            "FROM deliveries JOIN messages USING (number) WHERE subscription = ? AND due_at <= ? AND in_flight = 0 "
            "ORDER BY position, due_at, delivery_id LIMIT ?",
            (subscription.name, format_stored_timestamp(now), limit),
        ).fetchall()
        deadline = format_stored_timestamp(now + timedelta(seconds=subscription.ack_deadline_seconds))
        connection.executemany(
            "UPDATE deliveries SET in_flight = 1, attempt = attempt + 1, due_at = ? WHERE delivery_id = ?",
            [(deadline, row[0]) for row in rows],
        )
        claimed = [
            Delivery(row[0], subscription, row[1], row[2], row[3], decode(row[4]), row[5], row[6], row[7])
            for row in rows
        ]
        count(connection, "delivered", len(claimed))
        count(connection, "redelivered", sum(each.attempt > 1 or each.copy > 1 for each in claimed))
        return claimed

    def _expire(self, connection: sqlite3.Connection, error: str) -> None:
        """Take back what is in flight past its deadline; a last attempt becomes a dead letter."""
        now = format_stored_timestamp(self._clock.now())
        sql = "SELECT delivery_id, subscription, attempt FROM deliveries WHERE in_flight = 1 AND due_at <= ?"
        for delivery_id, name, attempt in connection.execute(sql, (now,)).fetchall():
            sql = "UPDATE deliveries SET in_flight = 0, last_error = ? WHERE delivery_id = ?"
            connection.execute(sql, (error, delivery_id))
            if name in self._push and attempt >= self._push[name].max_delivery_attempts:
                self._bury(connection, delivery_id)

    def _bury(self, connection: sqlite3.Connection, delivery_id: int) -> None:
        """Move a delivery to its dead-letter topic, with Pub/Sub's attributes and those of the
        handler's own.
        """
        row = connection.execute(
            "SELECT subscription, attempt, last_error, message_id, topic, data, attributes, publish_time "
            "FROM deliveries JOIN messages USING (number) WHERE delivery_id = ?",
            (delivery_id,),
        ).fetchone()
        name, attempt, error, message_id, topic, data, text, publish_time = row
        attributes = decode(text)
        facts = Facts(
            reason=MAX_DELIVERY_ATTEMPTS,
            error=error,
            origin_topic=topic,
            origin_subscription=name,
            # the first id, where it is one that was published once more
            origin_message_id=attributes.get("origin_message_id", message_id),
            origin_published_at=parse_timestamp_or_none(attributes.get("origin_published_at"))
            or parse_timestamp_or_none(publish_time),
            dead_lettered_at=self._clock.now(),
        )
        pubsub = {
            "SourceDeliveryCount": str(attempt),
            "SourceSubscription": name,
            "SourceSubscriptionProject": "local",
            "SourceTopicPublishTime": publish_time,
        }
        letter = dead_letter.encode(data, attributes, facts, pubsub)
        self._insert(connection, self._push[name].dead_letter_topic, *letter, cause=message_id)
        end(connection, "delivery_id = ?", (delivery_id,))

    # --- small parts ------------------------------------------------------------------------------

    def _each_copy(self) -> range:
        return range(1, self._copies + 1)

    def _position(self, *what: object) -> int:
        if self._shuffle_seed is None:
            return 0
        digest = hashlib.sha256(repr((self._shuffle_seed, *what)).encode()).digest()
        return int.from_bytes(digest[:6], "big")

    def _outstanding(self) -> list[tuple[int, str | None]]:
        sql = "SELECT COUNT(*), MIN(due_at) FROM deliveries WHERE subscription = ?"
        with self._file.read() as connection:
            return [connection.execute(sql, (name,)).fetchone() for name in self._push]

    def _select_messages(self, condition: str, values: tuple[object, ...], limit: int) -> list[PulledMessage]:
        sql = (
            "SELECT delivery_id, message_id, data, attributes FROM deliveries JOIN messages USING (number) "
            f"WHERE {condition} ORDER BY delivery_id LIMIT ?"
        )
        with self._file.read() as connection:
            rows = connection.execute(sql, (*values, limit)).fetchall()
            return [PulledMessage(str(ack), message_id, data, decode(a)) for ack, message_id, data, a in rows]

    def _check_pull_subscription(self, subscription: str) -> None:
        if subscription not in self._pull:
            names = ", ".join(sorted(self._pull))
            raise NotFound(f"There is no pull subscription {subscription!r}.", next_step=f"use one of: {names}.")
