"""Messages that the pause switch or a breaker stops: held, released oldest first, never lost and
never dead letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.handler import Response
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.push_envelope import read_envelope
from shared.chain.resilience import admission, circuit_breaker, deferred, pause_switch
from shared.chain.resilience.admission import Rejection
from shared.core import failpoints
from shared.core.errors import DataError, LeaseHeld, Skippable, StoreUnavailable
from shared.core.pipeline import load_pipeline
from tests.pipeline.evening import PLAYERS, TOTAL_ROWS, current_predictions, trigger
from tests.pipeline.support import PHASE5, Killed, PipelineHarness, push
from tests.pipeline.test_handler import DAY, TRIGGER, Work, dead_letters, send

COORDINATOR = {"phase5_coordinator": PHASE5["phase5_coordinator"]}
FUNCTION = "phase3_analytics"


def pause_all(world: PipelineHarness) -> None:
    pause_switch.pause(world.state, who="ann", reason="odd odds", now=world.clock.now())


def resume(world: PipelineHarness) -> list[str]:
    pause_switch.resume(world.state, who="ann", reason="they are right", now=world.clock.now())
    return deferred.release_deferred(world.runtime)


def break_open(world: PipelineHarness, function: str = FUNCTION) -> None:
    for number in range(circuit_breaker.THRESHOLD):
        error = StoreUnavailable("no answer")
        circuit_breaker.record_failure(
            world.runtime, f"processor-{function}", error, execution=f"{function}.run-{number}"
        )


def list_gates(world: PipelineHarness) -> list[tuple[str, bool]]:
    """(gate, released) of every held message."""
    return [(each["gate"], each["released_at"] is not None) for each in world.documents("held")]


@contextmanager
def at_point(point: str, do: Any) -> Iterator[None]:
    """Call `do` when the point is reached for the first time."""
    seen: list[str] = []

    def hook(reached: str) -> None:
        if reached == point and not seen:
            seen.append(reached)
            do()

    failpoints.install(hook)
    try:
        yield
    finally:
        failpoints.install(None)


# --- pause ----------------------------------------------------------------------------------------


def test_a_pause_amid_a_fan_out_lets_the_running_unit_finish_and_holds_the_others(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    with at_point("worker.staged", lambda: pause_all(evening)):
        answers = [answer.body["status"] for _, answer in evening.run_until_idle()]
    assert answers == ["success"] + ["held"] * (len(PLAYERS) - 1)
    assert len(evening.staging_tables()) == 1
    evening.move(hours=5)
    assert deferred.release_deferred(evening.runtime) == []
    assert evening.run_until_idle() == []
    assert len(resume(evening)) == len(PLAYERS) - 1
    evening.run_until_idle()
    assert dead_letters(evening) == {}
    assert len(current_predictions(evening)) == TOTAL_ROWS
    assert current_predictions(evening) == current_predictions(undisturbed)


def test_hours_of_pause_and_many_redeliveries_make_no_dead_letter(
    evening: PipelineHarness, undisturbed: PipelineHarness
) -> None:
    pause_all(evening)
    trigger(evening)
    (delivery,) = evening.bus.due(dict.fromkeys(COORDINATOR, 1))
    for _ in range(7):  # each acknowledgement is lost, so the message comes again
        assert evening.deliver(delivery).body["status"] == "held"
        evening.move(minutes=40)
    assert len(evening.documents("held")) == 1
    resume(evening)
    evening.run_until_idle()
    assert dead_letters(evening) == {}
    assert current_predictions(evening) == current_predictions(undisturbed)


@pytest.mark.parametrize("name", sorted(admission.RECOVERY))
def test_what_mends_is_let_through(world: PipelineHarness, name: str) -> None:
    pause_all(world)
    break_open(world, name)
    subscription = load_pipeline().functions[name].subscriptions[0].name
    assert send(world, Work(), push(DAY, subscription=subscription), name).body["status"] == "success"


def test_poison_is_poison_also_while_paused(world: PipelineHarness) -> None:
    pause_all(world)
    assert send(world, Work(), push("{broken", subscription=TRIGGER)).body["status"] == "dead_lettered"
    assert world.documents("held") == []


def test_a_held_message_means_what_it_meant_when_it_was_published(world: PipelineHarness) -> None:
    """TODAY, and the run it starts, whenever it is released and however often it is held."""
    pause_all(world)
    world.bus.publish("nba-phase3-trigger", json.dumps({"game_date": "TODAY"}).encode(), {"note": "kept"})
    function = load_pipeline().functions[FUNCTION]
    work = Work()
    functions = {FUNCTION: (work, PhaseMessage)}
    (delivery,) = world.bus.due({FUNCTION: 1})
    first = delivery.message_id
    assert world.deliver(delivery, functions).body["status"] == "held"
    for _ in range(2):
        world.move(days=1)
        resume(world)
        pause_all(world)
        world.run_until_idle(functions)
    assert work.calls == 0
    resume(world)
    world.run_until_idle(functions)
    (context,) = work.contexts
    assert str(context.dates) == "2025-11-14"
    assert context.run_id == f"2025-11-14-manual-{first}"
    copies = [attributes for topic, _, attributes in world.bus.published if topic == function.topics[1]]
    assert [copy.get("origin_message_id", first) for copy in copies] == [first] * 4
    assert {copy["note"] for copy in copies} == {"kept"}


@pytest.mark.parametrize(
    "data",
    [b"x" * 2_000_000, b"\xff\xfe\x00", b"", json.dumps(DAY).encode("utf-16")],
    ids=["2 MB", "raw", "none", "16"],
)
def test_any_bytes_are_held_and_come_back_as_they_were(world: PipelineHarness, data: bytes) -> None:
    pause_all(world)
    envelope = read_envelope(push(data, message_id="77", subscription=TRIGGER, attributes={"a": "ö"}))
    deferred.defer(world.runtime, load_pipeline().functions[FUNCTION], envelope, Rejection("pause", "why"))
    assert resume(world) == [f"{TRIGGER}.77"]
    ((topic, sent, attributes),) = world.bus.published
    assert (topic, sent, attributes["a"], attributes["origin_message_id"]) == ("nba-phase3-trigger", data, "ö", "77")


def test_a_late_redelivery_of_one_released_is_no_error_and_does_the_work_once(world: PipelineHarness) -> None:
    work, body = Work(), push(DAY, message_id="5", subscription=TRIGGER)
    pause_all(world)
    send(world, work, body)
    resume(world)
    send(world, work, body)  # its copy is still in the queue
    world.run_until_idle({FUNCTION: (work, PhaseMessage)})
    assert work.calls == 1
    pause_all(world)
    assert send(world, work, body).body["status"] == "held"
    assert resume(world) == []
    assert [each.data["status"] for each in world.state.query("executions")] == ["succeeded"]


def test_a_redelivery_held_while_the_first_still_runs_is_not_done_again(world: PipelineHarness) -> None:
    body = push(DAY, message_id="m5", subscription=TRIGGER)
    statuses: list[str] = []

    def slow(message: Any, context: Context) -> Outcome:
        pause_all(world)
        world.move(seconds=601)  # past the ack deadline, within the lease
        statuses.append(send(world, Work(), body).body["status"])
        return Outcome("success")

    work = Work(slow)
    assert send(world, work, body).body["status"] == "success"
    assert statuses == ["held"]
    resume(world)
    answers = [answer.body["status"] for _, answer in world.run_until_idle({FUNCTION: (work, PhaseMessage)})]
    assert (answers, work.calls) == (["success"], 1)
    assert len(world.list_published("nba-phase3-analytics-complete")) == 1


def test_a_message_that_another_released_a_moment_ago_is_not_sent_twice(world: PipelineHarness) -> None:
    """Two sweeps look at the same two messages, and the other is faster with both."""
    pause_all(world)
    for number in range(2):
        send(world, Work(), push(DAY, message_id=f"m{number}", subscription=TRIGGER))
    pause_switch.resume(world.state, who="ann", reason="they are right", now=world.clock.now())
    alone, state = world.runtime, world.runtime.state
    by_the_other: list[str] = []

    class Slow:
        """A state whose list of what is held is old by the time it is read."""

        def query(self, collection: str, filters: Any) -> Any:
            found = state.query(collection, filters)
            if filters[0].field == "released_at":
                by_the_other.extend(deferred.release_deferred(alone))
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(state, name)

    world.swap(state=Slow())
    assert deferred.release_deferred(world.runtime) == []
    assert by_the_other == [f"{TRIGGER}.m{number}" for number in range(2)]
    assert len(world.bus.published) == 2


def test_a_message_of_no_subscription_goes_to_the_functions_first(world: PipelineHarness) -> None:
    """Called without Pub/Sub's envelope around it, as operators do."""
    function = load_pipeline().functions[FUNCTION]
    assert len(function.subscriptions) > 1
    pause_all(world)
    deferred.defer(world.runtime, function, read_envelope(push(DAY, message_id="7")), Rejection("pause", "why"))
    assert resume(world) == [f"{function.subscriptions[0].name}.7"]


# --- crashes --------------------------------------------------------------------------------------


def test_a_crash_between_the_bytes_and_the_document_holds_it_at_the_redelivery(world: PipelineHarness) -> None:
    pause_all(world)
    body = push(DAY, message_id="5", subscription=TRIGGER)
    with world.kill_at("deferred.stored"), pytest.raises(Killed):
        send(world, Work(), body)
    assert world.documents("held") == []
    world.start()
    assert send(world, Work(), body).body["status"] == "held"
    assert resume(world) == [f"{TRIGGER}.5"]
    assert [json.loads(data) for _, data, _ in world.bus.published] == [DAY]


@pytest.mark.parametrize("point", ["deferred.released", "outbox.published"])
def test_a_crash_while_releasing_is_mended_by_the_next_call(world: PipelineHarness, point: str) -> None:
    pause_all(world)
    for number in range(3):
        send(world, Work(), push(DAY, message_id=f"m{number}", subscription=TRIGGER))
        world.move(seconds=1)
    with world.kill_at(point, 2), pytest.raises(Killed):
        resume(world)
    world.start()
    assert deferred.release_deferred(world.runtime) == [f"{TRIGGER}.m2"]
    assert deferred.release_deferred(world.runtime) == []
    origins = [attributes["origin_message_id"] for _, _, attributes in world.bus.published]
    assert origins == (["m0", "m1", "m2"] if point == "deferred.released" else ["m0", "m1", "m1", "m2"])
    assert not any(each["outbox_pending"] for each in world.documents("held"))


# --- breaker --------------------------------------------------------------------------------------


def flaky(world: PipelineHarness, work: Work, times: int) -> list[Response]:
    return [send(world, work, push(DAY, message_id=f"f{n}", subscription=TRIGGER)) for n in range(times)]


def test_the_fifth_failure_opens_the_breaker_and_the_next_message_is_held(world: PipelineHarness) -> None:
    work = Work(StoreUnavailable("no answer"))
    assert [answer.status for answer in flaky(world, work, 5)] == [503] * 5
    answer = send(world, work, push(DAY, message_id="next", subscription=TRIGGER))
    assert (answer.status, answer.body["status"], answer.body["gate"]) == (200, "held", f"processor-{FUNCTION}")
    assert "5 failures in a row, the last: StoreUnavailable: no answer" in answer.body["reason"]
    assert work.calls == 5
    # other functions go on
    assert send(world, Work(), push(DAY, subscription="grading-nba-grading-trigger"), "grading").status == 200


@pytest.mark.parametrize("error", [ValueError("a defect"), StoreUnavailable("no answer")])
def test_redeliveries_of_one_message_count_once(world: PipelineHarness, error: Exception) -> None:
    work = Work(error)
    body = push(DAY, message_id="bad", subscription=TRIGGER)
    assert {send(world, work, body).body["status"] for _ in range(7)} <= {"failed", "retry"}
    assert circuit_breaker.read(world.runtime, f"processor-{FUNCTION}").executions == (
        f"{FUNCTION}.2025-11-14-manual-bad",
    )
    assert send(world, Work(), push(DAY, message_id="good", subscription=TRIGGER)).body["status"] == "success"


def test_it_is_the_fifth_message_that_opens_it_however_often_each_was_delivered(world: PipelineHarness) -> None:
    work = Work(StoreUnavailable("no answer"))
    for number in range(5):
        for attempt in (1, 2, 3):
            answer = send(world, work, push(DAY, message_id=f"f{number}", attempt=attempt, subscription=TRIGGER))
    assert work.calls == 4 * 3 + 1
    assert answer.body["status"] == "held"


def test_after_half_an_hour_the_oldest_goes_as_the_trial_and_the_rest_once_it_succeeded(world: PipelineHarness) -> None:
    break_open(world)
    for number in range(4):
        send(world, Work(), push(DAY, message_id=f"m{number}", subscription=TRIGGER))
        world.move(minutes=1)
    assert deferred.release_deferred(world.runtime) == []
    world.move(minutes=30)
    assert deferred.release_deferred(world.runtime) == [f"{TRIGGER}.m0"]
    work = Work()
    functions = {FUNCTION: (work, PhaseMessage)}
    world.run_until_idle(functions)
    assert deferred.release_deferred(world.runtime) == [f"{TRIGGER}.m{n}" for n in (1, 2, 3)]
    world.run_until_idle(functions)
    assert work.calls == 4
    assert dead_letters(world) == {}


def test_a_trial_that_fails_is_held_again_with_the_rest(world: PipelineHarness) -> None:
    break_open(world)
    for number in range(2):
        send(world, Work(), push(DAY, message_id=f"m{number}", subscription=TRIGGER))
    world.move(minutes=31)
    deferred.release_deferred(world.runtime)
    work = Work(StoreUnavailable("still no answer"))
    functions = {FUNCTION: (work, PhaseMessage)}
    answers = [answer.body["status"] for _, answer in world.run_until_idle(functions)]
    assert answers == ["retry", "held"]
    assert work.calls == 1
    assert list_gates(world).count((f"processor-{FUNCTION}", False)) == 2
    work.does = None
    for _ in range(2):
        world.move(minutes=31)
        deferred.release_deferred(world.runtime)
        world.run_until_idle(functions)
    assert len({context.run_id for context in work.contexts}) == 2
    assert {each["status"] for each in world.documents("executions")} == {"succeeded"}
    assert dead_letters(world) == {}


def test_while_the_trial_is_out_nothing_else_is_released(world: PipelineHarness) -> None:
    break_open(world)
    for number in range(3):
        send(world, Work(), push(DAY, message_id=f"m{number}", subscription=TRIGGER))
    world.move(minutes=30)
    released: list[list[str]] = []

    def sweep(message: Any, context: Context) -> Outcome:
        released.append(deferred.release_deferred(world.runtime))
        return Outcome("success")

    assert send(world, Work(sweep), push(DAY, message_id="new", subscription=TRIGGER)).body["status"] == "success"
    assert released == [[]]
    assert len(deferred.release_deferred(world.runtime)) == 3


def test_a_message_already_done_gives_the_trial_back(world: PipelineHarness) -> None:
    body = push(DAY, message_id="5", subscription=TRIGGER)
    send(world, Work(), body)
    break_open(world)
    world.move(minutes=30)
    assert send(world, Work(), body).body["status"] == "success"
    assert admission.state_of(world.runtime, FUNCTION) == "half_open"


def test_a_paused_function_with_an_open_breaker_waits_for_both(world: PipelineHarness) -> None:
    pause_all(world)
    send(world, Work(), push(DAY, subscription=TRIGGER))
    break_open(world)
    assert resume(world) == []
    world.move(minutes=30)
    assert len(deferred.release_deferred(world.runtime)) == 1


class StateLost:
    """The state port of a process that loses the connection when it writes of a breaker."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def transaction(self, body: Any) -> Any:
        def lossy(transaction: Any) -> Any:
            return body(_TransactionLost(transaction))

        return self._state.transaction(lossy)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)


class _TransactionLost:
    def __init__(self, transaction: Any) -> None:
        self._transaction = transaction

    def get(self, path: str) -> Any:
        if path.startswith("breakers/"):
            raise StoreUnavailable("the connection was lost")
        return self._transaction.get(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


def test_a_failure_that_cannot_be_told_to_the_breaker_is_answered_as_itself(world: PipelineHarness) -> None:
    world.swap(state=StateLost(world.runtime.state))
    answer = send(world, Work(ValueError("a defect")), push(DAY, subscription=TRIGGER))
    assert (answer.status, "a defect" in answer.body["reason"]) == (500, True)
    assert world.documents("executions")[0]["status"] == "failed"
    assert world.documents("breakers") == []


def test_a_success_that_cannot_be_told_to_the_breaker_stays_a_success(world: PipelineHarness) -> None:
    circuit_breaker.record_failure(
        world.runtime, f"processor-{FUNCTION}", StoreUnavailable("no answer"), execution="another"
    )
    world.swap(state=StateLost(world.runtime.state))
    assert send(world, Work(), push(DAY, subscription=TRIGGER)).body["status"] == "success"
    assert len(world.list_published("nba-phase3-analytics-complete")) == 1


@pytest.mark.parametrize("error", [LeaseHeld("held"), DataError("bad"), Skippable("nothing to do")], ids=str)
def test_what_is_no_failure_of_the_function_is_not_counted(world: PipelineHarness, error: Exception) -> None:
    flaky(world, Work(error), 6)
    assert world.documents("breakers") == []


def test_held_at_is_what_decides_who_is_oldest(world: PipelineHarness) -> None:
    break_open(world)
    for number in (9, 10, 1):
        send(world, Work(), push(DAY, message_id=f"m{number}", subscription=TRIGGER))
        world.move(seconds=1)
    world.clock.advance_to(world.clock.now() + timedelta(minutes=30))
    assert deferred.release_deferred(world.runtime) == [f"{TRIGGER}.m9"]
