"""Dead letters: listed without being dropped, redriven once each, whatever dies in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus, path_of
from shared.chain.execution.handler import handle
from shared.chain.execution.ledger import executions_of
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import dead_letters, deferred, pause_switch
from shared.chain.resilience.dead_letters import DeadLetter, Redriven
from shared.core.errors import LeaseHeld, NotFound, StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.stores.message_limits import check_message
from tests.pipeline.evening import BATCH, TOTAL_ROWS, current_predictions, trigger
from tests.pipeline.support import NOW, PHASE5, Killed, PipelineHarness, push
from tests.pipeline.sweeping import SWEEP, failing, sweep_once
from tests.pipeline.test_handler import Work

SUBSCRIPTION = "phase3-analytics-nba-phase3-trigger"
DEAD = f"{SUBSCRIPTION}-dead-letter"
TRIGGER = "nba-phase3-trigger"


def letters(world: PipelineHarness, **filters: str) -> list[DeadLetter]:
    return dead_letters.list_dead_letters(world.bus, load_pipeline(), world.clock.now(), **filters)


def redrive(world: PipelineHarness, chosen: list[DeadLetter] | None = None) -> list[Redriven]:
    wanted = letters(world) if chosen is None else chosen
    return dead_letters.redrive(world.runtime, wanted, who="op", reason="mended")


def functions(work: Any) -> dict[str, Any]:
    return {"phase3_analytics": (work, PhaseMessage)}


def fail_for_good(world: PipelineHarness, message: dict[str, Any] | None = None, **attributes: str) -> str:
    """Publish to phase 3, which fails until the message is a dead letter; returns the message's
    first id.

    In a way that is no failure of the function's, so that its breaker stays closed.
    """
    origin = world.publish(TRIGGER, message or {"game_date": "2025-11-14"}, **attributes)
    world.run_until_idle(functions(failing(LeaseHeld("somebody else has it"))))
    return origin


def poison(world: PipelineHarness, data: bytes = b"not json \x00\x01") -> str:
    origin = world.bus.publish(TRIGGER, data, {"note": "kept"})
    world.run_until_idle(functions(Work()))
    return origin


def list_sent(world: PipelineHarness) -> list[dict[str, str]]:
    """Attributes of what was redriven to the trigger."""
    return [a for topic, _, a in world.bus.published if topic == TRIGGER and a.get("trigger_source") == "redrive"]


# --- what cannot be published once more -----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "attributes", "why"),
    [
        (b"x", {"dead_letter_bytes": "12000000", "dead_letter_reason": "too_large"}, "cut off"),
        (b"x", {"dead_letter_attributes": "100", "dead_letter_reason": "too_large"}, "cut off"),
        (b"{}", {f"a{n}": "v" for n in range(99)}, "attributes; at most 100 are taken"),
        (b"{}", {'a"b': "v"}, "has the field name"),
        (b"{}", {"__a__": "v"}, "has the field name"),
        (b"x" * 9_999_400, {}, "bytes with its attributes; at most"),
    ],
)
def test_what_no_redrive_could_publish_is_refused_and_stays(
    world: PipelineHarness, data: bytes, attributes: dict[str, str], why: str
) -> None:
    """As Pub/Sub leaves it in its dead letters: recorded, the sweep would try to publish it for
    ever.
    """
    world.bus.publish(DEAD, data, attributes)
    (done,) = redrive(world)
    assert (done.published, done.letter.redrivable) == (False, False)
    assert why in done.message
    assert len(letters(world)) == 1
    assert world.documents("redrives") == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"])
def test_a_letter_with_an_impossible_moment_is_listed(world: PipelineHarness, moment: str) -> None:
    attributes = {"origin_published_at": moment, "dead_lettered_at": moment}
    world.bus.publish(DEAD, b"{}", attributes)
    (letter,) = letters(world)
    assert (letter.published_at, letter.dead_lettered_at, letter.age) == (None, None, None)
    assert redrive(world)[0].published


def test_a_letter_says_whether_the_message_is_to_blame(world: PipelineHarness) -> None:
    poison(world, b'{"game_date": "2052-12-30"}')
    fail_for_good(world)
    own, used_up = letters(world)
    assert (own.blames, own.reason) == ("message", "no_such_season")
    assert (used_up.blames, used_up.reason) == ("", "max_delivery_attempts")


def test_what_pubsub_gave_up_is_listed_with_how_its_execution_failed(world: PipelineHarness) -> None:
    """Google's own dead letters have the source's subscription and no word about the failure."""
    message = {"game_date": "2025-11-14", "run_id": "2025-11-14-heal-phase3-1"}
    world.publish(TRIGGER, message)
    world.run_until_idle(functions(failing(StoreUnavailable("BigQuery: quota exceeded"))))
    (own,) = world.bus.pull(DEAD)
    world.bus.ack(DEAD, [own.ack_id])
    google = {"CloudPubSubDeadLetterSourceSubscription": SUBSCRIPTION, "CloudPubSubDeadLetterSourceDeliveryCount": "5"}
    unknown = {**message, "run_id": "another"}
    for text in (json.dumps(message), json.dumps(unknown), "[" * 5_000, '{"run_id": 7}'):
        world.bus.publish(DEAD, text.encode(), google)
    assert {letter.error for letter in letters(world)} == {""}
    found = dead_letters.explain(partial(executions_of, world.state), load_pipeline(), letters(world))
    assert [letter.reason for letter in found] == ["max_delivery_attempts"] * 4
    assert found[0].error == "StoreUnavailable: BigQuery: quota exceeded"
    assert [letter.error for letter in found[1:]] == ["its deliveries failed: see phase3_analytics's log"] * 3


def test_each_letter_of_pubsubs_has_the_error_of_its_own_unit_and_ours_keeps_what_it_says(
    evening: PipelineHarness,
) -> None:
    trigger(evening)
    worker, model = PHASE5["phase5_worker"]

    def unlucky(message: Any, context: Any) -> Any:
        if message.unit in ("101", "201"):
            raise StoreUnavailable(f"unit {message.unit} is unlucky")
        return worker(message, context)

    evening.run_until_idle({**PHASE5, "phase5_worker": (unlucky, model)})
    ours = letters(evening)
    assert [letter.subscription for letter in ours] == ["phase5-worker-prediction-request-dead-letter"] * 2
    google = {"CloudPubSubDeadLetterSourceSubscription": "phase5-worker-prediction-request"}
    for letter in reversed(ours):
        evening.bus.publish(letter.subscription, letter.data, google)
    found = dead_letters.explain(partial(executions_of, evening.state), load_pipeline(), letters(evening))
    units = [json.loads(letter.data)["unit"] for letter in ours]
    assert sorted(units) == ["101", "201"]
    assert [letter.error for letter in found[:2]] == [letter.error for letter in ours]
    assert [letter.error for letter in found[2:]] == [
        f"StoreUnavailable: unit {unit} is unlucky" for unit in reversed(units)
    ]


# --- listing --------------------------------------------------------------------------------------


def test_what_is_listed_of_poison_and_of_exhausted_attempts(world: PipelineHarness) -> None:
    origin = poison(world)
    world.move(hours=2)
    failed = fail_for_good(world)
    world.move(minutes=5)
    first, second = letters(world)
    assert (first.subscription, first.origin_subscription, first.origin_topic) == (DEAD, SUBSCRIPTION, TRIGGER)
    assert (first.reason, first.origin_message_id) == ("not_json", origin)
    assert first.preview == "not json \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert (first.size, first.redrivable, first.published_at) == (11, True, NOW)
    assert (second.reason, second.origin_message_id) == ("max_delivery_attempts", failed)
    assert "somebody else has it" in second.error
    assert second.age == timedelta(minutes=5)
    assert first.age is not None
    assert first.age > timedelta(hours=2)


def test_of_long_data_the_beginning_is_shown_in_one_line(world: PipelineHarness) -> None:
    world.bus.publish(DEAD, b"a\n b" + b"x" * 200, {})
    (letter,) = letters(world)
    assert letter.preview == "a b" + "x" * (dead_letters.PREVIEW_BYTES - 3)
    assert letter.size == 204


def test_listing_changes_nothing(world: PipelineHarness) -> None:
    poison(world)
    fail_for_good(world)
    before = letters(world)
    assert letters(world) == before
    world.move(days=3)
    assert [letter.key for letter in letters(world)] == [letter.key for letter in before]
    assert len(world.bus.pull(DEAD)) == 2


def test_filters(world: PipelineHarness) -> None:
    poison(world)
    fail_for_good(world)
    assert [letter.reason for letter in letters(world, reason="not_json")] == ["not_json"]
    assert len(letters(world, subscription=SUBSCRIPTION)) == len(letters(world, subscription=DEAD)) == 2
    assert letters(world, subscription="grading-nba-grading-trigger") == []
    with pytest.raises(NotFound, match=r"'nonsense'.*use one of: .*phase3-analytics-nba-phase3-trigger-dead-letter"):
        letters(world, subscription="nonsense")


def test_a_letter_of_pubsubs_own_making_is_understood(world: PipelineHarness) -> None:
    """Pub/Sub adds its own attributes only; a moment that cannot be read is none."""
    added = {"CloudPubSubDeadLetterSourceSubscription": SUBSCRIPTION, "schedule": "nightly", "dead_lettered_at": "x"}
    world.bus.publish(DEAD, b'{"game_date": "2025-11-14"}', added)
    (letter,) = letters(world)
    assert (letter.reason, letter.origin_topic, letter.age) == ("max_delivery_attempts", TRIGGER, None)
    assert letter.origin_message_id == letter.id
    redrive(world)
    (attributes,) = list_sent(world)
    assert "CloudPubSubDeadLetterSourceSubscription" not in attributes
    assert attributes["schedule"] == "nightly"
    assert attributes["origin_message_id"] == letter.id


# --- redriving ------------------------------------------------------------------------------------


def test_a_redriven_message_is_the_same_message_again(world: PipelineHarness) -> None:
    """Same bytes, attributes, run and TODAY, even after midnight; an audited action."""
    origin = fail_for_good(world, {"game_date": "TODAY", "extra": "é"}, note="kept")
    world.move(days=1)
    (one,) = redrive(world)
    assert (one.published, one.message) == (True, f"published to {TRIGGER}")
    (attributes,) = list_sent(world)
    assert attributes.pop("outbox_id") == f"{one.letter.key}-0"
    assert attributes == {
        "note": "kept",
        "trigger_source": "redrive",
        "origin_message_id": origin,
        "origin_published_at": NOW.isoformat(),
    }
    assert json.loads(world.bus.published[-1][1])["extra"] == "é"
    assert letters(world) == []
    work = Work()
    world.run_until_idle(functions(work))
    assert (work.contexts[0].run_id, str(work.messages[0].first_date)) == (f"2025-11-14-manual-{origin}", "2025-11-14")
    (execution,) = world.documents("executions")
    assert execution["status"] == "succeeded", "the failed execution itself was taken again"
    (audit,) = [each for each in world.documents("audit") if each["action"] == "redrive"]
    assert (audit["who"], audit["reason"]) == ("op", "mended")
    assert audit["details"]["origin_message_id"] == origin


def test_redriving_the_same_letters_twice_sends_once(world: PipelineHarness) -> None:
    fail_for_good(world)
    listed = letters(world)
    assert [one.published for one in redrive(world, listed)] == [True]
    assert [one.published for one in redrive(world, listed)] == [False]
    assert len(list_sent(world)) == 1
    assert len([a for a in world.documents("audit") if a["action"] == "redrive"]) == 1


@pytest.mark.parametrize("point", ["redrive.recorded", "outbox.published", "redrive.published"])
@pytest.mark.parametrize("repair", ["by redriving again", "by the sweep"])
def test_a_death_between_two_steps(world: PipelineHarness, point: str, repair: str) -> None:
    fail_for_good(world)
    with world.kill_at(point), pytest.raises(Killed):
        redrive(world)
    world.start()
    assert len(letters(world)) == 1
    world.move(minutes=2)
    if repair == "by the sweep":
        assert len(sweep_once(world)["metadata"]["redriven"]) == 1
    else:
        redrive(world)
    assert letters(world) == []
    # a death between publishing and marking publishes again, as every outbox: receivers are
    # idempotent
    assert len(list_sent(world)) == (2 if point == "outbox.published" else 1)
    assert len({attributes["outbox_id"] for attributes in list_sent(world)}) == 1
    assert len([a for a in world.documents("audit") if a["action"] == "redrive"]) == 1
    assert all(document["acknowledged"] for document in world.documents("redrives"))
    work = Work()
    world.run_until_idle({**SWEEP, **functions(work)})
    assert work.calls == 1
    assert sweep_once(world)["result"]["status"] == "no_data"


class OutWithSomebody:
    """A bus on which what was poison is out with somebody else who pulled it."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self.asked: list[int] = []

    def ack(self, subscription: str, ack_ids: list[str]) -> list[str]:
        self.asked.append(len(ack_ids))
        out = [each.ack_id for each in self.pull(subscription) if each.attributes.get("note") == "kept"]
        return [*self._bus.ack(subscription, [each for each in ack_ids if each not in out]), *out]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


def test_a_letter_that_is_out_with_somebody_is_acknowledged_by_the_sweep(world: PipelineHarness) -> None:
    """What was not acknowledged is not marked as such: it would stay in the list until a person
    redrives it again.
    """
    poison(world)
    fail_for_good(world)
    bus = world.runtime.bus
    world.swap(bus=OutWithSomebody(bus))
    out, other = redrive(world, letters(world))
    assert (out.published, other.published) == (True, True)
    assert "the sweep looks for it again" in out.message
    assert other.message == f"published to {TRIGGER}"
    world.swap(bus=bus)
    assert [letter.reason for letter in letters(world)] == ["not_json"]
    assert {d["dead_letter_reason"]: d["acknowledged"] for d in world.documents("redrives")} == {
        "not_json": False,
        "max_delivery_attempts": True,
    }
    world.move(minutes=2)
    sweep_once(world)
    assert (letters(world), len(list_sent(world))) == ([], 2)
    assert all(document["acknowledged"] for document in world.documents("redrives"))


def test_letters_are_acknowledged_together(world: PipelineHarness) -> None:
    """Each acknowledgement of Pub/Sub's pulls until it has found its letters."""
    for number in range(205):
        world.bus.publish(DEAD, b"%d" % number, {"origin_subscription": SUBSCRIPTION})
    bus = OutWithSomebody(world.runtime.bus)
    world.swap(bus=bus)
    assert all(one.published for one in redrive(world, letters(world)))
    assert (bus.asked, letters(world)) == ([100, 100, 5], [])


def test_a_letter_that_was_acknowledged_by_a_dead_process_is_missed_twice(world: PipelineHarness) -> None:
    fail_for_good(world)
    with world.kill_at("redrive.published"), pytest.raises(Killed):
        redrive(world)
    world.start()
    (letter,) = letters(world)
    assert world.bus.ack(letter.subscription, [letter.ack_id]) == []
    world.move(minutes=2)
    for acknowledged in (False, True):
        assert len(sweep_once(world)["metadata"]["redriven"]) == 1
        assert [document["acknowledged"] for document in world.documents("redrives")] == [acknowledged]
        world.move(minutes=10)
    assert sweep_once(world)["result"]["status"] == "no_data"


def test_a_death_before_anything_was_recorded_leaves_the_letter(world: PipelineHarness) -> None:
    fail_for_good(world)

    class Dying:
        def create(self, *_: Any) -> None:
            raise Killed("create")

    state = world.runtime.state
    world.swap(state=Dying())
    with pytest.raises(Killed):
        redrive(world)
    world.swap(state=state)
    assert (len(letters(world)), list_sent(world), world.documents("redrives")) == (1, [], [])
    redrive(world)
    assert (letters(world), len(list_sent(world))) == ([], 1)


def test_a_message_that_fails_again_is_another_dead_letter(world: PipelineHarness) -> None:
    origin = fail_for_good(world)
    (first,) = letters(world)
    redrive(world)
    world.run_until_idle(functions(failing(LeaseHeld("still"))))
    (second,) = letters(world)
    assert second.id != first.id
    assert second.origin_message_id == origin
    assert second.published_at == first.published_at
    redrive(world)
    assert len(list_sent(world)) == 2
    assert len(world.documents("redrives")) == 2


def test_what_was_no_message_or_has_no_home_is_not_redrivable_and_stays(world: PipelineHarness) -> None:
    handle("phase3_analytics", Work(), PhaseMessage, b"no envelope", world.runtime)
    gone = {"origin_subscription": "phase9-nothing", "dead_letter_reason": "not_json"}
    world.bus.publish(DEAD, b"{}", gone)
    done = redrive(world)
    assert [one.published for one in done] == [False, False]
    assert done[0].message.startswith("it never was a message") or done[1].message.startswith("it never was a message")
    assert len(letters(world)) == 2
    assert world.documents("redrives") == []


def test_a_message_whose_execution_succeeded_meanwhile_does_nothing(world: PipelineHarness) -> None:
    fail_for_good(world, schedule="nightly")
    world.publish(TRIGGER, {"game_date": "2025-11-14"}, schedule="nightly")
    work = Work()
    world.run_until_idle(functions(work))
    redrive(world)
    answers = world.run_until_idle(functions(work))
    assert [response.status for _, response in answers] == [200]
    assert work.calls == 1


# --- a batch's requests ---------------------------------------------------------------------------


def dead_unit(evening: PipelineHarness, unit: str) -> None:
    """One unit's request fails for good; the rest of the evening goes its way."""
    trigger(evening)
    worker, model = PHASE5["phase5_worker"]

    def but_one(message: Any, context: Any) -> Any:
        if message.unit == unit:
            raise StoreUnavailable(f"unit {unit} is unlucky")
        return worker(message, context)

    evening.run_until_idle({**PHASE5, "phase5_worker": (but_one, model)})


@pytest.fixture
def redriven_late(evening: PipelineHarness) -> PipelineHarness:
    """Closed partial by the sweep, consolidated, and its dead request redriven after that."""
    dead_unit(evening, "101")
    evening.move(minutes=30)
    assert sweep_once(evening)["metadata"]["closed"][0]["missing"] == ["101"]
    evening.run_until_idle()
    assert evening.documents("batches")[0]["status"] == BatchStatus.CONSOLIDATED
    redrive(evening)
    return evening


def test_a_redriven_request_comes_late_and_is_merged(
    redriven_late: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    redriven_late.run_until_idle()
    assert current_predictions(redriven_late) == current_predictions(undisturbed)
    assert len(current_predictions(redriven_late)) == TOTAL_ROWS
    assert redriven_late.documents("batches")[0]["missing_units"] == []


def test_a_redriven_request_of_a_superseded_batch_is_acknowledged(redriven_late: PipelineHarness) -> None:
    redriven_late.state.update(path_of(BATCH), {"status": BatchStatus.SUPERSEDED})
    answers = redriven_late.run_until_idle()
    assert [(name, response.body["status"]) for name, response in answers] == [("phase5_worker", "superseded")]
    assert letters(redriven_late) == []


CHOICES: list[tuple[str, Callable[[DeadLetter], bool]]] = [
    ("one", lambda letter: letter.reason == "not_json" and letter.size == 11),
    ("by reason", lambda letter: letter.reason == "max_delivery_attempts"),
]


@pytest.mark.parametrize(("_name", "choose"), CHOICES, ids=[name for name, _ in CHOICES])
def test_only_what_was_chosen_is_redriven(
    world: PipelineHarness, _name: str, choose: Callable[[DeadLetter], bool]
) -> None:
    poison(world)
    poison(world, b"other")
    fail_for_good(world)
    chosen = [letter for letter in letters(world) if choose(letter)]
    assert len(chosen) == 1
    redrive(world, chosen)
    assert len(letters(world)) == 2
    assert len(list_sent(world)) == 1


# --- a letter whose message filled it -------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "redrivable"), [(84, True), (85, True), (89, True), (90, False), (98, False), (100, False)]
)
def test_a_message_full_of_attributes_that_is_given_up_is_a_letter_that_fits(
    world: PipelineHarness, count: int, redrivable: bool
) -> None:
    own = {f"a{number}": "日" * 341 for number in range(count)}
    delivered = world.bus.publish(TRIGGER, b'{"game_date": "2025-11-14"}', own)
    for _ in range(load_pipeline().functions["phase3_analytics"].max_delivery_attempts):  # nobody answers
        (claimed,) = world.bus.due({"phase3_analytics": 1})
        world.bus.refuse(claimed, "HTTP 0: " + "é" * 2_000)
        world.move(hours=1)
    (letter,) = letters(world)
    assert letter.origin_message_id == delivered
    check_message(DEAD, letter.data, letter.attributes)
    assert letter.error.startswith("HTTP 0: éé")
    assert letter.redrivable == redrivable, letter.not_redrivable
    (redriven,) = redrive(world)
    assert redriven.published == redrivable
    if redrivable:
        assert list_sent(world)[0].items() >= own.items()
    else:
        assert "a part of it is cut off" in redriven.message
        assert letters(world) == [letter]


def test_attributes_of_pubsubs_own_do_not_keep_a_message_from_being_held_or_a_letter(world: PipelineHarness) -> None:
    own = {"googclient_schemaencoding": "JSON", "note": "kept"}
    pause_switch.pause(world.state, who="op", reason="a test", now=NOW)
    body = push({"game_date": "2025-11-14"}, message_id="m1", attributes=own, subscription=SUBSCRIPTION)
    assert handle("phase3_analytics", Work(), PhaseMessage, body, world.runtime).body["status"] == "held"
    pause_switch.resume(world.state, who="op", reason="a test", now=NOW)
    assert deferred.release_deferred(world.runtime)
    (_, _, released) = world.bus.published[-1]
    assert (released["note"], "googclient_schemaencoding" in released) == ("kept", False)
    poisoned = push("no json", message_id="m2", attributes=own, subscription=SUBSCRIPTION)
    assert handle("phase3_analytics", Work(), PhaseMessage, poisoned, world.runtime).body["status"] == "dead_lettered"
    (letter,) = letters(world)
    assert (letter.attributes["note"], letter.redrivable) == ("kept", True)
    assert "googclient_schemaencoding" not in letter.attributes
