"""Phase 5, first half: who is predicted, the batch, and one request per unit with all that a worker
needs.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.phase5_coordinator.players import LeftOut, Player, select_players
from functions.phase5_coordinator.requests import players_per_unit, request_lines
from shared.chain.batches import opening
from shared.chain.batches.opening import BatchPlan
from shared.chain.batches.reading import latest_batch
from shared.chain.batches.records import Batch, parse_batch_id
from shared.chain.execution.alerts import batch_alert
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxBlob, OutboxMessage, pack_lines
from shared.core import failpoints
from shared.core.errors import PreconditionFailed
from shared.core.events import Event
from shared.core.pipeline import WORKER, load_pipeline, trigger_of
from shared.core.severity import Severity
from shared.nba.stats import PREDICTED
from shared.science.model_registry.promotions import PointerDamaged, read_serving_or_none
from shared.science.systems.history import GAMES, pack_histories
from shared.stores.ports import Blobs
from shared.stores.warehouse.rows import table_of
from shared.stores.warehouse.sql import read_sql

logger = logging.getLogger(__name__)

PACKAGE = "functions.phase5_coordinator"
EXPECTED = "nba_monitoring.expected_outputs"
NO_MODELS = "xgboost_v1 and ensemble_v1 predict nobody; publish the date to nba-training-trigger"


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Open the date's batch and fan it out; a date whose batch is in progress is joined instead.

    Three queries whatever the number of players. Nobody to predict is no_data with the reason.
    """
    runtime = context.runtime
    game_date = message.last_date
    latest = latest_batch(runtime.state, game_date)
    own = latest if latest is not None and latest.execution_id == context.execution_id else None
    if latest is not None and latest.in_progress and own is None:
        return _join_batch(latest)
    # a retry after a crash chooses whom the first try chose, whatever has tipped off or was written
    # since
    now = runtime.clock.now() if own is None else own.opened_at
    as_of = context.as_of if own is None else own.features_as_of
    params = {"game_date": game_date, "as_of": as_of}
    roster = runtime.warehouse.query(read_sql(PACKAGE, "roster"), params).to_pylist()
    if not roster:
        # what earlier dates left in the exports is taken back by phase 6 alone
        reason = f"no games with known rosters on {game_date}: nothing to predict"
        return _nothing(reason, Event.NO_ROSTERS, [_export(message, context)])
    lines = runtime.warehouse.query(read_sql(PACKAGE, "lines"), params).to_pylist()
    expected, left_out = select_players(roster, lines, runtime.settings, now)
    games = {row["game_id"]: row["tipoff_at"] for row in roster if row["tipoff_at"] > now}
    counts = Counter(player.reason for player in left_out)
    if not expected:
        return _nothing(
            f"nobody to predict on {game_date}: {len(roster)} players on the rosters, left out: {dict(counts)}",
            Event.NOBODY_TO_PREDICT,
        )
    units = players_per_unit(expected, runtime.settings.max_units if own is None else own.unit_count)
    plan = BatchPlan(
        game_date=game_date,
        run_id=context.run_id,
        execution_id=context.execution_id,
        mode=context.mode,
        as_of=context.as_of,
        units=tuple(units),
        games=games,
        features_as_of=max(row["features_as_of"] for row in roster),
        state_epoch=runtime.settings.state_epoch,
    )
    batch = opening.open_batch(runtime.state, plan, now, context.fence)
    if batch.execution_id != context.execution_id:
        return _join_batch(batch)
    failpoints.reach("coordinator.batch_opened")
    _record_expected(context, batch, units, left_out, now)
    models, damages = _pin_models(runtime.models)
    path = _keep_requests(context, batch, units, models)
    failpoints.reach("coordinator.requests_written")
    return Outcome(
        "success" if len(models) == len(PREDICTED) else "partial",
        record_count=len(expected),
        reason=_describe_lacking(models, damages),
        output_table=EXPECTED,
        batch_id=batch.batch_id,
        announce=False,
        event=None if models else Event.NO_MODELS,
        messages=[
            OutboxBlob(load_pipeline().functions[WORKER].topics[0], path),
            *(_alert(damage, batch, context) for damage in damages),
        ],
        metadata={
            "revision": batch.revision,
            "units": len(units),
            "games": len(games),
            "players_expected": len(expected),
            "players_with_lines": sum(player.has_line for player in expected),
            "left_out": dict(sorted(counts.items())),
        },
    )


def _pin_models(blobs: Blobs) -> tuple[dict[str, Mapping[str, str]], list[PointerDamaged]]:
    """Of each statistic what serves now, system_id -> version, where anything does; and the
    pointers that are damaged, which cost their own statistics alone.
    """
    found = {stat: read_serving_or_none(blobs, stat) for stat in PREDICTED}
    pinned = {stat: serving.versions for stat, (serving, _) in found.items() if serving.versions}
    return pinned, [damage for _, damage in found.values() if damage is not None]


def _describe_lacking(models: Mapping[str, Mapping[str, str]], damages: Sequence[PointerDamaged]) -> str:
    """Which statistics have no trained models, and why; empty where all have."""
    damaged = {damage.stat for damage in damages}
    untrained = [stat for stat in PREDICTED if stat not in models and stat not in damaged]
    reasons = [str(damage) for damage in damages]
    if untrained:
        reasons.append(f"no trained models of {', '.join(untrained)}: {NO_MODELS}")
    return "; ".join(reasons)


def _alert(damage: PointerDamaged, batch: Batch, context: Context) -> OutboxMessage:
    """Which version of a statistic serves is not known: batches go without its trained models until
    somebody says.
    """
    return batch_alert(
        batch,
        f"model-pointer-damaged-{batch.batch_id}-{damage.stat}",
        Severity.CRITICAL,
        f"{batch.batch_id} goes without trained models of {damage.stat}: nobody knows which version serves",
        str(damage),
        context.runtime.clock.now(),
        event=Event.MODEL_DAMAGED,
    )


def _nothing(reason: str, event: Event, messages: Sequence[OutboxMessage] = ()) -> Outcome:
    """No batch, so nothing to announce: the topic announced to carries units' requests alone."""
    return Outcome("no_data", reason=reason, announce=False, messages=messages, event=event)


def _export(message: PhaseMessage, context: Context) -> OutboxMessage:
    """What lets the run end with phase 6 where there is nothing to predict: it says so in the
    exports.
    """
    trigger = {
        "game_date": message.last_date.isoformat(),
        "run_id": context.run_id,
        "mode": context.mode,
        "parent_processor": context.function.name,
        "correlation_id": context.correlation_id,
    }
    return OutboxMessage(trigger_of("phase6_export"), json.dumps(trigger))


def _join_batch(batch: Batch) -> Outcome:
    reason = f"{batch.batch_id} of run {batch.run_id} is in progress: joined it; newer inputs of this run were not used"
    return Outcome("joined", reason=reason, batch_id=batch.batch_id, announce=False, event=Event.JOINED_BATCH)


def _record_expected(
    context: Context, batch: Batch, units: dict[str, list[Player]], left_out: list[LeftOut], now: datetime
) -> None:
    """One load a batch: everyone considered, expected or left out with the reason."""
    common = {
        "game_date": parse_batch_id(batch.batch_id)[0],
        "batch_id": batch.batch_id,
        "revision": batch.revision,
        "recorded_at": now,
    }
    rows: list[dict[str, Any]] = [
        {**common, **player.identity(), "status": "expected", "unit": unit, "has_line": player.has_line}
        for unit, players in units.items()
        for player in players
    ]
    rows += [
        {**common, **player.identity, "status": "left_out", "reason": player.reason, "has_line": player.has_line}
        for player in left_out
    ]
    job_id = f"{batch.batch_id}-expected"
    context.runtime.warehouse.load(EXPECTED, table_of(EXPECTED, rows), mode="append", job_id=job_id)


def _keep_requests(
    context: Context, batch: Batch, units: dict[str, list[Player]], models: Mapping[str, Mapping[str, str]]
) -> str:
    """Write the units' messages to the raw bucket once: the batch's recorded inputs, and what the
    outbox sends.
    """
    runtime = context.runtime
    path = f"requests/{batch.game_date}/{batch.batch_id}.e{runtime.epoch}.jsonl.gz"
    players = [player for members in units.values() for player in members]
    params = {
        "game_date": parse_batch_id(batch.batch_id)[0],
        "as_of": max(player.features["features_as_of"] for player in players),
        "player_ids": [player.player_id for player in players],
        "last_games": GAMES,
    }
    games = runtime.warehouse.query(read_sql("shared.science.systems", "batch_histories"), params)
    texts = request_lines(batch, units, pack_histories(games), models, context)
    try:
        runtime.raw.write(path, pack_lines(texts), content_type="application/gzip", if_generation=0)
    except PreconditionFailed:
        # a retry after a crash: what was kept first is what the batch is made of
        logger.info("%s is there already", path)
    return path
