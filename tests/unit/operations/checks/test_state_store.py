"""The state store: written and read back; executions that are stuck; schedules that did not
fire.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from shared.chain.execution.abandonment import abandoned_after
from shared.chain.execution.records import ExecutionStatus
from shared.chain.execution.run_identity import Delivery
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.push_envelope import read_envelope, read_message
from shared.chain.resilience import pause_switch
from shared.core.clock import LONG_AGO
from shared.operations.actions.perform import preview
from shared.operations.actions.table import action_of
from shared.operations.api.as_json import as_json
from shared.operations.levels import Level, Severity
from shared.operations.schedules.firings import firings_of
from tests.pipeline.support import push
from tests.support.counted_ports import CountedStores
from tests.unit.operations.checks.world import DAY, NOW, SAME_DAY, World, at

PROBE = "health/monitor-probe"


def stopwatch(*seconds: float) -> Iterator[float]:
    return iter(seconds)


# --- the probe ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "level"), [((0.0, 0.5, 2.0), Level.GREEN), ((0, 2, 2.1), Level.YELLOW), ((0, 0, 10.1), Level.RED)]
)
def test_the_store_is_written_read_back_and_timed(world: World, seconds: tuple[float, ...], level: Level) -> None:
    found = world.finding("state-store", "state", stopwatch=stopwatch(*seconds).__next__)
    assert found.level is level
    # what is fine is no news, however long it took this time
    measured, other = (found.timings, found.figures) if level is Level.GREEN else (found.figures, found.timings)
    assert other == {}
    assert measured == {
        "write_seconds": pytest.approx(seconds[1] - seconds[0]),
        "read_seconds": pytest.approx(seconds[2] - seconds[1]),
    }
    document = world.runtime.state.get(PROBE)
    assert document is not None
    assert document.data == {"at": NOW.astimezone(UTC), "instance": "instance"}


def test_the_probe_is_the_only_document_that_all_checks_write(world: World) -> None:
    from shared.operations.checks.health import run_checks

    world.go_well()
    written: list[str] = []

    class Watched:
        def __init__(self, state: Any) -> None:
            self._state = state

        def __getattr__(self, name: str) -> Any:
            if name in ("create", "update", "delete"):
                raise AssertionError(name)
            return getattr(self._state, name)

        def transaction(self, body: Any) -> Any:
            def watch(transaction: Any) -> Any:
                class Writes:
                    get = transaction.get

                    @staticmethod
                    def set(path: str, data: Any) -> None:
                        written.append(path)
                        transaction.set(path, data)

                return body(Writes)

            return self._state.transaction(watch)

    world.runtime = replace(world.runtime, state=Watched(world.runtime.state))
    assert not any(result.failed for result in run_checks(world.view()).checks)
    assert written == [PROBE]


# --- stuck executions -----------------------------------------------------------------------------


def run(world: World, run_id: str, **changes: Any) -> None:
    values: dict[str, Any] = {"status": ExecutionStatus.RUNNING, "history_written": False, "game_date": str(DAY)}
    world.run("phase3_analytics", run_id, at=at("11:40"), **{**values, **changes})


def test_an_execution_at_work_is_not_stuck(world: World) -> None:
    run(world, "run1", lease_expires_at=NOW + timedelta(minutes=1))
    found = world.finding("stuck-executions", "pipeline")
    assert (found.level, found.figures) == (Level.GREEN, {"open": 1, "stuck": 0})


def test_beyond_its_lease_it_is_yellow_and_red_once_the_sweep_should_have_ended_it(world: World) -> None:
    run(world, "run1", lease_expires_at=at("11:50"))
    found = world.finding("stuck-executions", "phase3_analytics")
    assert found.level is Level.YELLOW
    assert found.says == (
        "phase3_analytics: 1 execution stuck, phase3_analytics.run1 since 2025-11-14 11:50 (15 min): its process died"
        " or was cut off"
    )
    assert found.next_step.startswith("nothing: the next delivery takes it over, or the sweep ends it by ")
    world.clock.move(seconds=abandoned_after().total_seconds() + 20 * 60)
    found = world.finding("stuck-executions", "phase3_analytics")
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert "nba-batch-sweep-trigger" in found.next_step


def test_a_lease_that_was_voided_counts_from_the_take(world: World) -> None:
    run(world, "run1", lease_expires_at=LONG_AGO)
    assert "since 2025-11-14 11:40 (25 min)" in world.finding("stuck-executions", "phase3_analytics").says


def test_a_failed_one_is_stuck_once_its_retries_are_long_over(world: World) -> None:
    run(world, "run1", status=ExecutionStatus.FAILED, finished_at=at("11:41"), error_type="X", error_message="y")
    assert world.finding("stuck-executions", "pipeline").level is Level.GREEN
    world.clock.move(seconds=abandoned_after().total_seconds() + 20 * 60)
    found = world.finding("stuck-executions", "phase3_analytics")
    assert (found.level, "its retries are over" in found.says) == (Level.RED, True)
    pause_switch.pause(world.runtime.state, who="ann", reason="odd", now=world.clock.now())
    assert world.finding("stuck-executions", "pipeline").level is Level.GREEN  # its message is deferred
    pause_switch.resume(world.runtime.state, who="ann", reason="well", now=world.clock.now())
    assert world.finding("stuck-executions", "pipeline").level is Level.GREEN  # and comes again


def test_one_that_failed_for_good_is_over(world: World) -> None:
    run(world, "run1", status=ExecutionStatus.FAILED, finished_at=at("11:41"), final=True)
    world.clock.move(days=1)
    assert world.finding("stuck-executions", "pipeline").level is Level.GREEN


# --- schedules ------------------------------------------------------------------------------------


def test_a_firing_names_the_run_that_its_message_starts(world: World) -> None:
    """Of every schedule, as the handler names it; on both nights that change the clock."""
    numbers = count(1)
    for night in ("2025-11-14", "2026-03-08", "2025-11-02"):
        for schedule in world.pipeline.schedules.values():
            since = at(f"{night} 00:00")
            for firing in firings_of(world.pipeline, schedule, since, since + timedelta(hours=25)):
                body = push(
                    schedule.message,
                    message_id=str(next(numbers)),
                    attributes={"schedule": schedule.name},
                    published_at=firing.at.isoformat(),
                )
                envelope = read_envelope(body, "")
                message = read_message(envelope, PhaseMessage, firing.at)
                function = world.pipeline.functions[firing.function]
                assert Delivery.of(function, message, envelope, world.runtime).key == firing.key


def test_every_schedule_that_ran_is_green_and_says_when_it_is_next(world: World) -> None:
    world.run_everything()
    found = world.result("schedules").findings
    assert {each.subject for each in found} == set(world.pipeline.schedules)
    assert {each.level for each in found} == {Level.GREEN}
    says = world.finding("schedules", "grading-daily").says
    assert says == "grading-daily ran at 2025-11-14 11:00 (succeeded); next at 2025-11-15 11:00"


def test_one_that_did_not_fire_is_red_with_the_command_that_makes_the_same_run(world: World) -> None:
    world.run_everything()
    due = world.due("daily-yesterday-analytics")
    world.runtime.state.delete(due.key.path)
    found = world.finding("schedules", "daily-yesterday-analytics")
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert found.says == (
        "daily-yesterday-analytics did not run: due at 2025-11-14 06:30, 5.6 h ago; next at 2025-11-15 06:30"
    )
    assert found.next_step == './nba fire daily-yesterday-analytics 2025-11-13 --why "..."'
    values = {"schedule": "daily-yesterday-analytics", "game_date": "2025-11-13"}
    (trigger,) = preview(action_of("fire"), world.runtime, world.pipeline, values).triggers
    message = json.dumps(as_json(trigger.message))
    envelope = read_envelope(push(message, message_id="9", published_at=NOW.isoformat()), "")
    read = read_message(envelope, PhaseMessage, NOW)
    function = world.pipeline.functions["phase1_scrape"]
    assert Delivery.of(function, read, envelope, world.runtime).key == due.key


def test_it_is_not_due_before_the_scheduler_has_tried_for_a_while(world: World) -> None:
    world.run_everything()
    world.clock.move(minutes=54)  # 12:59: the export is due at 13:00, and 13:15 is when it is missed
    for minutes, level in ((15, Level.GREEN), (1, Level.RED)):
        world.clock.move(minutes=minutes)
        assert world.finding("schedules", "phase6-tonight-picks").level is level


def test_a_run_by_hand_or_by_self_heal_since_stands_for_it(world: World) -> None:
    due = world.due(SAME_DAY)
    values: dict[str, Any] = {"game_date": str(DAY), "mode": "same_day"}
    world.run("phase1_scrape", "early", at=due.at - timedelta(minutes=1), **values)
    world.run("phase1_scrape", "other-mode", at=at("11:50"), **{**values, "mode": "results"})
    world.run("phase2_raw", "other-function", at=at("11:50"), **values)
    assert world.finding("schedules", SAME_DAY).level is Level.RED
    world.run("phase1_scrape", "2025-11-14-manual-7", at=at("11:50"), **values)
    found = world.finding("schedules", SAME_DAY)
    assert (found.level, "2025-11-14-manual-7 did since" in found.says) == (Level.GREEN, True)


def test_a_sweep_may_be_missed_twice_and_not_three_times(world: World) -> None:
    world.run_schedule("batch-sweep", at("11:45"))
    assert world.finding("schedules", "batch-sweep").level is Level.GREEN  # of 11:30; 11:40 and 11:50 are missing
    world.clock.move(minutes=10)
    assert world.finding("schedules", "batch-sweep").level is Level.RED
    world.run_schedule("batch-sweep", at("12:30"))  # of 12:10, not due yet
    assert world.finding("schedules", "batch-sweep").level is Level.GREEN


def test_a_deferred_message_is_yellow(world: World) -> None:
    document = {
        "function": "phase1_scrape",
        "topic": "nba-phase1-trigger",
        "gate": "pause",
        "reason": "paused by ann",
        "held_at": at("11:31"),
        "released_at": None,
        "outbox": [],
        "outbox_pending": False,
    }
    world.set("held/phase1-scrape-nba-phase1-trigger.7", document)
    found = world.finding("schedules", SAME_DAY)
    assert (found.level, "is deferred: paused by ann" in found.says) == (Level.YELLOW, True)
    assert world.finding("schedules", "grading-daily").level is Level.RED


@pytest.mark.parametrize(
    ("day", "due", "following"),
    [("2026-03-08", "2026-03-08 15:00", "2026-03-09 11:00"), ("2025-11-02", "2025-11-02 16:00", "2025-11-03 11:00")],
)
def test_over_both_nights_a_schedule_is_due_at_new_yorks_hour(world: World, day: str, due: str, following: str) -> None:
    """11:00 in New York is 16:00 UTC in winter and 15:00 in summer."""
    world.clock.move(seconds=(at(f"{day} 12:00") - world.clock.now()).total_seconds())
    assert world.due("grading-daily").at == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert world.finding("schedules", "grading-daily").level is Level.RED
    world.run_schedule("grading-daily")
    found = world.finding("schedules", "grading-daily")
    assert (found.level, found.says) == (
        Level.GREEN,
        f"grading-daily ran at {day} 11:00 (succeeded); next at {following}",
    )


def test_on_one_machine_only_what_was_fired_before_can_be_missed(embedded: World) -> None:
    embedded.run_schedule("grading-daily", at("2025-11-12 12:00"))
    assert embedded.finding("schedules", SAME_DAY).says == "same-day-predictions is not fired here"
    assert embedded.finding("schedules", "grading-daily").level is Level.RED


@pytest.mark.parametrize("kind", ["world", "embedded"])
def test_schedules_are_looked_up_by_phase_however_many_there_are(kind: str, request: pytest.FixtureRequest) -> None:
    """Where all ran, and where none did; a document each would be a hundred reads, one after
    another.
    """
    stores: World = request.getfixturevalue(kind)
    counted = CountedStores.of(stores.runtime)
    counting = replace(stores, runtime=counted.runtime)
    phases = {counting.pipeline.functions[counting.due(each).function].phase for each in counting.pipeline.schedules}
    assert len(counting.result("schedules").findings) == len(counting.pipeline.schedules) > len(phases)
    assert set(counted.state.calls) <= {("query", "executions"), ("query", "held"), ("query", "redrives")}
    assert counted.state_reads <= 3 * len(phases) + 3
    stores.run_everything()
    counted.reset()
    assert counting.result("schedules").level is Level.GREEN
    # of phase 1 more than thirty firings are asked for, where nobody is known to fire them
    assert counted.state_reads == len(phases) + (1 if kind == "world" else 2)


def test_what_was_due_before_anything_ran_here_is_not_missed(world: World) -> None:
    world.run_schedule("self-heal-results")
    found = world.finding("schedules", "grading-daily")
    assert (found.level, found.says) == (
        Level.GREEN,
        "grading-daily was not due yet: nothing ran here before 2025-11-14 11:15; next at 2025-11-15 11:00",
    )
    assert world.finding("schedules", SAME_DAY).level is Level.RED


def test_a_run_of_an_earlier_epoch_does_not_count(world: World) -> None:
    world.run_schedule(SAME_DAY, epoch=2)
    assert world.finding("schedules", SAME_DAY).level is Level.RED
