"""Every run of a day fetches and loads the same snapshots again: nothing that is computed from them
may change.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.stores.warehouse.schemas import all_schemas
from tests.support.features_evening import AS_OF, BOSTON_DAYS, DAY, FOE, MATE, RISING, at, write_evening
from tests.support.features_fixture import RAW_TABLES, FeatureFixture, Row, open_world

pytestmark = pytest.mark.heavy  # an evening computed twice for each

COMPUTED = tuple(
    schema.name
    for schema in all_schemas()
    if schema.dataset in ("nba_analytics", "nba_precompute")
    or schema.name in ("nba_predictions.ml_feature_store", "nba_reference.players", "nba_reference.unresolved_names")
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    with open_world(tmp_path) as world:
        write_evening(world)
        for name, line, hour in (("Some Rookie", "8.5", 9), ("Some Rookie", "9.5", 16), ("Usual Foe", "14.5", 9)):
            answer = at(16) if name == "Usual Foe" else at(hour)
            world.line(DAY, "BOS", "LAL", name, line, at=at(hour), answer=answer, book="draftkings")
        world.injury(DAY, "Nobody Known", "BOS", "OUT", at=at(12))
        for i, day in enumerate(BOSTON_DAYS):
            sides = ("BOS", "NYK", i % 2 == 0)
            world.zones(day, RISING, sides[0], sides[1], home=sides[2], paint=5, mid=2)
            world.zones(day, None, sides[0], sides[1], home=sides[2], paint=30, mid=9)
        yield world


def compute(world: FeatureFixture) -> dict[str, list[Row]]:
    """Phases 3 and 4 of a backfill of the year before and of the evening; all they wrote."""
    assert world.backfill(DAY.replace(year=2024), DAY.replace(day=23), AS_OF).status == "success"
    assert world.serve(DAY, AS_OF).status == "success"
    # Ordered as text, since rows of several tables have lists of columns of their own.
    return {table: sorted(world.rows(table), key=repr) for table in COMPUTED}


def test_every_raw_row_loaded_twice_changes_nothing(world: FeatureFixture) -> None:
    once = compute(world)
    before = {table: len(world.rows(table)) for table in RAW_TABLES}
    world.fetch_again()
    for table, count in before.items():
        derived = len(world.rows(table, "source_file IS NULL"))
        assert len(world.rows(table)) == 2 * count - derived
        assert count > derived, f"{table}: a test of nothing proves nothing"
    twice = compute(world)
    for table in COMPUTED:
        assert once[table], f"{table}: a test of nothing proves nothing"
        assert twice[table] == once[table], table


def test_a_lined_evening_is_what_is_computed(world: FeatureFixture) -> None:
    """The rows that the other test compares hold lines, reports, shot data and names that are not
    found.
    """
    found = compute(world)
    rows = {row["player_id"]: row for row in world.features(DAY, AS_OF).values()}
    assert (rows[RISING]["line_books"], rows[MATE]["injury_status"], rows[FOE]["line"]) == (3, "OUT", None)
    assert rows[RISING]["paint_share_l20"] is not None
    assert [row["player_name"] for row in found["nba_reference.unresolved_names"]] == ["Nobody Known", "Some Rookie"]
