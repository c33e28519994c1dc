"""How a played day ends in words: done, or done with gaps and which."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from local.day.summary import NOTHING_PLAYED, _has_gap, last_line, make_tables_of_grades
from shared.core.events import Event
from shared.nba.stats import STATS
from shared.science.systems.output import ENSEMBLE, SYSTEMS
from tests.conftest import ROOT


def test_the_last_line_names_every_gap() -> None:
    assert last_line({"gaps": []}) == "Done."
    gaps = ["export: injuries missing: no injury list of 2025-11-14 was known", "grading: 1 of 2 games"]
    assert last_line({"gaps": gaps}) == f"Done, with gaps: {gaps[0]}; {gaps[1]}."


@pytest.mark.parametrize(
    ("status", "event", "lacks"),
    [
        ("success", Event.DONE, False),
        ("halted", Event.EXPORT_HALTED, False),
        ("partial", Event.DONE_WITH_GAPS, True),
        ("failed", Event.LOW_COVERAGE, True),
        ("no_data", "no_games", False),
        ("no_data", "games_postponed", False),
        ("no_data", "games_called_off", False),
        ("no_data", "no_predictions", True),
        ("no_data", None, True),
    ],
)
def test_a_day_without_games_is_no_gap_and_one_without_predictions_is(
    status: str, event: str | None, lacks: bool
) -> None:
    assert _has_gap(status, event) is lacks


def test_an_export_that_is_no_gap_is_one_that_alarms_count_as_an_export() -> None:
    terraform = (ROOT / "infra" / "terraform" / "logging.tf").read_text(encoding="utf-8")
    counted = re.search(r"^  exported = \[(.*)\]$", terraform, re.MULTILINE)
    assert counted is not None
    assert set(NOTHING_PLAYED) < {Event(code) for code in re.findall(r'"(\w+)"', counted[1])}


def show_grades(graded: dict[str, dict[str, dict[str, Any]]]) -> str:
    console = Console(file=StringIO(), width=120)
    for table in make_tables_of_grades(graded):
        console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_every_statistic_is_seen_at_a_glance() -> None:
    """Points by system, every other statistic in a row of its own."""
    row = {"n": 90, "line_mae": 2.5, "season_avg_mae": None, "hit_rate": 0.55, "wins": 11, "bets": 20}
    graded = {
        stat: {system: {**row, "mae": place + number / 100} for number, system in enumerate(SYSTEMS)}
        for place, stat in enumerate(STATS)
    }
    shown = show_grades(graded)
    lines = [line.split() for line in shown.splitlines()]
    first, *others = STATS
    for number, system in enumerate(SYSTEMS):
        assert [system, "90", f"0.{number:02d}0", "2.500", "-", "11/20", "=", "55.0%"] in lines, first
    for place, stat in enumerate(others, start=1):
        assert [stat, "90", f"{place}.{SYSTEMS.index(ENSEMBLE):02d}0", "2.500", "-", "11/20", "=", "55.0%"] in lines
    assert len([line for line in lines if "90" in line]) == len(SYSTEMS) + len(others)
    assert shown.count("Graded, ") == 2


def test_of_one_statistic_there_is_one_table_and_of_none_none() -> None:
    row = {"n": 1, "mae": 5.0, "line_mae": 5.0, "season_avg_mae": 5.0, "hit_rate": None, "wins": 0, "bets": 0}
    assert show_grades({"points": {ENSEMBLE: row}}).count("Graded, ") == 1
    assert show_grades({}) == ""
