"""The final invariant of the monitor: in the quiet world it names what is so, and nothing else.

What a seed leaves on purpose is red and stays so: dead letters of nonsense from outside, schedules
of which a play fires only those of its two days, functions that were slow, and what a function
itself raised an alert about, which a person resolves. Whatever else is open then, the seed's own
verdict names, or the monitor raises a false alarm.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from shared.chain.resilience import dead_letters
from shared.core.pipeline import load_pipeline
from shared.operations.checks.causes import FOLLOWS_FROM
from shared.operations.incidents.reading import open_incidents
from shared.operations.incidents.records import Incident
from tests.simulation.plan import Plan
from tests.simulation.world import SimulatedPipeline

# Within so long before the end nothing fires but the sweep.
_UNPLAYED = timedelta(hours=25)


def check_monitor(world: SimulatedPipeline, plan: Plan) -> Iterator[str]:
    """What is wrong about the incidents that are open after the last look."""
    incidents = {each.fingerprint: each for each in open_incidents(world.calm_runtime())}
    letters = _letters(world)
    for name, incident in sorted(incidents.items()):
        cause = incidents.get(str(incident.figures.get(FOLLOWS_FROM)), incident)
        if not _is_left_on_purpose(cause, letters, world, plan):
            yield f"the monitor names {name} in the quiet world, which nothing is the cause of: {incident.says[:300]}"
    for subject in sorted(letters):
        if f"dead-letters:{subject}" not in incidents:
            yield f"the monitor does not name the dead letters of {subject}"


def _letters(world: SimulatedPipeline) -> frozenset[str]:
    """What the dead letters that are left are about, as the monitor groups them."""
    listed = dead_letters.list_dead_letters(world.bus, load_pipeline(), world.hub.now())
    return frozenset(f"{letter.subscription}/{letter.reason}" for letter in listed)


def _titles_of_alerts(world: SimulatedPipeline) -> set[str]:
    return {json.loads(message.data)["title"] for message in world.seen.get(load_pipeline().alerts_topic, ())}


def _is_left_on_purpose(incident: Incident, letters: frozenset[str], world: SimulatedPipeline, plan: Plan) -> bool:
    if incident.by_alert:
        return incident.says in _titles_of_alerts(world)
    if incident.check == "dead-letters":
        return incident.subject in letters
    if incident.check == "schedules":
        since = world.hub.now() - _UNPLAYED
        fired = {event.name.partition(" ")[0] for event in plan.events if event.kind == "schedule" and event.at > since}
        return incident.subject in load_pipeline().schedules and incident.subject not in fired | {"batch-sweep"}
    if incident.check == "slowdown":
        # how long a call takes is drawn, and some processes stand still for a while
        return incident.subject in load_pipeline().functions
    # a play grades in the morning, when the schedule does, which is later than the target
    return incident.check == "latency" and incident.subject == str(plan.game_date)
