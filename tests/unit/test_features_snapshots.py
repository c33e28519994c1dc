"""Of each feed the newest snapshot as a whole is in force: who is not in it any more has no line, or is not listed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from shared.clock import at_new_york
from shared.systems.lines import main_line, offers
from tests.unit.features_world import World, open_world

PLAYED, DAY = date(2025, 11, 12), date(2025, 11, 14)
AS_OF = at_new_york(DAY, time(17, 30))
STAR, MATE, FOE = (1, "Star Man"), (2, "Steady Mate"), (3, "Usual Foe")
ALTERNATE = "player_points_alternate"


def at(hour: int, minute: int = 0) -> datetime:
    return at_new_york(DAY, time(hour, minute))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as world:
        world.game(PLAYED, "BOS", "LAL")
        for player, team, opponent in ((STAR, "BOS", "LAL"), (MATE, "BOS", "LAL"), (FOE, "LAL", "BOS")):
            world.box(PLAYED, player, team, opponent, home=team == "BOS", twos=8)
        world.game(PLAYED, "GSW", "SAC")
        world.box(PLAYED, (4, "Western Man"), "GSW", "SAC", home=True, twos=8)
        world.phase3("results", PLAYED, PLAYED, AS_OF)
        world.game(DAY, "BOS", "LAL", status="scheduled")
        world.game(DAY, "GSW", "SAC", status="scheduled")
        yield world


def line(
    world: World, name: str, points: str, hour: int, book: str = "draftkings", market: str = "player_points"
) -> None:
    sides = ("GSW", "SAC") if name == "Western Man" else ("BOS", "LAL")
    world.line(DAY, *sides, name, points, at=at(hour), book=book, market=market)


def offered(world: World, name: str, as_of: datetime = AS_OF) -> set[tuple[str, bool, str]]:
    """(book, main, line) of a name after phase 3; the systems' reading of the same rows leaves none of them out."""
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


# --- lines ----------------------------------------------------------------------------------------------------


def test_a_player_taken_off_by_a_book_has_its_line_no_more(world: World) -> None:
    """At 16:00 draftkings shows the mate alone; what fanduel showed at 9:00 is still its newest."""
    line(world, "Star Man", "20.5", 9)
    line(world, "Steady Mate", "12.5", 9)
    line(world, "Star Man", "24.5", 9, book="fanduel")
    assert offered(world, "Star Man", at(15)) == {("draftkings", True, "20.5"), ("fanduel", True, "24.5")}
    line(world, "Steady Mate", "13.5", 16)
    assert offered(world, "Star Man") == {("fanduel", True, "24.5")}
    assert offered(world, "Steady Mate") == {("draftkings", True, "13.5")}


def test_a_player_taken_off_by_all_books_has_no_line(world: World) -> None:
    line(world, "Star Man", "20.5", 9)
    line(world, "Usual Foe", "15.5", 16)
    assert offered(world, "Star Man") == set()
    world.phase4("same_day", DAY, DAY, AS_OF)
    star = world.features(DAY, AS_OF)[STAR[0]]
    assert star["line"] is None
    assert "market=no_line" in star["null_reasons"]


def test_a_player_who_comes_back_has_his_new_line_and_his_first(world: World) -> None:
    line(world, "Star Man", "20.5", 9)
    line(world, "Steady Mate", "12.5", 12)
    line(world, "Steady Mate", "12.5", 16)
    line(world, "Star Man", "22.5", 16)
    assert offered(world, "Star Man") == {("draftkings", True, "22.5")}
    [row] = world.rows("nba_analytics.upcoming_player_lines", "player_name = 'Star Man'")
    assert (row["opening_line"], row["opening_snapshot_time"]) == (Decimal("20.5"), at(9))


def test_markets_are_updated_apart(world: World) -> None:
    """Alternates of noon beside a main line of 16:00; an alternate moved away from is gone."""
    line(world, "Star Man", "18.5", 9, market=ALTERNATE)
    line(world, "Star Man", "22.5", 12, market=ALTERNATE)
    line(world, "Star Man", "20.5", 16)
    assert offered(world, "Star Man") == {("draftkings", True, "20.5"), ("draftkings", False, "22.5")}


def test_a_snapshot_of_another_game_or_after_the_moment_takes_nobody_off(world: World) -> None:
    line(world, "Star Man", "20.5", 9)
    line(world, "Western Man", "15.5", 16)
    line(world, "Steady Mate", "12.5", 18)
    assert offered(world, "Star Man") == {("draftkings", True, "20.5")}


# --- the injury list ------------------------------------------------------------------------------------------


def statuses(world: World, as_of: datetime = AS_OF) -> dict[str, str | None]:
    world.serve(DAY, as_of)
    return {row["player_name"]: row["injury_status"] for row in world.features(DAY, as_of).values()}


def test_who_is_not_on_the_newest_list_is_healthy(world: World) -> None:
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    world.injury(DAY, "Usual Foe", "LAL", "QUESTIONABLE", at=at(11))
    assert statuses(world, at(12))["Star Man"] == "OUT"
    world.injury(DAY, "Usual Foe", "LAL", "OUT", at=at(16))
    found = statuses(world)
    assert (found["Star Man"], found["Usual Foe"]) == (None, "OUT")


def test_an_empty_list_takes_the_earlier_ones_out_of_force(world: World) -> None:
    """Nobody is listed, and nothing is known of team-mates: an empty list is no report that all are well."""
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    world.no_injuries(DAY, at=at(16))
    assert set(statuses(world).values()) == {None}
    mate = world.features(DAY, AS_OF)[MATE[0]]
    assert mate["teammates_out_count"] is None
    assert "injuries=empty_list" in mate["null_reasons"]
    assert world.rows("nba_analytics.resolved_names", "feed = 'injury_report' AND player_lookup IS NULL") == []


def test_a_list_after_an_empty_one_counts(world: World) -> None:
    """The feed is empty before the day's first list."""
    world.no_injuries(DAY, at=at(7))
    assert "injuries=empty_list" in _reasons(world, at(8))
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    assert statuses(world)["Star Man"] == "OUT"
    assert world.features(DAY, AS_OF)[MATE[0]]["teammates_out_count"] == 1
    assert "injuries=" not in _reasons(world, AS_OF)


def test_an_empty_list_at_the_moment_itself_is_not_known_yet(world: World) -> None:
    world.injury(DAY, "Star Man", "BOS", "OUT", at=at(11))
    world.no_injuries(DAY, at=AS_OF)
    assert statuses(world)["Star Man"] == "OUT"


def _reasons(world: World, as_of: datetime) -> str:
    world.serve(DAY, as_of)
    return str(world.features(DAY, as_of)[MATE[0]]["null_reasons"])
