"""A game that is interrupted for hours: the results of half past three do without it, those of half
past six bring it, and nobody is told anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

import pytest

from local.replay import Archive
from local.replay.app import create_replay_app
from local.replay.games import to_us
from shared.core.clock import at_new_york
from shared.operations.checks.health import read_health
from shared.operations.latency.findings import as_findings
from shared.operations.latency.latency import read_latency
from shared.operations.levels import Level
from shared.operations.status.grid import read_grid
from shared.operations.status.model import GridDay, Verdict
from tests.pipeline.nights.night import PIPELINE, Night

pytestmark = pytest.mark.heavy  # a night is played
ENDS = time(4, 50)
# What looks on all day long, which takes time.
LOOKING_ON = {"monitor", "batch-sweep"}


def make_longer(archive: Archive, day: date) -> tuple[Archive, set[str], str]:
    """The same games, but that the day's last one lasts so long; the day's games, and that one."""
    longer = Archive(archive.folder)
    games = longer.games
    of_day = [number for number, played in enumerate(games.day) if played == day]
    late = max(of_day, key=lambda number: games.tipoff_us[number])
    games.end_us[late] = to_us(at_new_york(day + timedelta(days=1), ENDS))
    return longer, {games.game_id[number] for number in of_day}, games.game_id[late]


def read_day(night: Night, day: date) -> GridDay:
    return read_grid(night.embedded.runtime, PIPELINE, [day]).days[0]


def read_result(night: Night, function: str, run: str) -> Mapping[str, Any]:
    """What an execution says of itself."""
    found = night.embedded.runtime.state.get(f"executions/{function}.{run}")
    assert found is not None, run
    result: Mapping[str, Any] = found.data["result"]
    return result


def list_games(night: Night, day: date) -> set[str]:
    sql = "SELECT DISTINCT game_id FROM nba_raw.nbac_schedule WHERE game_date = @day"
    return {row["game_id"] for row in night.rows(sql, day=day)}


def list_graded(night: Night, day: date) -> set[str]:
    sql = "SELECT DISTINCT game_id FROM nba_predictions.prediction_accuracy WHERE game_date = @day"
    return {row["game_id"] for row in night.rows(sql, day=day)}


def find_trouble(night: Night) -> list[str]:
    """What a look at everything says that is not green."""
    runtime = night.embedded.runtime
    found = [*read_health(runtime, PIPELINE).findings, *as_findings(read_latency(runtime, PIPELINE, 1))]
    return [each.says for each in found if each.level is not Level.GREEN]


def test_a_game_that_is_not_final_in_the_night_is_graded_in_the_morning(night: Night, archive: Archive) -> None:
    day, embedded = archive.last_date, night.embedded
    longer, games, late = make_longer(archive, day)
    assert len(games) > 1
    night.sources.replay = create_replay_app(longer, lambda: embedded.clock.now())
    play_the_nights_before(night, day)
    days = (day - night.day).days + 1
    night.until(3, 29, days)
    assert list_graded(night, day) == set()

    night.until(4, 1, days)
    assert list_graded(night, day) == games - {late}
    outcome = read_result(night, "grading", f"{day}-grading-overnight")
    assert (outcome["status"], outcome["reason"]) == ("partial", "1 of 2 games have no final box score")
    assert find_trouble(night) == []
    results = read_day(night, day).cell("phase1")
    assert (results.verdict, results.have, results.should) == (Verdict.NOT_DUE, 1, 2)
    assert results.says == (
        f"1 of 2 games ({late}) are over and not final in the schedule; daily-yesterday-analytics comes at 06:30"
    )
    assert results.due_at == at_new_york(day + timedelta(days=1), time(6, 30))
    assert read_day(night, day).cell("grading").says == "waits for phase1, which is not due"

    night.until(6, 31, days)
    assert find_trouble(night) == []
    night.until(8, 1, days)
    assert list_graded(night, day) == games
    assert read_day(night, day).sentence.endswith("graded 06:45 the next day.")
    assert find_trouble(night) == []
    assert (night.incidents(), night.list_posts(), night.list_mails()) == ([], [], [])


def play_the_nights_before(night: Night, day: date) -> None:
    """To half past two after a day: the first night whole, for it is graded in the night, the rest
    without those who look on.
    """
    night.until(4, 1, days=1)
    assert list_graded(night, night.day) == list_games(night, night.day)
    night.scheduler.silent |= LOOKING_ON
    night.until(2, 30, (day - night.day).days + 1)
    night.scheduler.silent -= LOOKING_ON
