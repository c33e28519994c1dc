"""Units and their request messages; pure but for the registry's versions it is given."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from functions.phase5_coordinator.players import Player
from shared.chain.batches.records import Batch
from shared.chain.execution.context import Context
from shared.chain.messages.messages import PredictionRequest
from shared.nba.stats import PREDICTED, Stat
from shared.science.predictions.lines import main_line, offers, tested_lines

# Of a unit's message, which may have 1 MiB; what of it a player takes at most by his features and
# history, and by each offer.
MOST_BYTES = 1_000_000
PLAYER_BYTES, OFFER_BYTES = 16_000, 150


def players_per_unit(players: Sequence[Player], most_units: int) -> dict[str, list[Player]]:
    """One unit a player, named by his id; above most_units, groups of about the same work, named by
    number, and as many more as it takes that each fits into a message.

    The same players give the same units. Who is in two games is in one unit.
    """
    alone: dict[int, list[Player]] = {}
    for player in players:
        alone.setdefault(player.player_id, []).append(player)
    # fewer groups could not hold them all
    number = max(most_units, -(-sum(map(_size, alone.values())) // MOST_BYTES))
    while number < len(alone):
        groups = _deal(alone, number)
        if all(sum(_size(alone[player_id]) for player_id in group) <= MOST_BYTES for group in groups):
            return {
                f"group-{place:04d}": [player for player_id in sorted(group) for player in alone[player_id]]
                for place, group in enumerate(groups)
            }
        number += 1
    return {str(player_id): games for player_id, games in alone.items()}


def _deal(alone: Mapping[int, Sequence[Player]], number: int) -> list[list[int]]:
    """The most work first, each to the group that has the least so far."""
    groups: list[list[int]] = [[] for _ in range(number)]
    loads = [(0, place) for place in range(number)]
    for player_id in sorted(alone, key=lambda each: (-_work(alone[each]), each)):
        load, place = heapq.heappop(loads)
        groups[place].append(player_id)
        heapq.heappush(loads, (load + _work(alone[player_id]), place))
    return groups


def _size(games: Sequence[Player]) -> int:
    """Bytes that a player takes of a message, at most."""
    return sum(PLAYER_BYTES + OFFER_BYTES * sum(map(len, player.books.values())) for player in games)


def _work(games: Sequence[Player]) -> int:
    """Rows to make of a player, in tested lines of every statistic."""
    return sum(
        len(stat.line_steps) if player.has_line_of(stat.name) else 1 for player in games for stat in PREDICTED.values()
    )


def request_lines(
    batch: Batch,
    units: Mapping[str, Sequence[Player]],
    histories: Mapping[int, Mapping[str, Sequence[Any]]],
    models: Mapping[str, Mapping[str, str]],
    context: Context,
) -> list[str]:
    """One JSON text per unit: a PredictionRequest that needs nothing else."""
    return [
        PredictionRequest(
            game_date=batch.game_date,
            run_id=batch.run_id,
            mode=context.mode,
            as_of=context.as_of,
            batch_id=batch.batch_id,
            revision=batch.revision,
            unit=unit,
            models={stat: dict(versions) for stat, versions in models.items()},
            players=[_request(player, histories.get(player.player_id)) for player in players],
            correlation_id=context.correlation_id,
            processor_name=context.function.name,
            execution_id=context.execution_id,
            trigger_source="pubsub",
        ).model_dump_json(exclude_none=True)
        for unit, players in units.items()
    ]


def _request(player: Player, history: Mapping[str, Sequence[Any]] | None) -> dict[str, Any]:
    return {
        "features": {name: _json(value) for name, value in player.features.items()},
        "history": history,
        "lines": {
            stat: lines
            for stat, books in sorted(player.books.items())
            if stat in PREDICTED and (lines := _lines(books, PREDICTED[stat]))
        },
    }


def _lines(of_a_stat: Sequence[Mapping[str, Any]], stat: Stat) -> dict[str, Any] | None:
    """The main line (median of the books' latest, in halves) and what is offered of it; None
    without a line.

    Sent are the main lines, the alternates at tested lines, and the newest offer, whose time is the
    lines' own: nobody reads the others, and of eight statistics they would make a unit of a full
    day longer than a message may be.
    """
    books = [
        {
            "bookmaker": book["bookmaker"],
            "line": _json(book["line"]),
            "over": book["over_price"],
            "under": book["under_price"],
            "snapshot_time": _json(book["snapshot_time"]),
            "is_main": book["is_main"],
            **({"suspicious": book["suspicious"]} if book.get("suspicious") else {}),
        }
        for book in of_a_stat
    ]
    current = offers(books)
    main = main_line(current)
    if main is None:
        return None
    tested = tested_lines(main, stat)
    sent = {offer for offer in current if offer.is_main or offer.line in tested}
    sent.add(max(current, key=lambda offer: (offer.snapshot_time, offer in sent)))
    return {"main": _json(main), "books": [book for book in books if not sent.isdisjoint(offers([book]))]}


def _json(value: Any) -> Any:
    """JSON without loss: lines as exact decimals in text, moments and days in ISO form."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value
