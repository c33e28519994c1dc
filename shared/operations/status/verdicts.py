"""The verdict on each phase of a date: rows decide, then runs, then the clock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.chain.batches.records import BatchStatus
from shared.core.clock import NEW_YORK, new_york_date
from shared.core.errors import split_next_step
from shared.core.pipeline import CONSOLIDATION, COORDINATOR, GRADING, WORKER
from shared.operations.contracts.file_rules import without_games
from shared.operations.schedules.firings import CHAIN_TAKES, Firing, under_way
from shared.operations.status.facts import RESULT_PHASES, DayFacts, Waiting, reason_without_games
from shared.operations.status.measures import Measure, measure
from shared.operations.status.model import SETTLED, TROUBLE, Cell, Verdict
from shared.operations.status.runs import ABANDONED, RETRIED

# batch_sweep closes an open batch after 30 minutes, and comes every ten.
BATCH_ENDS = timedelta(minutes=40)
# Whose rerun mends a phase that cannot be started by itself: raw files are fetched by phase 1.
_RERUN = {"phase2": "phase1"}
# Phases of before the predictions; whoever ran one of these for a date meant to predict it.
_BEFORE_PREDICTIONS = ("phase1", "phase2", "phase3", "phase4", COORDINATOR)
_NOT_PREDICTING = ("results", "backfill")
_ENDED = (BatchStatus.CONSOLIDATED, BatchStatus.SUPERSEDED)


@dataclass(frozen=True)
class _Judged:
    verdict: Verdict
    says: str
    since: datetime | None = None
    next_step: str = ""
    rerun: str | None = None
    due_at: datetime | None = None
    """Where it is another than the first time."""


def judge(facts: DayFacts) -> tuple[Cell, ...]:
    """The cells of a date in the order of the grid's phases."""
    cells: list[Cell] = []
    for phase in (*facts.pipeline.phase_order, GRADING):
        cells.append(_cell(facts, phase, cells))
    return tuple(cells)


def _cell(facts: DayFacts, phase: str, before: Sequence[Cell]) -> Cell:
    runs, latest = facts.runs.get(phase, ()), facts.latest(phase)
    found = measure(facts.view, phase)
    nothing = reason_without_games(facts.snapshot)
    judged = _judge(facts, phase, found, before) if nothing is None else _nothing_played(facts, phase, nothing)
    deadline = facts.deadline(phase)
    due = facts.first_due(phase)
    says = judged.says
    if phase == facts.export and facts.halted is not None:
        says = f"{says}; halted: {facts.halted}"
    return Cell(
        game_date=facts.day,
        phase=phase,
        verdict=judged.verdict,
        says=says,
        have=None if nothing else found.have,
        should=None if nothing else found.should,
        unit="" if nothing else found.unit,
        attempts=latest.attempts if latest else 0,
        seconds=latest.seconds if latest else None,
        usual=facts.usual.get(phase),
        deadline=None if nothing else deadline,
        overdue=deadline is not None and deadline <= facts.now and judged.verdict not in SETTLED,
        due_at=judged.due_at or (due.at if due and not nothing else None),
        done_at=None if nothing else found.done_at,
        since=judged.since,
        run_id=latest.run_id if latest else None,
        execution_id=latest.execution_id if latest else None,
        is_running=judged.verdict is Verdict.RUNNING or any(run.is_at_work for run in runs),
        next_step=judged.next_step,
        rerun=judged.rerun,
    )


def _nothing_played(facts: DayFacts, phase: str, nothing: str) -> _Judged:
    """On a date without games the exports alone have something to do: to say so."""
    if phase != facts.export:
        return _Judged(Verdict.NOTHING_TO_DO, nothing)
    contracts = facts.pipeline.contracts["coming"]
    shortage = without_games(facts.snapshot, contracts)
    due = facts.first_due(phase)
    if shortage is None:
        return _Judged(Verdict.NOTHING_TO_DO, nothing)
    if due is not None and (facts.now < due.at or _on_its_way(facts, phase)):
        return _Judged(Verdict.NOTHING_TO_DO, f"{nothing}; the exports say so from {format_clock(due.at)} on")
    return _short(facts, phase, Measure(0, 0, "", shortage.reason))


def _judge(facts: DayFacts, phase: str, found: Measure, before: Sequence[Cell]) -> _Judged:
    if facts.view.is_unpredicted and phase not in _BEFORE_PREDICTIONS[:-1]:
        return _judge_unpredicted(facts, phase, found)
    is_short = bool(found.short) or (phase == GRADING and not facts.view.is_played)
    waits = _waits_for(facts, phase, before)
    if not is_short and not (found.is_empty and waits):
        return _done(facts, phase, found)
    under_work = _running(facts, phase, found)
    if under_work is not None:
        return under_work
    waiting = facts.waiting.get(phase, ())
    if waiting:
        return _judge_deferred(waiting)
    latest = facts.latest(phase)
    has_failed = latest is not None and latest.has_failed
    due = facts.first_due(phase)
    if not has_failed:
        if due is not None and facts.now < due.at:
            return _Judged(Verdict.NOT_DUE, f"due at {format_clock(due.at)} {_day(facts, due.at)}".rstrip())
        if waits:
            return _Judged(Verdict.NOT_DUE, waits)
        firing = _on_its_way(facts, phase)
        if firing is not None and found.can_be_mended:
            began = f"{firing.schedule.name} began at {format_clock(firing.at)}"
            return _Judged(Verdict.NOT_DUE, f"{began}, it is on its way")
        again = facts.next_in_time(phase)
        if again is not None and found.can_be_mended:
            says = f"{found.short}; {again.schedule.name} comes at {format_clock(again.at)}"
            return _Judged(Verdict.NOT_DUE, says, due_at=again.at)
    if phase == GRADING and not facts.view.is_played:
        return _Judged(Verdict.NOT_DUE, "the games are not over")
    return _short(facts, phase, found)


def _judge_unpredicted(facts: DayFacts, phase: str, found: Measure) -> _Judged:
    """Nobody was predicted before the games, and nobody can be: was it meant to be?"""
    tried = any(
        run.mode not in _NOT_PREDICTING and run.status != "skipped"
        for each in _BEFORE_PREDICTIONS
        for run in facts.runs.get(each, ())
    )
    if facts.is_history and not tried:
        return _Judged(Verdict.LEFT_OUT, "its games had begun before anything ran here: it was loaded as history")
    has_features = any(game.feature_players for game in facts.snapshot.scheduled_games)
    if has_features and not tried:
        last = facts.pipeline.modes["backfill"]
        return _Judged(Verdict.LEFT_OUT, f"nobody was predicted before the games; a backfill ends with {last}")
    if phase != COORDINATOR:
        return _Judged(Verdict.NOTHING_TO_DO, "nobody was predicted")
    # a team's first games of a season have no rosters
    if not found.should and all(not game.roster_teams for game in facts.snapshot.scheduled_games):
        return _Judged(Verdict.NOTHING_TO_DO, "nobody is known to play for these teams yet")
    why = "nobody was predicted before the games began"
    return _Judged(Verdict.SHORT, why, facts.since(phase), "nothing: a played date cannot be predicted again")


def _done(facts: DayFacts, phase: str, found: Measure) -> _Judged:
    latest = facts.latest(phase)
    if found.is_empty:
        return _Judged(Verdict.NOTHING_TO_DO, found.says or "nothing to do")
    of = "" if found.should is None else f" of {found.should}"
    parts = [f"{found.have}{of} {found.unit}", found.says]
    if latest is not None and latest.has_failed:
        parts.append(f"the last run failed ({_brief(latest.reason)}), what it should make is there")
    return _Judged(Verdict.COMPLETE, "; ".join(part for part in parts if part))


def _running(facts: DayFacts, phase: str, found: Measure) -> _Judged | None:
    """What is on its way: by an execution at work, or by a batch in progress."""
    of = "" if found.should is None else f" of {found.should}"
    at_work = [run for run in facts.runs.get(phase, ()) if run.is_at_work]
    if at_work:
        run = at_work[-1]
        if run.state == RETRIED:
            says = f"attempt {run.attempts} failed ({_brief(run.reason)}) and is tried again by itself"
            return _Judged(Verdict.RUNNING, says, run.finished_at)
        return _Judged(Verdict.RUNNING, f"{found.have}{of} {found.unit}, attempt {run.attempts}", run.started_at)
    batch, latest = facts.snapshot.batch, facts.latest(phase)
    if batch is None or (latest is not None and latest.has_failed):
        return None
    if batch.status == BatchStatus.OPEN and phase in (COORDINATOR, WORKER) and facts.now < batch.opened_at + BATCH_ENDS:
        return _Judged(Verdict.RUNNING, f"{batch.batch_id} is open; {found.have}{of} {found.unit}", batch.opened_at)
    at = batch.closed_at
    is_closed = batch.status == BatchStatus.CLOSED and at is not None and facts.now < at + CHAIN_TAKES
    if is_closed and phase in (COORDINATOR, CONSOLIDATION):
        return _Judged(Verdict.RUNNING, f"{batch.batch_id} is closed, its consolidation is on its way", at)
    return None


def _on_its_way(facts: DayFacts, phase: str) -> Firing | None:
    """The firing of a moment ago that this phase has not answered yet."""
    firing = under_way(facts.firings, phase, facts.now)
    if firing is None:
        return None
    run_id = firing.key.run_id
    answered = any(run.run_id == run_id and run.finished_at is not None for run in facts.runs.get(phase, ()))
    return None if answered else firing


def _judge_deferred(waiting: Sequence[Waiting]) -> _Judged:
    first = waiting[0]
    says = f"{len(waiting)} messages wait: {first.reason}"
    step = "resume the pipeline" if first.gate == "pause" else f"mend the cause, then reset the breaker {first.gate}"
    return _Judged(Verdict.DEFERRED, says, first.deferred_at, step)


def _short(facts: DayFacts, phase: str, found: Measure) -> _Judged:
    latest = facts.latest(phase)
    step, rerun = _next_step(facts, phase, found)
    since = facts.since(phase)
    if latest is not None and latest.has_failed:
        how = "its instance is gone" if latest.state == ABANDONED else _brief(latest.reason)
        says = f"{found.short}; the last run failed: {how}"
        if how and how.rpartition(f"{latest.batch_id}: ")[2] in found.short:
            says = f"{found.short}; so the last run says"
        return _Judged(Verdict.FAILED, says, since, step, rerun)
    ended = f"; the last run says {latest.status}" if latest is not None else "; no run is on record"
    return _Judged(Verdict.SHORT, f"{found.short}{ended}", since, step, rerun)


def _next_step(facts: DayFacts, phase: str, found: Measure) -> tuple[str, str | None]:
    """What a person can do, and which phase mends it."""
    if phase == CONSOLIDATION and not found.can_be_mended:
        step = "restore the date's rows from the warehouse's history (docs/deploy.md, Going back in time), then grade"
        return step, None
    if not found.can_be_mended:
        return "nothing: the games have begun, and nobody can be predicted any more", None
    if phase == WORKER:
        return "list the dead letters and redrive them: a unit that is done late is merged", None
    rerun = _RERUN.get(phase, phase)
    return f"rerun {rerun} of {facts.day}", rerun


def _waits_for(facts: DayFacts, phase: str, before: Sequence[Cell]) -> str:
    """What has to be done first: the batch that the coordinator opened, else an earlier phase;
    empty where nothing has.
    """
    batch = facts.snapshot.batch
    if phase == COORDINATOR and batch is not None and batch.status not in _ENDED:
        return f"{batch.batch_id} is {batch.status.lower()}, its rows are not in place"
    open_ = [cell for cell in _earlier(facts, phase, before) if cell.verdict not in SETTLED]
    if not open_:
        return ""
    first = next((cell for cell in open_ if cell.verdict in (*TROUBLE, Verdict.RUNNING)), open_[0])
    return f"waits for {first.phase}, which is {first.verdict}"


def _earlier(facts: DayFacts, phase: str, before: Sequence[Cell]) -> Sequence[Cell]:
    """The cells that a phase depends on."""
    seen, batch = facts.snapshot, facts.snapshot.batch
    if facts.view.is_played:
        if phase == GRADING:
            return [cell for cell in before if cell.phase == "phase1"]
        return before if phase in RESULT_PHASES else ()
    if phase == GRADING:
        return ()
    if batch is not None and batch.status not in _ENDED and phase in (WORKER, CONSOLIDATION):
        # the batch is there, so what came before it has done its part
        is_open = phase == CONSOLIDATION and batch.status == BatchStatus.OPEN
        return [cell for cell in before if is_open and cell.phase == WORKER]
    return before if seen.coming or not seen.scheduled_games else ()


def _brief(text: str) -> str:
    """A reason without its next step, and not longer than a line."""
    text = split_next_step(text)[0]
    return text if len(text) <= 200 else f"{text[:197]}..."


def format_clock(moment: datetime) -> str:
    """New York's time of a moment, as 13:02."""
    return f"{moment.astimezone(NEW_YORK):%H:%M}"


def _day(facts: DayFacts, moment: datetime) -> str:
    on = new_york_date(moment)
    return "" if on == facts.day else f"on {on}"
