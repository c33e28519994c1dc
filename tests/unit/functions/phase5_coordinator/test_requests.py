"""A unit's message: short enough to be taken, with all that a worker reads of the lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from functions.phase5_coordinator.players import Player
from functions.phase5_coordinator.requests import OFFER_BYTES, PLAYER_BYTES, players_per_unit, request_lines
from shared.chain.batches.records import Batch, BatchStatus
from shared.chain.execution.context import Context
from shared.chain.messages.push_envelope import MAX_DATA_BYTES
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.nba.stats import STATS, Stat
from shared.science.predictions.lines import main_line, offers
from shared.science.predictions.prediction_row import PlayerRequest
from shared.science.systems.history import GAMES, HISTORY_VALUES, pack_histories
from shared.stores.ports import DateRange
from shared.stores.warehouse.schemas import load_schema

NOW = datetime(2025, 11, 14, 22, 30, 0, 123456, tzinfo=UTC)
DAY = date(2025, 11, 14)
BATCH = Batch(
    batch_id=f"batch_{DAY}_r1", game_date=DAY, revision=1, run_id="run", execution_id="coordinator.run",
    mode="same_day", as_of=NOW, features_as_of=NOW, status=BatchStatus.OPEN, closed_as=None, units_text="1",
    unit_count=1, games_text="", opened_at=NOW, sequence=1, outbox=[], outbox_pending=False,
)  # fmt: skip
CONTEXT = Context(
    None,  # type: ignore[arg-type]  # a request touches no store
    load_pipeline().functions["phase5_coordinator"], "coordinator.run", "run", "same_day", "run", DateRange(DAY, DAY),
    NOW,
)  # fmt: skip


def row(book: str, line: Decimal, *, is_main: bool, **changes: Any) -> dict[str, Any]:
    """A row of lines.sql, as far as a request has it."""
    return {
        "bookmaker": book,
        "line": line,
        "over_price": -115,
        "under_price": -105,
        "snapshot_time": NOW - timedelta(minutes=10),
        "is_main": is_main,
        "suspicious": None,
        **changes,
    }


def send(
    units: Mapping[str, Sequence[Player]], histories: Mapping[int, Mapping[str, Sequence[Any]]]
) -> dict[str, dict[str, Any]]:
    """Unit -> its message as a worker reads it, each short enough."""
    texts = request_lines(BATCH, units, histories, {}, CONTEXT)
    assert max(len(text.encode()) for text in texts) < 1_000_000 < MAX_DATA_BYTES
    return {message["unit"]: message for message in map(json.loads, texts)}


# --- length ---------------------------------------------------------------------------------------

# Fifteen games: of each team nine are played enough to be predicted.
CROWD = range(1_630_001, 1_630_001 + 15 * 2 * 9)
# The bookmakers of both regions that the odds are asked of; every other one offers eight alternates
# about each of its main lines.
BOOKS = (
    "betmgm", "betonlineag", "betrivers", "bovada", "draftkings", "espnbet",
    "fanatics", "fanduel", "prizepicks", "underdog", "ballybet", "williamhill_us",
)  # fmt: skip
AWAY_FROM_MAIN = (-4, -3, -2, -1, 1, 2, 3, 4)


def offered_of_a_stat() -> list[dict[str, Any]]:
    main = Decimal("20.5")
    rows = [row(book, main, is_main=True) for book in BOOKS]
    return rows + [row(book, main + away, is_main=False) for book in BOOKS[::2] for away in AWAY_FROM_MAIN]


def test_a_unit_of_the_fullest_day_with_lines_of_every_statistic_is_short_enough() -> None:
    """As many units as settings have, every figure as long as a figure is, every history whole."""
    figures = dict.fromkeys(load_schema("nba_predictions.ml_feature_store").columns, 12.345678901234567)
    books = {stat: offered_of_a_stat() for stat in STATS}
    players = [Player({**figures, "player_id": player, "game_id": "0022500201"}, books) for player in CROWD]
    one = {name: [23.456789] * GAMES for name in HISTORY_VALUES}
    whole = pa.table(
        {**one, "player_id": [1] * GAMES, "game_date": [DAY] * GAMES, "game_id": ["0022500001"] * GAMES,
         "opponent": ["BOS"] * GAMES}
    )  # fmt: skip
    history = pack_histories(whole)[1]
    units = players_per_unit(players, Settings().max_units)
    assert Settings().max_units <= len(units) < len(CROWD)
    sent = send(units, dict.fromkeys(CROWD, history))
    assert sum(len(message["players"]) for message in sent.values()) == len(CROWD)
    [sent_player, *_] = sent[next(iter(sent))]["players"]
    lines = sent_player.pop("lines")
    assert len(json.dumps(sent_player)) <= PLAYER_BYTES
    assert len(json.dumps(lines)) <= OFFER_BYTES * sum(len(each["books"]) for each in lines.values())
    sent_player["lines"] = lines
    assert all(player["lines"].keys() == STATS.keys() for message in sent.values() for player in message["players"])
    fewest = players_per_unit(players, 1)
    assert len(fewest) > 1, "a setting too low for the day makes no message too long"
    send(fewest, dict.fromkeys(CROWD, history))


# --- what is sent of the lines --------------------------------------------------------------------

_LINES = st.integers(1, 30).map(lambda halves: Decimal(halves) / 2)
_PRICES = st.none() | st.sampled_from([-250, -110, -105, 100, 130, 400])
ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from(BOOKS[:4]),
        _LINES,
        is_main=st.booleans(),
        over_price=_PRICES,
        under_price=_PRICES,
        snapshot_time=st.sampled_from([NOW - timedelta(minutes=minutes) for minutes in (1, 10, 11)]),
        suspicious=st.sampled_from([None, None, "far_from_form"]),
    ),
    max_size=25,
)


@given(ROWS, st.sampled_from(list(STATS.values())))
def test_a_worker_reads_of_what_is_sent_what_it_would_read_of_all(rows: list[dict[str, Any]], stat: Stat) -> None:
    features = {"player_id": 7, "game_date": "2025-11-14", "tipoff_at": NOW, "features_as_of": NOW}
    [sent] = send({"7": [Player(features, {stat.name: rows})]}, {})["7"]["players"]
    renamed = [{**each, "over": each["over_price"], "under": each["under_price"]} for each in rows]
    main = main_line(offers(renamed))
    assert (main is None) == (not sent["lines"])
    if main is None:
        return
    of_all = {"features": features, "lines": {stat.name: {"main": main, "books": renamed}}}
    read, whole = (PlayerRequest.read(each, stat) for each in (sent, of_all))
    for name in ("main", "tested", "line_snapshot_at", "suspicious"):
        assert getattr(read, name) == getattr(whole, name), name
    assert [read.best.get(line) for line in whole.tested] == [whole.best.get(line) for line in whole.tested]


def test_alternates_that_are_not_tested_are_not_sent() -> None:
    apart = row("zed", Decimal("29.5"), is_main=True)
    [sent] = send({"7": [Player({"player_id": 7}, {"points": [*offered_of_a_stat(), apart]})]}, {})["7"]["players"]
    assert sent["lines"]["points"]["books"][-1]["bookmaker"] == "zed", "a main line, wherever it is"
    books = sent["lines"]["points"]["books"][:-1]
    assert sorted({Decimal(book["line"]) for book in books}) == [Decimal(f"{whole}.5") for whole in range(18, 23)]
    assert [book["bookmaker"] for book in books if book["is_main"]] == list(BOOKS)
    assert len(books) == len(BOOKS) + 4 * len(BOOKS[::2])
