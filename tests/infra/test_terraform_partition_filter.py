"""A table requires a partition filter exactly where every statement of the project has one."""

from __future__ import annotations

import json

import pytest

from shared.stores.warehouse.schemas import SCHEMA_FOLDER, all_schemas, all_views
from shared.stores.warehouse.sql import expand_fragments
from tests.conftest import ROOT
from tests.infra.partition_filters import find_unpruned, partition_fields
from tests.sqlcheck.checker import sql_files
from tests.unit.house.test_sql_check import build_statements

VIEWS = {name for name, _ in all_views()}
# Tables that are read whole, and why that is meant.
READ_WHOLE = {
    "nba_raw.nbac_schedule": "nbac_schedule_versions: a game that was moved has rows under other dates",
    "nba_predictions.prediction_batches": "current_predictions ranks batches of all dates; a few rows a day",
}
SAMPLE = "nba_raw.nbac_player_boxscores"


def requires_filter(table: str) -> bool:
    resource = json.loads((SCHEMA_FOLDER / f"{table}.json").read_text(encoding="utf-8"))
    return bool(resource.get("requirePartitionFilter", False))


def statements() -> list[tuple[str, str]]:
    """Every statement but the views: a filter on a view is a filter on the table that its rows come
    from.
    """
    files = [path for path in sql_files(ROOT) if path.stem not in VIEWS]
    return [(path.name, expand_fragments(path.read_text(encoding="utf-8"))) for path in files] + build_statements()


def test_what_is_read_whole_is_known_with_its_reason() -> None:
    scanned = find_unpruned(statements())
    # a filter on this view prunes nothing: what a game's row is worth depends on its rows of other
    # dates
    assert set(scanned) == {"nba_raw.nbac_schedule_versions"}, scanned
    # the views read their tables whole; of the predictions their callers' filters prune, see above
    in_views = find_unpruned(all_views())
    assert set(in_views) == {"nba_predictions.player_prop_predictions", *READ_WHOLE}


def test_every_other_partitioned_table_requires_a_filter() -> None:
    partitioned = {schema.name for schema in all_schemas() if schema.partition_field}
    assert {table for table in partitioned if requires_filter(table)} == partitioned - set(READ_WHOLE)
    assert not any(requires_filter(schema.name) for schema in all_schemas() if not schema.partition_field)


@pytest.mark.parametrize(
    ("sql", "pruned"),
    [
        (f"SELECT points FROM {SAMPLE} WHERE game_date = @d", True),
        (f"SELECT points FROM {SAMPLE} WHERE game_date BETWEEN DATE_SUB(@d, INTERVAL 3 DAY) AND @d", True),
        (f"SELECT points FROM {SAMPLE} WHERE game_date = @d OR points > 1", False),
        (f"SELECT points FROM {SAMPLE} WHERE game_date IS NOT NULL", False),
        (f"SELECT points FROM {SAMPLE} WHERE DATE_ADD(game_date, INTERVAL 1 DAY) = @d", False),
        (f"SELECT b.points FROM g JOIN {SAMPLE} AS b ON b.game_date = g.game_date WHERE g.game_date = @d", False),
        (f"SELECT b.points FROM g LEFT JOIN {SAMPLE} AS b ON b.game_date = @d AND b.x = g.x", True),
        (f"SELECT b.points FROM {SAMPLE} AS b LEFT JOIN g ON b.game_date = @d AND b.x = g.x", False),
        (f"DELETE FROM {SAMPLE} WHERE game_date = @d", True),
        (f"DELETE FROM {SAMPLE} WHERE points = 1", False),
    ],
)
def test_the_check_tells_what_prunes(sql: str, pruned: bool) -> None:
    assert partition_fields()[SAMPLE] == "game_date"
    assert (SAMPLE not in find_unpruned([("sample", sql)])) is pruned
