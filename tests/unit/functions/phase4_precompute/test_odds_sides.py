"""One evening: feeds differ in which team is at home, write lines that no book means, and know of
trades first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.chain.execution.context import Outcome
from shared.core.clock import at_new_york
from tests.support.features_fixture import FeatureFixture, Row, open_world

DAY = date(2025, 11, 14)
AS_OF = at_new_york(DAY, time(17, 30))
NINE = at_new_york(DAY, time(9))
SCORERS = {
    1: "Star Man",
    2: "Steady Mate",
    3: "Bench Man",
    4: "Sole Man",
    5: "Paid Man",
    6: "Split Man",
    7: "Alone Man",
    8: "Sure Man",
    9: "Outvoted Man",
    10: "Agreed Man",
    11: "Limited Man",
}
GONE, LISTED, RETURNED, LOST = (20, "Gone Man"), (21, "Listed Man"), (22, "Returned Man"), (23, "Lost Man")


def at(hour: int) -> datetime:
    return at_new_york(DAY, time(hour))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    with open_world(tmp_path_factory.mktemp("sides")) as world:
        for days in range(8, 2, -1):
            day = DAY - timedelta(days=days)
            world.game(day, "BOS", "NYK")
            for player in SCORERS.items():
                world.box(day, player, "BOS", "NYK", home=True, twos=15 if player[1] == "Bench Man" else 10)
            world.game(day, "GSW", "SAC")
            for player in (GONE, LISTED, RETURNED, LOST):
                world.box(day, player, "GSW", "SAC", home=True, twos=7)
        world.phase3("backfill", DAY - timedelta(days=8), DAY - timedelta(days=3), AS_OF)
        _swap_sides(world)
        _suspicious(world)
        _trade(world)
        world.outcome = world.phase3("same_day", DAY, DAY, AS_OF)  # type: ignore[attr-defined]
        world.phase4("same_day", DAY, DAY, AS_OF)
        yield world


def _swap_sides(world: FeatureFixture) -> None:
    """The schedule has Boston at home to Los Angeles; the odds feed has it the other way round, in
    both tables.
    """
    world.game(DAY, "BOS", "LAL", tip=None, status="scheduled")
    world.game_line(DAY, "LAL", "BOS", "4.5", "220.5", at=at(16), book="draftkings")
    world.game_line(DAY, "LAL", "BOS", "5.5", "221.5", at=at(16), book="fanduel")
    tip = at(20)
    world.line(DAY, "LAL", "BOS", "Star Man", "19.5", at=NINE, commence=tip)
    for book, line in (("draftkings", "20.5"), ("fanduel", "21.5")):
        world.line(DAY, "LAL", "BOS", "Star Man", line, at=at(16), book=book, commence=tip)


def _suspicious(world: FeatureFixture) -> None:
    def line(name: str, book: str, line: str, over: int | None = -110, under: int | None = -110) -> None:
        world.line(DAY, "LAL", "BOS", name, line, at=at(16), book=book, over=over, under=under)

    for book, points in (("draftkings", "19.5"), ("fanduel", "20.5"), ("betmgm", "250.5")):
        line("Steady Mate", book, points)
    line("Sole Man", "betmgm", "250.5")
    line("Bench Man", "draftkings", "0.5")
    for book, over in (("draftkings", -115), ("fanduel", -110), ("betmgm", 1_000_000)):
        line("Paid Man", book, "19.5", over, None)
    line("Alone Man", "betmgm", "19.5", 1_000_000, -110)
    for book, both in (("prizepicks", -137), ("underdog", -10_000)):
        line("Sure Man", book, "19.5", both, both)
    for book, points in (("draftkings", "20.5"), ("fanduel", "31.5")):
        line("Split Man", book, points)
    for book, points in (("betmgm", "40.5"), ("draftkings", "19.5"), ("fanduel", "40.5")):
        line("Outvoted Man", book, points)
    world.line(DAY, "LAL", "BOS", "Outvoted Man", "39.5", at=at(16), book="betmgm", market="player_points_alternate")
    for book, points in (("betmgm", "19.5"), ("draftkings", "40.5"), ("fanduel", "20.5")):
        line("Agreed Man", book, points)
    for book, points in (("betmgm", "8.5"), ("draftkings", "8.5"), ("fanduel", "19.5")):
        line("Limited Man", book, points)


def _trade(world: FeatureFixture) -> None:
    """Golden State plays without those who left: one offered by Denver before, one on Miami's list,
    one of neither.
    """
    world.game(DAY, "GSW", "UTA", status="scheduled")
    world.game(DAY, "DEN", "MIA", status="scheduled")
    world.game(DAY, "CHI", "PHX", status="scheduled")
    before = DAY - timedelta(days=2)
    world.game(before, "DEN", "DAL", status="scheduled")
    at_noon = at_new_york(before, time(12))
    world.line(before, "DEN", "DAL", "Gone Man", "14.5", at=at_noon)
    world.phase3("same_day", before, before, at_new_york(before, time(17)))
    for name in ("Gone Man", "Listed Man", "Lost Man"):
        world.line(DAY, "DEN", "MIA", name, "14.5", at=at(16))
    world.injury(DAY, "Listed Man", "MIA", "QUESTIONABLE", at=at(12))
    for sides in (("GSW", "UTA"), ("CHI", "PHX")):
        world.line(DAY, *sides, "Returned Man", "14.5", at=at(16))


def context(world: FeatureFixture, player_id: int) -> list[Row]:
    where = f"player_id = {player_id} AND game_date = '{DAY}' AND features_as_of = '{AS_OF}'"
    return world.rows("nba_analytics.upcoming_player_game_context", where)


def of(world: FeatureFixture, player_id: int) -> Row:
    [row] = context(world, player_id)
    return row


def suspicions(world: FeatureFixture, name: str) -> dict[tuple[str, str], Any]:
    return {
        (row["bookmaker"], str(row["line"].normalize())): row["suspicious"]
        for row in world.rows("nba_analytics.upcoming_player_lines", f"player_name = '{name}' AND game_date = '{DAY}'")
    }


# --- home and away --------------------------------------------------------------------------------


def test_lines_spread_and_tip_off_find_their_game_whoever_is_at_home(world: FeatureFixture) -> None:
    star = of(world, 1)
    assert (star["team"], star["opponent"], star["is_home"]) == ("BOS", "LAL", True)
    assert (star["main_line"], star["line_books"], star["line_opening"]) == (Decimal("21.0"), 2, 19.5)
    # Los Angeles gets 5 points by the feed, so Boston gives them
    assert (star["spread"], star["game_total"], star["implied_team_total"]) == (-5.0, 221.0, 113.0)
    assert (star["tipoff_at"], star["tipoff_source"]) == (at(20), "odds")
    away = world.rows("nba_analytics.upcoming_team_game_context", f"team = 'LAL' AND game_date = '{DAY}'")
    assert [row["spread"] for row in away] == [5.0]


def test_the_swap_is_counted_and_named(world: FeatureFixture) -> None:
    outcome: Outcome = world.outcome  # type: ignore[attr-defined]
    assert outcome.metadata["games_swapped_in_odds"] == 1
    assert "home and away the other way round in the odds feed (20251114BL)" in outcome.reason


# --- lines that no book means ---------------------------------------------------------------------


def test_a_line_far_from_all_is_marked_and_left_out_of_the_main_line(world: FeatureFixture) -> None:
    assert suspicions(world, "Steady Mate") == {
        ("draftkings", "19.5"): None,
        ("fanduel", "20.5"): None,
        ("betmgm", "250.5"): "far_from_form",
    }
    mate = of(world, 2)
    assert (mate["main_line"], mate["line_books"], mate["suspicious_lines"]) == (Decimal("20.0"), 2, 1)


def test_the_only_line_of_a_player_is_shown_and_counts_for_nothing(world: FeatureFixture) -> None:
    assert suspicions(world, "Sole Man") == {("betmgm", "250.5"): "far_from_form"}
    assert suspicions(world, "Bench Man") == {("draftkings", "0.5"): "far_from_form"}
    features = world.features(DAY, AS_OF)
    for player in (3, 4):
        assert features[player]["line"] is None
        assert "market=suspicious_line" in features[player]["null_reasons"]
    assert "suspicious" not in features[1]["null_reasons"]


def test_of_two_books_the_one_farther_from_the_players_form_is_meant(world: FeatureFixture) -> None:
    assert suspicions(world, "Split Man") == {("draftkings", "20.5"): None, ("fanduel", "31.5"): "far_from_books"}
    assert of(world, 6)["main_line"] == Decimal("20.5")


def test_where_two_books_agree_on_what_he_never_scores_nobodys_line_counts(world: FeatureFixture) -> None:
    assert suspicions(world, "Outvoted Man") == {
        ("betmgm", "40.5"): "far_from_books",
        ("betmgm", "39.5"): "far_from_books",
        ("draftkings", "19.5"): "far_from_books",
        ("fanduel", "40.5"): "far_from_books",
    }
    assert (of(world, 9)["main_line"], of(world, 9)["suspicious_lines"]) == (None, 3)
    features = world.features(DAY, AS_OF)[9]
    assert features["line"] is None
    assert "market=suspicious_line" in features["null_reasons"]


def test_where_two_books_agree_on_what_he_may_well_score_the_third_is_meant(world: FeatureFixture) -> None:
    """They may know of fewer minutes: form is no reason against them while they are not far from
    it.
    """
    assert suspicions(world, "Limited Man") == {
        ("betmgm", "8.5"): None,
        ("draftkings", "8.5"): None,
        ("fanduel", "19.5"): "far_from_books",
    }
    assert of(world, 11)["main_line"] == Decimal("8.5")


def test_where_one_of_three_is_far_from_form_the_others_count(world: FeatureFixture) -> None:
    assert suspicions(world, "Agreed Man") == {
        ("betmgm", "19.5"): None,
        ("draftkings", "40.5"): "far_from_books",
        ("fanduel", "20.5"): None,
    }
    assert of(world, 10)["main_line"] == Decimal("20.0")


def test_a_price_far_from_the_other_books_and_one_that_gives_money_away_are_marked(world: FeatureFixture) -> None:
    assert set(suspicions(world, "Paid Man").items()) == {
        (("draftkings", "19.5"), None),
        (("fanduel", "19.5"), None),
        (("betmgm", "19.5"), "absurd_price"),
    }
    assert suspicions(world, "Alone Man") == {("betmgm", "19.5"): "absurd_price"}
    # -10000 on both sides, as one day of the archive has it, is no price; the other book's stays
    assert suspicions(world, "Sure Man") == {("prizepicks", "19.5"): None, ("underdog", "19.5"): "absurd_price"}


# --- trades ---------------------------------------------------------------------------------------


def test_a_line_puts_a_player_on_the_new_teams_roster_and_takes_him_from_the_old_ones(world: FeatureFixture) -> None:
    """Offered in Denver's games of two evenings; tonight's other one by the injury list."""
    assert [(row["team"], row["opponent"], row["last_team"]) for row in context(world, 20)] == [("DEN", "MIA", "GSW")]
    assert [(row["team"], row["opponent"], row["last_team"]) for row in context(world, 21)] == [("MIA", "DEN", "GSW")]
    assert of(world, 21)["injury_status"] == "QUESTIONABLE"


def test_of_which_team_he_is_is_not_guessed(world: FeatureFixture) -> None:
    """A line says which game, not which team: nowhere, and not on the old roster either."""
    assert context(world, 23) == []


def test_a_line_in_the_own_teams_game_keeps_a_player_there(world: FeatureFixture) -> None:
    assert [row["team"] for row in context(world, 22)] == ["GSW"]


def test_what_a_new_team_makes_unknown_is_null_with_its_reason(world: FeatureFixture) -> None:
    features = world.features(DAY, AS_OF)
    gone, star = features[20], features[1]
    assert gone["days_since_team_change"] is None
    assert "team_change=no_game_yet" in gone["null_reasons"]
    assert gone["teammates_out_points_recent"] is gone["teammates_out_points_delta"] is None
    assert "teammates_recent=new_team" in gone["null_reasons"]
    assert "team_change=one_team" in star["null_reasons"]
