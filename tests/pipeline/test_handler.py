"""What the handler answers and leaves behind for every kind of message and every kind of
failure.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.handler import Response, handle
from shared.chain.messages.messages import PhaseMessage, PredictionRequest
from shared.core.errors import (
    DataError,
    Fatal,
    Retriable,
    Skippable,
    SourceUnavailable,
    StagingMismatch,
    StoreUnavailable,
)
from shared.core.events import Event
from shared.core.pipeline import load_pipeline
from tests.pipeline.support import NOW, Killed, PipelineHarness, push

DAY = {"game_date": "2025-11-14"}
FEED, TRIGGER = "phase3-analytics-nba-phase2-raw-complete", "phase3-analytics-nba-phase3-trigger"


class Work:
    """A function's run that counts its calls and does what a test says."""

    def __init__(self, does: Callable[[Any, Context], Outcome] | Exception | None = None) -> None:
        self.does, self.calls = does, 0
        self.contexts: list[Context] = []
        self.messages: list[Any] = []

    def __call__(self, message: Any, context: Context) -> Outcome:
        self.calls += 1
        self.contexts.append(context)
        self.messages.append(message)
        if isinstance(self.does, Exception):
            raise self.does
        return Outcome("success", record_count=7) if self.does is None else self.does(message, context)


# Of a message to phase 3, which has more attempts than the fewest.
LAST_DELIVERY = load_pipeline().functions["phase3_analytics"].max_delivery_attempts


def send(
    world: PipelineHarness,
    work: Work,
    body: bytes,
    function: str = "phase3_analytics",
    model: type[PhaseMessage] = PhaseMessage,
) -> Response:
    return handle(function, work, model, body, world.runtime)


def dead_letters(world: PipelineHarness) -> dict[str, list[Any]]:
    """Dead-letter subscription -> its messages, where there are any."""
    names = [s.dead_letter_subscription for s in load_pipeline().subscriptions.values()]
    return {name: found for name in names if (found := world.bus.pull(name))}


def execution(world: PipelineHarness) -> dict[str, Any]:
    (only,) = world.documents("executions")
    return only


# --- poison ---------------------------------------------------------------------------------------

POISON: Mapping[str, tuple[bytes, str]] = {
    "not JSON": (push("{broken", subscription=TRIGGER), "not_json"),
    "not UTF-8": (push(b"\xff\xfe{}", subscription=TRIGGER), "not_json"),
    "a JSON list": (push("[1, 2]", subscription=TRIGGER), "not_json"),
    "nested deeper than a parser goes": (push("[" * 200_000, subscription=TRIGGER), "not_json"),
    "no game_date": (push({"mode": "same_day"}, subscription=TRIGGER), "invalid_message"),
    "only from_date": (push({"from_date": "2025-10-21"}, subscription=TRIGGER), "invalid_message"),
    "from_date after to_date": (
        push({"from_date": "2025-11-02", "to_date": "2025-11-01"}, subscription=TRIGGER),
        "invalid_message",
    ),
    "an impossible date": (push({"game_date": "2025-02-30"}, subscription=TRIGGER), "invalid_message"),
    "an unknown date word": (push({"game_date": "SOMEDAY"}, subscription=TRIGGER), "invalid_message"),
    "a number for a date": (push({"game_date": 20251114}, subscription=TRIGGER), "invalid_message"),
    "an unknown mode": (push({**DAY, "mode": "weekly"}, subscription=TRIGGER), "invalid_message"),
    "a run_id that is a path": (push({**DAY, "run_id": "a/b"}, subscription=TRIGGER), "invalid_message"),
    "an as_of without a zone": (push({**DAY, "as_of": "2025-11-14T12:00:00"}, subscription=TRIGGER), "invalid_message"),
    "a 2 MB body": (push({**DAY, "padding": "x" * 2_000_000}, subscription=TRIGGER), "too_large"),
    "attributes without a date": (
        push(None, attributes={"mode": "same_day"}, subscription=TRIGGER),
        "invalid_message",
    ),
    "neither data nor attributes": (push(None, subscription=TRIGGER), "invalid_message"),
    "long names in other scripts": (
        push({**DAY, **dict.fromkeys(("mode", "status", "trigger_source", "as_of", "sequence"), "日" * 300)}),
        "invalid_message",
    ),
}


@pytest.mark.parametrize(("body", "reason"), POISON.values(), ids=POISON.keys())
def test_poison_is_a_dead_letter_at_once_and_touches_nothing_else(
    world: PipelineHarness, body: bytes, reason: str
) -> None:
    work = Work()
    response = send(world, work, body)
    assert response.status == 200
    assert response.body["status"] == "dead_lettered"
    ((subscription, (letter,)),) = dead_letters(world).items()
    origin = json.loads(body)["subscription"].rsplit("/", 1)[1] or FEED
    assert subscription == f"{origin}-dead-letter"
    assert letter.attributes["dead_letter_reason"] == reason
    assert letter.attributes["dead_letter_error"]
    assert letter.attributes["origin_subscription"] == origin
    assert letter.attributes["origin_topic"] == origin.removeprefix("phase3-analytics-")
    assert letter.attributes["origin_message_id"] == "1"
    assert letter.attributes["dead_lettered_at"] == NOW.isoformat()
    assert work.calls == 0
    assert world.documents("executions") == []
    assert world.warehouse.statement_counts == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not an envelope",
        b"[]",
        b'{"message": "text"}',
        b'{"message": {"data": "!!!", "messageId": "1"}}',
        b'{"message": {"data": "e30="}}',
        b'{"message": {"messageId": "a/b", "attributes": {"game_date": "2025-11-14"}}}',
        b'{"message": {"messageId": "1", "attributes": ["game_date"]}}',
        b'{"message": {"messageId": "1"}, "deliveryAttempt": "many"}',
        b'{"message": {"messageId": "1", "publishTime": "yesterday"}}',
        b'{"game_date": "2025-11-14"}',
    ],
)
def test_a_body_that_is_no_envelope_is_kept_whole_in_the_dead_letters(world: PipelineHarness, body: bytes) -> None:
    assert send(world, work := Work(), body).status == 200
    ((subscription, (letter,)),) = dead_letters(world).items()
    assert subscription == f"{FEED}-dead-letter"
    assert letter.data == body
    assert letter.attributes["dead_letter_reason"] == "not_an_envelope"
    assert work.calls == 0


def test_the_dead_letter_keeps_the_message_and_its_attributes(world: PipelineHarness) -> None:
    send(world, Work(), push("{broken", attributes={"schedule": "nightly", "color": "red"}, subscription=TRIGGER))
    ((_, (letter,)),) = dead_letters(world).items()
    assert letter.data == b"{broken"
    assert {"schedule": "nightly", "color": "red"}.items() <= letter.attributes.items()


def test_poison_of_an_unknown_subscription_goes_to_the_functions_first(world: PipelineHarness) -> None:
    send(world, Work(), push("{", subscription="somebody-elses"))
    assert list(dead_letters(world)) == [f"{FEED}-dead-letter"]


def test_a_request_that_is_no_unit_is_poison_of_the_worker(world: PipelineHarness) -> None:
    work = Work()
    body = push({**DAY, "batch_id": "batch_2025-11-14_r1", "revision": 1, "unit": "it's", "models": {}, "players": []})
    assert send(world, work, body, "phase5_worker", PredictionRequest).body["status"] == "dead_lettered"
    assert list(dead_letters(world)) == ["phase5-worker-prediction-request-dead-letter"]


def test_data_error_of_the_work_itself_is_poison_too(world: PipelineHarness) -> None:
    response = send(world, Work(DataError("no such batch", event=Event.UNKNOWN_BATCH)), push(DAY, subscription=TRIGGER))
    assert response.status == 200
    ((_, (letter,)),) = dead_letters(world).items()
    assert letter.attributes["dead_letter_reason"] == "unknown_batch"
    assert execution(world)["status"] == "failed"


def test_poison_that_cannot_be_dead_lettered_is_not_acknowledged(world: PipelineHarness) -> None:
    class Down:
        def publish(self, topic: str, data: bytes, attributes: Any) -> str:
            raise StoreUnavailable("the bus is down")

    world.swap(bus=Down())
    with pytest.raises(StoreUnavailable):
        send(world, Work(), push("{"))


# --- what is understood ---------------------------------------------------------------------------


def test_attributes_alone_are_a_message_where_they_have_the_date(world: PipelineHarness) -> None:
    work = Work()
    send(world, work, push(None, attributes={"game_date": "2025-11-14", "force": "true", "other": "x"}))
    assert str(work.messages[0].game_date) == "2025-11-14"
    assert work.messages[0].force is True


def test_data_wins_over_attributes_and_unknown_fields_are_ignored(world: PipelineHarness) -> None:
    work = Work()
    send(world, work, push({**DAY, "novelty": 1}, attributes={"game_date": "2025-01-01"}))
    assert str(work.messages[0].game_date) == "2025-11-14"


def test_a_retry_after_midnight_is_about_the_day_of_the_publish(world: PipelineHarness) -> None:
    """23:59 in New York is 04:59 UTC; the retry comes at 00:01."""
    body = push({"game_date": "TODAY"}, published_at="2025-11-15T04:59:00.123456789Z")
    world.clock.set(datetime(2025, 11, 15, 4, 59, tzinfo=UTC))
    send(world, Work(SourceUnavailable("429")), body)
    world.move(minutes=2)
    work = Work()
    send(world, work, body)
    assert str(work.messages[0].game_date) == "2025-11-14"
    assert execution(world)["attempts"] == 2


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"), [(SourceUnavailable("429"), 503), (Retriable("x"), 503), (Fatal("y"), 500)]
)
def test_our_errors_are_answered_and_free_the_execution(world: PipelineHarness, error: Exception, status: int) -> None:
    response = send(world, Work(error), push(DAY))
    assert (response.status, response.body["error_type"]) == (status, type(error).__name__)
    assert execution(world)["status"] == "failed"
    assert execution(world)["error_message"] == str(error)
    assert send(world, Work(), push(DAY, attempt=2)).body["status"] == "success"
    assert (execution(world)["attempts"], execution(world)["generation"]) == (2, 2)
    assert dead_letters(world) == {}


def test_an_error_not_ours_is_a_defect_logged_with_its_stack_and_frees_the_execution(
    world: PipelineHarness, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = send(world, Work(lambda *_: Outcome("success", record_count=1 // 0)), push(DAY))
    assert (response.status, response.body["status"]) == (500, "failed")
    assert "ZeroDivisionError" in response.body["reason"]
    assert "Traceback" in caplog.text
    assert execution(world)["error_type"] == "ZeroDivisionError"
    assert send(world, Work(), push(DAY, attempt=2)).body["status"] == "success"


@pytest.mark.parametrize(
    ("does", "code"),
    [
        (Outcome("success"), Event.DONE),
        (Outcome("partial"), Event.DONE_WITH_GAPS),
        (Outcome("no_data", event=Event.NO_GAMES), Event.NO_GAMES),
        (Skippable("nothing", status="no_data", event=Event.NO_BATCH), Event.NO_BATCH),
        (SourceUnavailable("429"), Event.SOURCE_UNAVAILABLE),
        (StagingMismatch("0 of 7", event=Event.ZERO_ROW_MERGE), Event.ZERO_ROW_MERGE),
        (Fatal("y"), Event.DEFECT),
        (ZeroDivisionError("x"), Event.DEFECT),
        (DataError("bad"), Event.BAD_MESSAGE),
        (DataError("no such batch", event=Event.UNKNOWN_BATCH), Event.UNKNOWN_BATCH),
    ],
    ids=str,
)
def test_the_line_about_an_end_has_its_code(
    world: PipelineHarness, caplog: pytest.LogCaptureFixture, does: Outcome | Exception, code: Event
) -> None:
    work = Work(does) if isinstance(does, Exception) else Work(lambda *_: does)
    with caplog.at_level(logging.INFO):
        answer = send(world, work, push(DAY, subscription=TRIGGER))
    events = [fields["event"] for each in caplog.records if "event" in (fields := getattr(each, "fields", {}))]
    assert events == [code]
    if answer.body["status"] == "failed" or isinstance(does, DataError):
        assert execution(world)["event"] == code
    elif isinstance(does, Outcome):
        assert execution(world)["result"]["event"] == code


def test_an_outcome_without_data_says_why_by_a_code() -> None:
    with pytest.raises(KeyError):
        Outcome("no_data", reason="some sentence").code  # noqa: B018


def test_a_failure_at_the_last_attempt_is_in_the_history(world: PipelineHarness) -> None:
    send(world, Work(Retriable("still down")), push(DAY, attempt=LAST_DELIVERY - 1))
    assert world.rows("SELECT * FROM nba_reference.processor_run_history") == []
    send(world, Work(Retriable("still down")), push(DAY, attempt=LAST_DELIVERY))
    (row,) = world.rows("SELECT status, reason, error_type, attempts FROM nba_reference.processor_run_history")
    assert row == {"status": "failed", "reason": "still down", "error_type": "Retriable", "attempts": 2}


def test_work_goes_on_without_a_source_before_its_deliveries_are_used_up(world: PipelineHarness) -> None:
    """Further deliveries are for want of an instance: a day does not wait for a source as long."""
    seen: dict[int, tuple[bool, bool]] = {}

    def does(message: PhaseMessage, context: Context) -> Outcome:
        seen[context.attempt] = (context.last_attempt, context.last_delivery)
        raise Retriable("still down")

    for attempt in range(1, LAST_DELIVERY + 1):
        send(world, Work(does), push(DAY, attempt=attempt))
    assert [attempt for attempt, (goes_on, _) in seen.items() if goes_on] == [*range(5, LAST_DELIVERY + 1)]
    assert [attempt for attempt, (_, last) in seen.items() if last] == [LAST_DELIVERY] != [5]


def test_what_ended_for_good_expires_and_what_is_tried_again_does_not(world: PipelineHarness) -> None:
    work = Work(SourceUnavailable("odds: 503"))
    send(world, work, push(DAY, attempt=1))
    assert execution(world)["expires_at"] is None
    send(world, work, push(DAY, attempt=LAST_DELIVERY))
    assert execution(world)["expires_at"] == NOW + timedelta(days=90)
    work.does = lambda message, context: Outcome("success", reason=str(world.documents("executions")[0]["expires_at"]))
    send(world, work, push(DAY, attempt=1))
    assert execution(world)["result"]["reason"] == "None"
    assert execution(world)["expires_at"] == NOW + timedelta(days=90)


def test_a_second_delivery_while_it_runs_is_retried_later(world: PipelineHarness) -> None:
    inner = Work()

    def outer(message: Any, context: Context) -> Outcome:
        answer = send(world, inner, push(DAY, attempt=2))
        assert (answer.status, answer.body["error_type"]) == (503, "LeaseHeld")
        return Outcome("success")

    assert send(world, Work(outer), push(DAY)).status == 200
    assert inner.calls == 0


def test_after_success_nothing_is_computed_again(world: PipelineHarness) -> None:
    first, again = Work(), Work()
    answer = send(world, first, push(DAY))
    assert send(world, again, push(DAY, attempt=2)) == answer
    assert again.calls == 0
    assert len(world.list_published("nba-phase3-analytics-complete")) == 1


def test_unsent_messages_are_sent_by_the_next_delivery(world: PipelineHarness) -> None:
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        send(world, Work(), push(DAY))
    assert world.list_published("nba-phase3-analytics-complete") == []
    world.start()
    again = Work()
    assert send(world, again, push(DAY, attempt=2)).status == 200
    assert again.calls == 0
    assert len(world.list_published("nba-phase3-analytics-complete")) == 1
    assert execution(world)["outbox_pending"] is False


def test_a_lease_that_ended_is_taken_over_and_the_late_writer_is_fenced_off(world: PipelineHarness) -> None:
    def slow(message: Any, context: Context) -> Outcome:
        world.move(seconds=context.function.lease_seconds + 1)
        assert send(world, Work(), push(DAY, attempt=2)).body["record_count"] == 7
        return Outcome("success", record_count=99)

    late = send(world, Work(slow), push(DAY))
    assert (late.status, late.body["error_type"]) == (503, "LeaseHeld")
    assert execution(world)["result"]["record_count"] == 7
    assert len(world.list_published("nba-phase3-analytics-complete")) == 1


def test_a_state_store_that_is_down_is_retriable_and_nothing_is_lost(world: PipelineHarness) -> None:
    class Down:
        def get(self, path: str) -> Any:
            raise StoreUnavailable("Firestore is down")

    up = world.runtime.state
    world.swap(state=Down())
    assert send(world, work := Work(), push(DAY)).status == 503
    world.swap(state=up)
    assert send(world, work, push(DAY, attempt=2)).status == 200
    assert work.calls == 1


# --- runs -----------------------------------------------------------------------------------------


def run_ids(world: PipelineHarness) -> list[str]:
    return [document["run_id"] for document in world.documents("executions")]


def test_the_redelivery_of_a_message_is_the_same_run(world: PipelineHarness) -> None:
    for attempt in (1, 2):
        send(world, Work(), push(DAY, message_id="77", attempt=attempt))
    assert run_ids(world) == ["2025-11-14-manual-77"]


def test_a_scheduler_that_fires_twice_makes_one_run(world: PipelineHarness) -> None:
    for message_id in ("77", "78"):
        send(world, Work(), push({"game_date": "TODAY"}, message_id=message_id, attributes={"schedule": "nightly"}))
    assert run_ids(world) == ["2025-11-14-nightly"]
    assert execution(world)["trigger_source"] == "scheduler"


def test_publishing_again_is_a_new_run(world: PipelineHarness) -> None:
    for message_id in ("77", "78"):
        send(world, Work(), push(DAY, message_id=message_id))
    assert run_ids(world) == ["2025-11-14-manual-77", "2025-11-14-manual-78"]


def test_a_run_id_in_the_message_is_kept(world: PipelineHarness) -> None:
    heal = {**DAY, "run_id": "2025-11-14-heal-phase3-1", "trigger_source": "self_heal"}
    for message_id in ("77", "78"):
        send(world, Work(), push(heal, message_id=message_id))
    assert run_ids(world) == ["2025-11-14-heal-phase3-1"]
    assert execution(world)["trigger_source"] == "self_heal"


@pytest.mark.parametrize(
    ("message", "attributes", "expected"),
    [
        ({**DAY, "run_id": "r", "force": True}, {}, "r-77"),
        ({**DAY, "force": True}, {"schedule": "nightly"}, "2025-11-14-nightly-77"),
        ({**DAY, "force": True}, {}, "2025-11-14-manual-77"),
        ({"from_date": "2025-10-21", "to_date": "2025-11-12"}, {}, "2025-10-21_2025-11-12-manual-77"),
    ],
)
def test_force_is_a_run_of_its_own(
    world: PipelineHarness, message: dict[str, Any], attributes: dict[str, str], expected: str
) -> None:
    for _ in range(2):
        send(world, Work(), push(message, message_id="77", attributes=attributes))
    assert run_ids(world) == [expected]


def test_the_run_goes_on_into_the_next_phase(world: PipelineHarness) -> None:
    send(world, Work(), push({**DAY, "force": True}, message_id="77", attributes={"schedule": "nightly"}))
    (announced,) = world.list_published("nba-phase3-analytics-complete")
    send(world, Work(), push(announced, message_id="90"), "phase4_precompute")
    first, second = world.documents("executions")
    assert first["run_id"] == second["run_id"] == "2025-11-14-nightly-77"
    assert (second["trigger_source"], second["correlation_id"]) == ("scheduler", "77")
    (next_,) = world.list_published("nba-phase4-precompute-complete")
    assert next_["parent_processor"] == "phase3_analytics"


# --- modes, as_of, outcomes -----------------------------------------------------------------------


def test_a_phase_beyond_the_modes_last_is_skipped_and_says_so(world: PipelineHarness) -> None:
    work = Work()
    answer = send(world, work, push({**DAY, "mode": "results"}), "phase4_precompute")
    assert (answer.status, answer.body["status"]) == (200, "skipped")
    assert answer.body["reason"] == "mode results ends with phase3"
    assert work.calls == 0
    assert world.list_published("nba-phase4-precompute-complete") == []
    (row,) = world.rows("SELECT phase, status FROM nba_monitoring.pipeline_execution_log")
    assert row == {"phase": "phase4", "status": "skipped"}


@pytest.mark.parametrize(
    ("day", "mode"), [("2025-11-13", "results"), ("2025-11-14", "same_day"), ("2025-11-15", "tomorrow")]
)
def test_phase_1_takes_its_mode_from_the_day(world: PipelineHarness, day: str, mode: str) -> None:
    send(world, Work(), push({"game_date": day}), "phase1_scrape")
    assert execution(world)["mode"] == mode


def test_phase_1_sets_as_of_at_its_end_and_every_retry_sees_it(world: PipelineHarness) -> None:
    def fetches(message: Any, context: Context) -> Outcome:
        with pytest.raises(AttributeError, match="sets as_of at its end"):
            _ = context.as_of
        world.move(seconds=30, milliseconds=250)
        return Outcome("success")

    send(world, Work(fetches), push({**DAY, "mode": "same_day"}), "phase1_scrape")
    (announced,) = world.list_published("nba-phase1-scrapers-complete")
    as_of = NOW + timedelta(seconds=31)
    assert datetime.fromisoformat(announced["as_of"]) == as_of
    world.move(minutes=5)
    failing, again = Work(Retriable("x")), Work()
    send(world, failing, push(announced), "phase2_raw")
    world.move(minutes=5)
    send(world, again, push(announced, attempt=2), "phase2_raw")
    assert [c.as_of for c in failing.contexts + again.contexts] == [as_of, as_of]


def test_a_run_that_begins_later_has_the_as_of_of_its_first_acceptance(world: PipelineHarness) -> None:
    failing, again = Work(Retriable("x")), Work()
    send(world, failing, push(DAY))
    world.move(minutes=10)
    send(world, again, push(DAY, attempt=2))
    assert [c.as_of for c in failing.contexts + again.contexts] == [NOW + timedelta(seconds=1)] * 2


def test_nothing_to_do_is_announced_with_the_reason(world: PipelineHarness) -> None:
    answer = send(world, Work(Skippable("no games on 2025-11-14", status="no_data")), push(DAY))
    assert (answer.status, answer.body["status"]) == (200, "no_data")
    (announced,) = world.list_published("nba-phase3-analytics-complete")
    assert (announced["status"], announced["reason"]) == ("no_data", "no games on 2025-11-14")


def test_the_announcement_says_everything(world: PipelineHarness) -> None:
    def works(message: Any, context: Context) -> Outcome:
        world.move(seconds=3)
        table = "nba_analytics.player_game_summary"
        return Outcome("partial", 12, 1, "one is missing", table, metadata={"games": 9})

    send(world, Work(works), push({**DAY, "mode": "overnight"}, message_id="5", subscription=TRIGGER))
    (announced,) = world.list_published("nba-phase3-analytics-complete")
    announced.pop("as_of")
    assert announced == {
        "game_date": "2025-11-14",
        "run_id": "2025-11-14-manual-5",
        "mode": "overnight",
        "force": False,
        "trigger_source": "manual",
        "correlation_id": "5",
        "trigger_message_id": "5",
        "processor_name": "phase3_analytics",
        "phase": "phase3",
        "execution_id": "phase3_analytics.2025-11-14-manual-5",
        "output_table": "player_game_summary",
        "output_dataset": "nba_analytics",
        "status": "partial",
        "record_count": 12,
        "event": "done_with_gaps",
        "records_failed": 1,
        "duration_seconds": 3.0,
        "reason": "one is missing",
        "sequence": 1,
        "metadata": {"games": 9},
    }
