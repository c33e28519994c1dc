"""How a played day ends in words: done, or done with gaps and which."""

from __future__ import annotations

import re

import pytest

from local.day.summary import NOTHING_PLAYED, _has_gap, last_line
from shared.core.events import Event
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
