"""Of each feed the newest answer as a whole is in force: who is not in it any more has no line, or
is not listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.core.clock import at_new_york
from shared.nba.stats import STATS
from shared.science.predictions.lines import main_line, offers
from tests.support.features_fixture import FeatureFixture, Row, open_world
from tests.support.lent_warehouses import LaidOut

PLAYED, DAY = date(2025, 11, 12), date(2025, 11, 14)
AS_OF = at_new_york(DAY, time(17, 30))
STAR, MATE, FOE = (1, "Star Man"), (2, "Steady Mate"), (3, "Usual Foe")
ALTERNATE = "player_points_alternate"
NOW = f"features_as_of = '{AS_OF}'"


def at(hour: int, minute: int = 0) -> datetime:
    return at_new_york(DAY, time(hour, minute))


_ROWS = LaidOut()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    with open_world(tmp_path) as world:
        if not _ROWS.are_put_into(world.warehouse):
            world.game(PLAYED, "BOS", "LAL")
            for player, team, opponent in ((STAR, "BOS", "LAL"), (MATE, "BOS", "LAL"), (FOE, "LAL", "BOS")):
                world.box(PLAYED, player, team, opponent, home=team == "BOS", twos=8)
            world.game(PLAYED, "GSW", "SAC")
            world.box(PLAYED, (4, "Western Man"), "GSW", "SAC", home=True, twos=8)
            world.phase3("results", PLAYED, PLAYED, AS_OF)
            _ROWS.keep(world.warehouse)
        world.game(DAY, "BOS", "LAL", status="scheduled")
        world.game(DAY, "GSW", "SAC", status="scheduled")
        yield world


def line(
    world: FeatureFixture,
    name: str,
    points: str,
    hour: int,
    book: str = "draftkings",
    market: str = "player_points",
    answer: int | None = None,
) -> None:
    """A line of an hour, in the answer of that hour or of a later one."""
    sides = ("GSW", "SAC") if name == "Western Man" else ("BOS", "LAL")
    world.line(DAY, *sides, name, points, at=at(hour), answer=at(answer or hour), book=book, market=market)


def list_offers(world: FeatureFixture, name: str, as_of: datetime = AS_OF) -> set[tuple[str, bool, str]]:
    """(book, main, line) of a name after phase 3; the systems' reading of the same rows leaves none
    of them out.
    """
    world.phase3("same_day", DAY, DAY, as_of)
    rows = [
        row
        for row in world.rows("nba_analytics.upcoming_player_lines")
        if row["player_name"] == name and row["features_as_of"] == as_of
    ]
    books = [{**row, "over": row["over_price"], "under": row["under_price"]} for row in rows]
    found = {(row["bookmaker"], row["is_main"], str(row["line"].normalize())) for row in rows}
    current = offers(books)
    assert {(offer.bookmaker, offer.is_main, str(offer.line.normalize())) for offer in current} == found
    context = [
        row["main_line"]
        for row in world.rows("nba_analytics.upcoming_player_game_context")
        if row["player_name"] == name and row["features_as_of"] == as_of
    ]
    assert context == [main_line(current)]
    return found


# --- lines ----------------------------------------------------------------------------------------


def test_a_player_taken_off_by_a_book_has_its_line_no_more(world: FeatureFixture) -> None:
    """At 16:00 draftkings shows the mate alone; fanduel's market has not changed since 9:00 and is
    in the answer.
    """
    line(world, "Star Man", "20.5", 9)
    line(world, "Steady Mate", "12.5", 9)
    line(world, "Star Man", "24.5", 9, book="fanduel")
    assert list_offers(world, "Star Man", at(15)) == {("draftkings", True, "20.5"), ("fanduel", True, "24.5")}
    line(world, "Steady Mate", "13.5", 16)
    line(world, "Star Man", "24.5", 9, book="fanduel", answer=16)
    assert list_offers(world, "Star Man") == {("fanduel", True, "24.5")}
    assert list_offers(world, "Steady Mate") == {("draftkings", True, "13.5")}


def test_a_book_that_is_not_in_the_newest_answer_offers_nothing(world: FeatureFixture) -> None:
    """draftkings has 27.5 at 9:00 and nothing at 17:00, fanduel 31.5 at both: 31.5 of one book, not
    29.5 of two.
    """
    line(world, "Star Man", "27.5", 9)
    line(world, "Star Man", "31.5", 9, book="fanduel")
    assert list_offers(world, "Star Man", at(16)) == {("draftkings", True, "27.5"), ("fanduel", True, "31.5")}
    line(world, "Star Man", "31.5", 9, book="fanduel", answer=17)
    assert list_offers(world, "Star Man") == {("fanduel", True, "31.5")}
    [row] = world.rows("nba_analytics.upcoming_player_game_context", f"main_line IS NOT NULL AND {NOW}")
    assert (row["main_line"], row["line_books"], row["line_range"]) == (Decimal("31.5"), 1, 0.0)


def test_an_answer_that_names_no_book_leaves_no_line(world: FeatureFixture) -> None:
    line(world, "Star Man", "20.5", 9)
    line(world, "Western Man", "15.5", 9)
    world.no_lines(DAY, "BOS", "LAL", at=at(17))
    assert list_offers(world, "Star Man") == set()
    assert list_offers(world, "Western Man") == {("draftkings", True, "15.5")}
    assert world.rows("nba_analytics.resolved_names", "player_lookup IS NULL") == []
    line(world, "Star Man", "21.5", 9, answer=17)  # of two answers of one moment one names a book
    assert list_offers(world, "Star Man") == {("draftkings", True, "21.5")}


def test_an_answer_at_the_moment_itself_takes_nobody_off(world: FeatureFixture) -> None:
    line(world, "Star Man", "20.5", 9)
    world.no_lines(DAY, "BOS", "LAL", at=AS_OF)
    world.line(DAY, "BOS", "LAL", "Steady Mate", "12.5", at=at(17), answer=AS_OF)
    assert list_offers(world, "Star Man") == {("draftkings", True, "20.5")}


@pytest.mark.parametrize(("minutes", "count"), [(12 * 60, 1), (12 * 60 + 1, 0), (23 * 60 + 30, 0)])
def test_an_answer_of_more_than_twelve_hours_ago_is_not_in_force(
    world: FeatureFixture, minutes: int, count: int
) -> None:
    """23:30 hours are yesterday's 18:00."""
    world.line(DAY, "BOS", "LAL", "Star Man", "20.5", at=AS_OF - timedelta(minutes=minutes))
    assert len(list_offers(world, "Star Man")) == count


def test_a_historical_answer_stands_for_its_own_time(world: FeatureFixture) -> None:
    """Bought a year later, it says what was offered at 17:30: so it is known then, as far as its
    lines are older.
    """
    later = at(17) + timedelta(days=365)
    world.line(DAY, "BOS", "LAL", "Star Man", "20.5", at=at(9), answer=at(10), fetched=later)
    world.line(DAY, "BOS", "LAL", "Star Man", "22.5", at=at(17), answer=AS_OF, fetched=later)
    world.line(DAY, "BOS", "LAL", "Steady Mate", "12.5", at=AS_OF, answer=AS_OF, fetched=later)
    assert list_offers(world, "Star Man") == {("draftkings", True, "22.5")}
    assert list_offers(world, "Steady Mate") == set()


def test_rows_without_the_answers_moment_are_of_the_fetch_or_of_the_past(world: FeatureFixture) -> None:
    """Local state of before: live answers by their fetch, bought ones (after tip-off) by their
    newest snapshot.
    """
    tip, later = at(19), at(12) + timedelta(days=365)
    old: Row = {"commence": tip, "dated": False}
    world.line(DAY, "BOS", "LAL", "Star Man", "20.5", at=at(9), answer=at(10), **old)
    world.line(DAY, "BOS", "LAL", "Steady Mate", "12.5", at=at(9), answer=at(16), **old)
    world.line(DAY, "GSW", "SAC", "Western Man", "15.5", at=at(16), fetched=later, **old)
    world.line(DAY, "GSW", "SAC", "Western Man", "14.5", at=at(9), book="fanduel", fetched=later, **old)
    assert list_offers(world, "Star Man") == set()
    assert list_offers(world, "Steady Mate") == {("draftkings", True, "12.5")}
    assert list_offers(world, "Western Man") == {("draftkings", True, "15.5"), ("fanduel", True, "14.5")}


# --- lines of several statistics ------------------------------------------------------------------


def mains_of(world: FeatureFixture, name: str = "Star Man") -> dict[str, set[str]]:
    """The main lines of a player in force by statistic, after phase 3."""
    world.phase3("same_day", DAY, DAY, AS_OF)
    found: dict[str, set[str]] = {}
    for row in world.rows("nba_analytics.upcoming_player_lines", f"player_name = '{name}' AND is_main AND {NOW}"):
        found.setdefault(row["stat"], set()).add(str(row["line"].normalize()))
    return found


def test_a_player_has_a_line_of_each_statistic_and_the_market_of_his_features_is_points(world: FeatureFixture) -> None:
    for stat in STATS.values():
        line(world, "Star Man", str(stat.usual // 1 + 0.5), 16, market=stat.market)
        line(world, "Star Man", str(stat.usual // 1 + 1.5), 16, market=stat.alternate_market)
    assert mains_of(world) == {stat.name: {str(stat.usual // 1 + 0.5)} for stat in STATS.values()}
    assert len(world.rows("nba_analytics.upcoming_player_lines", NOW)) == 2 * len(STATS)
    [row] = world.rows("nba_analytics.upcoming_player_game_context", f"main_line IS NOT NULL AND {NOW}")
    assert (row["player_name"], row["main_line"], row["line_books"]) == ("Star Man", Decimal("10.5"), 1)


def test_what_an_answer_says_of_one_statistic_it_says_of_no_other(world: FeatureFixture) -> None:
    """At 16:00 nobody offers threes any more, and an answer at 17:00 was asked for points alone."""
    line(world, "Star Man", "20.5", 9)
    line(world, "Star Man", "6.5", 9, market="player_rebounds")
    line(world, "Star Man", "2.5", 9, market="player_threes")
    assert mains_of(world) == {"points": {"20.5"}, "rebounds": {"6.5"}, "threes": {"2.5"}}
    world.no_lines(DAY, "BOS", "LAL", at=at(16), stat="threes")
    assert mains_of(world) == {"points": {"20.5"}, "rebounds": {"6.5"}}
    line(world, "Star Man", "22.5", 17)
    assert mains_of(world) == {"points": {"22.5"}, "rebounds": {"6.5"}}


def test_lines_are_judged_by_the_bounds_of_their_own_statistic(world: FeatureFixture) -> None:
    """Nobody knows how the star rebounds, so that a usual man's four count: 5 are too far from the
    books for rebounds, and nothing for points; 14 lie 4 deviations above, of points they do not.
    """
    for book, rebounds, points in (("a", "4.5", "14.5"), ("b", "4.5", "14.5"), ("c", "9.5", "19.5")):
        line(world, "Star Man", rebounds, 16, book=book, market="player_rebounds")
        line(world, "Star Man", points, 16, book=book)
    for market in ("player_rebounds", "player_points"):
        line(world, "Steady Mate", "15.5", 16, market=market)
    world.phase3("same_day", DAY, DAY, AS_OF)
    found = world.rows("nba_analytics.upcoming_player_lines", f"suspicious IS NOT NULL AND {NOW}")
    assert sorted((row["player_name"], row["stat"], row["bookmaker"], row["suspicious"]) for row in found) == [
        ("Star Man", "rebounds", "c", "far_from_books"),
        ("Steady Mate", "rebounds", "draftkings", "far_from_form"),
    ]


def test_the_form_of_a_sum_is_that_of_its_parts(world: FeatureFixture) -> None:
    """16 points, 12 rebounds and 9 assists in his one game, with three usual men's: four deviations
    above 17.5 points and rebounds are 48.0, above 21.6 with assists 55.3.
    """
    world.box(PLAYED, STAR, "BOS", "LAL", home=True, twos=8, rebounds=12, assists=9, at=at(8))
    world.phase3("results", PLAYED, PLAYED, AS_OF)
    line(world, "Star Man", "54.5", 16, market="player_points_rebounds")
    line(world, "Star Man", "54.5", 16, market="player_points_rebounds_assists")
    line(world, "Star Man", "54.5", 16, market="player_points_rebounds", book="fanduel")
    world.phase3("same_day", DAY, DAY, AS_OF)
    found = {
        (row["stat"], row["suspicious"])
        for row in world.rows("nba_analytics.upcoming_player_lines", f"player_name = 'Star Man' AND {NOW}")
    }
    assert found == {("pr", "far_from_form"), ("pra", None)}


def test_the_form_in_threes_is_of_the_box_scores_threes(world: FeatureFixture) -> None:
    """8 in his one game, with three usual men's: four deviations above 2.75 are 9.9, above a usual
    man's 1 they are 5.6.
    """
    world.box(PLAYED, STAR, "BOS", "LAL", home=True, threes=8, at=at(8))
    world.phase3("results", PLAYED, PLAYED, AS_OF)
    for name in ("Star Man", "Steady Mate"):
        line(world, name, "8.5", 16, market="player_threes")
    world.phase3("same_day", DAY, DAY, AS_OF)
    found = world.rows("nba_analytics.upcoming_player_lines", f"stat = 'threes' AND {NOW}")
    assert {row["player_name"]: row["suspicious"] for row in found} == {
        "Star Man": None,
        "Steady Mate": "far_from_form",
    }


def team_lines(world: FeatureFixture) -> tuple[float | None, float | None, int | None]:
    world.phase3("same_day", DAY, DAY, AS_OF)
    [row] = world.rows("nba_analytics.upcoming_team_game_context", f"team = 'BOS' AND game_date = '{DAY}' AND {NOW}")
    return row["spread"], row["game_total"], row["game_line_books"]


def test_spreads_and_totals_go_by_the_newest_answer_too(world: FeatureFixture) -> None:
    """draftkings is gone at 17:00; then fanduel shows its total alone; then the answer names
    nobody.
    """
    world.game_line(DAY, "BOS", "LAL", "-4.5", "220.5", at=at(9), book="draftkings")
    world.game_line(DAY, "BOS", "LAL", "-6.5", "224.5", at=at(9), book="fanduel")
    assert team_lines(world) == (-5.5, 222.5, 2)
    world.game_line(DAY, "BOS", "LAL", "-6.5", "224.5", at=at(9), answer=at(16), book="fanduel")
    assert team_lines(world) == (-6.5, 224.5, 1)
    world.game_line(DAY, "BOS", "LAL", None, "225.5", at=at(9), answer=at(16, 30), book="fanduel")
    assert team_lines(world) == (None, None, None)
    world.game_line(DAY, "BOS", "LAL", "-7.5", "226.5", at=at(16), answer=at(17), book="fanduel")
    world.no_lines(DAY, "BOS", "LAL", at=at(17, 10), table="game_lines")
    assert team_lines(world) == (None, None, None)


def test_yesterdays_spread_is_not_in_force(world: FeatureFixture) -> None:
    world.game_line(DAY, "BOS", "LAL", "-4.5", "220.5", at=at(18) - timedelta(days=1), book="draftkings")
    assert team_lines(world) == (None, None, None)


def test_a_player_taken_off_by_all_books_has_no_line(world: FeatureFixture) -> None:
    line(world, "Star Man", "20.5", 9)
    line(world, "Usual Foe", "15.5", 16)
    assert list_offers(world, "Star Man") == set()
    world.phase4("same_day", DAY, DAY, AS_OF)
    star = world.features(DAY, AS_OF)[STAR[0]]
    assert star["line"] is None
    assert "market=no_line" in star["null_reasons"]


def test_a_player_who_comes_back_has_his_new_line_and_his_first(world: FeatureFixture) -> None:
    line(world, "Star Man", "20.5", 9)
    line(world, "Steady Mate", "12.5", 12)
    line(world, "Steady Mate", "12.5", 16)
    line(world, "Star Man", "22.5", 16)
    assert list_offers(world, "Star Man") == {("draftkings", True, "22.5")}
    [row] = world.rows("nba_analytics.upcoming_player_lines", "player_name = 'Star Man'")
    assert (row["opening_line"], row["opening_snapshot_time"]) == (Decimal("20.5"), at(9))


def test_markets_are_updated_apart(world: FeatureFixture) -> None:
    """Alternates of noon beside a main line of 16:00; an alternate moved away from is gone."""
    line(world, "Star Man", "18.5", 9, market=ALTERNATE)
    line(world, "Star Man", "22.5", 12, market=ALTERNATE, answer=16)
    line(world, "Star Man", "20.5", 16)
    assert list_offers(world, "Star Man") == {("draftkings", True, "20.5"), ("draftkings", False, "22.5")}


def test_a_snapshot_of_another_game_or_after_the_moment_takes_nobody_off(world: FeatureFixture) -> None:
    line(world, "Star Man", "20.5", 9)
    line(world, "Western Man", "15.5", 16)
    line(world, "Steady Mate", "12.5", 18)
    assert list_offers(world, "Star Man") == {("draftkings", True, "20.5")}


# --- the injury list ------------------------------------------------------------------------------


def statuses(world: FeatureFixture, as_of: datetime = AS_OF) -> dict[str, str | None]:
    world.serve(DAY, as_of)
    return {row["player_name"]: row["injury_status"] for row in world.features(DAY, as_of).values()}


def test_who_is_not_on_the_newest_list_is_healthy(world: FeatureFixture) -> None:
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    world.injury(DAY, "Usual Foe", "LAL", "QUESTIONABLE", at=at(11))
    assert statuses(world, at(12))["Star Man"] == "OUT"
    world.injury(DAY, "Usual Foe", "LAL", "OUT", at=at(16))
    found = statuses(world)
    assert (found["Star Man"], found["Usual Foe"]) == (None, "OUT")


def test_an_empty_list_takes_the_earlier_ones_out_of_force(world: FeatureFixture) -> None:
    """Nobody is listed, and nothing is known of team-mates: an empty list is no report that all are
    well.
    """
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    world.no_injuries(DAY, at=at(16))
    assert set(statuses(world).values()) == {None}
    mate = world.features(DAY, AS_OF)[MATE[0]]
    assert mate["teammates_out_count"] is None
    assert "injuries=no_list" in mate["null_reasons"]
    assert world.rows("nba_analytics.resolved_names", "feed = 'injury_report' AND player_lookup IS NULL") == []


def test_a_list_after_an_empty_one_counts(world: FeatureFixture) -> None:
    """The feed is empty before the day's first list."""
    world.no_injuries(DAY, at=at(7))
    assert "injuries=no_list" in _reasons(world, at(8))
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    assert statuses(world)["Star Man"] == "OUT"
    assert world.features(DAY, AS_OF)[MATE[0]]["teammates_out_count"] == 1
    assert "injuries=" not in _reasons(world, AS_OF)


def test_an_empty_list_at_the_moment_itself_is_not_known_yet(world: FeatureFixture) -> None:
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    world.no_injuries(DAY, at=AS_OF)
    assert statuses(world)["Star Man"] == "OUT"


def _reasons(world: FeatureFixture, as_of: datetime) -> str:
    world.serve(DAY, as_of)
    return str(world.features(DAY, as_of)[MATE[0]]["null_reasons"])
