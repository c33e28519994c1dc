"""The checks of a morning run by date: from the batch that was opened to the file that a front end
reads. Of the ten the other two are in errors.py and leftovers.py.

What a check stands on is another's matter: where no batch was opened, the others say so and are
green, so that one cause is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from shared.chain.batches.records import Batch, BatchStatus, date_path
from shared.chain.execution.records import ExecutionStatus
from shared.chain.resilience.dead_letters import DeadLetter
from shared.core.pipeline import BATCH_SWEEP, CONSOLIDATION
from shared.operations.checks.days import SETTLED, Day
from shared.operations.checks.texts import (
    act_text,
    clock_text,
    count_text,
    error_text,
    publish_text,
    redrive_text,
    span_text,
)
from shared.operations.checks.view import View
from shared.operations.levels import Check, Figure, Finding, Level
from shared.operations.queues import letters_of_batch

# A batch is closed by the sweep after half an hour, whatever it has; ten minutes for a sweep.
CLOSED_WITHIN = timedelta(minutes=40)
# Consolidation takes seconds, and its time-out with one retry ten minutes.
CONSOLIDATED_WITHIN = timedelta(minutes=15)
# An announcement that a crash left unsent is sent by the next sweep, an export takes seconds.
SENT_WITHIN = timedelta(minutes=25)
EXPORTED_WITHIN = timedelta(minutes=15)
# Of a function's time-out, as for any step that nears it.
SLOW_SHARE = 0.75
# Where a finding is about no date.
EVERYTHING = "pipeline"
# Names in a sentence.
_NAMED = 5

Rule = Callable[[Day], Finding]


def by_day(check: str, rule: Rule) -> Callable[[View], Iterable[Finding]]:
    """A check that asks a rule about each of the window's dates for which something was due."""

    def find(view: View) -> Iterable[Finding]:
        if not view.days:
            says = f"no prediction run fell due in the last {span_text(view.window)}"
            return [Finding(check, EVERYTHING, Level.GREEN, says)]
        return [_excuse(check, day) or rule(day) for day in view.days]

    return find


def _excuse(check: str, day: Day) -> Finding | None:
    """Why nothing is to be expected of a date."""
    view = day.view
    if not day.games.games and view.games:
        return day.finding(check, Level.GREEN, view.describe_no_games(day.day))
    if view.halt_reason is not None:
        return day.finding(check, Level.GREEN, f"halted by an operator: {view.halt_reason}")
    if day.settled is None and day.latest is None and day.unnamed is None and day.pending is not None:
        by = clock_text(day.pending.at + SETTLED)
        says = f"not due before {by} New York, {span_text(SETTLED)} after {day.pending.schedule.name}"
        return day.finding(check, Level.GREEN, says)
    return None


def _waits(check: str, day: Day, what: str) -> Finding:
    """Green: what this check is about cannot be there yet, and another check says why."""
    return day.finding(check, Level.GREEN, f"nothing to check yet: {what}")


def _no_batch(check: str, day: Day) -> Finding:
    return _waits(check, day, "no batch answers the last run (batch-opened)")


# --- the batch ------------------------------------------------------------------------------------


def check_opened(day: Day) -> Finding:
    check, batch, asked = "batch-opened", day.batch, day.settled
    if day.unnamed is not None:
        return _find_unnamed(check, day, day.unnamed)
    if batch is not None and (asked is None or batch.opened_at >= asked.at):
        return day.finding(check, Level.GREEN, f"{batch.batch_id} was opened at {clock_text(batch.opened_at)}")
    assert asked is not None, "a date without a batch is a date that a run was due for"
    opener = day.coordinator
    if opener is not None and opener.status == ExecutionStatus.SUCCEEDED:
        reason = opener.result.get("reason") or opener.result["status"]
        return day.finding(check, Level.GREEN, f"{asked.schedule.name} opened no batch: {reason}")
    says = (
        f"{asked.schedule.name} was due at {clock_text(asked.at)}, and no batch was opened since; {_describe_stop(day)}"
    )
    stopped = day.asked_run[-1].function if day.asked_run else None
    figures: dict[str, Figure] = {"run_id": asked.key.run_id, "schedule": asked.schedule.name, "function": stopped}
    return day.finding(check, Level.RED, says, day.heal_step, figures=figures)


def _find_unnamed(check: str, day: Day, batch: Batch) -> Finding:
    """A lost document: the next run would give the id of a batch that is there, and fail."""
    path = date_path(day.day)
    says = f"{batch.batch_id} was opened at {clock_text(batch.opened_at)}, and {path} does not name it"
    step = (
        f"write the state's document {path} anew, with batch_id {batch.batch_id} and revision {batch.revision}:"
        " until then no run can open a batch of the date"
    )
    return day.finding(check, Level.RED, says, step, figures={"batch_id": batch.batch_id, "revision": batch.revision})


def _describe_stop(day: Day) -> str:
    """How far the run came that was asked for last."""
    if not day.asked_run:
        return "nothing ran for it"
    last = day.asked_run[-1]
    if last.status == ExecutionStatus.FAILED:
        return f"{last.function} failed at attempt {last.attempts}: {last.error_message}"
    reason = f": {last.result['reason']}" if last.result.get("reason") else ""
    return f"the last of its executions is {last.function}, which {last.status.value}{reason}"


def check_completions(day: Day) -> Finding:
    check, batch = "completions", day.batch
    if batch is None:
        return _no_batch(check, day)
    done = sum(each.status == "done" and batch.has_unit(each.unit) for each in day.units)
    share = f"{done} of {count_text(batch.unit_count, 'unit')} of {batch.batch_id} done"
    figures: dict[str, Figure] = {"units_done": done, "units": batch.unit_count, "units_missing": len(batch.missing)}
    if batch.status == BatchStatus.OPEN:
        return day.finding(check, Level.GREEN, f"{share} so far", figures=figures)
    if not batch.missing:
        return day.finding(check, Level.GREEN, share, figures=figures)
    named = ", ".join(batch.missing[:_NAMED]) + (", ..." if len(batch.missing) > _NAMED else "")
    short = done < day.view.runtime.settings.min_coverage * batch.unit_count
    says = f"{share}; missing or failed: {named}"
    step = "./nba dlq names the command, once the cause is mended: a late unit is merged and announced again"
    return day.finding(check, Level.RED if short else Level.YELLOW, says, step, figures=figures)


def check_closed(day: Day) -> Finding:
    check, batch = "batch-closed", day.batch
    if batch is None:
        return _no_batch(check, day)
    if batch.status != BatchStatus.OPEN:
        closed = "" if batch.closed_at is None else f" at {clock_text(batch.closed_at)}"
        return day.finding(check, Level.GREEN, f"{batch.batch_id} was closed{closed} ({batch.closed_as})")
    age = day.view.now - batch.opened_at
    says = f"{batch.batch_id} is open for {span_text(age)}"
    figures: dict[str, Figure] = {"minutes_open": age // timedelta(minutes=1)}
    if age <= CLOSED_WITHIN:
        return day.finding(check, Level.GREEN, says, figures=figures)
    sweep = publish_text(day.view.pipeline.functions[BATCH_SWEEP].trigger, {"game_date": day.name})
    step = f"{sweep}: the sweep closes it with what it has"
    return day.finding(check, Level.RED, f"{says}, and the sweep did not close it", step, figures=figures)


def check_consolidation(day: Day) -> Finding:
    check, batch = "consolidation", day.batch
    if batch is None:
        return _no_batch(check, day)
    if batch.status == BatchStatus.OPEN:
        return _waits(check, day, f"{batch.batch_id} is open (batch-closed)")
    if batch.status == BatchStatus.FAILED:
        failure = error_text(batch.failure or "no reason given")
        says = f"consolidation of {batch.batch_id} failed, its staging tables are kept: {failure}"
        figures = _batch_figures(day, batch)
        return day.finding(check, Level.RED, says, _consolidate_step(day, batch), figures=figures, critical=True)
    if batch.consolidated_at is not None:
        says = f"{batch.batch_id} was consolidated at {clock_text(batch.consolidated_at)}"
        return day.finding(check, Level.GREEN, says)
    waited = day.view.now - (batch.closed_at or batch.opened_at)
    says = f"{batch.batch_id} is closed for {span_text(waited)} and not consolidated"
    if waited <= CONSOLIDATED_WITHIN:
        return day.finding(check, Level.GREEN, says)
    return day.finding(check, Level.RED, says, _consolidate_step(day, batch), figures=_batch_figures(day, batch))


def _consolidate_step(day: Day, batch: Batch) -> str:
    """What merges the batch again: its dead letter where its message died, for that one would stay
    behind a message of its own.
    """
    letter = _letter_of(day, batch)
    if letter is None:
        return f"mend the cause, then {act_text('consolidate', day.name)}"
    return f"mend the cause, then {redrive_text(letter)}"


def _batch_figures(day: Day, batch: Batch) -> dict[str, Figure]:
    """The batch, and the dead letter of its message where there is one."""
    letter = _letter_of(day, batch)
    dead = {} if letter is None else {"subscription": letter.subscription, "reason": letter.reason}
    return {"batch_id": batch.batch_id, **dead}


def _letter_of(day: Day, batch: Batch) -> DeadLetter | None:
    return next(iter(letters_of_batch(day.view.letters, day.view.pipeline, batch.batch_id)), None)


def check_merge(day: Day) -> Finding:
    """Seconds and rows of the MERGE, as consolidation recorded them; of a release that did not, the
    whole execution's.
    """
    check, batch, run = "merge", day.batch, day.consolidation
    if batch is None:
        return _no_batch(check, day)
    if batch.consolidated_at is None or run is None:
        return _waits(check, day, f"{batch.batch_id} is not consolidated (consolidation)")
    figures: dict[str, Figure] = {"rows_in_place": batch.rows_in_place, "frozen_rows": batch.frozen_rows}
    timeout = day.view.pipeline.functions[CONSOLIDATION].timeout_seconds
    seconds = run.metadata.get("merge_seconds")
    if seconds is None and run.status == ExecutionStatus.SUCCEEDED:
        seconds = run.seconds_of_work
    says = f"{count_text(batch.rows_in_place, 'row')} of {batch.batch_id} in place"
    if seconds is not None:
        figures |= {"merge_seconds": seconds}
        says += f", the MERGE took {seconds:.1f} s"
    if not batch.rows_in_place:
        if batch.frozen_rows:
            says = f"all {count_text(batch.frozen_rows, 'row')} of {batch.batch_id} came after tip-off"
            return day.finding(
                check, Level.YELLOW, says, "look at when the run began and what held it up", figures=figures
            )
        step, figures = _consolidate_step(day, batch), {**figures, **_batch_figures(day, batch)}
        return day.finding(
            check, Level.RED, f"the MERGE of {batch.batch_id} put no row in place", step, figures=figures
        )
    if seconds is not None and seconds > SLOW_SHARE * timeout:
        step = "look at how many staging tables it read: docs/benchmarks.md has the usual seconds"
        return day.finding(check, Level.YELLOW, f"{says} of {timeout} s", step, figures=figures)
    return day.finding(check, Level.GREEN, says, figures=figures)


def check_announcement(day: Day) -> Finding:
    """Consolidation's own execution succeeded, and its announcement was sent."""
    check, batch, run = "phase5-announced", day.batch, day.consolidation
    if batch is None:
        return _no_batch(check, day)
    if batch.consolidated_at is None:
        return _waits(check, day, f"{batch.batch_id} is not consolidated (consolidation)")
    if run is not None and run.status == ExecutionStatus.SUCCEEDED and not run.outbox_pending:
        return day.finding(check, Level.GREEN, f"{batch.batch_id} was announced at {clock_text(run.ended)}")
    waited = day.view.now - batch.consolidated_at
    says = f"{batch.batch_id} was consolidated {span_text(waited)} ago and is not announced"
    if waited <= SENT_WITHIN:
        return day.finding(check, Level.GREEN, says)
    return day.finding(check, Level.RED, says, _consolidate_step(day, batch), figures=_batch_figures(day, batch))


def check_export(day: Day) -> Finding:
    """The batch's export is there; of a date without a batch any, once its deadline has passed."""
    check, batch = "export-written", day.batch
    if batch is None:
        return _find_missed_deadline(check, day) or _no_batch(check, day)
    if batch.consolidated_at is None:
        return _waits(check, day, f"{batch.batch_id} is not consolidated (consolidation)")
    file = day.exported
    if file is not None and batch.batch_id in file.batches and file.content_at >= batch.consolidated_at:
        return day.finding(check, Level.GREEN, f"{batch.batch_id} is exported")
    if not batch.rows_in_place and file is not None:
        return day.finding(check, Level.GREEN, f"{batch.batch_id} has no rows to export, the files of before stand")
    waited = day.view.now - batch.consolidated_at
    found = "there is none" if file is None else f"the file is of {', '.join(file.batches) or 'no batch'}"
    says = f"no export of {batch.batch_id}, {span_text(waited)} after it was consolidated: {found}"
    if waited <= EXPORTED_WITHIN:
        return day.finding(check, Level.GREEN, says)
    refused = _refusal(day, batch)
    step = act_text("export", day.name)
    if refused:
        return day.finding(check, Level.RED, f"{says}; phase 6 says: {refused}", day.heal_step, critical=True)
    return day.finding(check, Level.RED, says, step)


def _find_missed_deadline(check: str, day: Day) -> Finding | None:
    """Nothing of the date is exported, whatever the reason why no batch was opened."""
    pipeline, last_tipoff = day.view.pipeline, day.games.last_tipoff
    export = pipeline.phase_order[-1]
    for deadline in (each for each in pipeline.deadlines if each.phase == export):
        by = deadline.of(day.day, None)
        if by is None or day.view.now <= by + EXPORTED_WITHIN or (last_tipoff is not None and last_tipoff <= by):
            continue
        if day.exported is None:
            says = f"nothing is exported, which was due by {clock_text(by)}; {_describe_stop(day)}"
            return day.finding(check, Level.RED, says, day.heal_step, critical=True)
    return None


def _refusal(day: Day, batch: Batch) -> str:
    """What the export of the batch's run said, where it wrote nothing."""
    exports = [each for each in day.view.run(batch.run_id) if each.function == "phase6_export"]
    if not exports:
        return ""
    return str(exports[-1].result.get("reason") or exports[-1].error_message or "")


def check_updated(day: Day) -> Finding:
    """Rows that the batch put in place are there, written when it was consolidated."""
    check, batch = "predictions-updated", day.batch
    if batch is None:
        return _no_batch(check, day)
    if batch.consolidated_at is None:
        return _waits(check, day, f"{batch.batch_id} is not consolidated (consolidation)")
    rows = day.view.batch_rows.get(batch.batch_id)
    have, players = (0, 0) if rows is None else (rows.row_count, rows.players)
    figures: dict[str, Figure] = {"rows": have, "rows_expected": batch.rows_in_place, "players": players}
    if have < batch.rows_in_place:
        gone = batch.rows_in_place - have
        says = f"{gone:,} of the {count_text(batch.rows_in_place, 'row')} that {batch.batch_id} put in place are gone"
        return day.finding(check, Level.RED, says, day.heal_step, figures=figures)
    if rows is None:
        return day.finding(check, Level.GREEN, f"{batch.batch_id} has no rows", figures=figures)
    says = (
        f"{count_text(have, 'row')} of {count_text(players, 'player')},"
        f" updated last at {clock_text(rows.last_updated_at)}"
    )
    return day.finding(check, Level.GREEN, says, figures=figures)


CHECKS: tuple[Check[View], ...] = (
    Check("batch-opened", "Was a batch opened for each date that was due?", by_day("batch-opened", check_opened)),
    Check("completions", "Are all units of the batch done?", by_day("completions", check_completions)),
    Check("batch-closed", "Was the batch closed?", by_day("batch-closed", check_closed)),
    Check("consolidation", "Is the batch consolidated?", by_day("consolidation", check_consolidation)),
    Check("merge", "How many seconds and rows was the MERGE?", by_day("merge", check_merge)),
    Check("phase5-announced", "Was phase 5 announced?", by_day("phase5-announced", check_announcement)),
    Check("export-written", "Is the batch exported?", by_day("export-written", check_export)),
    Check("predictions-updated", "Are the rows there?", by_day("predictions-updated", check_updated)),
)
