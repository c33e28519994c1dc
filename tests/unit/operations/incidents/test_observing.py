"""What checks find becomes incidents: one per cause, opened, updated, resolved."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import pytest

from shared.core.errors import StoreUnavailable
from shared.core.redaction import protect
from shared.core.severity import Severity
from shared.operations.incidents.observing import ABSENT, GREEN, Changes, list_unsettled, observe
from shared.operations.incidents.records import Incident
from shared.operations.incidents.sightings import MANY, MOST_SUBJECTS
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.unit.operations.incidents.incident_cases import CHECK, CountingState, green_finding, incidents, red_finding


def test_a_finding_opens_updates_and_its_absence_resolves(runtime: Runtime, clock: ManualClock) -> None:
    opened_at = clock.now()
    (name,) = observe(runtime, [red_finding(figures={"have": 0, "should": 146})], {CHECK}).opened
    clock.move(minutes=15)
    later = red_finding(says="12 of 146 rows are in place.", next_step="publish it again")
    assert observe(runtime, [later], {CHECK}) == Changes(updated=(name,))
    (incident,) = incidents(runtime)
    assert (incident.opened_at, incident.last_seen_at, incident.count) == (opened_at, clock.now(), 2)
    assert (incident.says, incident.next_step) == ("12 of 146 rows are in place.", "publish it again")
    clock.move(minutes=15)
    assert observe(runtime, [green_finding()], {CHECK}) == Changes(resolved=(name,))
    (incident,) = incidents(runtime)
    assert (incident.resolved_at, incident.resolution) == (clock.now(), GREEN)
    assert [turn["change"] for turn in incident.turns] == ["opened", "resolved"]
    assert observe(runtime, [green_finding()], {CHECK}) == Changes()


def test_a_check_that_did_not_run_resolves_nothing(runtime: Runtime) -> None:
    observe(runtime, [red_finding()], {CHECK})
    assert observe(runtime, [], {"latency"}) == Changes()
    assert observe(runtime, [], {CHECK}).resolved
    (incident,) = incidents(runtime)
    assert incident.resolution == ABSENT


def test_a_severity_rises_and_does_not_fall(runtime: Runtime, clock: ManualClock) -> None:
    for severity, expected in [
        (Severity.WARNING, Severity.WARNING),
        (Severity.CRITICAL, Severity.CRITICAL),
        (Severity.INFO, Severity.CRITICAL),
    ]:
        observe(runtime, [red_finding(severity=severity)], {CHECK})
        assert [each.severity for each in incidents(runtime)] == [expected]
        clock.move(minutes=15)
    (incident,) = incidents(runtime)
    assert incident.severity_since == incident.opened_at + (clock.now() - incident.opened_at) / 3


def test_a_second_opening_is_another_incident_that_names_the_one_before(runtime: Runtime, clock: ManualClock) -> None:
    (first,) = observe(runtime, [red_finding()], {CHECK}).opened
    observe(runtime, [green_finding()], {CHECK})
    clock.move(days=1)
    (second,) = observe(runtime, [red_finding()], {CHECK}).opened
    assert second != first
    assert [each.previous for each in incidents(runtime)] == ["", first]


def test_a_third_opening_in_two_hours_is_the_second_flapping(runtime: Runtime, clock: ManualClock) -> None:
    names: list[str] = []
    for _ in range(5):
        names += observe(runtime, [red_finding()], {CHECK}).opened
        clock.move(minutes=15)
        observe(runtime, [green_finding()], {CHECK})
        clock.move(minutes=15)
    assert names == [names[0], names[1], names[1]]
    first, second = incidents(runtime)
    assert (first.openings, second.openings, second.is_flapping) == (1, 3, True)
    assert second.is_open
    assert second.count == 4
    assert [turn["change"] for turn in second.turns] == ["opened", "resolved", "reopened"]
    clock.move(minutes=29)
    observe(runtime, [green_finding()], {CHECK})
    assert incidents(runtime)[1].is_open
    clock.move(minutes=16)
    assert observe(runtime, [green_finding()], {CHECK}).resolved == (second.id,)


def test_openings_over_more_than_two_hours_are_no_flapping(runtime: Runtime, clock: ManualClock) -> None:
    for _ in range(4):
        observe(runtime, [red_finding()], {CHECK})
        clock.move(minutes=60)
        observe(runtime, [green_finding()], {CHECK})
        clock.move(minutes=1)
    assert [each.openings for each in incidents(runtime)] == [1, 1, 1, 1]


def test_many_findings_of_one_subject_are_one_incident(runtime: Runtime) -> None:
    state = CountingState(runtime.state)
    counted = replace(runtime, state=state)
    observe(counted, [red_finding() for _ in range(10_000)], {CHECK})
    (incident,) = incidents(runtime)
    assert incident.count == 10_000
    assert state.calls == {"query": 1, "transaction": 1}


def test_many_subjects_of_one_check_are_one_incident(runtime: Runtime, clock: ManualClock) -> None:
    state = CountingState(runtime.state)
    counted = replace(runtime, state=state)
    found = [red_finding(f"batch-{number:05}") for number in range(9_999)]
    worst = red_finding("batch-99999", severity=Severity.CRITICAL, says="its model is damaged.", next_step="roll back")
    observe(counted, [*found, worst], {CHECK})
    (incident,) = incidents(runtime)
    assert (incident.subject, incident.count, incident.severity) == (MANY, 10_000, Severity.CRITICAL)
    assert incident.says == (
        "10000 at once: batch-00000, batch-00001, batch-00002, batch-00003, batch-00004 and 9995 more."
        " One of them, batch-99999: its model is damaged."
    )
    assert incident.next_step == "roll back"
    assert incident.figures == {"subjects": 10_000}
    clock.move(minutes=15)
    observe(counted, found[:2], {CHECK})  # few now, and still the same cause
    assert [each.subject for each in incidents(runtime)] == [MANY]
    observe(counted, [], {CHECK})
    assert not list_unsettled(runtime)[0].is_open
    assert state.calls == {"query": 3, "transaction": 3}


def test_few_subjects_have_an_incident_each_and_keep_it(runtime: Runtime) -> None:
    few = [red_finding(f"batch-{number}") for number in range(MOST_SUBJECTS)]
    assert len(observe(runtime, few, {CHECK}).opened) == MOST_SUBJECTS
    changes = observe(runtime, [*few, red_finding("another")], {CHECK})
    assert (len(changes.updated), len(changes.opened)) == (MOST_SUBJECTS, 1)


def test_two_monitors_at_once_make_one_incident(runtime: Runtime) -> None:
    barrier = threading.Barrier(8)
    errors: list[BaseException] = []

    def look() -> None:
        try:
            barrier.wait()
            observe(runtime, [red_finding()], {CHECK})
        except StoreUnavailable as error:
            errors.append(error)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    (incident,) = incidents(runtime)
    assert (incident.count, incident.number) == (8, 1)


def test_an_incident_of_an_earlier_epoch_is_closed_without_a_word(runtime: Runtime, clock: ManualClock) -> None:
    observe(runtime, [red_finding()], {CHECK})
    clock.move(days=-3)
    anew = replace(runtime, epoch=2)
    observe(anew, [red_finding()], {CHECK})
    before, after = incidents(runtime)
    assert (before.is_open, before.settled, after.is_open, after.number) == (False, True, True, 2)
    assert (after.previous, after.epoch) == ("", 2)


def test_odd_texts_and_figures_are_kept_bounded_and_without_secrets(runtime: Runtime) -> None:
    protect("hunter2hunter2")
    odd = red_finding(
        "../a b/c\x00\n__x__",
        says=f"key hunter2hunter2\r\nBcc: x {'y' * 5_000}",
        next_step="\x1b[31mred",
        figures={'"__n__': math.inf, "big": 2**70, "text": "hunter2hunter2", **{f"f{n}": n for n in range(50)}},
    )
    observe(runtime, [odd], {CHECK})
    (incident,) = incidents(runtime)
    assert incident.subject == "../a b/c __x__"
    assert incident.says.startswith("key *** Bcc: x yyy")
    assert len(incident.says) == 1_000
    assert incident.next_step == "red"
    assert len(incident.figures) == 20
    assert (incident.figures["n"], incident.figures["big"], incident.figures["text"]) == (None, str(2**70), "***")


def test_a_resolution_by_the_check_leaves_a_person_s_alone(runtime: Runtime, clock: ManualClock) -> None:
    (name,) = observe(runtime, [red_finding()], {CHECK}).opened
    (listed,) = list_unsettled(runtime)
    document = replace(listed, resolved_at=clock.now(), resolution="by ada: mended").to_document()
    runtime.state.transaction(lambda transaction: transaction.set(listed.path, document))
    assert observe(runtime, [], {CHECK}) == Changes()
    (incident,) = incidents(runtime)
    assert (incident.id, incident.resolution) == (name, "by ada: mended")


@pytest.mark.parametrize("field", ["is_open", "is_flapping", "is_acknowledged"])
def test_a_fresh_incident(runtime: Runtime, field: str) -> None:
    observe(runtime, [red_finding()], {CHECK})
    (incident,) = incidents(runtime)
    assert isinstance(incident, Incident)
    assert getattr(incident, field) is (field == "is_open")
