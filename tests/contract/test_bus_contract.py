"""What every implementation of the bus port must do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from local.embedded.bus import SqliteBus
from local.embedded.sqlite_file import SqliteFile
from local.emulators import prepare
from shared.core.errors import NotFound, PipelineError
from shared.stores.gcp.pubsub_bus import PubSubBus
from shared.stores.gcp.pubsub_clients import publisher, subscriber
from shared.stores.message_limits import room_of_a_request, size_of
from shared.stores.ports import Bus, Publication
from tests.contract.real_project import real_project
from tests.simulation.memory import MemoryBus
from tests.support.embedded import ManualClock, small_pipeline

DEAD = "first-a-dead-letter"


@pytest.fixture(params=["sqlite", "memory", "pubsub"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bus]:
    if request.param == "memory":
        yield MemoryBus(small_pipeline(), ManualClock())
        return
    if request.param == "pubsub" and (real := real_project()):
        with real.topics(small_pipeline()) as prefix:
            clients = cache(publisher), cache(subscriber)
            yield PubSubBus(*clients, real.project, small_pipeline(), prefix=prefix)
        return
    if request.param == "pubsub":
        address, project = request.getfixturevalue("pubsub_emulator"), request.getfixturevalue("own_name")
        prepare.topics(address, project, small_pipeline(), prefix="dev-")
        clients = cache(publisher), cache(subscriber)
        yield PubSubBus(*clients, project, small_pipeline(), prefix="dev-", pull_seconds=1.0)
        return
    file = SqliteFile(tmp_path / "state.sqlite")
    yield SqliteBus(file, small_pipeline(), ManualClock())
    file.close()


def test_a_published_message_can_be_pulled(bus: Bus) -> None:
    published = bus.publish(DEAD, b"\x00\xff data", {"reason": "Dončić"})
    (message,) = bus.pull(DEAD)
    assert (message.message_id, message.data, message.attributes) == (published, b"\x00\xff data", {"reason": "Dončić"})


def test_attributes_alone_and_data_alone(bus: Bus) -> None:
    bus.publish(DEAD, b"", {"game_date": "TODAY"})
    bus.publish(DEAD, b"data")
    assert [(m.data, m.attributes) for m in bus.pull(DEAD)] == [(b"", {"game_date": "TODAY"}), (b"data", {})]


def test_every_message_has_an_id_of_its_own(bus: Bus) -> None:
    ids = [bus.publish(DEAD, b"same") for _ in range(20)]
    assert len(set(ids)) == 20
    assert {message.message_id for message in bus.pull(DEAD)} == set(ids)


def test_many_messages_are_published_in_their_order(bus: Bus) -> None:
    messages = [Publication(str(number).encode(), {"number": str(number)}) for number in range(250)]
    ids = bus.publish_all(DEAD, messages)
    assert len(set(ids)) == 250
    pulled = {message.message_id: message for message in bus.pull(DEAD, limit=1000)}
    assert [(pulled[each].data, pulled[each].attributes) for each in ids] == [(m.data, m.attributes) for m in messages]
    assert bus.publish_all(DEAD, []) == []


def test_of_many_messages_one_refused_leaves_none(bus: Bus) -> None:
    with pytest.raises(PipelineError):
        bus.publish_all(DEAD, [Publication(b"fine"), Publication(b"")])
    with pytest.raises(NotFound, match="nba-phase9"):
        bus.publish_all("nba-phase9", [Publication(b"x")])
    assert bus.pull(DEAD) == []


def test_messages_stay_until_they_are_acknowledged(bus: Bus) -> None:
    for number in range(3):
        bus.publish(DEAD, str(number).encode())
    pulled = bus.pull(DEAD)
    assert bus.ack(DEAD, [message.ack_id for message in pulled if message.data != b"1"]) == []
    assert [message.data for message in bus.pull(DEAD)] == [b"1"]
    assert bus.ack(DEAD, []) == []
    assert bus.ack(DEAD, [pulled[0].ack_id]) == [pulled[0].ack_id], "it is waiting no more"
    assert [message.data for message in bus.pull(DEAD)] == [b"1"]


def test_pull_is_limited(bus: Bus) -> None:
    for number in range(5):
        bus.publish(DEAD, str(number).encode())
    assert len(bus.pull(DEAD, limit=2)) == 2


def test_a_subscription_gets_its_own_topic_only(bus: Bus) -> None:
    bus.publish(DEAD, b"1")
    bus.publish("done", b"2")
    assert [message.data for message in bus.pull("done-operators")] == [b"2"]
    assert [message.data for message in bus.pull("second-b-dead-letter")] == []


def test_unknown_topics_and_subscriptions(bus: Bus) -> None:
    with pytest.raises(NotFound, match="nba-phase9"):
        bus.publish("nba-phase9", b"x")
    with pytest.raises(NotFound, match="nobody"):
        bus.pull("nobody")
    with pytest.raises(NotFound):
        bus.ack("nobody", [])
    with pytest.raises(NotFound, match="first-a"):
        bus.pull("first-a")  # a push subscription cannot be pulled


@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (b"", {}),
        (b"x" * 10_000_001, {}),
        (b"x", {f"key{number}": "" for number in range(101)}),
        (b"x", {"": "value"}),
        (b"x", {"k" * 257: "value"}),
        (b"x", {"key": "é" * 513}),
    ],
    ids=["nothing", "large", "many attributes", "no name", "long name", "long value"],
)
def test_what_pubsub_refuses_is_refused(bus: Bus, data: bytes, attributes: dict[str, str]) -> None:
    with pytest.raises(PipelineError):
        bus.publish(DEAD, data, attributes)
    assert bus.pull(DEAD) == []


def test_what_pubsub_just_takes_is_taken(bus: Bus) -> None:
    attributes = {"k" * 256: "é" * 512}
    data = b"x" * (room_of_a_request() - size_of(b"", attributes))
    bus.publish(DEAD, data, attributes)
    (message,) = bus.pull(DEAD)
    assert (len(message.data), message.attributes) == (len(data), attributes)


def test_large_messages_are_published_together(bus: Bus) -> None:
    ids = bus.publish_all(DEAD, [Publication(bytes([number]) * 4_000_000) for number in range(5)])
    found = {message.message_id: message.data[:1] for message in bus.pull(DEAD)}
    assert [found[each] for each in ids] == [bytes([number]) for number in range(5)]


def test_listing_hides_nothing_from_the_next_who_lists(bus: Bus) -> None:
    ids = bus.publish_all(DEAD, [Publication(b"1"), Publication(b"2")])
    for _ in range(3):
        assert [message.message_id for message in bus.pull(DEAD)] == ids
