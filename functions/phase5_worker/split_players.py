"""A unit of several players, one of whom may be the cause that it fails, becomes a unit of each."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from shared.chain.batches.records import path_of
from shared.chain.batches.split import split_unit
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PredictionRequest
from shared.chain.messages.outbox import OutboxBlob, pack_lines, send_pending
from shared.core import failpoints
from shared.core.errors import PreconditionFailed, WriteConflict
from shared.core.events import Event
from shared.core.pipeline import WORKER, load_pipeline

logger = logging.getLogger(__name__)


def may_be_split(message: PredictionRequest) -> bool:
    """Whether a unit has more than one player."""
    return len(_by_player(message)) > 1


def end_of_split(message: PredictionRequest) -> Outcome:
    """What a delivery of a unit ends with whose players have units of their own: there is nothing
    left to do.

    Their requests are in the batch's outbox, which is sent with it where nobody has.
    """
    return Outcome(
        "success",
        reason=f"unit {message.unit} of {message.batch_id} is split: its players are units of their own",
        batch_id=message.batch_id,
        announce=False,
        history=False,
        linked_outboxes=[path_of(message.batch_id)],
        event=Event.UNIT_SPLIT,
    )


def split_players(message: PredictionRequest, context: Context) -> Outcome:
    """Keep a request of each player, put their units in this one's place, and send them.

    Repeatable. Raises LeaseHeld where another has taken over, WriteConflict where the unit is done
    or split by now, StoreUnavailable.
    """
    runtime = context.runtime
    players = _by_player(message)
    requests = OutboxBlob(
        load_pipeline().functions[WORKER].topics[0],
        f"held/units/{message.batch_id}.e{runtime.epoch}/{message.unit}.jsonl.gz",
    )
    texts = [_request(message, unit, entries) for unit, entries in players.items()]
    with suppress(PreconditionFailed):  # kept by an earlier try: the same texts
        runtime.raw.write(requests.path, pack_lines(texts), content_type="application/gzip", if_generation=0)
    failpoints.reach("split.requests_kept")
    if not split_unit(runtime.state, message.batch_id, message.unit, tuple(players), requests, context.fence):
        raise WriteConflict(
            f"Unit {message.unit} of {message.batch_id} was done, split or superseded while it was to be split.",
            next_step="nothing: the next delivery goes by what it is.",
        )
    logger.warning(
        "unit %s of %s is split: each of its %d players is tried alone",
        *(message.unit, message.batch_id, len(players)),
        extra={"fields": {"event": Event.UNIT_SPLIT, "players": len(players)}},
    )
    failpoints.reach("split.recorded")
    send_pending(path_of(message.batch_id), runtime.state, runtime.bus, runtime.raw)
    return end_of_split(message)


def _by_player(message: PredictionRequest) -> dict[str, list[dict[str, Any]]]:
    """Unit of each player, named by his id as the coordinator names such a unit, with his
    entries.
    """
    players: dict[str, list[dict[str, Any]]] = {}
    for player in message.players:
        players.setdefault(str(player["features"].get("player_id")), []).append(player)
    return players


def _request(message: PredictionRequest, unit: str, players: list[dict[str, Any]]) -> str:
    """The unit's request with these players alone.

    It is a message of its own, never that which came before.
    """
    alone = message.model_copy(update={"unit": unit, "players": players, "origin_message_id": None})
    return alone.model_dump_json(exclude_none=True)
