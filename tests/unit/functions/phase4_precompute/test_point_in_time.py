"""No feature knows anything from at or after its moment: planted future data changes nothing,
earlier data does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time, timedelta
from typing import Any

import pytest

from shared.core.clock import at_new_york
from tests.support.features_evening import AFTER, AS_OF, BOSTON_DAYS, DAY, MATE, RISING, STAR, at, write_evening
from tests.support.features_fixture import FeatureFixture, open_world
from tests.support.lent_warehouses import LaidOut

SECOND = timedelta(seconds=1)
TOMORROW = DAY + timedelta(days=1)
# The evening, served.
EVENING = LaidOut()


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    with open_world(tmp_path_factory.mktemp("evening")) as world:
        if not EVENING.are_put_into(world.warehouse):
            write_evening(world)
            world.backfill(DAY.replace(year=2024), DAY.replace(day=23), AS_OF)
            world.serve(DAY, AS_OF)
            EVENING.keep(world.warehouse)
        yield world


def box_of_the_evening(world: FeatureFixture) -> None:
    """The evening's own box score, known to the tables already."""
    world.box(DAY, STAR, "BOS", "LAL", home=True, threes=15)
    world.phase3("results", DAY, DAY, AFTER)


def box_of_tomorrow(world: FeatureFixture) -> None:
    world.game(TOMORROW, "NYK", "BOS")
    world.box(TOMORROW, STAR, "BOS", "NYK", home=False, threes=15)
    world.box(TOMORROW, (MATE, "Steady Mate"), "BOS", "NYK", home=False)
    world.phase3("results", TOMORROW, TOMORROW, AFTER + timedelta(days=1))


def box_of_a_trade(world: FeatureFixture) -> None:
    """Two days later he plays for another team."""
    day = DAY + timedelta(days=2)
    world.game(day, "NYK", "BOS")
    world.box(day, STAR, "NYK", "BOS", home=True, threes=1)
    world.phase3("results", day, day, AFTER + timedelta(days=1))


def line_at_the_moment(world: FeatureFixture) -> None:
    world.line(DAY, "BOS", "LAL", "Rising Star", "25.5", at=AS_OF)


def line_after_tip_off(world: FeatureFixture) -> None:
    world.line(DAY, "BOS", "LAL", "Rising Star", "25.5", at=at(20), book="fanduel")


def game_line_at_the_moment(world: FeatureFixture) -> None:
    world.game_line(DAY, "BOS", "LAL", "9.5", "190.5", at=AS_OF, book="draftkings")


def report_at_the_moment(world: FeatureFixture) -> None:
    world.injury(DAY, "Rising Star Jr.", "BOS", "OUT", at=AS_OF)


def absence_of_tomorrow(world: FeatureFixture) -> None:
    """Known today, but about tomorrow."""
    world.injury(TOMORROW, "Rising Star Jr.", "BOS", "OUT", at=at(12))


def schedule_at_the_moment(world: FeatureFixture) -> None:
    world.game(DAY, "BOS", "LAL", tip=time(21), status="scheduled", seen=AS_OF)


PLANTS = [
    box_of_the_evening,
    box_of_tomorrow,
    box_of_a_trade,
    line_at_the_moment,
    line_after_tip_off,
    game_line_at_the_moment,
    report_at_the_moment,
    absence_of_tomorrow,
    schedule_at_the_moment,
]


def test_planted_future_data_changes_nothing(world: FeatureFixture) -> None:
    honest = world.features(DAY, AS_OF)
    for plant in PLANTS:
        plant(world)
    world.serve(DAY, AS_OF)
    assert world.features(DAY, AS_OF) == honest


def answer_a_second_earlier(world: FeatureFixture, line: str) -> None:
    """draftkings has moved its line, the others show what they showed."""
    moment = AS_OF - SECOND
    world.line(DAY, "BOS", "LAL", "Rising Star", line, at=moment)
    for book, same in (("betmgm", "17.5"), ("fanduel", "16.5")):
        world.line(DAY, "BOS", "LAL", "Rising Star", same, at=at(16), answer=moment, book=book)


def game_answer_a_second_earlier(world: FeatureFixture, spread: str, total: str) -> None:
    moment = AS_OF - SECOND
    world.game_line(DAY, "BOS", "LAL", spread, total, at=moment, book="draftkings")
    world.game_line(DAY, "BOS", "LAL", "-5.5", "221.5", at=at(16), answer=moment, book="fanduel")


Change = tuple[str, Callable[[FeatureFixture], object], Callable[[dict[str, Any]], bool]]
CHANGES: list[Change] = [
    (
        "a line a second earlier",
        lambda w: answer_a_second_earlier(w, "21.5"),
        lambda star: bool(star["line_snapshot_at"] == AS_OF - SECOND and star["line_range"] == 5.0),
    ),
    (
        "a game line a second earlier",
        lambda w: game_answer_a_second_earlier(w, "9.5", "190.5"),
        lambda star: bool(star["spread"] == 2.0),
    ),
    (
        "a report a second earlier, which lists him alone",
        lambda w: w.injury(DAY, "Rising Star Jr.", "BOS", "OUT", at=AS_OF - SECOND),
        lambda star: star["injury_status"] == "OUT" and star["teammates_out_count"] == 0,
    ),
    (
        "a schedule a second earlier",
        lambda w: w.game(DAY, "BOS", "LAL", tip=time(21), status="scheduled", seen=AS_OF - SECOND),
        lambda star: bool(star["tipoff_at"] == at(21)),
    ),
]


@pytest.mark.parametrize(("what", "change", "seen"), CHANGES, ids=[each[0] for each in CHANGES])
def test_the_same_data_a_second_earlier_is_seen(
    world: FeatureFixture, what: str, change: Callable[[FeatureFixture], object], seen: Callable[[dict[str, Any]], bool]
) -> None:
    assert not seen(world.features(DAY, AS_OF)[RISING])
    change(world)
    world.serve(DAY, AS_OF)
    assert seen(world.features(DAY, AS_OF)[RISING])


def test_a_game_is_history_three_hours_after_its_tip_off(world: FeatureFixture) -> None:
    """Known at 22:00: not for a row of that very moment, but a second later."""
    known_at = at_new_york(BOSTON_DAYS[-1], time(22))
    for as_of, games in ((known_at, 13), (known_at + SECOND, 14)):
        world.phase3("tomorrow", DAY, DAY, as_of)
        world.phase4("tomorrow", DAY, DAY, as_of)
        assert world.features(DAY, as_of)[RISING]["games_known"] == games


def test_a_game_tonight_counts_as_rest_lost_for_tomorrow(world: FeatureFixture) -> None:
    """Seen the evening before, his last game known is two days older than the team's last by the
    schedule.
    """
    as_of = at_new_york(BOSTON_DAYS[-1], time(18))
    world.phase3("tomorrow", DAY, DAY, as_of)
    world.phase4("tomorrow", DAY, DAY, as_of)
    star = world.features(DAY, as_of)[RISING]
    assert star["last_game_at"] == at_new_york(BOSTON_DAYS[-2], time(19))
    assert (star["rest_days"], star["is_back_to_back"]) == (0, True)


def test_a_matinee_is_described_as_of_its_tip_off(world: FeatureFixture) -> None:
    """In the backfill of a game at 13:00 a line of 14:00 is after the fact, a line of 12:00 is
    not.
    """
    day = TOMORROW
    world.game(day, "BOS", "LAL", tip=time(13))
    world.line(day, "BOS", "LAL", "Rising Star", "14.5", at=at(12, day=day))
    world.line(day, "BOS", "LAL", "Rising Star", "19.5", at=at(14, day=day))
    world.backfill(day, day, AFTER)
    star = world.features(day)[RISING]
    assert (star["features_as_of"], star["line"]) == (at(13, day=day), 14.5)


def test_overlapping_runs_of_a_date_do_not_disturb_each_other(world: FeatureFixture) -> None:
    morning = at(9, 30)
    world.serve(DAY, morning)
    before = world.features(DAY, morning)
    world.serve(DAY, AS_OF)
    assert world.features(DAY, morning) == before
    assert world.features(DAY, AS_OF)[RISING]["line"] != before[RISING]["line"]
    assert before[RISING]["teammates_out_count"] is None  # no report before noon
    assert "injuries=no_list" in before[RISING]["null_reasons"]
