"""What the pipeline does about an open incident without anybody, and when: the next schedule,
self-heal, sweep or trial. Pure.
"""

from __future__ import annotations

from datetime import date, datetime

from shared.core.clock import NEW_YORK, new_york_date
from shared.core.pipeline import BATCH_SWEEP, COORDINATOR, SELF_HEAL, Pipeline, trigger_of
from shared.operations.incidents.of_cell import phase_of
from shared.operations.incidents.records import Incident
from shared.operations.schedules.firings import Firing, firing_of, firings_about

# A figure that no number is: what the finding itself knows of it.
BY_ITSELF = "by_itself"
# What the sweep ends, sends or releases.
_SWEPT = ("deferred", "stuck-executions", "batch-closed")
_TRIAL = "breakers"
_NOBODY = "nothing; a dead letter waits for a person"
MONITOR = "monitor"


def describe_by_itself(incident: Incident, pipeline: Pipeline, now: datetime) -> str:
    """A clause without a full stop; times are New York's."""
    figures, day = incident.figures, incident.game_date
    if figures.get(BY_ITSELF):
        return str(figures[BY_ITSELF]).rstrip(".")
    if incident.check == "pause" or figures.get("gate") == "pause":
        return "nothing until somebody resumes the pipeline"
    if incident.check == "dead-letters" or (incident.check == "state-store" and figures.get("reason")):
        return _NOBODY
    if incident.check in _SWEPT:
        return f"the sweep looks at it at {_when(_next_of(pipeline, BATCH_SWEEP, now), now)}"
    if incident.check == _TRIAL:
        return _describe_trial(incident, pipeline, now)
    firing = None if day is None else _next_about(pipeline, day, _phase(incident, pipeline), now)
    if firing is not None:
        return _describe_firing(firing, now)
    return f"nothing; the monitor looks again at {_when(_next_of(pipeline, MONITOR, now), now)}"


def _phase(incident: Incident, pipeline: Pipeline) -> str | None:
    """The phase that has to run once more; of a schedule the one it starts with."""
    schedule = pipeline.schedules.get(incident.subject) if incident.check == "schedules" else None
    if schedule is None:
        return phase_of(incident, pipeline)
    phases = firing_of(pipeline, schedule, incident.opened_at).phases
    return phases[0] if phases else None


def _describe_trial(incident: Incident, pipeline: Pipeline, now: datetime) -> str:
    """Of a source's breaker phase 1 tries it, of a function's that function's next run."""
    kind, _, name = incident.subject.partition("-")
    function = pipeline.functions.get(name) if kind == "processor" else None
    phase = function.phase if function is not None else "phase1" if kind == "source" else COORDINATOR
    firings = [each for day in _days(now) for each in firings_about(pipeline, day)]
    making = [each for each in firings if phase in each.phases and each.at > now]
    if not making:
        return "the first run after 30 minutes tries it once"
    first = min(making, key=lambda each: each.at)
    return f"{first.schedule.name} tries it once at {_when(first.at, now)}"


def _days(now: datetime) -> list[date]:
    """Dates that firings of the next day are about."""
    today = new_york_date(now).toordinal()
    return [date.fromordinal(today + days) for days in (-1, 0, 1)]


def _next_about(pipeline: Pipeline, day: date, phase: str | None, now: datetime) -> Firing | None:
    """The next firing that makes the phase of the date, or has self-heal look at it; of a date
    whose games are to come nothing of after them.
    """
    after_games, heal = day < new_york_date(now), trigger_of(SELF_HEAL)
    wanted = [
        each
        for each in firings_about(pipeline, day)
        if each.at > now and each.after_games == after_games
        if each.schedule.topic == heal or phase in each.phases
    ]
    return wanted[0] if wanted else None


def _describe_firing(firing: Firing, now: datetime) -> str:
    if firing.schedule.topic == trigger_of(SELF_HEAL):
        return f"self-heal looks at it at {_when(firing.at, now)}"
    return f"{firing.schedule.name} runs at {_when(firing.at, now)}"


def _next_of(pipeline: Pipeline, function: str, now: datetime) -> datetime:
    """When a function is started next that a schedule starts all day long."""
    trigger = pipeline.functions[function].trigger
    return min(each.times.next(now) for each in pipeline.schedules.values() if each.topic == trigger)


def _when(moment: datetime, now: datetime) -> str:
    """11:30, with the date where it is another than today."""
    on = new_york_date(moment)
    clock = f"{moment.astimezone(NEW_YORK):%H:%M}"
    return clock if on == new_york_date(now) else f"{clock} on {on}"
