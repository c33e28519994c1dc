"""Who is left to share the minutes and points: not who is listed out, and overtime is no more to
share.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

import pytest

from shared.core.clock import at_new_york
from tests.support.features_fixture import FeatureFixture, Row, open_world

OVERTIME, LAST, DAY = date(2025, 11, 10), date(2025, 11, 12), date(2025, 11, 14)
MORNING, AS_OF = at_new_york(DAY, time(9)), at_new_york(DAY, time(17, 30))
ONE, DOUBTFUL, QUESTIONABLE, SMALL, SMALLER, FOE = 1, 2, 3, 4, 5, 11
TWOS = {ONE: 10, DOUBTFUL: 10, QUESTIONABLE: 10, SMALL: 4, SMALLER: 4}
LEFT = (ONE, QUESTIONABLE, SMALL, SMALLER)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    """Five men of Boston play 53 minutes each, 25 in all more than a game has; then 48 each, but 40
    of the first.
    """
    with open_world(tmp_path_factory.mktemp("shares")) as world:
        for day, minutes in ((OVERTIME, 53.0), (LAST, 48.0)):
            world.game(day, "BOS", "LAL")
            for player, twos in TWOS.items():
                mine = 40.0 if (day, player) == (LAST, ONE) else minutes
                world.box(day, (player, f"Man {player}"), "BOS", "LAL", home=True, minutes=mine, twos=twos)
            world.box(day, (FOE, "Scoreless Foe"), "LAL", "BOS", home=False, minutes=20.0)
        world.phase3("results", OVERTIME, LAST, AS_OF)
        world.game(DAY, "BOS", "LAL", status="scheduled")
        world.line(DAY, "BOS", "LAL", f"Man {DOUBTFUL}", "19.5", at=MORNING)
        world.line(DAY, "BOS", "LAL", f"Man {QUESTIONABLE}", "18.5", at=MORNING)
        world.injury(DAY, f"Man {DOUBTFUL}", "BOS", "DOUBTFUL", at=at_new_york(DAY, time(12)))
        world.injury(DAY, f"Man {QUESTIONABLE}", "BOS", "QUESTIONABLE", at=at_new_york(DAY, time(12)))
        for as_of in (at_new_york(DAY, time(11)), AS_OF):
            world.serve(DAY, as_of)
        yield world


@pytest.fixture(scope="module")
def rows(world: FeatureFixture) -> dict[int, Row]:
    return world.features(DAY, AS_OF)


def test_minutes_are_those_of_a_game_without_overtime(rows: dict[int, Row]) -> None:
    """53 of 265 are 48 of 240."""
    one = rows[ONE]
    assert (one["minutes_last"], one["minutes_second_last"], one["minutes_max_l10"]) == (40.0, 48.0, 48.0)
    assert one["minutes_ewma_10"] == pytest.approx((40 + 0.9 * 48) / 1.9, abs=2e-6)
    assert one["minutes_ewma_20"] == pytest.approx((40 + 0.8 * 53) / 1.8, abs=2e-6)


def test_the_questionable_is_shared_with_by_his_probability_and_the_doubtful_has_no_share(
    rows: dict[int, Row],
) -> None:
    """Of 100 questionable men 55 play, of 100 doubtful ones 2."""
    usual = (48 + 0.8 * 53) / 1.8
    left = (40 + 0.8 * 53) / 1.8 + (0.02 + 0.55 + 1 + 1) * usual
    points = 20.0 + 0.02 * 20.0 + 0.55 * 20.0 + 8.0 + 8.0
    for player in (ONE, SMALL, SMALLER, DOUBTFUL):
        assert rows[player]["available_minutes"] == pytest.approx(left, abs=2e-6)
        assert rows[player]["available_points"] == pytest.approx(points, abs=2e-6)
    assert {rows[player]["available_rotation"] for player in rows if player != FOE} == {4}
    assert rows[SMALL]["minutes_share"] == pytest.approx(240 * usual / left, abs=2e-6)
    assert rows[SMALL]["points_share"] == pytest.approx(8.0 / points, abs=2e-6)
    assert [rows[player]["points_rank"] for player in LEFT] == [1, 1, 3, 3]
    out = rows[DOUBTFUL]
    assert (out["minutes_share"], out["points_share"], out["points_rank"]) == (None, None, None)
    assert "available=listed_out" in out["null_reasons"]
    assert "available=" not in rows[ONE]["null_reasons"]


def test_for_himself_the_questionable_plays(rows: dict[int, Row]) -> None:
    """What he is forecast counts where he does."""
    usual, row = (48 + 0.8 * 53) / 1.8, rows[QUESTIONABLE]
    left = (40 + 0.8 * 53) / 1.8 + (0.02 + 1 + 1 + 1) * usual
    assert row["available_minutes"] == pytest.approx(left, abs=2e-6)
    assert row["minutes_share"] == pytest.approx(240 * usual / left, abs=2e-6)
    assert row["points_share"] == pytest.approx(20.0 / (20.0 + 0.4 + 20.0 + 8.0 + 8.0), abs=2e-6)
    assert row["absence_probability"] == 0.45
    assert row["teammates_out_points"] == pytest.approx(0.98 * 20.0, abs=2e-6), "he is not his own team-mate"


def test_what_is_missing_is_an_expectation(rows: dict[int, Row]) -> None:
    """The count is of those listed out or doubtful."""
    found = rows[ONE]
    assert found["teammates_out_count"] == 1
    assert found["teammates_out_points"] == pytest.approx((0.98 + 0.45) * 20.0, abs=2e-6)
    assert found["teammates_out_minutes"] == pytest.approx((0.98 + 0.45) * (53.0 + 48.0) / 2, abs=2e-6)
    assert rows[FOE]["opponents_out_points"] == pytest.approx((0.98 + 0.45) * 20.0, abs=2e-6)


def test_lines_of_others_who_are_out_are_what_the_books_did_not_know(rows: dict[int, Row]) -> None:
    """Not of the questionable, not of the player himself, not of the other team."""
    found = {player: rows[player]["teammates_out_lines"] for player in (*LEFT, DOUBTFUL, FOE)}
    assert found == {**dict.fromkeys(LEFT, 19.5), DOUBTFUL: 0.0, FOE: 0.0}


def test_nobody_has_a_share_of_no_points(rows: dict[int, Row]) -> None:
    foe = rows[FOE]
    assert (foe["available_points"], foe["points_share"], foe["minutes_share"]) == (0.0, None, 240.0)
    assert "available=no_minutes_or_points" in foe["null_reasons"]


def test_without_a_report_nobody_knows_who_is_left(world: FeatureFixture) -> None:
    row = world.features(DAY, at_new_york(DAY, time(11)))[ONE]
    unknown = ("minutes", "points", "rotation")
    assert row["absence_probability"] is None
    assert {row[f"available_{name}"] for name in unknown} == {None}
    assert {row[name] for name in ("minutes_share", "points_share", "points_rank", "teammates_out_lines")} == {None}
    assert "injuries=no_list" in row["null_reasons"]
    assert "available=" not in row["null_reasons"]
    assert "box_score=incomplete" in row["null_reasons"], "nobody told of rebounds"
