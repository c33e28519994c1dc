"""The outbox: recorded with the result, published after it, repeated until it is marked as sent."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.embedded.bus import SqliteBus
from local.embedded.file_blobs import FileBlobs
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxBlob, OutboxFile, OutboxMessage
from shared.core import failpoints
from shared.core.errors import NotFound, StoreUnavailable
from shared.core.pipeline import load_pipeline
from tests.support.embedded import START, ManualClock

PATH = "executions/x"
TOPIC = "nba-phase6-export-complete"


@dataclass
class Stores:
    file: SqliteFile
    state: SqliteState
    bus: SqliteBus
    raw: FileBlobs

    def record(self, *messages: OutboxMessage | OutboxBlob | OutboxFile) -> None:
        entries = outbox.entries("x", messages)
        self.state.create(PATH, {"outbox": entries, "outbox_pending": bool(entries)})

    def send(self, bus: Any = None) -> int:
        return outbox.send_pending(PATH, self.state, bus or self.bus, self.raw)

    def data(self) -> dict[str, Any]:
        document = self.state.get(PATH)
        assert document is not None
        return document.data

    def list_sent(self) -> list[tuple[str, bytes, dict[str, str]]]:
        with self.file.read() as connection:
            rows = connection.execute("SELECT topic, data, attributes FROM messages ORDER BY number").fetchall()
        return [(topic, data, json.loads(attributes)) for topic, data, attributes in rows]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    file = SqliteFile(tmp_path / "state.sqlite")
    bus = SqliteBus(file, load_pipeline(), ManualClock(START))
    yield Stores(file, SqliteState(file), bus, FileBlobs(tmp_path / "raw"))
    file.close()


class Died(BaseException):
    """The process is gone."""


def test_bytes_of_any_kind_are_sent_from_their_file_with_the_attributes_they_had(stores: Stores) -> None:
    stores.raw.write("redrive/a", b"\xff\x00 no text", content_type="application/octet-stream")
    stores.record(OutboxFile(TOPIC, "redrive/a", {"color": "red"}), OutboxFile(TOPIC, "redrive/a"))
    assert stores.send() == 2
    assert stores.list_sent() == [
        (TOPIC, b"\xff\x00 no text", {"color": "red", "outbox_id": "x-0"}),
        (TOPIC, b"\xff\x00 no text", {"outbox_id": "x-1"}),
    ]


def test_messages_are_sent_in_order_with_their_ids_and_once(stores: Stores) -> None:
    stores.record(OutboxMessage(TOPIC, "{}", {"color": "red"}), OutboxMessage("nba-alerts", '{"a": 1}'))
    assert stores.send() == 2
    assert stores.list_sent() == [
        (TOPIC, b"{}", {"color": "red", "outbox_id": "x-0"}),
        ("nba-alerts", b'{"a": 1}', {"outbox_id": "x-1"}),
    ]
    assert stores.send() == 0
    assert len(stores.list_sent()) == 2
    assert stores.data() == {
        "outbox": [],
        "outbox_pending": False,
        "outbox_sent": ['["x-0", "nba-phase6-export-complete"]', '["x-1", "nba-alerts"]'],
    }


def test_nothing_to_send(stores: Stores) -> None:
    assert stores.send() == 0
    stores.record()
    assert stores.send() == 0


def test_a_blob_holds_many_messages(stores: Stores) -> None:
    packed = outbox.pack_lines([json.dumps({"unit": n}) for n in range(3)])
    assert packed == outbox.pack_lines([json.dumps({"unit": n}) for n in range(3)])
    stores.raw.write("requests/r.jsonl.gz", packed, content_type="application/gzip")
    stores.record(OutboxBlob("prediction-request", "requests/r.jsonl.gz"))
    assert stores.send() == 3
    assert [(json.loads(data)["unit"], a["outbox_id"]) for _, data, a in stores.list_sent()] == [
        (0, "x-0.0"),
        (1, "x-0.1"),
        (2, "x-0.2"),
    ]


def test_the_bytes_of_a_blob_do_not_depend_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry writes the same object again: anything else would be a conflict of two contents."""
    monkeypatch.setattr(time, "time", lambda: 1_763_121_600.0)
    first = outbox.pack_lines(["{}"])
    monkeypatch.setattr(time, "time", lambda: 1_763_125_200.0)
    assert outbox.pack_lines(["{}"]) == first
    assert gzip.decompress(first) == b"{}"


def test_a_document_that_is_gone_before_it_is_marked_stays_gone(stores: Stores) -> None:
    """What ended is kept for a time only: its end may fall between publishing and marking."""
    stores.record(OutboxMessage(TOPIC, "1"))

    def hook(point: str) -> None:
        if point == "outbox.published":
            stores.state.delete(PATH)

    failpoints.install(hook)
    try:
        assert stores.send() == 1
    finally:
        failpoints.install(None)
    assert stores.state.get(PATH) is None
    assert [data for _, data, _ in stores.list_sent()] == [b"1"]
    assert stores.send() == 0


def test_a_crash_after_the_publish_publishes_again(stores: Stores) -> None:
    def hook(point: str) -> None:
        if point == "outbox.published":
            raise Died

    stores.record(OutboxMessage(TOPIC, "{}"))
    failpoints.install(hook)
    try:
        with pytest.raises(Died):
            stores.send()
    finally:
        failpoints.install(None)
    assert stores.data()["outbox_pending"] is True
    assert stores.send() == 1
    assert [a["outbox_id"] for _, _, a in stores.list_sent()] == ["x-0", "x-0"]
    assert stores.data()["outbox_pending"] is False


def test_a_bus_that_fails_half_way_leaves_the_outbox_pending(stores: Stores) -> None:
    class FailsOnce:
        def __init__(self, bus: SqliteBus) -> None:
            self.bus, self.calls = bus, 0

        def publish(self, topic: str, data: bytes, attributes: Any) -> str:
            self.calls += 1
            if self.calls == 2:
                raise StoreUnavailable("quota")
            return self.bus.publish(topic, data, attributes)

    stores.record(OutboxMessage(TOPIC, "1"), OutboxMessage(TOPIC, "2"))
    bus = FailsOnce(stores.bus)
    with pytest.raises(StoreUnavailable):
        stores.send(bus)
    assert stores.send(bus) == 2
    assert {a["outbox_id"] for _, _, a in stores.list_sent()} == {"x-0", "x-1"}


def test_an_unknown_topic_is_an_error_and_not_marked_as_sent(stores: Stores) -> None:
    stores.record(OutboxMessage("nobodys-topic", "{}"))
    with pytest.raises(NotFound):
        stores.send()
    assert stores.data()["outbox_pending"] is True


def test_what_is_added_meanwhile_stays_pending(stores: Stores) -> None:
    """A late unit's announcement arrives between the publish and the mark."""
    stores.record(OutboxMessage(TOPIC, "1"))

    def hook(point: str) -> None:
        if point == "outbox.published":
            added = outbox.entries("x", [OutboxMessage(TOPIC, "2")], first=1)
            stores.state.update(PATH, {"outbox": [*stores.data()["outbox"], *added], "outbox_pending": True})

    failpoints.install(hook)
    try:
        stores.send()
    finally:
        failpoints.install(None)
    assert [entry["id"] for entry in stores.data()["outbox"]] == ["x-1"]
    assert stores.data()["outbox_pending"] is True
    assert stores.send() == 1
    assert [data for _, data, _ in stores.list_sent()] == [b"1", b"2"]


def test_two_senders_at_once_leave_it_sent(stores: Stores) -> None:
    """Each may publish (receivers are idempotent); neither brings back what the other has
    marked.
    """
    stores.record(OutboxMessage(TOPIC, "1"))
    inner: list[int] = []

    def hook(point: str) -> None:
        if point == "outbox.published" and not inner:
            inner.append(1)
            stores.send()

    failpoints.install(hook)
    try:
        stores.send()
    finally:
        failpoints.install(None)
    assert stores.data()["outbox"] == []
    assert stores.data()["outbox_pending"] is False
    assert len(stores.data()["outbox_sent"]) == 1
