"""The queue under the bus: claims, deadlines, back-off, dead letters, duplicates, order, and what a
restart finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.embedded.bus import SqliteBus
from local.embedded.bus_tables import Delivery
from local.embedded.sqlite_file import SqliteFile
from shared.core.errors import Fatal
from tests.support.embedded import ACK_DEADLINE, ATTEMPTS, MAX_BACKOFF, MIN_BACKOFF, START, ManualClock, small_pipeline

PLENTY = {"first": 100, "second": 100}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteFile]:
    opened = SqliteFile(tmp_path / "state.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def bus(file: SqliteFile, clock: ManualClock) -> SqliteBus:
    return SqliteBus(file, small_pipeline(), clock)


def claim(bus: SqliteBus, **room: int) -> list[Delivery]:
    return bus.due(room or PLENTY)


def test_each_subscription_of_the_topic_gets_the_message_once(bus: SqliteBus) -> None:
    message_id = bus.publish("a", b"x", {"k": "v"})
    deliveries = claim(bus)
    assert [d.subscription.name for d in deliveries] == ["first-a", "second-a"]
    assert {(d.message_id, d.topic, d.data, d.attempt, d.copy) for d in deliveries} == {(message_id, "a", b"x", 1, 1)}
    assert deliveries[0].attributes == {"k": "v"}
    assert deliveries[0].publish_time == START.isoformat(timespec="microseconds")
    assert claim(bus) == []


def test_claiming_reads_no_more_than_it_takes(bus: SqliteBus, file: SqliteFile) -> None:
    """Sorting all that waits would read the contents of thousands of messages at every claim."""
    messages: list[str] = []
    with file.read() as connection:
        connection.set_trace_callback(messages.append)
    claim(bus)
    with file.read() as connection:
        connection.set_trace_callback(None)
        selects = [sql for sql in messages if "ORDER BY position" in sql]
        plans = [str(connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()) for sql in selects]
    assert len(plans) == 3
    assert all("deliveries_claimed" in plan and "TEMP B-TREE" not in plan for plan in plans)


def test_room_is_a_functions_over_all_its_subscriptions(bus: SqliteBus) -> None:
    for topic in ("a", "a", "b", "b"):
        bus.publish(topic, b"x")
    assert [d.subscription.name for d in claim(bus, second=3)] == ["second-a", "second-a", "second-b"]
    assert [d.subscription.name for d in claim(bus, first=0, second=5)] == ["second-b"]
    assert [d.subscription.name for d in claim(bus, first=1)] == ["first-a"]


def test_message_ids_count_up(bus: SqliteBus) -> None:
    assert [bus.publish("a", b"x") for _ in range(3)] == ["1", "2", "3"]


def test_an_id_given_again_is_not_published_again(bus: SqliteBus) -> None:
    assert bus.publish("a", b"x", message_id="1-overnight") == "1-overnight"
    assert len(claim(bus)) == 2
    assert bus.publish("a", b"other", message_id="1-overnight") == "1-overnight"
    assert claim(bus) == []
    assert bus.counters()["published"] == 1
    with pytest.raises(Fatal, match="looks like"):
        bus.publish("a", b"x", message_id="17")


def test_acknowledged_means_gone(bus: SqliteBus) -> None:
    bus.publish("b", b"x")
    (delivery,) = claim(bus)
    assert bus.pending() == 1
    bus.acknowledge(delivery)
    assert bus.pending() == 0
    assert bus.next_due_at() is None


def test_back_off_doubles_up_to_its_bound(bus: SqliteBus, clock: ManualClock) -> None:
    bus.publish("b", b"x")
    waits = []
    for attempt in range(1, ATTEMPTS):
        (delivery,) = claim(bus)
        assert delivery.attempt == attempt
        bus.refuse(delivery, "HTTP 503: not now")
        next_due = bus.next_due_at()
        assert next_due is not None
        waits.append((next_due - clock.now()).total_seconds())
        clock.move(seconds=waits[-1] - 0.000001)
        assert claim(bus) == []
        clock.move(seconds=0.000001)
    assert waits == [MIN_BACKOFF, 2 * MIN_BACKOFF, 4 * MIN_BACKOFF, MAX_BACKOFF]


def fail_to_death(bus: SqliteBus, clock: ManualClock, error: str = "HTTP 500: no") -> None:
    for _ in range(ATTEMPTS):
        (delivery,) = claim(bus, second=1)
        bus.refuse(delivery, error)
        clock.move(seconds=MAX_BACKOFF)


def test_after_the_last_attempt_a_message_is_a_dead_letter(bus: SqliteBus, clock: ManualClock) -> None:
    bus.publish("b", b"\xff", {"mine": "kept"})
    fail_to_death(bus, clock)
    assert bus.pending() == 0
    (letter,) = bus.pull("second-b-dead-letter")
    assert letter.data == b"\xff"
    assert letter.attributes == {
        "mine": "kept",
        "CloudPubSubDeadLetterSourceDeliveryCount": str(ATTEMPTS),
        "CloudPubSubDeadLetterSourceSubscription": "second-b",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "local",
        "CloudPubSubDeadLetterSourceTopicPublishTime": START.isoformat(timespec="microseconds"),
        "dead_letter_reason": "max_delivery_attempts",
        "dead_letter_error": "HTTP 500: no",
        "origin_topic": "b",
        "origin_subscription": "second-b",
        "origin_message_id": "1",
        "origin_published_at": START.isoformat(),
        "dead_lettered_at": (clock.now() - timedelta(seconds=MAX_BACKOFF)).isoformat(),
    }


def test_a_long_last_error_is_cut_to_fit_an_attribute(bus: SqliteBus, clock: ManualClock) -> None:
    bus.publish("b", b"x")
    fail_to_death(bus, clock, "é" * 2000)
    assert bus.pull("second-b-dead-letter")[0].attributes["dead_letter_error"] == "é" * 512


def test_dead_letters_since_a_mark(bus: SqliteBus, clock: ManualClock) -> None:
    bus.publish("first-a-dead-letter", b"before")
    mark = bus.last_number()
    bus.publish("b", b"x")
    bus.publish("done", b"no dead letter")
    fail_to_death(bus, clock)
    bus.publish("first-a-dead-letter", b"poison")
    assert [letter.data for letter in bus.dead_letters_since(mark)] == [b"x", b"poison"]


def test_a_passed_deadline_makes_it_due_again(bus: SqliteBus, clock: ManualClock) -> None:
    bus.publish("b", b"x")
    (late,) = claim(bus)
    clock.move(seconds=ACK_DEADLINE - 1)
    assert claim(bus) == []
    assert bus.next_due_at() == START + timedelta(seconds=ACK_DEADLINE)
    clock.move(seconds=1)
    (again,) = claim(bus)
    assert again.attempt == 2
    bus.acknowledge(late)
    bus.refuse(late, "late")
    assert bus.pending() == 1
    bus.acknowledge(again)
    assert bus.pending() == 0


def test_a_last_attempt_without_an_answer_is_a_dead_letter(bus: SqliteBus, clock: ManualClock) -> None:
    bus.publish("b", b"x")
    for _ in range(ATTEMPTS):
        assert len(claim(bus)) == 1
        clock.move(seconds=ACK_DEADLINE)
    assert claim(bus) == []
    (letter,) = bus.pull("second-b-dead-letter")
    assert letter.attributes["dead_letter_error"] == "the ack deadline passed without an answer"


def test_a_restart_finds_everything_and_frees_what_was_in_flight(file: SqliteFile, clock: ManualClock) -> None:
    before = SqliteBus(file, small_pipeline(), clock)
    before.publish("b", b"in flight")
    claim(before)
    before.publish("b", b"waiting")
    after = SqliteBus(file, small_pipeline(), clock)
    assert [d.data for d in claim(after)] == [b"waiting"]
    assert after.release_in_flight() == 2
    assert [(d.data, d.attempt) for d in claim(after)] == [(b"in flight", 2), (b"waiting", 2)]


def test_a_process_that_died_at_the_last_attempt_leaves_a_dead_letter(bus: SqliteBus) -> None:
    bus.publish("b", b"x")
    for _ in range(ATTEMPTS):
        claim(bus)
        bus.release_in_flight()
    assert bus.pending() == 0
    (letter,) = bus.pull("second-b-dead-letter")
    assert letter.attributes["dead_letter_error"] == "the process died during this attempt"


def test_counters(bus: SqliteBus, clock: ManualClock) -> None:
    assert bus.counters() == {"published": 0, "delivered": 0, "redelivered": 0, "dead_lettered": 0}
    bus.publish("b", b"x")
    bus.publish("done", b"x")
    fail_to_death(bus, clock)
    bus.publish("first-a-dead-letter", b"poison")
    assert bus.counters() == {
        "published": 2,
        "delivered": ATTEMPTS,
        "redelivered": ATTEMPTS - 1,
        "dead_lettered": 2,
    }


def test_deliver_twice_makes_two_deliveries_each_for_itself(file: SqliteFile, clock: ManualClock) -> None:
    bus = SqliteBus(file, small_pipeline(), clock, deliver_twice=True)
    bus.publish("b", b"x")
    bus.publish("done", b"pulled once")
    one, two = claim(bus)
    assert (one.message_id, one.copy, two.copy) == (two.message_id, 1, 2)
    bus.acknowledge(one)
    bus.refuse(two, "no")
    assert bus.pending() == 1
    assert len(bus.pull("done-operators")) == 1
    assert bus.counters()["redelivered"] == 1


def shuffle(folder: Path, seed: int | None) -> list[bytes]:
    file = SqliteFile(folder / f"{seed}.sqlite")
    bus = SqliteBus(file, small_pipeline(), ManualClock(), shuffle_seed=seed)
    for number in range(20):
        bus.publish("b", bytes([number]))
    order = [each.data for each in claim(bus)]
    file.close()
    return order


def test_order_is_as_published_or_as_a_seed_says(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    plain = [bytes([number]) for number in range(20)]
    assert shuffle(tmp_path, None) == plain
    assert shuffle(tmp_path, 1) != plain
    assert sorted(shuffle(tmp_path / "again", 1)) == plain
    assert shuffle(tmp_path, 2) != shuffle(tmp_path / "again", 3)


def test_the_same_seed_gives_the_same_order(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert shuffle(tmp_path, 7) == shuffle(tmp_path / "again", 7)


def test_whoever_listens_hears_of_messages_and_refusals(bus: SqliteBus) -> None:
    heard: list[int] = []
    bus.on_change = lambda: heard.append(bus.pending())
    bus.publish("b", b"x")
    (delivery,) = claim(bus)
    bus.refuse(delivery, "no")
    assert heard == [1, 1]


def test_the_content_of_a_message_goes_with_its_last_delivery(bus: SqliteBus, file: SqliteFile) -> None:
    def count_kept() -> int:
        with file.read() as connection:
            return int(connection.execute("SELECT SUM(LENGTH(data)) FROM messages").fetchone()[0])

    bus.publish("a", b"x" * 1000)
    bus.publish("done", b"x" * 10)
    first, second = claim(bus)
    bus.acknowledge(first)
    assert count_kept() == 1010
    bus.acknowledge(second)
    assert count_kept() == 10
    bus.ack("done-operators", [bus.pull("done-operators")[0].ack_id])
    assert count_kept() == 0
    assert bus.publish("a", b"x") == "3"


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["publish", "claim", "restart"]),
        st.tuples(st.sampled_from(["acknowledge", "refuse"]), st.integers(0, 50)),
        st.tuples(st.just("move"), st.sampled_from([1, MIN_BACKOFF, MAX_BACKOFF, ACK_DEADLINE])),
    ),
    max_size=60,
)


@given(steps=STEPS, deliver_twice=st.booleans(), seed=st.none() | st.integers(0, 3))
def test_whatever_happens_every_message_ends_acknowledged_or_dead(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], deliver_twice: bool, seed: int | None
) -> None:
    file = SqliteFile(tmp_path_factory.mktemp("bus") / "state.sqlite")
    clock = ManualClock()
    bus = SqliteBus(file, small_pipeline(), clock, deliver_twice=deliver_twice, shuffle_seed=seed)
    claimed: list[Delivery] = []
    published = 0
    for step in steps:
        match step:
            case "publish":
                bus.publish("a", b"x")
                published += 1
            case "claim":
                claimed += claim(bus, first=2, second=1)
            case "restart":
                bus.release_in_flight()
            case "move", seconds:
                clock.move(seconds=seconds)
            case (what, number) if claimed:
                delivery = claimed[number % len(claimed)]  # possibly ended, or claimed again, before
                bus.acknowledge(delivery) if what == "acknowledge" else bus.refuse(delivery, "no")
    acknowledged = 0
    while (next_due := bus.next_due_at()) is not None:
        clock.move(seconds=max(0.0, (next_due - clock.now()).total_seconds()))
        for delivery in claim(bus):
            assert delivery.attempt <= ATTEMPTS
            bus.acknowledge(delivery)
            acknowledged += 1
    letters = len(bus.pull("first-a-dead-letter")) + len(bus.pull("second-a-dead-letter"))
    ended_before = published * 2 * (2 if deliver_twice else 1) - acknowledged - letters
    assert bus.pending() == 0
    assert bus.counters()["dead_lettered"] == letters
    assert 0 <= ended_before <= sum(step[0] == "acknowledge" for step in steps)
    file.close()
