"""What features know of who is missing goes by each team's own list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from shared.core.clock import at_new_york
from tests.support.features_fixture import FeatureFixture, Row, open_world
from tests.support.lent_warehouses import LaidOut

PLAYED, DAY = date(2025, 11, 12), date(2025, 11, 14)
AS_OF = at_new_york(DAY, time(17, 30))
STAR, MATE, FOE, THEIR_STAR = (1, "Star Man"), (2, "Steady Mate"), (3, "Usual Foe"), (4, "Their Star")
OWN = (
    *("teammates_out_count", "teammates_out_minutes", "teammates_out_points", "teammates_out_usage"),
    *("teammates_out_lines", "available_minutes", "available_points", "available_rotation"),
    *("minutes_share", "points_share", "points_rank"),
)
THEIRS = ("opponents_out_count", "opponents_out_minutes", "opponents_out_points")


def at(hour: int) -> datetime:
    return at_new_york(DAY, time(hour))


_ROWS = LaidOut()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    with open_world(tmp_path) as world:
        if not _ROWS.are_put_into(world.warehouse):
            world.game(PLAYED, "BOS", "LAL")
            for player, team, opponent in (
                (STAR, "BOS", "LAL"), (MATE, "BOS", "LAL"), (FOE, "LAL", "BOS"), (THEIR_STAR, "LAL", "BOS"),
            ):  # fmt: skip
                world.box(PLAYED, player, team, opponent, home=team == "BOS", twos=8)
            world.phase3("results", PLAYED, PLAYED, AS_OF)
            _ROWS.keep(world.warehouse)
        world.game(DAY, "BOS", "LAL", status="scheduled")
        yield world


def features(world: FeatureFixture) -> dict[int, Row]:
    world.serve(DAY, AS_OF)
    return world.features(DAY, AS_OF)


def find_known(row: Row) -> tuple[bool, bool]:
    """Whether his own team's absences are known, and the opponent's: all features of them, or
    none.
    """
    found = []
    for columns in (OWN, THEIRS):
        values = {row[column] is not None for column in columns}
        assert len(values) == 1, columns
        found.append(values.pop())
    return found[0], found[1]


def reasons(row: Row) -> set[str]:
    """The reasons that are about injury lists."""
    return {each for each in row["null_reasons"].split(",") if each.endswith("=no_list")}


def test_each_side_is_known_as_far_as_its_own_list(world: FeatureFixture) -> None:
    """Boston has submitted, Los Angeles has not, whatever ESPN says of it."""
    world.report(DAY, {"BOS": True, "LAL": False}, ("Star Man", "BOS", "OUT"), at=at(16))
    world.injury(DAY, "Their Star", "LAL", "OUT", at=at(17))
    found = features(world)
    mate, foe = found[MATE[0]], found[FOE[0]]
    assert (find_known(mate), reasons(mate)) == ((True, False), {"opponents=no_list"})
    assert (find_known(foe), reasons(foe)) == ((False, True), {"injuries=no_list"})
    assert (mate["teammates_out_count"], mate["teammates_out_points"]) == (1, 16.0)
    assert (foe["opponents_out_count"], foe["opponents_out_points"]) == (1, 16.0)
    assert mate["quality_score"] - foe["quality_score"] == 10.0


def test_a_team_that_lists_nobody_is_known(world: FeatureFixture) -> None:
    world.report(DAY, {"BOS": True, "LAL": True}, at=at(16))
    for row in features(world).values():
        assert (find_known(row), reasons(row)) == ((True, True), set())
        assert (row["teammates_out_count"], row["opponents_out_count"], row["teammates_out_points"]) == (0, 0, 0.0)


def test_without_a_list_nothing_is_known_of_either(world: FeatureFixture) -> None:
    found = features(world)
    for row in found.values():
        assert (find_known(row), reasons(row)) == ((False, False), {"injuries=no_list", "opponents=no_list"})
    world.report(DAY, {"BOS": True, "LAL": True}, at=at(18))
    assert features(world) == found, "a report of 18:00 changes nothing at 17:30"


@pytest.mark.parametrize(
    ("status", "missing"),
    [("OUT", 1), ("DOUBTFUL", 1), ("QUESTIONABLE", 0), ("PROBABLE", 0), ("AVAILABLE", 0)],
)
def test_out_and_doubtful_alone_are_missing(world: FeatureFixture, status: str, missing: int) -> None:
    world.report(DAY, {"BOS": True, "LAL": True}, ("Star Man", "BOS", status), at=at(16))
    found = features(world)
    assert found[STAR[0]]["injury_status"] == status
    counts: tuple[Any, ...] = (found[MATE[0]]["teammates_out_count"], found[FOE[0]]["opponents_out_count"])
    assert counts == (missing, missing)
    assert (found[STAR[0]]["points_share"] is None) == bool(missing)


def test_a_traded_man_is_missing_to_the_team_that_he_plays_for(world: FeatureFixture) -> None:
    """Denver's list names him; he has played for Boston since."""
    world.report(DAY, {"DEN": True}, ("Star Man", "DEN", "OUT"), at=at(15))
    world.report(DAY, {"BOS": True, "LAL": True}, at=at(16))
    found = features(world)
    assert (found[MATE[0]]["teammates_out_count"], found[FOE[0]]["opponents_out_count"]) == (1, 1)
