"""The grid says of how many teams the injury list is not known."""

from __future__ import annotations

from shared.operations.status.model import Verdict
from tests.support.prediction_tables import DAY, EARLY, Evening
from tests.unit.operations.status.world import CONTEXT, cell


def test_teams_without_an_injury_list_are_counted(whole: Evening) -> None:
    """A date is complete all the same: that a team has not submitted is nobody's fault."""
    assert cell(whole, "phase3").says == "4 of 4 teams with a context"
    for column, state in (("injury_list_state", "no_list"), ("opponent_injury_list_state", "nobody_listed")):
        change = f"UPDATE {CONTEXT} SET {column} = @state WHERE game_date = @day AND game_id = @game AND team = 'BOS'"
        whole.warehouse.execute(change, {"state": state, "day": DAY, "game": EARLY})
    found = cell(whole, "phase3")
    assert found.verdict is Verdict.COMPLETE
    assert found.says == "4 of 4 teams with a context; injuries of 1 of 4 teams unknown"
