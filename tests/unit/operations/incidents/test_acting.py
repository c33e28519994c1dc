"""What people do about incidents: signed, audited, bulk, and the same at a second press."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from shared.core.errors import DataError, NotFound
from shared.core.severity import Severity
from shared.operations.actions.signature import Signature
from shared.operations.incidents import acting
from shared.operations.incidents.acting import Acted
from shared.operations.incidents.observing import observe
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.unit.operations.incidents.incident_cases import CHECK, incidents, red_finding

ADA = Signature("ada", "the feed is back")


def audits(runtime: Runtime) -> list[tuple[str, str, str]]:
    found = runtime.state.query("audit", order_by="at")
    return [(each.data["action"], each.data["who"], each.data["details"]["incident"]) for each in found]


def act_twice(runtime: Runtime, act: Callable[[], list[Acted]]) -> str:
    """What the second press says; it changes and audits nothing."""
    (first,) = act()
    before, audited = incidents(runtime), audits(runtime)
    (second,) = act()
    assert (first.changed, second.changed) == (True, False)
    assert (incidents(runtime), audits(runtime)) == (before, audited)
    assert len(audited) == 1
    return second.says


def test_acknowledging_twice_is_once_and_of_the_severity_that_was_seen(runtime: Runtime, clock: ManualClock) -> None:
    (name,) = observe(runtime, [red_finding()], {CHECK}).opened
    assert act_twice(runtime, lambda: acting.acknowledge(runtime, [name], ADA)) == "ada has acknowledged it"
    (incident,) = incidents(runtime)
    assert (incident.is_acknowledged, incident.acknowledged_why) == (True, "the feed is back")
    clock.move(minutes=1)
    observe(runtime, [red_finding(severity=Severity.CRITICAL)], {CHECK})
    assert not incidents(runtime)[0].is_acknowledged
    assert acting.acknowledge(runtime, [name], Signature("eve", "on it"))[0].changed
    assert audits(runtime) == [("acknowledge-incident", "ada", name), ("acknowledge-incident", "eve", name)]


def test_a_mute_has_an_end_and_goes_on_with_the_next_opening(runtime: Runtime, clock: ManualClock) -> None:
    (name,) = observe(runtime, [red_finding()], {CHECK}).opened
    until = clock.now() + timedelta(hours=8)
    assert act_twice(runtime, lambda: acting.mute(runtime, [name], until, ADA)) == "ada has muted it until then"
    clock.move(hours=3)
    observe(runtime, [], {CHECK})
    observe(runtime, [red_finding()], {CHECK})
    muted = incidents(runtime)[1]
    assert (muted.is_muted(clock.now()), muted.muted_by) == (True, "ada")
    assert not muted.is_muted(until)
    assert acting.unmute(runtime, [muted.id], ADA)[0].changed
    assert not acting.unmute(runtime, [muted.id], ADA)[0].changed


@pytest.mark.parametrize("hours", [0, -1, 24 * 30 + 1])
def test_a_mute_without_a_sensible_end_is_refused(runtime: Runtime, clock: ManualClock, hours: int) -> None:
    (name,) = observe(runtime, [red_finding()], {CHECK}).opened
    with pytest.raises(DataError, match="cannot be muted until"):
        acting.mute(runtime, [name], clock.now() + timedelta(hours=hours), ADA)
    with pytest.raises(DataError, match="with its zone"):
        acting.mute(runtime, [name], datetime(2025, 11, 14, 13), ADA)  # noqa: DTZ001
    assert audits(runtime) == []


def test_a_person_resolves(runtime: Runtime) -> None:
    (name,) = observe(runtime, [red_finding()], {CHECK}).opened
    assert act_twice(runtime, lambda: acting.resolve(runtime, [name], ADA)) == "it is resolved"
    (incident,) = incidents(runtime)
    assert incident.resolution == "by ada: the feed is back"
    assert acting.acknowledge(runtime, [name], ADA) == [Acted(name, changed=False, says="it is resolved")]
    assert observe(runtime, [red_finding()], {CHECK}).opened != (name,)


def test_notes_are_kept_in_order_and_bounded(runtime: Runtime) -> None:
    (name,) = observe(runtime, [red_finding()], {CHECK}).opened
    assert act_twice(runtime, lambda: acting.note(runtime, [name], ADA)) == "it says so already"
    for number in range(60):
        acting.note(runtime, [name], Signature("eve", f"try {number}\nagain"))
    (incident,) = incidents(runtime)
    assert [each["text"] for each in incident.notes] == [f"try {number} again" for number in range(10, 60)]


def test_many_are_acted_on_together_and_an_unknown_one_stops_all(runtime: Runtime) -> None:
    names = list(observe(runtime, [red_finding(f"2025-11-{day}") for day in range(10, 19)], {CHECK}).opened)
    for wrong in ("nobody", "", "../x", "incidents/x"):
        with pytest.raises(NotFound, match="There is no incident"):
            acting.acknowledge(runtime, [*names, wrong], ADA)
    assert audits(runtime) == []
    assert [each.id for each in acting.acknowledge(runtime, [*names, names[0]], ADA)] == names
    assert len(audits(runtime)) == len(names)
    for count in (0, acting.MOST_IDS + 1):
        with pytest.raises(DataError, match=f"not {count}"):
            acting.resolve(runtime, [f"x{number}" for number in range(count)], ADA)
