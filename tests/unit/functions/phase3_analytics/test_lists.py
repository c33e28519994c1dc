"""The injury list in force of each team, as of a moment: the league's own report before ESPN's
list before absences derived from box scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.core.clock import at_new_york
from tests.support import injury_lists
from tests.support.features_fixture import FeatureFixture, Row, open_world
from tests.support.lent_warehouses import LaidOut

FIRST, PLAYED, DAY = date(2025, 11, 3), date(2025, 11, 12), date(2025, 11, 14)
AS_OF = at_new_york(DAY, time(17, 30, 1))
MICROSECOND = timedelta(microseconds=1)
STAR, MATE, FOE, WEST = (1, "Star Man"), (2, "Jaren Jackson Jr."), (3, "Usual Foe"), (4, "Western Man")
TRADED, RENAMED = (5, "Traded Man"), 6
CONTEXT = "nba_analytics.upcoming_player_game_context"


def at(hour: int, minute: int = 0) -> datetime:
    return at_new_york(DAY, time(hour, minute))


_ROWS = LaidOut()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    """Boston plays Los Angeles tonight, Golden State Sacramento; one man has come from Golden
    State, and one has changed his name.
    """
    with open_world(tmp_path) as world:
        if not _ROWS.are_put_into(world.warehouse):
            for day in (FIRST, PLAYED):
                world.game(day, "BOS", "LAL")
                world.game(day, "GSW", "SAC")
                for player, team, opponent in ((STAR, "BOS", "LAL"), (MATE, "BOS", "LAL"), (FOE, "LAL", "BOS")):
                    world.box(day, player, team, opponent, home=team == "BOS", twos=8)
                world.box(day, WEST, "GSW", "SAC", home=True, twos=8)
                names = ("Enes Kanter", "Enes Freedom")
                world.box(day, (RENAMED, names[day == PLAYED]), "BOS", "LAL", home=True, twos=8)
            world.box(FIRST, TRADED, "GSW", "SAC", home=True, twos=8)
            world.box(PLAYED, TRADED, "BOS", "LAL", home=True, twos=8)
            world.phase3("results", FIRST, PLAYED, AS_OF)
            _ROWS.keep(world.warehouse)
        world.game(DAY, "BOS", "LAL", status="scheduled")
        world.game(DAY, "GSW", "SAC", status="scheduled")
        yield world


def context(world: FeatureFixture, as_of: datetime = AS_OF) -> dict[int, Row]:
    """Tonight's context by player, as a run of the moment writes it."""
    world.phase3("same_day", DAY, DAY, as_of)
    rows = world.rows(CONTEXT, f"game_date = '{DAY}'")
    return {row["player_id"]: row for row in rows if row["features_as_of"] == as_of}


def lists(found: dict[int, Row]) -> dict[str, tuple[Any, ...]]:
    """State, source and time of each team's list."""
    columns = ("injury_list_state", "injury_report_source", "injury_snapshot_at")
    return {row["team"]: tuple(row[column] for column in columns) for row in found.values()}


def statuses(found: dict[int, Row]) -> dict[int, str]:
    return {player: row["injury_status"] for player, row in found.items() if row["injury_status"]}


BOTH = {"BOS": True, "LAL": True}


def test_each_team_has_its_own_list(world: FeatureFixture) -> None:
    """Los Angeles has not submitted: what ESPN says of it counts no more, newer or not; of teams
    that the report does not cover ESPN's list does.
    """
    world.report(DAY, {"BOS": True, "LAL": False}, ("Star Man", "BOS", "OUT"), at=at(16))
    world.injury(DAY, "Usual Foe", "LAL", "OUT", at=at(17))
    world.injury(DAY, "Jaren Jackson Jr.", "BOS", "OUT", at=at(17))
    world.injury(DAY, "Western Man", "GSW", "DOUBTFUL", at=at(17))
    found = context(world)
    assert lists(found) == {
        "BOS": ("listed", "official", at(16)),
        "LAL": ("no_list", None, at(16)),
        "GSW": ("listed", "espn", at(17)),
    }
    assert statuses(found) == {STAR[0]: "OUT", WEST[0]: "DOUBTFUL"}
    opponents = {row["team"]: row["opponent_injury_list_state"] for row in found.values()}
    assert opponents == {"BOS": "no_list", "LAL": "listed", "GSW": "nobody_listed"}
    assert (found[STAR[0]]["injury_source"], found[STAR[0]]["injury_reason"]) == ("official", "Rest")


def test_the_newest_report_decides_as_a_whole(world: FeatureFixture) -> None:
    world.report(DAY, BOTH, ("Star Man", "BOS", "OUT"), ("Usual Foe", "LAL", "OUT"), at=at(11))
    world.report(DAY, BOTH, ("Usual Foe", "LAL", "QUESTIONABLE"), at=at(16))
    found = context(world)
    assert lists(found)["BOS"] == ("nobody_listed", "official", at(16))
    assert statuses(found) == {FOE[0]: "QUESTIONABLE"}
    world.report(DAY, {"BOS": False, "LAL": True}, at=at(17))
    found = context(world, at(17, 15))
    assert (lists(found)["BOS"], lists(found)["LAL"]) == (
        ("no_list", None, at(17)),
        ("nobody_listed", "official", at(17)),
    )


def test_without_any_list_nothing_is_known(world: FeatureFixture) -> None:
    assert set(lists(context(world)).values()) == {("no_list", None, None)}
    world.no_injuries(DAY, at=at(17))
    assert set(lists(context(world, at(17, 15))).values()) == {("no_list", None, at(17))}


def test_of_a_past_game_the_report_of_half_past_five_itself_decides(world: FeatureFixture) -> None:
    """What a backfill asks for rests on it: the report before is not needed."""
    for hour, minute, status in ((16, 30, "DOUBTFUL"), (17, 30, "OUT"), (18, 30, "AVAILABLE")):
        world.report(DAY, BOTH, ("Star Man", "BOS", status), at=at(hour, minute))
    world.phase3("backfill", DAY, DAY, AS_OF + timedelta(days=365))
    found = {row["player_id"]: row for row in world.rows(CONTEXT, f"game_date = '{DAY}'")}
    assert {row["features_as_of"] for row in found.values()} == {AS_OF}
    assert lists(found)["BOS"] == ("listed", "official", at(17, 30))
    assert statuses(found) == {STAR[0]: "OUT"}


def test_a_report_of_later_changes_nothing(world: FeatureFixture) -> None:
    """Neither of 18:00 nor of the moment itself; of a microsecond before it does."""
    world.report(DAY, {"BOS": True, "LAL": False}, ("Star Man", "BOS", "QUESTIONABLE"), at=at(16))
    world.injury(DAY, "Western Man", "GSW", "OUT", at=at(16))
    before = context(world)
    for moment in (at(18), AS_OF):
        world.report(DAY, BOTH | {"GSW": True, "SAC": True}, ("Star Man", "BOS", "OUT"), at=moment)
        world.injury(DAY, "Usual Foe", "LAL", "OUT", at=moment)
        assert context(world) == before
    world.report(DAY, BOTH | {"GSW": True}, ("Star Man", "BOS", "OUT"), at=AS_OF - MICROSECOND)
    found = context(world)
    assert statuses(found) == {STAR[0]: "OUT"}
    assert {team: state for team, (state, *_) in lists(found).items()} == {
        "BOS": "listed", "LAL": "nobody_listed", "GSW": "nobody_listed",
    }  # fmt: skip


def test_reports_of_one_raw_file_are_told_apart_by_their_time(world: FeatureFixture) -> None:
    """A backfill keeps a day's reports in one file."""
    for hour, name in ((11, "Star Man"), (16, "Enes Freedom")):
        rows = (
            (injury_lists.PLAYERS, injury_lists.make_player_row(DAY, "official", name, "BOS", "OUT", at(hour))),
            (injury_lists.TEAMS, injury_lists.make_team_row(DAY, "official", "BOS", at(hour))),
        )
        for table, row in rows:
            world.add(table, **row | {"source_file": "raw/one.json.gz"})
    assert statuses(context(world, at(12))) == {STAR[0]: "OUT"}
    assert statuses(context(world)) == {RENAMED: "OUT"}


@pytest.mark.parametrize(
    ("name", "player"),
    [
        ("Enes Kanter", RENAMED),
        ("Enes Freedom", RENAMED),
        ("Jaren Jackson", MATE[0]),
        ("Jaren Jackson Jr.", MATE[0]),
        ("Jaren Jackson Jr", MATE[0]),
    ],
)
def test_the_reports_names_find_their_player(world: FeatureFixture, name: str, player: int) -> None:
    world.report(DAY, BOTH, (name, "BOS", "DOUBTFUL"), at=at(16))
    assert statuses(context(world)) == {player: "DOUBTFUL"}


def test_who_is_listed_under_his_former_team_is_out(world: FeatureFixture) -> None:
    """Golden State's report still has him; Boston's, newer, lists nobody. The list that names him
    is that team's in force: once Golden State's own has no such row, he is healthy.
    """
    world.report(DAY, {"GSW": True, "SAC": True}, ("Traded Man", "GSW", "OUT"), at=at(15))
    world.report(DAY, BOTH, at=at(16))
    found = context(world)
    assert statuses(found) == {TRADED[0]: "OUT"}
    assert lists(found)["BOS"] == ("nobody_listed", "official", at(16))
    world.report(DAY, {"GSW": True, "SAC": True}, at=at(17))
    assert statuses(context(world, at(17, 15))) == {}


def test_of_two_lists_that_name_him_the_worse_counts(world: FeatureFixture) -> None:
    world.report(DAY, BOTH | {"GSW": True}, ("Traded Man", "GSW", "OUT"), ("Traded Man", "BOS", "AVAILABLE"), at=at(16))
    assert statuses(context(world)) == {TRADED[0]: "OUT"}


def test_a_row_without_a_team_counts_where_its_list_does(world: FeatureFixture) -> None:
    world.injury(DAY, "Star Man", None, "OUT", at=at(16))
    world.injury(DAY, "Western Man", None, "OUT", at=at(16))
    found = context(world)
    assert statuses(found) == {STAR[0]: "OUT", WEST[0]: "OUT"}
    assert lists(found)["BOS"] == ("nobody_listed", "espn", at(16))
    world.report(DAY, BOTH, at=at(12))
    assert statuses(context(world, at(17, 15))) == {WEST[0]: "OUT"}


def test_what_if_comes_before_every_list(world: FeatureFixture) -> None:
    yesterday = at(18) - timedelta(days=1)
    world.report(DAY, BOTH, ("Star Man", "BOS", "OUT"), at=at(16))
    world.report(DAY, {"BOS": True}, ("Traded Man", "BOS", "OUT"), at=yesterday, source="what_if")
    found = context(world)
    assert statuses(found) == {TRADED[0]: "OUT"}
    assert lists(found)["BOS"] == ("listed", "what_if", yesterday)
    assert lists(found)["LAL"] == ("nobody_listed", "official", at(16))


# --- derived --------------------------------------------------------------------------------------


def play_tonight(world: FeatureFixture) -> datetime:
    """The evening is over: the star and the western man did not play; returns when it is known."""
    after = at_new_york(DAY + timedelta(days=1), time(12))
    for home, away in (("BOS", "LAL"), ("GSW", "SAC")):
        world.game(DAY, home, away, seen=after - timedelta(hours=8))
    for player in (MATE, TRADED):
        world.box(DAY, player, "BOS", "LAL", home=True, twos=8, at=after - timedelta(hours=8))
    world.box(DAY, FOE, "LAL", "BOS", home=False, twos=8, at=after - timedelta(hours=8))
    world.box(DAY, (7, "Western Mate"), "GSW", "SAC", home=True, twos=8, at=after - timedelta(hours=8))
    return after


def find_derived(world: FeatureFixture) -> tuple[set[str], set[int]]:
    """Tonight's teams with a derived list, and who is on it."""
    where = f"source = 'derived' AND game_date = '{DAY}'"
    teams, players = (world.rows(table, where) for table in (injury_lists.TEAMS, injury_lists.PLAYERS))
    assert {row["snapshot_time"] for row in (*teams, *players)} <= {at(11)}
    assert all(row["submitted"] for row in teams)
    return {row["team"] for row in teams}, {row["player_id"] for row in players}


def backfill(world: FeatureFixture, after: datetime) -> dict[int, Row]:
    """Tonight described afterwards; all of it is as of 17:30."""
    world.phase3("backfill", DAY, DAY, after)
    rows = {row["player_id"]: row for row in world.rows(CONTEXT, f"game_date = '{DAY}'")}
    assert {row["features_as_of"] for row in rows.values()} == {AS_OF}
    return rows


def test_absences_are_derived_where_there_is_no_report(world: FeatureFixture) -> None:
    found = backfill(world, play_tonight(world))
    assert find_derived(world) == ({"BOS", "LAL", "GSW"}, {STAR[0], RENAMED, WEST[0]})
    assert statuses(found) == dict.fromkeys((STAR[0], RENAMED, WEST[0]), "OUT")
    assert lists(found) == {
        "BOS": ("listed", "derived", at(11)),
        "LAL": ("nobody_listed", "derived", at(11)),
        "GSW": ("listed", "derived", at(11)),
    }


def test_nothing_is_derived_of_a_team_that_a_report_covers(world: FeatureFixture) -> None:
    """Not even where it had not submitted by then, or the report is of later."""
    after = play_tonight(world)
    world.report(DAY, {"BOS": False}, at=at(16))
    world.report(DAY, {"LAL": True}, at=at(18))
    found = backfill(world, after)
    assert find_derived(world) == ({"GSW"}, {WEST[0]})
    assert statuses(found) == {WEST[0]: "OUT"}
    assert lists(found) == {
        "BOS": ("no_list", None, at(16)),
        "LAL": ("no_list", None, None),
        "GSW": ("listed", "derived", at(11)),
    }


def test_espns_list_comes_before_derived_absences(world: FeatureFixture) -> None:
    after = play_tonight(world)
    world.injury(DAY, "Usual Foe", "LAL", "OUT", at=at(16))
    found = backfill(world, after)
    assert find_derived(world)[0] == {"BOS", "LAL", "GSW"}
    assert statuses(found) == {FOE[0]: "OUT"}
    assert set(lists(found).values()) == {("listed", "espn", at(16)), ("nobody_listed", "espn", at(16))}


def test_a_day_of_which_nothing_can_be_derived_has_no_list(world: FeatureFixture) -> None:
    """On the first evening nobody's absence can show: that is not known, and not that all are
    well.
    """
    world.phase3("backfill", FIRST, FIRST, AS_OF)
    for table in (injury_lists.TEAMS, injury_lists.PLAYERS):
        assert world.rows(table) == []
