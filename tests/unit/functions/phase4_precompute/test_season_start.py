"""The summer: it is no rest, and before a season's first game last season's players make the
roster.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from shared.core.clock import at_new_york
from tests.support.features_fixture import FeatureFixture, Row, open_world

LONG_AGO, SPRING = date(2024, 4, 10), date(2025, 4, 13)
# New York's season begins a day before Boston's, whose second game is on the 23rd.
FIRST, OPENING, SECOND = date(2025, 10, 21), date(2025, 10, 22), date(2025, 10, 23)
PLAYED, HURT, RETIRED = (1, "Playing Man"), (2, "Hurt Man"), (3, "Retired Man")
YORKER, ROOKIE = (4, "York Man"), (5, "Rookie Man")
RESTS = ("rest_days", "team_rest_days", "opponent_rest_days", "rest_advantage", "is_back_to_back")


def contexts(world: FeatureFixture, day: date, at: time = time(17, 30)) -> dict[int, Row]:
    as_of = at_new_york(day, at)
    world.serve(day, as_of)
    return world.features(day, as_of)


def rests(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in RESTS)


Season = dict[date, dict[int, Row]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Season, Season]]:
    """The feature rows of the first evenings, as served and as a backfill of half a year describes
    them afterwards.
    """
    with open_world(tmp_path_factory.mktemp("season")) as world:
        for day, home, away, players in (
            (LONG_AGO, "BOS", "MIA", [RETIRED]),
            (SPRING, "BOS", "MIA", [PLAYED, HURT]),
            (SPRING, "NYK", "DEN", [YORKER]),
            (FIRST, "NYK", "DEN", [YORKER]),
            (OPENING, "BOS", "NYK", [PLAYED, ROOKIE]),
            (SECOND, "BOS", "DEN", [PLAYED]),
        ):
            world.game(day, home, away)
            for player in players:
                world.box(day, player, home, away, home=True, twos=5)
        world.box(OPENING, YORKER, "NYK", "BOS", home=False, twos=5)
        world.phase3("backfill", LONG_AGO, SPRING, at_new_york(SPRING + timedelta(days=2), time(12)))
        found = {}
        for day in (FIRST, OPENING, SECOND):
            found[day] = contexts(world, day)
            world.phase3("results", day, day, at_new_york(day + timedelta(days=1), time(13)))
        world.backfill(SPRING, SECOND, at_new_york(SECOND + timedelta(days=1), time(13)))
        yield found, {day: world.features(day, at_new_york(day, time(17, 30))) for day in found}


@pytest.fixture(scope="module")
def season(both: tuple[Season, Season]) -> Season:
    return both[0]


def test_last_seasons_team_is_the_roster_of_the_first_game(season: Season) -> None:
    """Who did not play last season at all is on none, and nor is who has not played yet."""
    assert set(season[FIRST]) == {YORKER[0]}
    assert set(season[OPENING]) == {PLAYED[0], HURT[0], YORKER[0]}


def test_from_the_second_game_on_the_latest_thirty_days_count(season: Season) -> None:
    assert set(season[SECOND]) == {PLAYED[0], ROOKIE[0]}


def test_a_summer_is_no_rest(season: Season) -> None:
    row = season[FIRST][YORKER[0]]
    assert rests(row) == (None, None, None, None, False)
    assert "rest=no_earlier_game" in row["null_reasons"]
    assert (row["games_season"], row["games_last_14"], row["games_known"]) == (0, 0, 1)


def test_rest_is_known_of_the_side_that_has_played(season: Season) -> None:
    """New York played yesterday, Boston never: neither knows its advantage."""
    boston, york = season[OPENING][PLAYED[0]], season[OPENING][YORKER[0]]
    assert rests(boston) == (None, None, 0, None, False)
    assert rests(york) == (0, 0, None, None, True)
    assert "rest=no_earlier_game" in boston["null_reasons"]
    assert "rest=no_earlier_game" in york["null_reasons"]


def test_from_the_second_game_on_rest_is_what_it_is(season: Season) -> None:
    """Denver played the day before yesterday."""
    row = season[SECOND][PLAYED[0]]
    assert rests(row) == (0, 0, 1, -1, True)
    assert "rest=" not in row["null_reasons"]


def test_a_backfill_over_the_summer_finds_the_same_players_as_rested(both: tuple[Season, Season]) -> None:
    served, described = both
    for day, rows in served.items():
        assert {player: rests(row) for player, row in described[day].items()} == {
            player: rests(row) for player, row in rows.items()
        }


# --- whom a book expects --------------------------------------------------------------------------

DAY = date(2025, 12, 20)
RETURNING = (7, "Returning Man")
LAST_GAME = DAY - timedelta(days=31)


def test_whom_a_book_expects_is_on_the_roster_after_any_pause(tmp_path: Path) -> None:
    """He played for Miami, then for Boston, 31 days ago; both play tonight, Boston played yesterday
    too.

    An alternate line, a line in a game of his former team and a line of that very moment do not
    bring him back. Before the game are 30 days without one, at which rest is capped.
    """
    before, yesterday = LAST_GAME - timedelta(days=9), DAY - timedelta(days=1)
    with open_world(tmp_path) as world:
        for day, home, away, player in (
            (before, "MIA", "DEN", RETURNING),
            (LAST_GAME, "BOS", "NYK", RETURNING),
            (yesterday, "BOS", "NYK", PLAYED),
        ):
            world.game(day, home, away)
            world.box(day, player, home, away, home=True, twos=5)
        world.phase3("backfill", before, yesterday, at_new_york(DAY, time(13)))
        world.game(DAY, "BOS", "LAL", status="scheduled")
        world.game(DAY, "MIA", "GSW", status="scheduled")
        for home, away, hour, market in (
            ("BOS", "LAL", 9, "player_points_alternate"),
            ("MIA", "GSW", 9, "player_points"),
            ("BOS", "LAL", 12, "player_points"),
        ):
            world.line(DAY, home, away, "Returning Man", "10.5", at=at_new_york(DAY, time(hour)), market=market)
        assert set(contexts(world, DAY, time(12))) == {PLAYED[0]}
        found = contexts(world, DAY, time(12, 0, 1))
        assert set(found) == {PLAYED[0], RETURNING[0]}
    row = found[RETURNING[0]]
    assert (row["team"], row["line"], row["rest_days"], row["team_rest_days"]) == ("BOS", 10.5, 30, 0)
    assert row["last_game_at"] == at_new_york(LAST_GAME, time(19))
