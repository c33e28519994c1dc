"""The sentence on a date: what is done; else what is wrong, since when, what happens by itself, and
what a person can do. What an open incident says goes before what the rows say. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from shared.core.clock import new_york_date
from shared.core.pipeline import COORDINATOR, GRADING
from shared.core.severity import Severity
from shared.operations.incidents.by_itself import describe_by_itself
from shared.operations.incidents.records import Incident, sort_worst_first
from shared.operations.incidents.sightings import cut_text
from shared.operations.status.facts import DayFacts, reason_without_games
from shared.operations.status.model import TROUBLE, Cell, Verdict
from shared.operations.status.verdicts import format_clock

# What is looked at first: a failure names its cause, rows that are short may only follow from it.
_WORST = (Verdict.FAILED, Verdict.DEFERRED, Verdict.SHORT)
# Of what an incident says; its next step is never cut, for it is a command.
_SAYS = 240


def list_urgent(incidents: Sequence[Incident]) -> list[Incident]:
    """Those with which a date is not well: errors and critical ones, the worst first."""
    return sort_worst_first(each for each in incidents if each.severity.rank >= Severity.ERROR.rank)


def write_sentence(
    facts: DayFacts, cells: Sequence[Cell], paused: str | None = None, incidents: Sequence[Incident] = ()
) -> str:
    """The text, without line breaks; `paused` is who paused the pipeline, and why; `incidents` are
    the open ones that matter on the date.
    """
    urgent = list_urgent(incidents)
    halted = f" Halted: {facts.halted}." if facts.halted is not None else ""
    stopped = f" The pipeline is {paused}." if paused is not None else ""
    if urgent:
        return f"{facts.day}: {_name_incidents(facts, urgent)} {_sum_up(facts, cells)}{halted}{stopped}"
    return f"{facts.day}: {_describe_rows(facts, cells)}.{halted}{stopped}"


def _describe_rows(facts: DayFacts, cells: Sequence[Cell]) -> str:
    cause = find_cause(cells)
    nothing = reason_without_games(facts.snapshot)
    games = len(facts.snapshot.scheduled_games)
    if cause is not None:
        count = [] if nothing else [_count(games, "game")]
        return "; ".join([*count, *_trouble(facts, cause)])
    if nothing is not None:
        return nothing
    return ", ".join([_count(games, "game"), *_done(facts, cells)]) + _pending(facts, cells)


def _name_incidents(facts: DayFacts, urgent: Sequence[Incident]) -> str:
    """The worst in full, and how many more there are."""
    worst = urgent[0]
    says = cut_text(_name_subject(worst) + worst.says.removeprefix(f"{facts.day}: ").rstrip("."), _SAYS)
    says += "" if says.endswith("...") else "."
    known = f", known to {worst.acknowledged_by}" if worst.is_acknowledged else ""
    texts = [
        f"{worst.severity} since {_when(worst.opened_at, facts.day)}{known}: {says}",
        f"By itself: {describe_by_itself(worst, facts.pipeline, facts.now)}.",
        f"Next: {(worst.next_step or f'look at it: ./nba alerts show {worst.id}').rstrip('.')}.",
    ]
    if urgent[1:]:
        texts.append(f"{_count(len(urgent) - 1, 'more incident')} open: ./nba alerts list.")
    return " ".join(texts)


def _name_subject(incident: Incident) -> str:
    """Check and subject, where its words do not name it: "there is no answer" of which source."""
    is_named = all(part in incident.says for part in incident.subject.split("/"))
    return "" if is_named else f"{incident.check} {incident.subject}: "


def _sum_up(facts: DayFacts, cells: Sequence[Cell]) -> str:
    """What is there all the same."""
    nothing = reason_without_games(facts.snapshot)
    done = [nothing] if nothing else [_count(len(facts.snapshot.scheduled_games), "game"), *_done(facts, cells)]
    return f"So far: {', '.join(done)}."


def find_cause(cells: Sequence[Cell]) -> Cell | None:
    """The cell that a person looks at first; None where none is in trouble."""
    troubled = [cell for cell in cells if cell.verdict in TROUBLE]
    return min(troubled, key=lambda cell: _WORST.index(cell.verdict), default=None)


def _trouble(facts: DayFacts, cell: Cell) -> list[str]:
    since = f" since {_when(cell.since, facts.day)}" if cell.since is not None else ""
    late = f" and overdue ({_when(cell.deadline, facts.day)})" if cell.overdue and cell.deadline is not None else ""
    by_itself = "nothing happens by itself"
    heal = facts.next_heal()
    if cell.verdict is Verdict.DEFERRED:
        by_itself = "it goes on by itself once the pause or the breaker lets it through"
    elif heal is not None and cell.rerun is not None:
        by_itself = f"self-heal looks at it at {_when(heal.at, facts.day)}"
    step = f"next: {cell.next_step}" if cell.next_step else "nothing to press"
    return [f"{cell.phase} is {cell.verdict}{since}{late}: {cell.says}", by_itself, step]


def _done(facts: DayFacts, cells: Sequence[Cell]) -> list[str]:
    """What is done, in the order of the day."""
    by_phase = {cell.phase: cell for cell in cells}
    parts = []
    predicted = by_phase[COORDINATOR]
    if predicted.verdict is Verdict.LEFT_OUT:
        return [predicted.says]
    if predicted.should:
        parts.append(f"{predicted.have} of {_count(predicted.should, 'player')} predicted")
    for phase, word in ((facts.export, "exported"), (GRADING, "graded")):
        cell = by_phase[phase]
        if cell.verdict is Verdict.COMPLETE and cell.done_at is not None:
            parts.append(f"{word} {_when(cell.done_at, facts.day)}")
    return parts


def _pending(facts: DayFacts, cells: Sequence[Cell]) -> str:
    """What is at work, or due next."""
    running = next((cell for cell in cells if cell.verdict is Verdict.RUNNING), None)
    if running is not None:
        return f"; {running.phase} is running: {running.says}"
    waiting = [cell for cell in cells if cell.verdict is Verdict.NOT_DUE]
    if not waiting:
        return ""
    late = next((cell for cell in waiting if cell.overdue and cell.deadline is not None), None)
    if late is not None and late.deadline is not None:
        return f"; {late.phase} is overdue since {_when(late.deadline, facts.day)}: {late.says}"
    first = waiting[0]
    due = first.due_at
    if due is not None and due > facts.now:
        return f"; {first.phase} is due {_when(due, facts.day)}"
    return f"; {first.phase}: {first.says}"


def _when(moment: datetime, day: date) -> str:
    """New York's time, with the day where it is another."""
    days = (new_york_date(moment) - day).days
    named = {0: "", 1: " the next day", -1: " the day before"}
    return f"{format_clock(moment)}{named.get(days, f' on {new_york_date(moment)}')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
