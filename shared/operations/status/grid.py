"""The grid: dates by phases, read with a constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial

from shared.chain.batches.reading import count_units
from shared.chain.batches.records import BatchStatus
from shared.chain.resilience import deferred, halt_switch, pause_switch
from shared.chain.resilience.deferred import DeferredMessage
from shared.core.clock import new_york_date
from shared.core.concurrency import all_of, both
from shared.core.pipeline import COORDINATOR, Pipeline
from shared.operations.actions.mending import HEAL, mending_of
from shared.operations.contracts.snapshot import Snapshot, read_snapshots
from shared.operations.incidents.of_cell import phase_of
from shared.operations.incidents.reading import open_incidents
from shared.operations.incidents.records import Incident
from shared.operations.schedules.fired import read_began
from shared.operations.schedules.firings import firings_about
from shared.operations.status.facts import DayFacts, Waiting
from shared.operations.status.measures import View
from shared.operations.status.model import TROUBLE, Cell, Grid, GridDay, Usual
from shared.operations.status.runs import Key, Runs, phases_of, read_runs, read_usual
from shared.operations.status.sentence import find_cause, list_urgent, write_sentence
from shared.operations.status.verdicts import judge
from shared.stores.runtime import Runtime

# Deferred messages whose date is looked at; each is an object of the raw bucket.
MOST_DEFERRED, THREADS = 200, 16


@dataclass(frozen=True)
class Dates:
    """The facts of dates, and what goes for all of them."""

    facts: Mapping[date, DayFacts]
    halted: str | None
    paused: str | None
    incidents: Sequence[Incident] = field(default_factory=tuple)
    """Open ones, the worst first."""


def read_grid(runtime: Runtime, pipeline: Pipeline, days: Sequence[date]) -> Grid:
    """The dates, in the order given; of four statements at most, however many they are.

    Raises StoreUnavailable where the warehouse, the state or a bucket does not answer.
    """
    read = read_dates(runtime, pipeline, days)
    return Grid(
        asked_at=runtime.clock.now(),
        phases=phases_of(pipeline),
        days=tuple(make_grid_day(read.facts[day], read.paused, read.incidents) for day in days),
        halted=read.halted,
        paused=read.paused,
    )


def read_dates(runtime: Runtime, pipeline: Pipeline, days: Sequence[date]) -> Dates:
    """What is known of the dates. Raises StoreUnavailable."""
    switch = halt_switch.read(runtime.state)
    halted, paused = switch.why if switch.halted else None, _describe_pause(runtime)
    if not days:
        return Dates({}, halted, paused)
    now = runtime.clock.now()
    # two statements each, one after the other: on BigQuery a statement takes a second
    snapshots, (runs, waiting, usual) = both(
        partial(read_snapshots, runtime, days, now), partial(_read_work, runtime, pipeline, days, now), name="grid"
    )
    views = {day: View(seen, runtime.settings, _units_done(runtime, seen)) for day, seen in snapshots.items()}
    began = read_began(runtime)
    facts = {
        day: DayFacts(
            view=view,
            pipeline=pipeline,
            firings=firings_about(pipeline, day),
            runs={phase: found for (on, phase), found in runs.items() if on == day},
            waiting={phase: found for (on, phase), found in waiting.items() if on == day},
            usual=usual,
            halted=halted,
            began=began,
        )
        for day, view in views.items()
    }
    return Dates(facts, halted, paused, open_incidents(runtime))


def _read_work(
    runtime: Runtime, pipeline: Pipeline, days: Sequence[date], now: datetime
) -> tuple[Runs, Mapping[Key, Sequence[Waiting]], Mapping[str, Usual]]:
    """What ran, what waits, and how long it usually takes."""
    runs = read_runs(runtime, pipeline, sorted(set(days)))
    return runs, _read_waiting(runtime, pipeline), read_usual(runtime, pipeline, new_york_date(now))


def make_grid_day(facts: DayFacts, paused: str | None, incidents: Sequence[Incident]) -> GridDay:
    """The cells and the sentence of a date; `paused`: who paused the pipeline, and why.

    On today every open incident matters, on another date those about it.
    """
    is_today = facts.day == new_york_date(facts.now)
    ours = [each for each in incidents if is_today or each.game_date == facts.day]
    cells = tuple(_take_step(cell, ours, facts) for cell in judge(facts))
    urgent, cause = list_urgent(ours), find_cause(cells)
    return GridDay(
        game_date=facts.day,
        games=len(facts.snapshot.scheduled_games),
        sentence=write_sentence(facts, cells, paused, ours),
        cells=cells,
        is_well=cause is None and not urgent,
        incident=urgent[0].id if urgent else "",
        next_step=urgent[0].next_step if urgent else cause.next_step if cause is not None else "",
        figures=_figures(cells),
    )


def _take_step(cell: Cell, incidents: Sequence[Incident], facts: DayFacts) -> Cell:
    """A cell in trouble with the next step of the worst incident about it: what a person is told to
    do has one source.
    """
    if cell.verdict not in TROUBLE:
        return cell
    of_date = [each for each in incidents if each.next_step and each.game_date in (None, facts.day)]
    about = [each for each in of_date if phase_of(each, facts.pipeline) == cell.phase]
    found = next(iter(about or filter(_heals, of_date)), None)
    return cell if found is None else replace(cell, next_step=found.next_step, incident=found.id)


def _heals(incident: Incident) -> bool:
    """Whether its action restarts the earliest phase that is short, whichever that is."""
    found = mending_of(incident)
    return found is not None and found.action == HEAL


def _figures(cells: Sequence[Cell]) -> dict[str, int]:
    (predicted,) = (cell for cell in cells if cell.phase == COORDINATOR)
    return {"expected": predicted.should or 0, "predicted": predicted.have or 0}


def _units_done(runtime: Runtime, snapshot: Snapshot) -> int | None:
    """Counted while the latest batch is open: its document does not say it."""
    batch = snapshot.batch
    if batch is None or batch.status != BatchStatus.OPEN:
        return None
    return count_units(runtime.state, batch.batch_id)


def _describe_pause(runtime: Runtime) -> str | None:
    switch = pause_switch.read(runtime.state)
    if switch is None or not switch.paused:
        return None
    return f"paused since {switch.since:%Y-%m-%dT%H:%M:%SZ} by {switch.who}: {switch.reason}"


def _read_waiting(runtime: Runtime, pipeline: Pipeline) -> Mapping[Key, Sequence[Waiting]]:
    """Deferred messages by the date and phase they are about, oldest first."""
    parked = deferred.waiting(runtime.state)[:MOST_DEFERRED]
    messages = all_of(
        {each.id: partial(deferred.read_deferred, runtime, each) for each in parked}, THREADS, name="deferred"
    )
    found: defaultdict[Key, list[Waiting]] = defaultdict(list)
    for each in parked:
        message, function = messages[each.id], pipeline.functions.get(each.function)
        if message is not None and function is not None:
            found[message.last_date, function.phase].append(_waiting(each))
    return found


def _waiting(parked: DeferredMessage) -> Waiting:
    return Waiting(parked.id, parked.gate, parked.reason, parked.deferred_at)
