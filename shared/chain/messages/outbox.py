"""The outbox: messages recorded with a result, published after it, marked as sent; repeated until that is so.

A document with an outbox has the fields `outbox` (list) and `outbox_pending` (bool). An entry is a message, or names a
blob of the raw bucket: of many messages (a batch's requests are larger than a document may be), or of one as it came.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core import failpoints
from shared.stores.ports import Blobs, Bus, Publication, State


@dataclass(frozen=True)
class OutboxMessage:
    """One message to send: topic, JSON text and attributes."""

    topic: str
    data: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def entry(self, message_id: str) -> dict[str, Any]:
        return {"id": message_id, "topic": self.topic, "data": self.data, "attributes": dict(self.attributes)}


@dataclass(frozen=True)
class OutboxBlob:
    """Many messages to one topic, kept as gzipped JSON lines in the raw bucket."""

    topic: str
    path: str

    def entry(self, message_id: str) -> dict[str, Any]:
        return {"id": message_id, "topic": self.topic, "blob": self.path}


@dataclass(frozen=True)
class OutboxFile:
    """One message whose bytes, of any kind and size, are an object of the raw bucket."""

    topic: str
    path: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def entry(self, message_id: str) -> dict[str, Any]:
        return {"id": message_id, "topic": self.topic, "file": self.path, "attributes": dict(self.attributes)}


def entries(
    owner_id: str, messages: Sequence[OutboxMessage | OutboxBlob | OutboxFile], first: int = 0
) -> list[dict[str, Any]]:
    """Outbox entries with ids {owner}-{index}."""
    return [message.entry(f"{owner_id}-{index}") for index, message in enumerate(messages, start=first)]


def pack_lines(messages: Iterable[str]) -> bytes:
    """JSON texts as the content of an OutboxBlob; the same messages give the same bytes."""
    return gzip.compress("\n".join(messages).encode(), mtime=0)


def _publish(entry: Mapping[str, Any], bus: Bus, raw: Blobs) -> int:
    if "blob" not in entry:
        data = raw.read(entry["file"]).data if "file" in entry else entry["data"].encode()
        bus.publish(entry["topic"], data, {**entry["attributes"], "outbox_id": entry["id"]})
        return 1
    lines = gzip.decompress(raw.read(entry["blob"]).data).split(b"\n")
    messages = [Publication(line, {"outbox_id": f"{entry['id']}.{index}"}) for index, line in enumerate(lines)]
    return len(bus.publish_all(entry["topic"], messages))


def send_pending(path: str, state: State, bus: Bus, raw: Blobs) -> int:
    """Publish what a document's outbox still holds, then mark it as sent; returns the messages published.

    A crash in between publishes again: every receiver is idempotent. An entry added meanwhile keeps the outbox pending.
    """
    document = state.get(path)
    if document is None or not document.data.get("outbox_pending"):
        return 0
    published = sum(_publish(entry, bus, raw) for entry in document.data["outbox"])
    failpoints.reach("outbox.published")

    def mark(transaction: Any) -> None:
        current = transaction.get(path)
        if current is None:
            return
        sent = {entry["id"] for entry in document.data["outbox"]}
        left = [entry for entry in current.data["outbox"] if entry["id"] not in sent]
        done = list(current.data.get("outbox_sent", []))
        done += [json.dumps([e["id"], e["topic"]]) for e in current.data["outbox"] if e["id"] in sent]
        transaction.update(path, {"outbox": left, "outbox_pending": bool(left), "outbox_sent": done})

    state.transaction(mark)
    return published
