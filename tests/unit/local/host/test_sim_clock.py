"""Simulated time stands still, is kept over restarts, and epochs count up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.embedded.sqlite_file import SqliteFile
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.core.clock import NEW_YORK
from tests.support.embedded import START, ManualClock


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[SimulationNotes]:
    file = SqliteFile(tmp_path / "state.sqlite")
    yield SimulationNotes(file)
    file.close()


def test_a_new_folder_begins_at_the_first_moment_and_stands_still(simulation: SimulationNotes) -> None:
    first = ManualClock()
    clock = SimClock(simulation, first=first)
    first.move(hours=1)
    assert clock.now() == START


def test_a_set_clock_is_kept_and_goes_on_after_a_restart(simulation: SimulationNotes) -> None:
    moment = datetime(2025, 11, 14, 17, 45, tzinfo=NEW_YORK)
    SimClock(simulation, first=ManualClock()).set(moment)
    again = SimClock(simulation, first=ManualClock())
    assert again.now() == moment
    assert again.now().tzinfo == UTC
    again.set(START - timedelta(days=1))
    assert again.now() == START - timedelta(days=1)


def test_advancing_never_goes_back(simulation: SimulationNotes) -> None:
    clock = SimClock(simulation, first=ManualClock())
    clock.advance_to(START - timedelta(seconds=1))
    assert clock.now() == START
    clock.advance_to(START + timedelta(seconds=1))
    assert clock.now() == START + timedelta(seconds=1)


def test_a_moment_without_a_zone_is_refused_and_changes_nothing(simulation: SimulationNotes) -> None:
    clock = SimClock(simulation, first=ManualClock())
    with pytest.raises(ValueError, match="no time zone"):
        clock.set(datetime(2025, 1, 1))  # noqa: DTZ001 - that is the mistake
    assert clock.now() == START


def test_epochs_count_up_over_restarts(simulation: SimulationNotes) -> None:
    clock = SimClock(simulation, first=ManualClock())
    assert clock.epoch == 1
    assert clock.new_epoch() == 2
    assert SimClock(simulation).epoch == 2
    assert SimClock(simulation).new_epoch() == 3


def test_named_numbers_and_texts(simulation: SimulationNotes) -> None:
    assert [simulation.next("starts") for _ in range(3)] == [1, 2, 3]
    assert simulation.get("archive") is None
    simulation.set("archive", "one")
    simulation.set("archive", "two")
    assert simulation.get("archive") == "two"
