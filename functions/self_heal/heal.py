"""Self-heal: what should exist for a date against what does; the earliest phase that is short is
started again.

It reads rows, files and documents, publishes one trigger through the outbox, and waits for nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from functions.self_heal.progress import in_progress
from functions.self_heal.restarts import MOST, record
from shared.chain.batches.reading import get_batch
from shared.chain.execution.alerts import alert
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxMessage
from shared.core import failpoints
from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.core.events import Event
from shared.core.pipeline import load_pipeline
from shared.operations.contracts import restarts
from shared.operations.contracts.file_rules import without_games
from shared.operations.contracts.restarts import Restart
from shared.operations.contracts.rules import first_shortage
from shared.operations.contracts.shortage import Shortage
from shared.operations.contracts.snapshot import POSTPONED, Snapshot, read_snapshot


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Look at message.game_date and restart its earliest short phase, at most three times a phase.

    success: nothing is short; partial: a phase was restarted; skipped: somebody is at work on it;
    no_data: no games, and the exports say so; failed: three restarts did not mend it, or nothing
    can (an alert says so). Each with the reason.
    """
    if message.game_date is None:
        raise DataError(
            f"self-heal looks at one game_date; the message has {message.from_date} to {message.to_date}.",
            next_step="publish one message per date.",
        )
    runtime, day = context.runtime, message.game_date
    before = restarts.of_execution(runtime, context.execution_id)
    if before is not None:
        # died after deciding: the decision stands, whatever the rows say by now
        return _report_restarted(before, context)
    now = runtime.clock.now()
    # before the rows: work that ends in between has left them
    busy = in_progress(runtime, day, now, asked_by=message.execution_id)
    snapshot = read_snapshot(runtime, day, now)
    nothing = _no_games(snapshot)
    contracts = load_pipeline().contracts[snapshot.group]
    shortage = without_games(snapshot, contracts) if nothing else first_shortage(snapshot, contracts, runtime.settings)
    if shortage is None:
        return nothing or _complete(snapshot)
    if busy:
        short = {"short": shortage.reason}
        return Outcome("skipped", reason=f"in progress: {busy}", metadata=short, event=Event.IN_PROGRESS)
    phase = shortage.contract.phase
    topic = shortage.contract.restart
    if topic is None:
        return _report_lost(snapshot, shortage, context)
    earlier = [each for each in restarts.of_date(runtime, day) if each.phase == phase]
    if len(earlier) >= MOST:
        return _report_given_up(snapshot, shortage, context)
    restart = record(context, day, shortage, topic, now)
    if restart is None:
        why = f"in progress: {phase} of {day} was restarted a moment ago"
        return Outcome("skipped", reason=why, event=Event.IN_PROGRESS)
    failpoints.reach("self_heal.recorded")
    return _report_restarted(restart, context)


def _no_games(snapshot: Snapshot) -> Outcome | None:
    """That nothing is to be expected of the date; None where something is, or nobody knows."""
    if not snapshot.schedule_rows or snapshot.scheduled_games:
        return None
    if not snapshot.games:
        return Outcome("no_data", reason=f"no games on {snapshot.game_date}", event=Event.NO_GAMES)
    postponed = all(game.status == POSTPONED for game in snapshot.games)
    word, event = ("postponed", Event.GAMES_POSTPONED) if postponed else ("called off", Event.GAMES_CALLED_OFF)
    reason = f"all {len(snapshot.games)} games on {snapshot.game_date} are {word}"
    return Outcome("no_data", reason=reason, event=event)


def _complete(snapshot: Snapshot) -> Outcome:
    """Nothing is short; games that have tipped off are said, for what they lack cannot be made any
    more.
    """
    tipped_off = len(snapshot.scheduled_games) - len(snapshot.coming)
    late = snapshot.group == "coming" and tipped_off
    reason = f"complete; {tipped_off} of {len(snapshot.scheduled_games)} games have tipped off" if late else "complete"
    return Outcome(
        "success",
        record_count=len(snapshot.scheduled_games),
        reason=reason,
        metadata={"group": snapshot.group},
        event=Event.COMPLETE,
    )


def _report_restarted(restart: Restart, context: Context) -> Outcome:
    reason = f"restarted {restart.phase} ({restart.n} on record): {restart.reason}"
    return Outcome(
        "partial",
        reason=reason,
        messages=[OutboxMessage(restart.topic, json.dumps(_trigger(restart, context)))],
        metadata={"phase": restart.phase, "n": restart.n, "run_id": restart.run_id, "topic": restart.topic},
        event=Event.RESTARTED,
    )


def _trigger(restart: Restart, context: Context) -> dict[str, Any]:
    """The message that starts the phase again: the same for every attempt of this execution."""
    is_to_come = restart.game_date > new_york_date(restart.at)
    message = {
        "game_date": restart.game_date.isoformat(),
        "run_id": restart.run_id,
        "mode": restart.mode or ("tomorrow" if is_to_come else "same_day"),
        "trigger_source": "self_heal",
        "parent_processor": context.function.name,
        "correlation_id": context.correlation_id,
    }
    if restart.batch_id is None:
        return message
    batch = get_batch(context.runtime.state, restart.batch_id)
    # the batch keeps the moment that its rows were made as of
    as_of = {"as_of": batch.as_of.isoformat()} if batch is not None else {}
    return {**message, "batch_id": restart.batch_id, **as_of}


def _report_given_up(snapshot: Snapshot, shortage: Shortage, context: Context) -> Outcome:
    phase, day = shortage.contract.phase, snapshot.game_date
    reason = f"{MOST} restarts of {phase} did not mend {day}: {shortage.reason}"
    title = f"Self-heal of {day} gave up at {phase}"
    return _raise_alert(snapshot, shortage, context, Event.GAVE_UP, f"self-heal-gave-up-{day}-{phase}", title, reason)


def _report_lost(snapshot: Snapshot, shortage: Shortage, context: Context) -> Outcome:
    """What no run makes again: a played date cannot be predicted once more, and its staging is
    dropped.
    """
    day = snapshot.game_date
    reason = (
        f"{shortage.reason}; no run can make them again. Next: restore the date's rows of "
        f"nba_predictions.player_prop_predictions from the warehouse's history (BigQuery keeps 7 days: docs/deploy.md, "
        f"Going back in time), then publish {day} to nba-grading-trigger; the embedded warehouse keeps none: play the "
        f"day again with another LOCAL_DIR"
    )
    title = f"Predictions of {day} are gone"
    return _raise_alert(snapshot, shortage, context, Event.LOST, f"self-heal-lost-{day}", title, reason)


def _raise_alert(
    snapshot: Snapshot,
    shortage: Shortage,
    context: Context,
    event: Event,
    fingerprint: str,
    title: str,
    reason: str,
) -> Outcome:
    raised_at: datetime = snapshot.now
    notice = alert(
        fingerprint,
        "critical",
        title,
        reason,
        raised_at,
        event=event,
        game_date=snapshot.game_date.isoformat(),
        run_id=context.run_id,
    )
    metadata = {"phase": shortage.contract.phase}
    return Outcome("failed", reason=reason, messages=[notice], metadata=metadata, event=event)
