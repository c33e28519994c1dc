"""The circuit breaker: five failed executions in a row open it, one trial after half an hour, a
success closes it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from local.embedded.sqlite_state import SqliteState
from shared.chain.resilience import circuit_breaker
from shared.chain.resilience.circuit_breaker import Permit
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.support.stores import open_stores

NAME = circuit_breaker.name_of("processor", "phase3_analytics")
TRIAL = timedelta(minutes=10)
HALF_AN_HOUR = {"minutes": 30}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def runtime(tmp_path: Path, clock: ManualClock) -> Iterator[Runtime]:
    with open_stores(tmp_path, clock) as opened:
        yield opened


class ReadOnly(SqliteState):
    """A state that nobody may write to."""

    def __init__(self, state: Any) -> None:
        self.get = state.get  # type: ignore[method-assign]

    def transaction(self, body: Any) -> Any:
        raise AssertionError("a transaction was opened")


def ask(runtime: Runtime, name: str = NAME) -> Permit:
    return circuit_breaker.acquire_permit(runtime, name, trial=TRIAL)


EXECUTIONS = count()


def fail(runtime: Runtime, times: int, name: str = NAME) -> None:
    """So many executions fail, each another."""
    for number in range(times):
        error = ValueError(f"failure {number + 1}")
        circuit_breaker.record_failure(runtime, name, error, execution=f"execution-{next(EXECUTIONS)}")


def test_the_fifth_failure_in_a_row_opens_it_and_says_why(runtime: Runtime) -> None:
    fail(runtime, 4)
    assert ask(runtime).granted
    fail(runtime, 1)
    refused = ask(runtime)
    assert not refused.granted
    assert refused.breaker.describe() == (
        "breaker processor-phase3_analytics is open until 2025-11-14T12:30:00Z: 5 failures in a row, "
        "the last: ValueError: failure 1"
    )


def test_attempts_of_one_execution_count_once_and_the_last_error_is_told(runtime: Runtime) -> None:
    for attempt in range(12):
        circuit_breaker.record_failure(
            runtime, NAME, ValueError(f"attempt {attempt}"), execution="phase3_analytics.bad"
        )
    found = circuit_breaker.read(runtime, NAME)
    assert (found.failures, found.executions) == (1, ("phase3_analytics.bad",))
    assert found.last_error == "ValueError: attempt 11"
    assert ask(runtime).granted
    fail(runtime, 3)
    circuit_breaker.record_failure(runtime, NAME, ValueError("again"), execution="phase3_analytics.bad")
    assert (circuit_breaker.read(runtime, NAME).failures, ask(runtime).granted) == (4, True)
    fail(runtime, 1)
    assert (circuit_breaker.read(runtime, NAME).failures, ask(runtime).granted) == (5, False)


def test_a_later_attempt_keeps_it_neither_open_longer_nor_closes_it(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 4)
    for _ in range(2):
        circuit_breaker.record_failure(runtime, NAME, ValueError("slow"), execution="slow")
        clock.move(minutes=2)
    assert circuit_breaker.state_of(runtime, NAME) == "open"
    clock.move(minutes=26)
    assert circuit_breaker.state_of(runtime, NAME) == "half_open"


def test_whoever_fails_the_trial_opens_it_again(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 4)
    circuit_breaker.record_failure(runtime, NAME, ValueError("first"), execution="known")
    clock.move(**HALF_AN_HOUR)
    assert ask(runtime).granted
    circuit_breaker.record_failure(runtime, NAME, ValueError("second"), execution="known")
    assert (circuit_breaker.state_of(runtime, NAME), circuit_breaker.read(runtime, NAME).failures) == ("open", 5)


def test_a_success_forgets_who_failed(runtime: Runtime) -> None:
    for _ in range(2):
        fail(runtime, 3)
        circuit_breaker.record_failure(runtime, NAME, ValueError("x"), execution="the same")
        assert circuit_breaker.read(runtime, NAME).failures == 4
        circuit_breaker.record_success(runtime, ask(runtime))
        assert circuit_breaker.read(runtime, NAME).executions == ()


def test_the_document_stays_small_however_many_fail(runtime: Runtime) -> None:
    fail(runtime, 3 * circuit_breaker.REMEMBERED)
    found = circuit_breaker.read(runtime, NAME)
    assert (found.failures, len(found.executions)) == (3 * circuit_breaker.REMEMBERED, circuit_breaker.REMEMBERED)


def test_a_document_of_the_release_before_counts_on(runtime: Runtime) -> None:
    fail(runtime, 4)
    document = runtime.state.get(f"breakers/{NAME}")
    assert document is not None
    old = {name: value for name, value in document.data.items() if name != "executions"}
    runtime.state.transaction(lambda transaction: transaction.set(f"breakers/{NAME}", old))
    assert ask(runtime).granted
    fail(runtime, 1)
    assert not ask(runtime).granted


def test_a_success_in_between_starts_the_count_afresh(runtime: Runtime) -> None:
    for _ in range(3):
        fail(runtime, 4)
        circuit_breaker.record_success(runtime, ask(runtime))
    assert circuit_breaker.state_of(runtime, NAME) == "closed"
    assert circuit_breaker.read(runtime, NAME).failures == 0


def test_a_success_writes_nothing_while_it_is_clean(runtime: Runtime) -> None:
    circuit_breaker.record_success(runtime, ask(runtime))
    assert runtime.state.query("breakers") == []
    fail(runtime, 1)
    circuit_breaker.record_success(runtime, ask(runtime))
    cleared = runtime.state.get(f"breakers/{NAME}")
    # not even a transaction: many workers would share the document
    circuit_breaker.record_success(replace(runtime, state=ReadOnly(runtime.state)), ask(runtime))
    assert runtime.state.get(f"breakers/{NAME}") == cleared


def test_after_half_an_hour_one_trial_gets_through(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 5)
    clock.move(minutes=29, seconds=59)
    assert (ask(runtime).granted, circuit_breaker.state_of(runtime, NAME)) == (False, "open")
    clock.move(seconds=1)
    assert circuit_breaker.state_of(runtime, NAME) == "half_open"
    assert [ask(runtime).granted for _ in range(3)] == [True, False, False]
    assert circuit_breaker.state_of(runtime, NAME) == "trial"


def test_of_many_at_once_one_has_the_trial(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 5)
    clock.move(**HALF_AN_HOUR)
    gate, granted = threading.Barrier(16), []

    def race() -> None:
        gate.wait()
        granted.append(ask(runtime).granted)

    threads = [threading.Thread(target=race) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted) == [False] * 15 + [True]


def test_a_trial_that_succeeds_closes_it(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 5)
    clock.move(**HALF_AN_HOUR)
    circuit_breaker.record_success(runtime, ask(runtime))
    assert circuit_breaker.state_of(runtime, NAME) == "closed"
    fail(runtime, 4)
    assert circuit_breaker.state_of(runtime, NAME) == "closed"


def test_a_trial_that_fails_opens_it_for_another_half_hour(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 5)
    clock.move(**HALF_AN_HOUR)
    assert ask(runtime).granted
    clock.move(minutes=5)
    fail(runtime, 1)
    assert circuit_breaker.state_of(runtime, NAME) == "open"
    clock.move(minutes=29)
    assert circuit_breaker.state_of(runtime, NAME) == "open"
    clock.move(minutes=1)
    assert circuit_breaker.state_of(runtime, NAME) == "half_open"


def test_a_trial_whose_process_died_makes_room_for_another(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 5)
    clock.move(**HALF_AN_HOUR)
    assert ask(runtime).granted
    clock.move(minutes=9, seconds=59)
    assert not ask(runtime).granted
    clock.move(seconds=1)
    assert ask(runtime).granted


def test_a_trial_given_back_is_the_next_ones_and_only_its_own(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 5)
    clock.move(**HALF_AN_HOUR)
    lapsed = ask(runtime)
    clock.move(minutes=10)
    current = ask(runtime)
    circuit_breaker.release(runtime, lapsed)
    assert circuit_breaker.state_of(runtime, NAME) == "trial"
    circuit_breaker.release(runtime, current)
    assert circuit_breaker.state_of(runtime, NAME) == "half_open"


def test_what_began_before_it_opened_neither_closes_it_nor_keeps_it_open_longer(
    runtime: Runtime, clock: ManualClock
) -> None:
    fail(runtime, 4)
    began_before = ask(runtime)
    fail(runtime, 1)
    clock.move(minutes=2)
    circuit_breaker.record_success(runtime, began_before)
    fail(runtime, 1)
    assert circuit_breaker.state_of(runtime, NAME) == "open"
    clock.move(minutes=28)
    assert circuit_breaker.state_of(runtime, NAME) == "half_open"


def test_one_of_an_earlier_epoch_counts_for_nothing(runtime: Runtime) -> None:
    fail(runtime, 5)
    again = replace(runtime, epoch=2)
    assert ask(again).granted
    fail(again, 1)
    assert circuit_breaker.read(again, NAME).failures == 1


def test_many_failures_at_once_are_all_counted(runtime: Runtime) -> None:
    threads = [threading.Thread(target=fail, args=(runtime, 1)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert circuit_breaker.read(runtime, NAME).failures == 12


def test_those_of_a_kind_that_are_not_clean(runtime: Runtime) -> None:
    for name, times in (("system-a", 5), ("system-b", 1), ("source-a", 5)):
        fail(runtime, times, name)
    circuit_breaker.record_success(runtime, ask(runtime, "system-b"))
    assert list(circuit_breaker.read_kind(runtime, "system")) == ["system-a"]


def test_an_operator_closes_it_by_hand_and_that_is_on_record(runtime: Runtime) -> None:
    fail(runtime, 5)
    for _ in range(2):
        circuit_breaker.reset(runtime, NAME, who="ann", reason="the model is back")
    assert ask(runtime).granted
    (audited,) = runtime.state.query("audit")
    assert (audited.data["action"], audited.data["who"]) == ("reset-breaker", "ann")
    assert audited.data["details"]["breaker"] == NAME


def test_the_log_says_when_it_opens_and_not_at_every_failure_after(
    runtime: Runtime, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    fail(runtime, 4)
    assert caplog.records == []
    fail(runtime, 1)
    clock.move(minutes=1)
    fail(runtime, 2)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage().partition(" until")[0]) == ("ERROR", f"breaker {NAME} is open")
    assert vars(record)["fields"] == {"event": "breaker_opened", "breaker": NAME, "failures": 5}


def test_of_a_long_error_the_beginning_is_kept(runtime: Runtime) -> None:
    circuit_breaker.record_failure(runtime, NAME, ValueError("x" * 1000), execution="long")
    assert circuit_breaker.read(runtime, NAME).last_error == f"ValueError: {'x' * 488}"


def test_who_read_it_before_another_took_the_trial_does_not_have_it_too(runtime: Runtime, clock: ManualClock) -> None:
    fail(runtime, 5)
    clock.move(**HALF_AN_HOUR)
    as_read = circuit_breaker.read(runtime, NAME)
    permits = [circuit_breaker.acquire_permit_of(runtime, as_read, trial=TRIAL) for _ in range(2)]
    assert [(permit.granted, permit.trial_until is not None) for permit in permits] == [(True, True), (False, False)]


def test_the_log_says_that_it_is_closed_again_where_it_was_open(
    runtime: Runtime, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="shared.chain.resilience.circuit_breaker")
    fail(runtime, 1)
    circuit_breaker.record_success(runtime, ask(runtime))
    assert caplog.messages == []
    fail(runtime, 5)
    clock.move(**HALF_AN_HOUR)
    circuit_breaker.record_success(runtime, ask(runtime))
    assert caplog.messages[1:] == [f"breaker {NAME} is closed again"]


def test_what_failed_last_is_told_after_it_closed_again_too(runtime: Runtime, clock: ManualClock) -> None:
    counted = circuit_breaker.record_failure(runtime, NAME, ValueError("odd"), execution="one")
    assert (counted.failures, counted.last_error) == (1, "ValueError: odd")
    circuit_breaker.record_success(runtime, ask(runtime))
    assert (circuit_breaker.read(runtime, NAME).failures, circuit_breaker.read(runtime, NAME).last_error) == (
        0,
        "ValueError: odd",
    )
    fail(runtime, 5)
    last = circuit_breaker.read(runtime, NAME).last_error
    circuit_breaker.reset(runtime, NAME, who="ann", reason="mended")
    assert (circuit_breaker.read(runtime, NAME).failures, circuit_breaker.read(runtime, NAME).last_error) == (0, last)
