"""What an outage of the state store left behind is one cause; what else died is another."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from shared.chain.messages.dead_letter import Facts, encode
from shared.operations.checks.causes import FOLLOWS_FROM
from shared.operations.checks.health import CHECKS, run_checks
from shared.operations.incidents.outage_markers import PREFIX, Marker
from shared.operations.levels import Finding, Level, Severity
from tests.unit.operations.checks.world import NOW, World

LOST = "the connection was lost."
ROOT = "state-store:state"
SCRAPE = "phase1-scrape-nba-phase1-trigger"
GROUP = f"{SCRAPE}-dead-letter/max_delivery_attempts"


def note_outage(world: World, minutes: int) -> None:
    at = NOW - timedelta(minutes=minutes)
    marker = Marker(
        at.isoformat(), "state-store", "state", "critical", f"The state store does not answer: {LOST}", "", []
    )
    world.runtime.raw.write(
        f"{PREFIX}{at:%Y-%m-%d/%H%M}.json", json.dumps(asdict(marker)).encode(), content_type="application/json"
    )


def die(world: World, minutes: int, error: str, schedule: str = "", reason: str = "max_delivery_attempts") -> None:
    facts = Facts(
        reason=reason,
        error=error,
        origin_topic="nba-phase1-trigger",
        origin_subscription=SCRAPE,
        origin_message_id=str(minutes),
        origin_published_at=NOW - timedelta(minutes=35),
        dead_lettered_at=NOW - timedelta(minutes=minutes),
    )
    data, attributes = encode(b"{}", {"schedule": schedule} if schedule else {}, facts)
    world.runtime.bus.publish(f"{SCRAPE}-dead-letter", data, attributes)


def short(world: World) -> dict[str, Finding]:
    chosen = [each for each in CHECKS if each.id in ("state-store", "dead-letters", "schedules")]
    found = run_checks(world.view(), chosen).findings
    return {each.fingerprint: each for each in found if each.level is not Level.GREEN}


@pytest.mark.parametrize("error", [f"HTTP 503: {LOST}", ""])
def test_what_died_of_the_outage_is_the_state_stores_with_the_schedule_whose_message_it_was(
    world: World, error: str
) -> None:
    world.run_everything()
    world.runtime.state.delete(world.due("same-day-predictions").key.path)
    note_outage(world, 30)
    die(world, 20, error, "same-day-predictions")
    die(world, 15, error)
    found = short(world)
    root = found.pop(ROOT)
    assert (root.level, root.severity, root.figures["letters"]) == (Level.RED, Severity.ERROR, 2)
    assert "2 messages died while it did not" in root.says
    assert root.says.endswith(": 2 to phase1_scrape")
    assert {name: each.figures[FOLLOWS_FROM] for name, each in found.items()} == {
        f"dead-letters:{GROUP}": ROOT,
        "schedules:same-day-predictions": f"dead-letters:{GROUP}",
    }
    assert "its message is a dead letter" in found["schedules:same-day-predictions"].says


@pytest.mark.parametrize(
    ("noted", "minutes", "error", "reason"),
    [
        (30, 20, "KeyError: 'points'", "max_delivery_attempts"),  # of a defect, in the same half hour
        (30, 20, f"HTTP 503: {LOST}", "not_json"),  # the message itself is to blame
        (300, 20, f"HTTP 503: {LOST}", "max_delivery_attempts"),  # hours after the outage
        (30, 300, f"HTTP 503: {LOST}", "max_delivery_attempts"),  # hours before it
    ],
)
def test_what_died_of_something_else_is_its_own_cause(
    world: World, noted: int, minutes: int, error: str, reason: str
) -> None:
    world.run_everything()
    note_outage(world, noted)
    die(world, minutes, error, reason=reason)
    (found,) = short(world).values()
    assert (found.check, found.severity) == ("dead-letters", Severity.ERROR)
    assert FOLLOWS_FROM not in found.figures


def test_letters_of_two_causes_in_one_queue_hide_neither(world: World) -> None:
    world.run_everything()
    note_outage(world, 30)
    die(world, 20, f"HTTP 503: {LOST}")
    die(world, 19, "KeyError: 'points'")
    found = short(world)
    assert found[ROOT].figures["letters"] == 1
    assert FOLLOWS_FROM not in found[f"dead-letters:{GROUP}"].figures


def test_a_schedule_whose_message_died_of_a_defect_is_its_dead_letter(world: World) -> None:
    world.run_everything()
    world.runtime.state.delete(world.due("same-day-predictions").key.path)
    die(world, 20, "KeyError: 'points'", "same-day-predictions")
    found = short(world)
    assert set(found) == {f"dead-letters:{GROUP}", "schedules:same-day-predictions"}
    assert found["schedules:same-day-predictions"].figures[FOLLOWS_FROM] == f"dead-letters:{GROUP}"
