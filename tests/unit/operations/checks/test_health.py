"""All checks together: levels, counts, exit codes, a check that fails, what follows from what, and
how many statements they take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus
from shared.chain.execution.records import ExecutionStatus
from shared.chain.resilience import circuit_breaker, pause_switch
from shared.chain.resilience.circuit_breaker import THRESHOLD
from shared.core.errors import DataError, SourceUnavailable, StoreUnavailable
from shared.operations.api.as_json import as_json
from shared.operations.checks.causes import CAUSES, FOLLOWS_FROM, STORE, link
from shared.operations.checks.health import CHECKS, Health, read_health, run_checks
from shared.operations.checks.view import View
from shared.operations.levels import Check, Finding, Level, Severity
from tests.support.stores import reset_counts
from tests.unit.operations.checks.test_queues import LETTERS, letter
from tests.unit.operations.checks.test_sources import lay_out
from tests.unit.operations.checks.world import BATCH, DAY, SAME_DAY, WINDOW, YESTERDAY, World, at

STATE_CHECKS = {
    "batch-opened", "completions", "batch-closed", "consolidation", "merge", "phase5-announced", "export-written",
    "predictions-updated", "no-errors", "state-store", "stuck-executions", "schedules", "deferred", "breakers",
    "pause", "odds-quota", "code-version",
}  # fmt: skip


class Down:
    """A port that does not answer, but for what it is asked to let through."""

    def __init__(self, port: Any, *works: str) -> None:
        self._port, self._works = port, works

    def __getattr__(self, name: str) -> Any:
        if name in self._works:
            return getattr(self._port, name)
        raise StoreUnavailable("the store does not answer.", next_step="look at its status.")


def go_well(world: World) -> None:
    """The whole day as it should be at five past noon."""
    lay_out(world)
    world.run_everything()
    world.put_batch()
    world.complete("1", "2")
    world.consolidate()
    world.predict()
    world.export()


def health(world: World, window: timedelta = WINDOW) -> Health:
    return read_health(world.runtime, world.pipeline, window)


def roots(found: Health) -> list[str]:
    """Fingerprints of what is not green and follows from nothing."""
    short = [each for each in found.findings if each.level is not Level.GREEN]
    assert all((FOLLOWS_FROM in each.figures) == (each.severity is Severity.INFO) for each in short)
    return [each.fingerprint for each in short if FOLLOWS_FROM not in each.figures]


def followers(found: Health) -> dict[str, object]:
    return {each.fingerprint: each.figures[FOLLOWS_FROM] for each in found.findings if FOLLOWS_FROM in each.figures}


# --- the catalogue --------------------------------------------------------------------------------


def test_every_check_is_there_once_and_asks_a_question() -> None:
    ids = [check.id for check in CHECKS]
    assert len(ids) == len(set(ids)) == 20
    assert all(re.fullmatch(r"[a-z0-9-]+", each) for each in ids)
    assert all(check.asks.endswith("?") for check in CHECKS)


def test_every_cause_is_of_checks_that_exist_and_none_is_its_own() -> None:
    ids = {check.id for check in CHECKS}
    assert {cause.of for cause in CAUSES} | {cause.cause for cause in CAUSES} | {STORE} <= ids
    # of one check two subjects may have one cause, never each other's
    assert [cause.of for cause in CAUSES if cause.of == cause.cause] == ["source-fresh"]
    lists = [Finding("source-fresh", name, Level.RED, "late") for name in ("player_lines", "game_lines")]
    linked = [link([replace(each, figures={"schedule": "x"}) for each in order]) for order in (lists, lists[::-1])]
    assert [{each.subject for each in found if FOLLOWS_FROM in each.figures} for found in linked] == [
        {"game_lines"}
    ] * 2


def test_a_cause_is_as_severe_as_what_follows_from_it_however_far() -> None:
    found = link(
        [
            Finding("state-store", "state", Level.RED, "back", figures={"outage": "x"}, severity=Severity.ERROR),
            Finding("dead-letters", "a/b", Level.RED, "dead", figures={"outage": "x"}, severity=Severity.ERROR),
            Finding("schedules", "s", Level.RED, "silent", figures={"letters": "a/b"}, severity=Severity.ERROR),
            Finding("batch-opened", "d", Level.RED, "none", figures={"schedule": "s"}, severity=Severity.CRITICAL),
            Finding("breakers", "source-x", Level.YELLOW, "tries"),
            Finding("pause", "pause", Level.GREEN, "not paused"),
        ]
    )
    info, warning = Severity.INFO, Severity.WARNING
    assert [each.severity for each in found] == [Severity.CRITICAL, info, info, info, warning, warning]


def test_a_good_noon_is_green_and_exits_0(world: World) -> None:
    go_well(world)
    found = health(world)
    assert [each.says for each in found.findings if each.level is not Level.GREEN] == []
    assert (found.level, found.exit_code) == (Level.GREEN, 0)
    assert found.counts[Level.GREEN] == len(found.findings)
    assert found.covered == {check.id for check in CHECKS}


def test_the_statements_and_reads_are_the_same_for_any_window_and_volume(world: World) -> None:
    """Five statements; the batch's rows, the history and the dates do not count."""
    go_well(world)
    warehouse: Any = world.runtime.warehouse
    counts = []
    for hours in (1, 24, 24 * 14):
        reset_counts(warehouse)
        assert not any(check.failed for check in health(world, timedelta(hours=hours)).checks)
        counts.append(warehouse.statement_counts)
    assert counts == [{"query": 4, "tables": 1}] * 3


def test_it_is_json(world: World) -> None:
    go_well(world)
    body = json.loads(json.dumps(as_json(health(world))))
    assert (body["level"], body["exit_code"], body["window"]) == ("green", 0, 3600.0)
    assert body["counts"] == {"green": sum(len(each["findings"]) for each in body["checks"]), "yellow": 0, "red": 0}


def test_only_some_are_asked(world: World) -> None:
    found = read_health(world.runtime, world.pipeline, WINDOW, {"pause", "breakers"})
    assert [check.id for check in found.checks] == ["breakers", "pause"]
    with pytest.raises(DataError, match=r"There is no check nothing.*batch-opened"):
        read_health(world.runtime, world.pipeline, WINDOW, {"nothing", "pause"})
    with pytest.raises(DataError, match="looks nowhere"):
        health(world, timedelta(0))


def test_what_needs_attention_exits_1(world: World) -> None:
    go_well(world)
    pause_switch.pause(world.runtime.state, who="ann", reason="odd", now=at("12:00"))
    found = health(world)
    assert (found.level, found.exit_code, found.counts[Level.YELLOW]) == (Level.YELLOW, 1, 1)


def test_ten_thousand_failing_executions_are_a_finding_and_no_more_reads(world: World) -> None:
    go_well(world)
    known = world.run("phase5_worker", "storm", at=at("11:40"), game_date=str(DAY), status=ExecutionStatus.FAILED)
    document = {**known.to_document(), "final": True, "error_type": "KeyError", "error_message": "odd"}

    def plant(transaction: Any) -> None:
        for number in range(10_000):
            transaction.set(f"executions/phase5_worker.storm.{number}", document)

    world.runtime.state.transaction(plant)
    world.runtime.state.delete("executions/phase5_worker.storm")
    warehouse: Any = world.runtime.warehouse
    reset_counts(warehouse)
    found = health(world)
    (storm,) = [each for each in found.findings if each.level is not Level.GREEN]
    assert storm.says.startswith("phase5_worker: at least 1,000 executions failed for good, the last at ")
    assert warehouse.statement_counts == {"query": 4, "tables": 1}


# --- a check that fails ---------------------------------------------------------------------------


def _broken(view: View) -> Iterable[Finding]:
    yield Finding("broken", "half", Level.GREEN, "this far it came")
    raise KeyError("key=sk-live-0123456789abcdef")


def test_a_check_that_fails_is_red_with_its_error_and_the_others_go_on(world: World) -> None:
    checks = (Check("broken", "Does it?", _broken), *[each for each in CHECKS if each.id == "pause"])
    found = run_checks(world.view(), checks)
    assert (found.level, found.exit_code, found.covered) == (Level.RED, 2, frozenset({"pause"}))
    (broken,) = found.checks[0].findings
    assert found.checks[0].failed
    assert broken.says.startswith("the check itself failed: KeyError: ")
    assert broken.figures == {"error_type": "KeyError"}
    assert {each.level for each in found.checks[1].findings} == {Level.GREEN}


def test_the_state_store_down_hides_no_answer_of_the_warehouse_and_is_one_cause(world: World) -> None:
    go_well(world)
    world.runtime = replace(world.runtime, state=Down(world.runtime.state))
    found = health(world)
    failed = {check.id for check in found.checks if check.failed}
    assert failed == STATE_CHECKS
    assert found.exit_code == 2
    assert roots(found) == ["state-store:check"]
    says = {each.fingerprint: each for each in found.findings}
    assert says["state-store:check"].says == (
        "the check itself failed: StoreUnavailable: the store does not answer. Next: look at its status."
    )
    assert says["state-store:check"].next_step == "look at its status."
    assert says["source-fresh:box_scores"].level is Level.GREEN
    assert says["no-staging-tables:pipeline"].level is Level.GREEN
    assert says["dead-letters:pipeline"].level is Level.GREEN


def test_a_store_that_reads_and_does_not_write_is_the_probes_alone(world: World) -> None:
    go_well(world)
    world.runtime = replace(world.runtime, state=Down(world.runtime.state, "get", "query"))
    found = health(world)
    assert {check.id for check in found.checks if check.failed} == {"state-store", "code-version"}
    assert roots(found) == ["state-store:check"]


def test_the_warehouse_down_leaves_what_the_state_tells(world: World) -> None:
    go_well(world)
    world.runtime = replace(world.runtime, warehouse=Down(world.runtime.warehouse))
    found = health(world)
    assert {check.id for check in found.checks if check.failed} == {
        "batch-opened", "completions", "batch-closed", "consolidation", "merge", "phase5-announced",
        "export-written", "predictions-updated", "no-errors", "no-staging-tables", "source-fresh",
    }  # fmt: skip
    assert found.exit_code == 2


def test_the_bus_or_the_bucket_down_fails_its_check_alone(world: World) -> None:
    go_well(world)
    bus, exports = Down(world.runtime.bus), Down(world.runtime.exports)
    world.runtime = replace(world.runtime, bus=bus, exports=exports)
    assert {check.id for check in health(world).checks if check.failed} == {"dead-letters", "export-written"}


def test_a_document_that_cannot_be_read_fails_what_reads_it(world: World) -> None:
    go_well(world)
    world.set("control/pause", {"paused": "yes"})
    found = health(world)
    assert {check.id for check in found.checks if check.failed} == {"pause"}
    assert "control/pause" in next(each.says for each in found.findings if each.check == "pause")


# --- what follows from what -----------------------------------------------------------------------


def test_a_schedule_that_did_not_fire_is_one_cause(world: World) -> None:
    go_well(world)
    world.runtime.state.delete(world.due(SAME_DAY).key.path)
    world.put_batch(opened_at=at("07:03"))
    world.runtime.warehouse.execute("DELETE FROM nba_raw.odds_api_game_lines WHERE game_date = @day", {"day": DAY})
    found = health(world)
    root = "schedules:same-day-predictions"
    assert roots(found) == [root]
    assert followers(found) == {"batch-opened:2025-11-14": root, "source-fresh:game_lines": root}


def test_a_worker_that_failed_for_good_is_its_dead_letters(world: World) -> None:
    go_well(world)
    world.put_batch(missing=["2"], merged=["1"])
    world.complete("1", failed=("2",))
    world.run(
        "phase5_worker", f"{DAY}-{SAME_DAY}", unit=f"{BATCH}.2", at=at("11:34"), game_date=str(DAY), final=True,
        status=ExecutionStatus.FAILED, error_type="KeyError", error_message="a player without a name",
    )  # fmt: skip
    source = next(iter(world.pipeline.functions["phase5_worker"].subscriptions))
    world.runtime.bus.publish(source.dead_letter_topic, b"{}", {"dead_letter_reason": "max_delivery_attempts"})
    found = health(world)
    root = f"dead-letters:{source.dead_letter_subscription}/max_delivery_attempts"
    assert roots(found) == [root]
    assert followers(found) == {"completions:2025-11-14": root, "no-errors:phase5_worker": root}


def test_a_merge_without_rows_is_the_consolidations(world: World) -> None:
    go_well(world)
    world.put_batch(status=BatchStatus.FAILED, consolidated_at=None, failure="10 rows staged, 0 merged")
    world.consolidate(status=ExecutionStatus.FAILED, error_type="StagingMismatch", error_message="0 merged", final=True)
    (source,) = world.pipeline.functions["phase5_consolidation"].subscriptions
    world.runtime.bus.publish(source.dead_letter_topic, b"{}", {"dead_letter_reason": "max_delivery_attempts"})
    found = health(world)
    assert roots(found) == ["consolidation:2025-11-14"]
    assert set(followers(found)) == {
        "no-errors:phase5_consolidation",
        f"dead-letters:{source.dead_letter_subscription}/max_delivery_attempts",
    }


def test_an_open_breaker_is_the_cause_of_what_its_source_lacks(world: World) -> None:
    go_well(world)
    world.runtime.warehouse.execute(
        "DELETE FROM nba_raw.nbac_team_boxscores WHERE game_date = @day", {"day": YESTERDAY}
    )
    for number in range(THRESHOLD):
        circuit_breaker.record_failure(
            world.runtime, "source-nba", SourceUnavailable("no answer"), execution=f"run-{number}"
        )
    found = health(world)
    assert roots(found) == ["breakers:source-nba"]
    assert followers(found) == {"source-fresh:box_scores": "breakers:source-nba"}


def test_lines_that_did_not_come_are_one_cause(world: World) -> None:
    go_well(world)
    world.runtime.warehouse.execute("DELETE FROM nba_raw.odds_api_player_props WHERE game_date = @day", {"day": DAY})
    assert roots(health(world)) == ["source-fresh:player_lines"]


def test_a_pause_is_the_cause_of_what_is_deferred_and_not_opened(world: World) -> None:
    go_well(world)
    pause_switch.pause(world.runtime.state, who="ann", reason="odd", now=at("11:00"))
    world.runtime.state.delete(world.due(SAME_DAY).key.path)
    world.put_batch(opened_at=at("07:03"))
    document = {
        "function": "phase1_scrape", "topic": "nba-phase1-trigger", "gate": "pause", "reason": "paused by ann",
        "held_at": at("11:31"), "released_at": None, "outbox": [], "outbox_pending": False,
    }  # fmt: skip
    world.set("held/phase1-scrape-nba-phase1-trigger.7", document)
    found = health(world)
    assert roots(found) == ["pause:pause"]
    assert set(followers(found)) == {
        "batch-opened:2025-11-14", "schedules:same-day-predictions", "deferred:phase1_scrape/pause",
    }  # fmt: skip


def test_what_has_nothing_to_do_with_another_stays_its_own(world: World) -> None:
    go_well(world)
    letter(world, "max_delivery_attempts")
    world.put_batch(rows_in_place=12)
    assert roots(health(world)) == [
        "predictions-updated:2025-11-14",
        f"dead-letters:{LETTERS}/max_delivery_attempts",
    ]


def test_a_failing_check_of_another_kind_does_not_follow_from_the_store(world: World) -> None:
    checks = (Check("broken", "Does it?", _broken), *[each for each in CHECKS if each.id == STORE])
    world.runtime = replace(world.runtime, state=Down(world.runtime.state))
    found = run_checks(world.view(), checks)
    assert roots(found) == ["broken:check", "state-store:check"]


def test_the_state_is_read_a_bounded_number_of_times(world: World) -> None:
    """A read a schedule and a few a date; 144 sweeps and hundreds of units change nothing."""
    go_well(world)
    reads: list[str] = []

    class Counted(Down):
        def __getattr__(self, name: str) -> Any:
            reads.append(name)
            return getattr(self._port, name)

    state = world.runtime.state
    world.runtime = replace(world.runtime, state=Counted(state))
    health(world)
    first = len(reads)
    for minute in range(60):
        world.run("batch_sweep", f"sweep-{minute}", at=at("11:00") + timedelta(minutes=minute))
        world.run("phase5_worker", f"{DAY}-{SAME_DAY}", unit=f"{BATCH}.{minute}", at=at("11:34"))
    reads.clear()
    assert not any(check.failed for check in health(world).checks)
    assert len(reads) == first < 40
