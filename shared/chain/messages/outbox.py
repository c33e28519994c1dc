"""The outbox: messages recorded with a result, published after it, marked as sent; repeated until
that is so.

A document with an outbox has the fields `outbox` (list) and `outbox_pending` (bool). An entry is a
message, or names a blob of the raw bucket: of many messages (a batch's requests are larger than a
document may be), or of one as it came. Whoever keeps entries passes them on as they are stored;
this module alone looks into them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core import failpoints
from shared.stores.ports import Blobs, Bus, Document, Publication, State, Transaction
from shared.stores.records import Record, StoredRecord, present, stored_as

StoredEntry = Mapping[str, Any]
"""An outbox entry as its document has it."""


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


@dataclass(frozen=True, kw_only=True)
class _Entry(StoredRecord):
    """An entry, decoded: data of a message, else the path of a blob or of a file."""

    entry_id: str = field(metadata=stored_as("id"))
    topic: str
    data: str | None = None
    blob: str | None = None
    file: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Outbox(Record):
    """The outbox of a document of any kind."""

    entries: Sequence[StoredEntry] = field(default_factory=list, metadata=stored_as("outbox"))
    pending: bool = field(default=False, metadata=stored_as("outbox_pending"))
    sent: Sequence[str] = field(default_factory=list, metadata=stored_as("outbox_sent"))
    """Of each entry sent its id and topic, as JSON."""


def _decode(path: str, entry: StoredEntry) -> _Entry:
    return _Entry.from_document(Document(f"{path}, an entry of its outbox", dict(entry), ""))


def _publish(path: str, entry: StoredEntry, bus: Bus, raw: Blobs) -> int:
    """Publish what an entry of a document's outbox stands for; returns the messages."""
    found = _decode(path, entry)
    if found.blob is None:
        data = present(found.data, found, "data").encode() if found.file is None else raw.read(found.file).data
        bus.publish(found.topic, data, {**found.attributes, "outbox_id": found.entry_id})
        return 1
    lines = gzip.decompress(raw.read(found.blob).data).split(b"\n")
    messages = [Publication(line, {"outbox_id": f"{found.entry_id}.{index}"}) for index, line in enumerate(lines)]
    return len(bus.publish_all(found.topic, messages))


@dataclass(frozen=True)
class Listed:
    """A message of a document's outbox, as it is shown."""

    id: str
    topic: str
    is_sent: bool


def list_messages(document: Document) -> list[Listed]:
    """What a document sends and has sent; an entry of many messages is one."""
    outbox = _Outbox.from_document(document)
    sent = [Listed(entry_id, topic, is_sent=True) for entry_id, topic in map(json.loads, outbox.sent)]
    waiting = [_decode(document.path, entry) for entry in outbox.entries]
    return [*sent, *(Listed(each.entry_id, each.topic, is_sent=False) for each in waiting)]


def read_message_data(path: str, entry: StoredEntry, raw: Blobs) -> tuple[bytes, Mapping[str, str]]:
    """The bytes and attributes of an entry that is one message.

    Raises DataError for an entry of many, NotFound where its file is gone.
    """
    found = _decode(path, entry)
    data = raw.read(found.file).data if found.file is not None else present(found.data, found, "data").encode()
    return data, found.attributes


def send_pending(path: str, state: State, bus: Bus, raw: Blobs) -> int:
    """Publish what a document's outbox still holds, then mark it as sent; returns the messages
    published.

    A crash in between publishes again: every receiver is idempotent. An entry added meanwhile keeps
    the outbox pending.
    """
    document = state.get(path)
    if document is None:
        return 0
    outbox = _Outbox.from_document(document)
    if not outbox.pending:
        return 0
    published = sum(_publish(path, entry, bus, raw) for entry in outbox.entries)
    failpoints.reach("outbox.published")
    sent = {entry["id"] for entry in outbox.entries}

    def mark(transaction: Transaction) -> None:
        current = transaction.get(path)
        if current is None:
            return
        now = _Outbox.from_document(current)
        left = [entry for entry in now.entries if entry["id"] not in sent]
        done = [json.dumps([e["id"], e["topic"]]) for e in now.entries if e["id"] in sent]
        fields = _Outbox.fields(entries=left, pending=bool(left), sent=[*now.sent, *done])
        transaction.update(path, fields)

    state.transaction(mark)
    return published
