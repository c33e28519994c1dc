"""Names of feeds find their players by one rule, and what they do not find is recorded, never
guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest

from functions.phase3_analytics.aliases import ALIASES, NBA_NAMES
from shared.core.clock import at_new_york
from shared.nba.player_names import player_lookup, player_lookup_base
from tests.support.features_fixture import FeatureFixture, open_world

PLAYED, DAY = date(2025, 11, 12), date(2025, 11, 14)
AS_OF = at_new_york(DAY, time(17, 30))
MORNING = at_new_york(DAY, time(9))
BOSTON = {
    1: "Jimmy Butler III",
    2: "Nic Claxton",  # id below is the alias's
    3: "Luka Dončić",
    4: "Gary Payton",
    5: "Gary Payton II",
    6: "Jaren Jackson Jr.",
}
CLAXTON = next(player_id for name, player_id in ALIASES if name == "Nicolas Claxton")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    with open_world(tmp_path_factory.mktemp("names")) as world:
        world.game(PLAYED, "BOS", "NYK")
        world.game(PLAYED, "GSW", "SAC")
        world.game(DAY, "BOS", "LAL", status="scheduled")
        for number, name in BOSTON.items():
            player = (CLAXTON if number == 2 else number, name)
            world.box(PLAYED, player, "BOS", "NYK", home=True, twos=5)
        world.box(PLAYED, (20, "Seth Curry"), "GSW", "SAC", home=True, twos=5)
        world.box(PLAYED, (21, "Luka Doncic"), "GSW", "SAC", home=True, twos=5)
        world.box(PLAYED, (22, "Marcus Morris"), "GSW", "SAC", home=True, twos=5)
        world.box(PLAYED, (23, "Marcus Morris"), "SAC", "GSW", home=False, twos=5)
        for name in NAMES:
            world.line(DAY, "BOS", "LAL", name, "10.5", at=MORNING)
        world.injury(DAY, "Jaren Jackson", "BOS", "OUT", at=MORNING)
        world.injury(DAY, "Nobody Known", "BOS", "OUT", at=MORNING)
        world.injury(DAY, "Elsewhere Hurt", "DEN", "OUT", at=MORNING)
        world.phase3("backfill", PLAYED, PLAYED, AS_OF)
        assert world.phase3("same_day", DAY, DAY, AS_OF).metadata["unresolved_names"] == 4
        yield world


# name in the feed -> (player, how) or (None, why not)
NAMES = {
    "Jimmy Butler": (1, "team_base"),
    "Nicolas Claxton": (CLAXTON, "alias"),
    "Luka Doncic": (3, "team_exact"),  # the namesake of another team is not asked
    "Gary Payton": (4, "team_exact"),  # exact before base
    "Gary Payton II": (5, "team_exact"),
    "Gary Payton Jr.": (None, "ambiguous"),  # two players without suffix
    "Seth Curry": (20, "league_exact"),  # traded: his first game for the new team is tonight
    "Seth Curry Jr.": (20, "league_base"),
    "Marcus Morris": (None, "ambiguous"),
    "Some Rookie": (None, "no_match"),
}


@pytest.mark.parametrize("name", list(NAMES))
def test_a_name_finds_its_player(world: FeatureFixture, name: str) -> None:
    where = f"player_lookup = '{player_lookup(name)}' AND feed = 'odds_api_player_props'"
    found = world.rows("nba_analytics.resolved_names", where)
    player, how = NAMES[name]
    assert [(row["player_id"], row["method"] or row["reason"]) for row in found] == [(player, how)]


def test_unresolved_names_are_recorded_with_their_feed(world: FeatureFixture) -> None:
    found = world.rows("nba_reference.unresolved_names")
    assert {(row["player_name"], row["feed"], row["teams"], row["reason"], row["seen_at"]) for row in found} == {
        ("Gary Payton Jr.", "odds_api_player_props", "BOS-LAL", "ambiguous", AS_OF),
        ("Marcus Morris", "odds_api_player_props", "BOS-LAL", "ambiguous", AS_OF),
        ("Some Rookie", "odds_api_player_props", "BOS-LAL", "no_match", AS_OF),
        ("Nobody Known", "injury_report", "BOS-LAL", "no_match", AS_OF),
    }


def test_an_unresolved_line_stays_with_its_name(world: FeatureFixture) -> None:
    found = world.rows("nba_analytics.upcoming_player_lines", "player_lookup = 'somerookie'")
    assert [(row["player_id"], row["line"]) for row in found] == [(None, Decimal("10.5"))]


def test_the_injury_list_goes_by_the_same_rule(world: FeatureFixture) -> None:
    status = {
        row["player_id"]: row["injury_status"]
        for row in world.rows("nba_analytics.upcoming_player_game_context", "team = 'BOS'")
    }
    assert {player for player, listed in status.items() if listed == "OUT"} == {6}


def test_a_second_run_records_the_same_names_once(world: FeatureFixture) -> None:
    count = len(world.rows("nba_reference.unresolved_names"))
    world.phase3("same_day", DAY, DAY, AS_OF)
    assert len(world.rows("nba_reference.unresolved_names")) == count


def test_aliases_are_loaded_once_and_people_s_own_stay(world: FeatureFixture) -> None:
    world.warehouse.execute(
        "INSERT INTO nba_reference.player_aliases (alias_lookup, player_id, note) VALUES ('ownalias', 1, 'by hand')"
    )
    world.phase3("backfill", PLAYED, PLAYED, AS_OF)
    found = [row["alias_lookup"] for row in world.rows("nba_reference.player_aliases")]
    assert len(found) == len(set(found)) == len(ALIASES) + 1


def test_sql_and_python_drop_the_same_suffixes(world: FeatureFixture) -> None:
    """players.sql makes lookup bases in SQL; shared/nba/player_names.py makes them of the feeds'
    names.
    """
    bases = {row["player_name"]: row["player_lookup_base"] for row in world.rows("nba_reference.players")}
    assert bases == {name: player_lookup_base(name) for name in bases}
    assert bases["Jimmy Butler III"] == "jimmybutler"
    assert bases["Nic Claxton"] == "nicclaxton"


# --- names that differ ----------------------------------------------------------------------------

SARR = (101, "Alex Sarr")
CARRINGTON = (102, "Carlton Carrington")
KANTER = 103
OTHERS = {
    "Alexandre Sarr": (101, "team_other_name"),  # by people's list, whose id is another one here
    "Bub Carrington": (102, "team_other_name"),  # the list the other way round
    "Enes Kanter": (103, "team_other_name"),  # what box scores called him until he changed it
    "Enes Freedom": (103, "team_exact"),
    "Gregory Smith": (104, "team_short_name"),  # box scores: Greg
    "Dennis Schroeder": (109, "team_other_name"),  # box scores: Schröder
    "Tim Older": (105, "team_short_name"),  # box scores: Timothy
    "Cam Twin": (None, "ambiguous"),  # Cameron and Camden
    "Al Short": (None, "no_match"),  # two letters of Alvin are no name
    "Ed Moved": (None, "no_match"),
}
FORMER = {"Traded Man": 110, "Herb Jones": 111, "Twice Man": 112}


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    early = date(2025, 11, 3)
    with open_world(tmp_path_factory.mktemp("renamed")) as world:
        for day in (early, PLAYED):
            world.game(day, "BOS", "NYK")
            world.game(day, "DEN", "SAC")
            world.box(day, (KANTER, "Enes Kanter" if day == early else "Enes Freedom"), "BOS", "NYK", home=True, twos=5)
        others = ("Greg Smith", "Timothy Older", "Cameron Twin", "Camden Twin", "Alvin Short", "Dennis Schröder")
        for player in (SARR, CARRINGTON, *enumerate(others, start=104)):
            world.box(PLAYED, player, "BOS", "NYK", home=True, twos=5)
        for traded in ((110, "Traded Man"), (111, "Herbert Jones")):
            world.box(early, traded, "DEN", "SAC", home=True, twos=5)
            world.box(PLAYED, traded, "BOS", "NYK", home=True, twos=5)
        # two of one name: Denver's own is meant by Denver's listing
        world.box(PLAYED, (112, "Twice Man"), "BOS", "NYK", home=True, twos=5)
        world.box(PLAYED, (113, "Twice Man"), "DEN", "SAC", home=True, twos=5)
        world.game(DAY, "BOS", "LAL", status="scheduled")
        for name in OTHERS:
            world.line(DAY, "BOS", "LAL", name, "10.5", at=MORNING)
        for name in FORMER:
            world.injury(DAY, name, "DEN", "OUT", at=MORNING)
        world.injury(DAY, "Alexandre Sarr", "BOS", "OUT", at=MORNING)
        world.injury(DAY, "Unknown Elsewhere", "DEN", "OUT", at=MORNING)
        world.phase3("results", early, PLAYED, AS_OF)
        world.phase3("same_day", DAY, DAY, AS_OF)
        yield world


@pytest.mark.parametrize("name", list(OTHERS))
def test_any_name_that_an_id_had_finds_him(renamed: FeatureFixture, name: str) -> None:
    where = f"player_lookup = '{player_lookup(name)}' AND feed = 'odds_api_player_props'"
    found = renamed.rows("nba_analytics.resolved_names", where)
    assert [(row["player_id"], row["method"] or row["reason"]) for row in found] == [OTHERS[name]]


def test_who_is_listed_under_his_former_team_is_out(renamed: FeatureFixture) -> None:
    """Denver does not play; its list names two who play for Boston now, and its own Twice Man, not
    Boston's.
    """
    out = {
        row["player_id"]
        for row in renamed.rows("nba_analytics.upcoming_player_game_context", f"game_date = '{DAY}'")
        if row["injury_status"] == "OUT"
    }
    assert out == {110, 111, 101}
    unresolved = renamed.rows("nba_reference.unresolved_names")
    assert "Unknown Elsewhere" not in {row["player_name"] for row in unresolved}


def test_every_name_of_a_player_is_kept_once(renamed: FeatureFixture) -> None:
    names = {row["player_id"]: row["every_lookup"] for row in renamed.rows("nba_reference.players")}
    assert (names[KANTER], names[101]) == ("enesfreedom,eneskanter", "alexsarr")
    renamed.phase3("results", date(2025, 11, 3), date(2025, 11, 3), AS_OF)  # an old day comes again
    [row] = renamed.rows("nba_reference.players", f"player_id = {KANTER}")
    assert (row["player_name"], row["every_lookup"]) == ("Enes Freedom", "enesfreedom,eneskanter")


def test_every_alias_has_the_name_it_stands_for() -> None:
    assert {player_id for _, player_id in ALIASES} == set(NBA_NAMES)


@pytest.mark.parametrize(
    ("prices", "kept"),
    [
        ([("20.5", -110, -110), ("24.5", 200, -250)], "20.5"),
        ([("24.5", 105, -125), ("20.5", -300, 240)], "24.5"),
        ([("24.5", None, None), ("20.5", None, None)], "20.5"),
    ],
)
def test_two_main_lines_of_a_book_count_as_the_evener(
    tmp_path: Path, prices: list[tuple[str, int | None, int | None]], kept: str
) -> None:
    """+105 and -125 are near even although the numbers are far apart."""
    with open_world(tmp_path) as world:
        world.game(DAY, "BOS", "LAL", status="scheduled")
        for line, over, under in prices:
            world.line(DAY, "BOS", "LAL", "Some Rookie", line, at=MORNING, over=over, under=under)
        world.phase3("same_day", DAY, DAY, AS_OF)
        found = world.rows("nba_analytics.upcoming_player_lines")
        assert [str(row["line"].normalize()) for row in found] == [kept]


@pytest.mark.parametrize(
    ("lines", "main"),
    [
        (["20.5", "21.5"], "21"),
        (["20.5", "21"], "21"),  # 20.75: a quarter up
        (["20", "20.5"], "20.5"),
        (["20.5", "21.5", "30.5"], "21.5"),
    ],
)
def test_the_main_line_is_the_median_in_halves(tmp_path: Path, lines: list[str], main: str) -> None:
    with open_world(tmp_path) as world:
        world.game(PLAYED, "BOS", "NYK")
        world.game(DAY, "BOS", "LAL", status="scheduled")
        world.box(PLAYED, (1, "Jimmy Butler III"), "BOS", "NYK", home=True, twos=5)
        for number, line in enumerate(lines):
            world.line(DAY, "BOS", "LAL", "Jimmy Butler", line, at=MORNING, book=f"book{number}")
        world.phase3("results", PLAYED, PLAYED, AS_OF)
        world.phase3("same_day", DAY, DAY, AS_OF)
        row = world.rows("nba_analytics.upcoming_player_game_context")[0]
        assert row["main_line"] == Decimal(main)
        assert row["line_opening"] is None  # one snapshot


def test_a_later_line_replaces_the_earlier_and_leaves_the_opening(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        world.game(DAY, "BOS", "LAL", status="scheduled")
        for hour, name, line in ((9, "Some Rookie", "10.5"), (12, "Some Rookie", "11.5"), (12, "Some Rookie", "14")):
            moment = at_new_york(DAY, time(hour))
            market = "player_points_alternate" if line == "14" else "player_points"
            world.line(DAY, "BOS", "LAL", name, line, at=moment, market=market)
        world.phase3("same_day", DAY, DAY, AS_OF)
        found = world.rows("nba_analytics.upcoming_player_lines")
        assert {(row["is_main"], row["line"], row["opening_line"]) for row in found} == {
            (True, Decimal("11.5"), Decimal("10.5")),
            (False, Decimal("14"), None),
        }
