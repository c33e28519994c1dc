"""The ten of a morning run: as it should go, each thing that may be short, and when nothing is
due.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus, ClosedAs
from shared.chain.execution.records import ExecutionStatus
from shared.operations.checks.health import MORNING, run_checks
from shared.operations.levels import Level, Severity
from tests.unit.operations.checks.world import BATCH, DAY, SAME_DAY, YESTERDAY, World, at

BY_DAY = (
    "batch-opened",
    "completions",
    "batch-closed",
    "consolidation",
    "merge",
    "phase5-announced",
    "export-written",
    "predictions-updated",
)
RUN = f"{DAY}-{SAME_DAY}"


def test_there_are_ten() -> None:
    assert [check.id for check in MORNING] == [*BY_DAY, "no-errors", "no-staging-tables"]


def test_a_run_that_went_well_is_green_with_its_figures(world: World) -> None:
    world.go_well()
    health = run_checks(world.view(), MORNING)
    assert {finding.fingerprint: finding.says for finding in health.findings} == {
        "batch-opened:2025-11-14": f"2025-11-14: {BATCH} was opened at 2025-11-14 11:33",
        "completions:2025-11-14": f"2025-11-14: 2 of 2 units of {BATCH} done",
        "batch-closed:2025-11-14": f"2025-11-14: {BATCH} was closed at 2025-11-14 11:34 (complete)",
        "consolidation:2025-11-14": f"2025-11-14: {BATCH} was consolidated at 2025-11-14 11:35",
        "merge:2025-11-14": f"2025-11-14: 10 rows of {BATCH} in place, the MERGE took 1.5 s",
        "phase5-announced:2025-11-14": f"2025-11-14: {BATCH} was announced at 2025-11-14 11:35",
        "export-written:2025-11-14": f"2025-11-14: {BATCH} is exported",
        "predictions-updated:2025-11-14": "2025-11-14: 10 rows of 5 players, updated last at 2025-11-14 11:35",
        "no-errors:pipeline": "nothing failed in the last 60 min",
        "no-staging-tables:pipeline": "no staging table is left",
    }
    assert (health.level, health.exit_code) == (Level.GREEN, 0)


# --- nothing due ----------------------------------------------------------------------------------


def plan_nothing(world: World) -> timedelta:
    world.clock.move(hours=2)
    return timedelta(minutes=30)


def plan_day_off(world: World) -> timedelta:
    world.play(YESTERDAY)
    world.play(DAY + timedelta(days=2))
    return timedelta(hours=1)


def plan_summer(world: World) -> timedelta:
    world.play(DAY - timedelta(days=60))
    world.play(DAY + timedelta(days=90))
    return timedelta(hours=1)


def plan_postponed(world: World) -> timedelta:
    world.play(status="postponed")
    return timedelta(hours=1)


def plan_halt(world: World) -> timedelta:
    world.play()
    world.set("control/halt", {"halted": True, "reason": "off-season"})
    return timedelta(hours=1)


def plan_later(world: World) -> timedelta:
    world.play()
    world.clock.move(minutes=-10)
    return timedelta(hours=1)


@pytest.mark.parametrize(
    ("plan", "subject", "says"),
    [
        (plan_nothing, "pipeline", "no prediction run fell due in the last 30 min"),
        (plan_day_off, str(DAY), "2025-11-14: no games; the next are on 2025-11-16"),
        (plan_summer, str(DAY), "2025-11-14: off-season; the next games are on 2026-02-12"),
        (plan_postponed, str(DAY), "2025-11-14: none of its 2 games takes place"),
        (plan_halt, str(DAY), "2025-11-14: halted by an operator: off-season"),
        (
            plan_later,
            str(DAY),
            "2025-11-14: not due before 2025-11-14 12:00 New York, 30 min after same-day-predictions",
        ),
    ],
)
@pytest.mark.parametrize("check", BY_DAY)
def test_where_nothing_is_due_each_is_green_with_the_reason(
    world: World, plan: Callable[[World], timedelta], subject: str, says: str, check: str
) -> None:
    window = plan(world)
    found = world.finding(check, subject, window)
    assert (found.level, found.says) == (Level.GREEN, says)


# --- what is short --------------------------------------------------------------------------------


def lose_pointer(world: World, day: date = DAY) -> None:
    world.runtime.state.delete(f"batch_dates/{day}")


def test_a_batch_that_its_date_does_not_name_is_red_and_says_what_to_write(world: World) -> None:
    world.go_well()
    lose_pointer(world)
    found = world.finding("batch-opened")
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert found.says == f"2025-11-14: {BATCH} was opened at 2025-11-14 11:33, and batch_dates/{DAY} does not name it"
    # what the next step says mends it
    assert f"batch_dates/{DAY} anew, with batch_id {BATCH} and revision 1" in found.next_step
    world.set(f"batch_dates/{DAY}", {"batch_id": BATCH, "revision": 1})
    assert world.finding("batch-opened").level is Level.GREEN


def test_so_it_is_on_a_date_for_which_no_run_fell_due(world: World) -> None:
    other = DAY + timedelta(days=5)
    batch = world.put_batch(batch_id=f"batch_{other}_r3", game_date=other, revision=3)
    lose_pointer(world, other)
    found = world.finding("batch-opened", str(other))
    assert (found.level, found.figures["batch_id"]) == (Level.RED, batch.batch_id)
    # the others say why there is nothing to look at
    for check in BY_DAY[1:]:
        assert "(batch-opened)" in world.finding(check, str(other)).says


def test_so_it_is_while_the_next_run_is_not_due(world: World) -> None:
    world.play()
    world.put_batch()
    world.clock.move(minutes=-10)
    lose_pointer(world)
    assert world.finding("batch-opened", window=timedelta(minutes=30)).level is Level.RED


def test_a_date_that_names_a_batch_which_is_gone_is_red(world: World) -> None:
    world.go_well()
    world.set(f"batch_dates/{DAY}", {"batch_id": f"batch_{DAY}_r2", "revision": 2})
    assert "does not name it" in world.finding("batch-opened").says


def test_no_batch_since_the_last_run_is_red_and_says_how_far_it_came(world: World) -> None:
    world.play()
    found = world.finding("batch-opened")
    assert found.level is Level.RED
    assert found.severity is Severity.ERROR
    assert found.says == (
        "2025-11-14: same-day-predictions was due at 2025-11-14 11:30, and no batch was opened since;"
        " nothing ran for it"
    )
    assert found.next_step == ('./nba heal 2025-11-14 --why "...": it restarts the earliest phase that is short')
    world.run_schedule(SAME_DAY)
    world.run(
        "phase3_analytics", RUN, at=at("11:32"), status=ExecutionStatus.FAILED, attempts=4, error_message="no schema"
    )
    assert world.finding("batch-opened").says.endswith("phase3_analytics failed at attempt 4: no schema")
    others = run_checks(world.view(), MORNING).findings
    assert next(each.fingerprint for each in others if each.level is Level.RED) == "batch-opened:2025-11-14"
    waiting = [each.says for each in others if "no batch answers the last run" in each.says]
    assert len(waiting) == len(BY_DAY) - 1


def test_games_that_are_near_make_it_critical(world: World) -> None:
    world.play(tipoff=at("15:00"))
    assert world.finding("batch-opened").severity is Severity.CRITICAL


def test_a_run_that_had_none_to_open_leaves_the_batch_before_it(world: World) -> None:
    world.go_well()
    world.put_batch(opened_at=at("07:03"), closed_at=at("07:04"), consolidated_at=at("11:35"))
    assert world.finding("batch-opened").level is Level.RED
    world.run("phase5_coordinator", RUN, at=at("11:33"), result={"status": "no_data", "reason": "nobody to predict"})
    found = world.finding("batch-opened")
    assert (found.level, found.says) == (
        Level.GREEN,
        "2025-11-14: same-day-predictions opened no batch: nobody to predict",
    )
    assert world.finding("export-written").says == f"2025-11-14: {BATCH} is exported"


@pytest.mark.parametrize(("done", "level"), [(9, Level.YELLOW), (8, Level.YELLOW), (7, Level.RED)])
def test_units_that_are_missing_are_named_and_too_many_are_red(world: World, done: int, level: Level) -> None:
    world.go_well()
    units = [str(number) for number in range(1, 11)]
    missing = units[done:]
    world.put_batch(units_text=" ".join(units), unit_count=10, missing=missing)
    world.complete(*units[:done], failed=tuple(missing))
    found = world.finding("completions")
    assert found.level is level
    assert found.says == (f"2025-11-14: {done} of 10 units of {BATCH} done; missing or failed: {', '.join(missing)}")
    assert found.figures == {"units_done": done, "units": 10, "units_missing": 10 - done}


@pytest.mark.parametrize(("minutes", "level"), [(39, Level.GREEN), (41, Level.RED)])
def test_an_open_batch_is_red_once_the_sweep_should_have_closed_it(world: World, minutes: int, level: Level) -> None:
    world.play()
    world.clock.move(hours=1)
    opened = world.clock.now() - timedelta(minutes=minutes)
    world.put_batch(status=BatchStatus.OPEN, opened_at=opened, closed_at=None, closed_as=None, consolidated_at=None)
    found = world.finding("batch-closed", window=timedelta(hours=2))
    assert found.level is level
    assert f"{BATCH} is open for {minutes} min" in found.says
    assert world.finding("completions", window=timedelta(hours=2)).says == (
        f"2025-11-14: 0 of 2 units of {BATCH} done so far"
    )
    assert "is open (batch-closed)" in world.finding("consolidation", window=timedelta(hours=2)).says


@pytest.mark.parametrize(("minutes", "level"), [(15, Level.GREEN), (16, Level.RED)])
def test_a_closed_batch_is_red_once_it_should_be_consolidated(world: World, minutes: int, level: Level) -> None:
    world.go_well()
    closed = world.clock.now() - timedelta(minutes=minutes)
    world.put_batch(status=BatchStatus.CLOSED, closed_at=closed, closed_as=ClosedAs.PARTIAL, consolidated_at=None)
    found = world.finding("consolidation")
    assert (found.level, found.says) == (
        level,
        f"2025-11-14: {BATCH} is closed for {minutes} min and not consolidated",
    )
    for check in ("merge", "phase5-announced", "export-written", "predictions-updated"):
        assert world.finding(check).says == (
            f"2025-11-14: nothing to check yet: {BATCH} is not consolidated (consolidation)"
        )


def test_a_failed_consolidation_is_critical_and_names_what_tries_again(world: World) -> None:
    world.go_well()
    world.put_batch(status=BatchStatus.FAILED, consolidated_at=None, failure="10 rows staged, 0 merged")
    found = world.finding("consolidation")
    assert (found.level, found.severity) == (Level.RED, Severity.CRITICAL)
    assert "10 rows staged, 0 merged" in found.says
    assert (found.next_step, found.figures) == (
        'mend the cause, then ./nba consolidate 2025-11-14 --why "..."',
        {"batch_id": BATCH},
    )
    (source,) = world.pipeline.functions["phase5_consolidation"].subscriptions
    attributes = {"dead_letter_reason": "max_delivery_attempts", "dead_letter_topic": source.topic}
    for batch_id in (f"{BATCH}0", BATCH):
        body = json.dumps({"batch_id": batch_id}).encode()
        world.runtime.bus.publish(source.dead_letter_topic, body, attributes)
        found = world.finding("consolidation")
        mine = batch_id == BATCH
        letters = f"--subscription {source.dead_letter_subscription} --reason max_delivery_attempts"
        assert (letters in found.next_step) is mine
        assert ("subscription" in found.figures) is mine


@pytest.mark.parametrize(
    ("batch", "execution", "level", "says"),
    [
        ({}, {"metadata": {"merge_seconds": 226.0}}, Level.YELLOW, "the MERGE took 226.0 s of 300 s"),
        ({}, {"metadata": {"merge_seconds": 225.0}}, Level.GREEN, "the MERGE took 225.0 s"),
        ({}, {"metadata": {}}, Level.GREEN, "10 rows of batch_2025-11-14_r1 in place, the MERGE took 10.0 s"),
        ({"rows_in_place": 0}, {}, Level.RED, "the MERGE of batch_2025-11-14_r1 put no row in place"),
        (
            {"rows_in_place": 0, "frozen_rows": 10},
            {},
            Level.YELLOW,
            "all 10 rows of batch_2025-11-14_r1 came after tip-off",
        ),
    ],
)
def test_the_merges_seconds_and_rows(
    world: World, batch: dict[str, Any], execution: dict[str, Any], level: Level, says: str
) -> None:
    world.go_well()
    world.put_batch(**batch)
    world.consolidate(**execution)
    found = world.finding("merge")
    assert found.level is level
    assert found.says.endswith(says)
    assert found.figures["rows_in_place"] == batch.get("rows_in_place", 10)


@pytest.mark.parametrize(
    "execution", [{"outbox_pending": True}, {"status": ExecutionStatus.FAILED, "error_message": "cut off"}]
)
def test_a_consolidated_batch_that_is_not_announced_is_red_after_a_sweep(
    world: World, execution: dict[str, Any]
) -> None:
    world.go_well()
    world.consolidate(**execution)
    found = world.finding("phase5-announced")
    assert (found.level, found.says) == (
        Level.RED,
        f"2025-11-14: {BATCH} was consolidated 30 min ago and is not announced",
    )
    world.put_batch(consolidated_at=at("11:45"))
    assert world.finding("phase5-announced").level is Level.GREEN


def test_an_export_that_is_not_there_or_of_another_batch_is_red(world: World) -> None:
    world.go_well()
    world.export("batch_2025-11-14_r0")
    found = world.finding("export-written")
    assert found.level is Level.RED
    assert found.says == (
        f"2025-11-14: no export of {BATCH}, 30 min after it was consolidated: the file is of batch_2025-11-14_r0"
    )
    assert found.next_step == './nba export 2025-11-14 --why "..."'
    world.runtime.exports.write(f"v1/predictions/{DAY}.json", b"not json", content_type="application/json")
    assert world.finding("export-written").says.endswith("there is none")
    world.export(content_at=at("11:34"))
    assert world.finding("export-written").level is Level.RED
    world.put_batch(consolidated_at=at("11:55"))
    assert world.finding("export-written").level is Level.GREEN


def test_an_export_that_phase_6_refused_says_why_and_is_critical(world: World) -> None:
    world.go_well()
    world.export("batch_2025-11-14_r0")
    world.run("phase6_export", RUN, at=at("11:36"), result={"status": "failed", "reason": "coverage is 10%"})
    found = world.finding("export-written")
    assert (found.level, found.severity) == (Level.RED, Severity.CRITICAL)
    assert found.says.endswith("phase 6 says: coverage is 10%")
    assert "./nba heal 2025-11-14" in found.next_step


def test_an_evening_without_any_export_by_its_deadline_is_red(world: World) -> None:
    """Its run opened no batch and says why: nothing failed, and there are no picks."""
    world.play()
    world.run_schedule(SAME_DAY)
    result = {"status": "no_data", "reason": "nobody to predict"}
    world.run("phase5_coordinator", RUN, at=at("11:33"), result=result)
    day = timedelta(hours=24)
    world.clock.move(minutes=70)
    assert world.clock.now() == at("13:15")
    assert world.finding("export-written", window=day).level is Level.GREEN
    world.clock.move(minutes=1)
    assert world.finding("batch-opened", window=day).level is Level.GREEN
    found = world.finding("export-written", window=day)
    assert (found.level, found.severity) == (Level.RED, Severity.CRITICAL)
    assert found.says == (
        "2025-11-14: nothing is exported, which was due by 2025-11-14 13:00; the last of its executions is"
        " phase5_coordinator, which succeeded: nobody to predict"
    )
    assert "./nba heal 2025-11-14" in found.next_step
    world.export("batch_2025-11-13_r9")
    assert world.finding("export-written", window=day).level is Level.GREEN


def test_an_evening_that_was_over_by_the_deadline_has_nothing_to_export(world: World) -> None:
    world.play(tipoff=at("12:00"))
    world.run_schedule(SAME_DAY)
    world.clock.move(hours=3)
    assert world.finding("export-written", window=timedelta(hours=24)).level is Level.GREEN


def test_rows_that_are_gone_are_counted(world: World) -> None:
    world.go_well()
    world.put_batch(rows_in_place=12)
    found = world.finding("predictions-updated")
    assert (found.level, found.says) == (Level.RED, f"2025-11-14: 2 of the 12 rows that {BATCH} put in place are gone")
    assert found.figures == {"rows": 10, "rows_expected": 12, "players": 5}


def test_every_date_of_the_window_is_looked_at(world: World) -> None:
    world.go_well()
    world.play(YESTERDAY)
    found = world.result("batch-opened", timedelta(hours=24)).findings
    assert [each.subject for each in found] == [str(DAY)]  # nothing ran here before
    world.run_schedule("train-model")
    found = world.result("batch-opened", timedelta(hours=24)).findings
    assert [(each.subject, each.level) for each in found] == [(str(YESTERDAY), Level.RED), (str(DAY), Level.GREEN)]
    assert "pre-game-predictions was due at 2025-11-13 17:30" in found[0].says
    world.clock.move(hours=7)
    found = world.result("batch-opened", timedelta(hours=24)).findings
    assert [each.subject for each in found] == ["2025-11-14", "2025-11-15"]


def test_on_one_machine_nothing_is_due_but_what_somebody_ran(embedded: World) -> None:
    embedded.play()
    assert embedded.finding("batch-opened", "pipeline").level is Level.GREEN
    embedded.put_batch(status=BatchStatus.FAILED, consolidated_at=None, failure="gone")
    assert embedded.finding("consolidation").level is Level.RED
