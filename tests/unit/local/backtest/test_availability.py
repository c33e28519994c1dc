"""Who played by his status: counts by hand, of the lists that are real and the games that were
played.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.backtest.availability import HISTORY, TESTED, read_availability, rows_of
from local.day.plan import DateSpan
from shared.core.clock import at_new_york
from tests.support.features_fixture import FeatureFixture, open_world
from tests.support.stores import append

STAR, MATE, THIRD, GUARD, BENCH = (
    (n, f"{name} Man") for n, name in enumerate(("Star", "Mate", "Third", "Guard", "Bench"), start=1)
)
FOE, OTHER_FOE = (8, "Usual Foe"), (9, "Other Foe")
LAST_SEASON = date(2025, 1, 10)
FIRST, SECOND, THIRD_DAY, UNPLAYED = (date(2025, 11, day) for day in (10, 12, 14, 16))
SPANS = [DateSpan("2024-25", LAST_SEASON, LAST_SEASON), DateSpan("2025-26", FIRST, UNPLAYED)]
AFTER = at_new_york(date(2025, 11, 18), time(4))


def play(world: FeatureFixture, day: date, *players: tuple[int, str], foes: tuple[tuple[int, str], ...]) -> None:
    """A game of BOS with LAL; the bench man has 10 minutes, everybody else 30."""
    world.game(day, "BOS", "LAL")
    for player in players:
        world.box(day, player, "BOS", "LAL", home=True, twos=5, minutes=10.0 if player == BENCH else 30.0)
    for player in foes:
        world.box(day, player, "LAL", "BOS", home=False, twos=5)


def evening(day: date) -> Any:
    return at_new_york(day, time(17))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    """BOS has a list of the league on the second day and on that of a game that is not played, and
    one of ESPN, as LAL, on the third. On the second day LAL's absences are derived.
    """
    with open_world(tmp_path) as world:
        everybody = (STAR, MATE, THIRD, GUARD, BENCH)
        play(world, LAST_SEASON, *everybody, foes=(FOE, OTHER_FOE))
        play(world, FIRST, *everybody, foes=(FOE, OTHER_FOE))
        play(world, SECOND, MATE, GUARD, BENCH, foes=(FOE,))
        world.report(
            SECOND, {"BOS": True}, (STAR[1], "BOS", "OUT"), (MATE[1], "BOS", "QUESTIONABLE"),
            (THIRD[1], "BOS", "QUESTIONABLE"), (BENCH[1], "BOS", "PROBABLE"), at=evening(SECOND),
        )  # fmt: skip
        # too late for any forecast
        world.report(SECOND, {"BOS": True}, (GUARD[1], "BOS", "OUT"), at=evening(SECOND) + timedelta(hours=1))
        play(world, THIRD_DAY, STAR, MATE, THIRD, BENCH, foes=(FOE, OTHER_FOE))
        world.injury(THIRD_DAY, STAR[1], "BOS", "QUESTIONABLE", at=evening(THIRD_DAY))
        world.game(UNPLAYED, "BOS", "LAL")
        world.report(UNPLAYED, {"BOS": True, "LAL": True}, (STAR[1], "BOS", "OUT"), at=evening(UNPLAYED))
        world.backfill(LAST_SEASON, LAST_SEASON, AFTER)
        world.backfill(FIRST, UNPLAYED, AFTER)
        yield world


def test_counts_by_hand(world: FeatureFixture) -> None:
    found = read_availability(world.warehouse, SPANS, FIRST, UNPLAYED)
    sources = {
        (row["game_date"], row["team"]): row["injury_report_source"]
        for row in world.rows("nba_analytics.upcoming_player_game_context", f"game_date >= DATE '{FIRST}'")
    }
    assert sources[SECOND, "LAL"] == "derived", "a list that no forecast could know"
    assert sources[FIRST, "BOS"] is None
    assert sources[THIRD_DAY, "LAL"] == "espn"
    assert found[TESTED] == [
        {"status": "OUT", "n": 1, "played": 0},  # the star, second day
        # second day: the mate, who plays, and the third man, who does not; third day: the star
        {"status": "QUESTIONABLE", "n": 3, "played": 2},
        # second day: the guard, by BOS's list of 17:00; third day: mate, third man and both foes
        # play, the guard does not
        {"status": "not_listed", "n": 6, "played": 5},
    ]
    assert found[HISTORY] == []


def test_the_newest_row_counts_and_no_derived_status(world: FeatureFixture) -> None:
    """The second day's rows once more, later: BOS has a list, and what box scores derive of some
    other team says that the guard is out.
    """
    before = read_availability(world.warehouse, SPANS, SECOND, SECOND)
    for table in ("nba_analytics.upcoming_player_game_context", "nba_precompute.player_daily_cache"):
        rows = world.rows(table, f"game_date = DATE '{SECOND}'")
        for row in rows:
            row["features_as_of"] += timedelta(minutes=5)
            if row["player_id"] == GUARD[0] and "injury_status" in row:
                row["injury_status"], row["injury_source"] = "OUT", "derived"
            if row["player_id"] == MATE[0] and "injury_status" in row:
                row["injury_status"] = "PROBABLE"
        append(world.warehouse, table, rows, f"later-{table}")
    assert before[TESTED] == [
        {"status": "OUT", "n": 1, "played": 0},
        {"status": "QUESTIONABLE", "n": 2, "played": 1},
        {"status": "not_listed", "n": 1, "played": 1},
    ]
    assert read_availability(world.warehouse, SPANS, SECOND, SECOND)[TESTED] == [
        {"status": "OUT", "n": 1, "played": 0},
        {"status": "QUESTIONABLE", "n": 1, "played": 0},
        {"status": "PROBABLE", "n": 1, "played": 1},
        {"status": "not_listed", "n": 1, "played": 1},
    ]


def test_of_days_without_any_list_there_is_nothing(world: FeatureFixture) -> None:
    assert read_availability(world.warehouse, SPANS, FIRST, FIRST) == {TESTED: [], HISTORY: []}


def test_the_seasons_before_are_counted_apart(world: FeatureFixture) -> None:
    """Of FROM's own season nothing is history, and of the tested days neither."""
    world.report(LAST_SEASON, {"BOS": True}, (STAR[1], "BOS", "DOUBTFUL"), at=evening(LAST_SEASON))
    world.game(LAST_SEASON - timedelta(days=2), "BOS", "LAL")
    world.box(LAST_SEASON - timedelta(days=2), STAR, "BOS", "LAL", home=True, twos=5)
    world.backfill(LAST_SEASON - timedelta(days=2), LAST_SEASON, AFTER)
    spans = [DateSpan("2024-25", LAST_SEASON - timedelta(days=2), LAST_SEASON), SPANS[1]]
    found = read_availability(world.warehouse, spans, THIRD_DAY, THIRD_DAY)
    assert found[HISTORY] == [{"status": "DOUBTFUL", "n": 1, "played": 1}]
    assert found[TESTED] == [
        {"status": "QUESTIONABLE", "n": 1, "played": 1},
        {"status": "not_listed", "n": 5, "played": 4},
    ]


def test_a_tables_rows_go_from_out_to_not_listed() -> None:
    tested = [{"status": "OUT", "n": 2000, "played": 1}, {"status": "not_listed", "n": 4, "played": 3}]
    history = [{"status": "PROBABLE", "n": 3, "played": 2}]
    assert rows_of({TESTED: tested, HISTORY: history}) == [
        {"status": "OUT", "tested days": "0.05% of 2,000", "seasons before": ""},
        {"status": "PROBABLE", "tested days": "", "seasons before": "66.67% of 3"},
        {"status": "not listed", "tested days": "75.00% of 4", "seasons before": ""},
    ]
    assert rows_of({TESTED: [], HISTORY: []}) == []
