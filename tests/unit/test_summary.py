"""How a played day ends in words: done, or done with gaps and which."""

from __future__ import annotations

import pytest

from local.day.summary import NOTHING_PLAYED, _lacks, last_line
from tests.conftest import ROOT


def test_the_last_line_names_every_gap() -> None:
    assert last_line({"gaps": []}) == "Done."
    gaps = ["export: injuries missing: no injury list of 2025-11-14 was known", "grading: 1 of 2 games"]
    assert last_line({"gaps": gaps}) == f"Done, with gaps: {gaps[0]}; {gaps[1]}."


@pytest.mark.parametrize(
    ("status", "reason", "lacks"),
    [
        ("success", "", False),
        ("halted", "off-season", False),
        ("partial", "injuries missing", True),
        ("failed", "predictions cover 1 of 4 expected players", True),
        ("no_data", "no games on 2025-11-15", False),
        ("no_data", "all 2 games on 2025-11-15 are postponed", False),
        ("no_data", "all 12 games on 2025-11-15 are called off", False),
        ("no_data", "there are no current predictions for 2025-11-15", True),
    ],
)
def test_a_day_without_games_is_no_gap_and_one_without_predictions_is(status: str, reason: str, lacks: bool) -> None:
    assert _lacks(status, reason) is lacks


def test_the_words_are_those_that_alarms_go_by() -> None:
    terraform = (ROOT / "infra" / "terraform" / "logging.tf").read_text(encoding="utf-8")
    assert f'jsonPayload.reason=~"{NOTHING_PLAYED.pattern}"' in terraform
