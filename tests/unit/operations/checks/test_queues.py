"""Dead letters, deferred messages, breakers, the pause and the halt, the odds API's quota."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.chain.messages.dead_letter import MESSAGE, Facts, encode
from shared.chain.resilience import circuit_breaker, pause_switch
from shared.chain.resilience.circuit_breaker import OPEN_FOR, THRESHOLD
from shared.core.errors import SourceUnavailable
from shared.operations.levels import Level, Severity
from tests.unit.operations.checks.world import NOW, SAME_DAY, World, at

SUBSCRIPTION = "phase3-analytics-nba-phase2-raw-complete"
LETTERS = f"{SUBSCRIPTION}-dead-letter"


def letter(world: World, reason: str, *, blames: str = "", error: str = "it is odd", minutes: int = 0) -> None:
    facts = Facts(
        reason=reason,
        error=error,
        blames=blames,
        origin_topic="nba-phase2-raw-complete",
        origin_subscription=SUBSCRIPTION,
        origin_message_id="7",
        origin_published_at=NOW,
        dead_lettered_at=NOW - timedelta(minutes=minutes),
    )
    data, attributes = encode(b"{}", {}, facts)
    world.runtime.bus.publish(LETTERS, data, attributes)


def test_no_dead_letters_is_green(world: World) -> None:
    assert world.finding("dead-letters", "pipeline").level is Level.GREEN


def test_dead_letters_are_red_by_subscription_and_reason_with_the_next_step(world: World) -> None:
    letter(world, "max_delivery_attempts", minutes=90)
    letter(world, "max_delivery_attempts", minutes=10)
    letter(world, "not_json", blames=MESSAGE, error="it is not JSON")
    found = world.finding("dead-letters", f"{LETTERS}/max_delivery_attempts")
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert found.says == f"2 dead letters in {LETTERS} (max_delivery_attempts), the oldest 90 min old: it is odd"
    assert found.next_step == (
        f'mend the cause, then ./nba redrive --subscription {LETTERS} --reason max_delivery_attempts --why "..."'
    )
    assert found.figures == {"letters": 2, "redrivable": 2, "function": "phase3_analytics"}
    poison = world.finding("dead-letters", f"{LETTERS}/not_json")
    assert poison.next_step == ("./nba dlq shows the message; publish it anew, corrected, to nba-phase2-raw-complete")


def defer(world: World, number: int, *, gate: str = "pause", minute: str = "12:00") -> None:
    document = {
        "function": "phase2_raw",
        "topic": "nba-phase1-scrapers-complete",
        "gate": gate,
        "reason": f"stopped by {gate}",
        "held_at": at(minute),
        "released_at": None,
        "outbox": [],
        "outbox_pending": False,
    }
    world.set(f"held/phase2-raw-nba-phase1-scrapers-complete.{number}", document)


def test_no_deferred_messages_is_green(world: World) -> None:
    assert world.finding("deferred", "pipeline").level is Level.GREEN


def test_deferred_messages_are_yellow_while_they_are_stopped_and_red_when_nothing_stops_them(world: World) -> None:
    for number in range(3):
        defer(world, number, minute="11:30")
    pause_switch.pause(world.runtime.state, who="ann", reason="odd odds", now=at("11:20"))
    found = world.finding("deferred", "phase2_raw/pause")
    assert (found.level, found.next_step) == (Level.YELLOW, './nba resume --why "..."')
    assert found.says == "3 messages to phase2_raw deferred for 35 min: stopped by pause"
    pause_switch.resume(world.runtime.state, who="ann", reason="well", now=at("11:40"))
    found = world.finding("deferred", "phase2_raw/pause")
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert "nba-batch-sweep-trigger" in found.next_step


def test_a_message_that_the_next_sweep_releases_is_yellow(world: World) -> None:
    defer(world, 1, gate="processor-phase2_raw")
    assert world.finding("deferred", "phase2_raw/processor-phase2_raw").level is Level.YELLOW


def fail(world: World, times: int) -> None:
    for number in range(times):
        error = SourceUnavailable("NBA.com does not answer")
        circuit_breaker.record_failure(world.runtime, "source-nba", error, execution=f"run-{number}")


def test_a_breaker_is_red_while_open_yellow_when_it_may_try_and_green_below_its_threshold(world: World) -> None:
    assert world.finding("breakers", "pipeline").level is Level.GREEN
    fail(world, THRESHOLD - 1)
    assert world.finding("breakers", "source-nba").says == (
        "source-nba is closed: 4 failures in a row, the last: SourceUnavailable: NBA.com does not answer"
    )
    assert world.finding("breakers", "source-nba").level is Level.GREEN
    fail(world, THRESHOLD)
    found = world.finding("breakers", "source-nba")
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert "./nba reset-breaker source-nba" in found.next_step
    world.clock.move(seconds=OPEN_FOR.total_seconds())
    found = world.finding("breakers", "source-nba")
    assert (found.level, found.says.startswith("source-nba is half-open")) == (Level.YELLOW, True)


@pytest.mark.parametrize(("hours", "level"), [(6, Level.YELLOW), (6.1, Level.RED)])
def test_a_pause_is_yellow_and_red_when_it_lasts(world: World, hours: float, level: Level) -> None:
    assert world.finding("pause", "pause").level is Level.GREEN
    since = NOW - timedelta(hours=hours)
    pause_switch.pause(world.runtime.state, who="ann", reason="odd odds", now=since)
    found = world.finding("pause", "pause")
    assert (found.level, found.next_step) == (level, './nba resume --why "..."')
    assert found.says.endswith(f"({hours:.1f} h) by ann: odd odds")


@pytest.mark.parametrize(
    ("document", "says", "halted"),
    [
        (None, "exports are not halted", False),
        ({"halted": False}, "exports are not halted", False),
        ({"halted": True}, "exports are halted by an operator: no reason given", True),
        ({"halted": True, "reason": "off-season"}, "exports are halted by an operator: off-season", True),
    ],
)
def test_a_halt_is_an_operators_choice_and_said(
    world: World, document: dict[str, Any] | None, says: str, halted: bool
) -> None:
    if document is not None:
        world.set("control/halt", document)
    found = world.finding("pause", "halt")
    assert (found.level, found.says, found.figures) == (Level.GREEN, says, {"halted": halted})


def quota(world: World, schedule: str, remaining: object) -> None:
    world.run_schedule(schedule, metadata={"quota": {"remaining": remaining, "used": 1, "last": 1}})


@pytest.mark.parametrize(
    ("left", "level"),
    [((1000, 900, 800), Level.GREEN), ((1000, 800, 601), Level.YELLOW), ((1000, 700, 500), Level.RED)],
)
def test_the_quota_is_measured_by_what_a_day_uses(world: World, left: tuple[int, ...], level: Level) -> None:
    for schedule, remaining in zip(("pre-game-predictions", "overnight-predictions", SAME_DAY), left, strict=True):
        quota(world, schedule, remaining)
    found = world.finding("odds-quota", "odds_api")
    assert found.level is level
    assert found.figures == {"remaining": left[-1], "used": left[0] - left[-1]}


def test_a_quota_that_begins_anew_was_not_used(world: World) -> None:
    for schedule, remaining in (("pre-game-predictions", 100), ("overnight-predictions", 20_000), (SAME_DAY, 19_900)):
        quota(world, schedule, remaining)
    assert world.finding("odds-quota", "odds_api").figures == {"remaining": 19_900, "used": 100}


def test_no_quota_left_is_red_and_one_that_is_not_told_is_green(world: World) -> None:
    assert "told no quota" in world.finding("odds-quota", "odds_api").says
    quota(world, "overnight-predictions", "unlimited")
    assert world.finding("odds-quota", "odds_api").level is Level.GREEN
    quota(world, SAME_DAY, 0)
    assert world.finding("odds-quota", "odds_api").level is Level.RED
