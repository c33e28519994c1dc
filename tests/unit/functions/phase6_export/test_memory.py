"""What an export takes of memory: the bytes of its files, whatever the number of rows behind
them."""

from __future__ import annotations

import pytest

from functions.phase6_export.schema_check import load
from tests.support.export_memory import EVERY_STAT, LINES, ONE_STAT, PLAYERS, TESTED, Export, measure

pytestmark = pytest.mark.heavy  # fifty times the rows


@pytest.fixture(scope="module")
def exports() -> list[Export]:
    return [measure(lines, PLAYERS) for lines in LINES]


def test_fifty_times_the_rows_take_no_more_memory_than_their_files_are_longer(exports: list[Export]) -> None:
    """Held at a time are a file, the one before it in the bucket, and its text: not the rows as
    dictionaries."""
    one, ten, fifty = exports
    assert fifty.rows == 50 * one.rows == 5 * ten.rows
    for more in (ten, fifty):
        assert more.peak - one.peak < 3 * (more.files - one.files)


def test_eight_statistics_take_no_more_memory_than_their_files_are_longer() -> None:
    points, every = (measure(TESTED, PLAYERS, stats) for stats in (ONE_STAT, EVERY_STAT))
    assert every.rows == len(EVERY_STAT) * points.rows
    assert every.peak - points.peak < 3 * (every.files - points.files)
    assert every.statements == points.statements


def test_statements_do_not_depend_on_the_rows(exports: list[Export]) -> None:
    assert [each.statements for each in exports] == [{"query": 8, "load": 1}] * len(LINES)


def test_a_players_lines_are_checked_in_the_dates_file_as_in_his_own() -> None:
    """They are written to his file as they stand in the date's, and are not looked through
    again."""
    own = load("player")["properties"]["stats"]
    dated = load("predictions")["properties"]["players"]["items"]["properties"]["stats"]
    assert own.items() <= dated.items()
