"""nba_raw.nbac_schedule_versions: what the schedule says at a moment, and which games it lists no
more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import ManualClock
from tests.support.stores import append, open_stores

MORNING = datetime(2026, 4, 20, 10, tzinfo=UTC)
# Games 1 to 7 of a round, every other day from 19 April on.
ROUND = {number: date(2026, 4, 17) + timedelta(days=2 * number) for number in range(1, 8)}


class Schedule:
    """Snapshots of the schedule, and what it says at a moment."""

    def __init__(self, warehouse: Any) -> None:
        self.warehouse, self._loads = warehouse, 0

    def snapshot(self, at: datetime, games: dict[int, Any], covers_from: date | None, file: str = "file") -> None:
        """Games by number: their day, or (day, status)."""
        rows = []
        for number, what in games.items():
            day, status = what if isinstance(what, tuple) else (what, "scheduled")
            rows.append(
                {
                    "game_date": day,
                    "game_id": f"00425{number:05d}",
                    "snapshot_time": at,
                    "season": "2025-26",
                    "season_type": "playoffs",
                    "home_team": "BOS",
                    "away_team": "NYK",
                    "status": status,
                    "run_id": "run",
                    "source_file": file,
                    "covers_from": covers_from,
                }
            )
        self._loads += 1
        append(self.warehouse, "nba_raw.nbac_schedule", rows, f"schedule-{self._loads}")

    def at(self, moment: datetime) -> dict[int, date]:
        """Games that take place, as known strictly before the moment."""
        rows = self.warehouse.query(
            "SELECT game_id, game_date FROM nba_raw.nbac_schedule_versions WHERE snapshot_time < @m"
            " AND (replaced_at IS NULL OR NOT replaced_at < @m) AND (gone_at IS NULL OR NOT gone_at < @m)"
            " AND NOT called_off ORDER BY game_id",
            {"m": moment},
        ).to_pylist()
        found = {int(row["game_id"][-5:]): row["game_date"] for row in rows}
        assert len(found) == len(rows), "a game has one row in force"
        return found


@pytest.fixture
def schedule(tmp_path: Path) -> Iterator[Schedule]:
    with open_stores(tmp_path, ManualClock()) as runtime:
        yield Schedule(runtime.warehouse)


def later(days: int) -> datetime:
    return MORNING + timedelta(days=days)


def test_games_5_to_7_that_the_next_list_does_not_name_are_gone(schedule: Schedule) -> None:
    """A sweep: known from the list of 27 April on, and not before it."""
    schedule.snapshot(MORNING, ROUND, date(2026, 4, 18))
    four = {number: (ROUND[number], "final") for number in (4,)}
    schedule.snapshot(later(7), four, date(2026, 4, 25))
    assert set(schedule.at(later(7))) == set(range(1, 8)), "strictly before the moment"
    assert set(schedule.at(later(8))) == {1, 2, 3, 4}


def test_days_before_the_list_stay_as_they_were(schedule: Schedule) -> None:
    schedule.snapshot(MORNING, ROUND, date(2026, 4, 18))
    schedule.snapshot(later(1), {number: ROUND[number] for number in range(3, 8)}, date(2026, 4, 22))
    assert set(schedule.at(later(2))) == set(range(1, 8))


def test_a_list_of_which_an_entry_could_not_be_read_says_nothing_of_absence(schedule: Schedule) -> None:
    schedule.snapshot(MORNING, ROUND, date(2026, 4, 18))
    schedule.snapshot(later(1), {1: ROUND[1]}, None)
    assert set(schedule.at(later(2))) == set(range(1, 8))


def test_a_game_that_comes_back_is_a_game_again(schedule: Schedule) -> None:
    schedule.snapshot(MORNING, ROUND, date(2026, 4, 18))
    schedule.snapshot(later(1), {1: ROUND[1]}, date(2026, 4, 19))
    schedule.snapshot(later(2), ROUND, date(2026, 4, 19))
    assert [len(schedule.at(later(days))) for days in (1, 2, 3)] == [7, 1, 7]


def test_a_game_that_moved_is_on_its_new_day_alone(schedule: Schedule) -> None:
    schedule.snapshot(MORNING, {1: ROUND[1], 2: ROUND[2]}, date(2026, 4, 18))
    schedule.snapshot(later(1), {1: ROUND[1], 2: date(2026, 4, 30)}, date(2026, 4, 19))
    assert schedule.at(later(1))[2] == ROUND[2]
    assert schedule.at(later(2))[2] == date(2026, 4, 30)


def test_gone_after_lists_that_named_it_and_some_that_could_not_tell(schedule: Schedule) -> None:
    """Named twice, unknown once, left out twice: gone at the first of the two."""
    for days, games, covers in (
        (0, ROUND, date(2026, 4, 18)),
        (1, ROUND, date(2026, 4, 19)),
        (2, {1: ROUND[1]}, None),
        (3, {1: ROUND[1]}, date(2026, 4, 19)),
        (4, {1: ROUND[1]}, date(2026, 4, 19)),
    ):
        schedule.snapshot(later(days), games, covers)
    assert [len(schedule.at(later(days))) for days in (1, 2, 3, 4, 5)] == [7, 7, 7, 1, 1]
    row = schedule.warehouse.query(
        "SELECT gone_at FROM nba_raw.nbac_schedule_versions WHERE game_id = '0042500005' AND replaced_at IS NULL"
    ).to_pylist()
    assert row == [{"gone_at": later(3)}]


@pytest.mark.parametrize("status", ["postponed", "cancelled", "suspended", "a word that nobody knows"])
def test_only_scheduled_live_and_final_games_take_place(schedule: Schedule, status: str) -> None:
    schedule.snapshot(MORNING, {1: (ROUND[1], status), 2: (ROUND[2], "live"), 3: (ROUND[3], "final")}, None)
    assert set(schedule.at(later(1))) == {2, 3}


def test_another_seasons_list_says_nothing(schedule: Schedule) -> None:
    schedule.snapshot(MORNING, ROUND, date(2026, 4, 18))
    schedule.snapshot(later(1), {1: ROUND[1]}, date(2026, 4, 18))
    schedule.warehouse.execute(
        "UPDATE nba_raw.nbac_schedule SET season = '2026-27' WHERE snapshot_time = @m", {"m": later(1)}
    )
    assert set(schedule.at(later(2))) == set(range(1, 8))


def test_of_two_files_of_one_moment_one_row_holds(schedule: Schedule) -> None:
    schedule.snapshot(MORNING, {1: ROUND[1]}, None, file="a")
    schedule.snapshot(MORNING, {1: ROUND[2]}, None, file="b")
    assert schedule.at(later(1)) == {1: ROUND[2]}


def test_a_list_that_lost_half_the_season_is_believed_when_the_next_one_says_so_too(schedule: Schedule) -> None:
    """An answer that was cut short must not look like a week without games."""
    season = {number: date(2026, 4, 20) + timedelta(days=number // 8) for number in range(1, 65)}
    schedule.snapshot(MORNING, season, date(2026, 4, 18))
    half = {number: day for number, day in season.items() if number <= 32}
    schedule.snapshot(later(1), half, date(2026, 4, 18))
    assert set(schedule.at(later(2))) == set(season)
    schedule.snapshot(later(2), half, date(2026, 4, 18))
    assert set(schedule.at(later(2))) == set(season), "strictly before the moment"
    assert set(schedule.at(later(3))) == set(half)


def test_a_list_that_was_whole_again_leaves_no_trace_of_the_one_cut_short(schedule: Schedule) -> None:
    season = {number: date(2026, 4, 20) + timedelta(days=number // 8) for number in range(1, 65)}
    schedule.snapshot(MORNING, season, date(2026, 4, 18))
    schedule.snapshot(later(1), {1: season[1]}, date(2026, 4, 18))
    schedule.snapshot(later(2), season, date(2026, 4, 18))
    assert [set(schedule.at(later(days))) for days in (1, 2, 3)] == [set(season)] * 3


def test_thirty_games_at_once_are_what_a_round_of_playoffs_can_spare(schedule: Schedule) -> None:
    season = {number: date(2026, 4, 20) + timedelta(days=number // 8) for number in range(1, 65)}
    schedule.snapshot(MORNING, season, date(2026, 4, 18))
    schedule.snapshot(later(1), {number: day for number, day in season.items() if number <= 34}, date(2026, 4, 18))
    assert len(schedule.at(later(2))) == 34
