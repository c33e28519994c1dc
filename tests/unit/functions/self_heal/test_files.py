"""What self-heal reads of the exports after a real one: each deleted file is missed, and made again
by phase 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from functions.grading.grade import run as grade
from functions.phase6_export.export import run as export
from functions.self_heal.heal import run as heal
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.operations.contracts.rules import first_shortage
from shared.operations.contracts.snapshot import read_snapshot
from tests.support.prediction_tables import (
    DAY,
    EARLY,
    LATE,
    Evening,
    batch,
    evening,
    expected_row,
    features,
    message,
    prediction_row,
    schedule_row,
    summary_row,
)
from tests.support.stores import reset_counts

pytestmark = pytest.mark.heavy  # an export for every test

PREDICTIONS = "nba_predictions.player_prop_predictions"
OF_THE_DATE = (
    f"v1/predictions/{DAY}.json",
    f"v1/best-bets/{DAY}.json",
    "v1/predictions/today.json",
    "v1/best-bets/latest.json",
    "v1/tonight/all-players.json",
    "v1/tonight/player/alpha.json",
    "v1/tonight/player/outa.json",
)

OF_ITS_GRADES = (f"v1/results/{DAY}.json", "v1/results/latest.json", "v1/systems/performance.json")


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """Two players are predicted and one is left out; the date is exported."""
    with evening(tmp_path) as opened:
        opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
        opened.add_sources()
        opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
        considered = [
            expected_row(EARLY, 1, "Alpha"),
            expected_row(LATE, 2, "Beta"),
            expected_row(EARLY, 4, "Out A", "out"),
        ]
        opened.add("nba_monitoring.expected_outputs", considered)
        opened.add("nba_predictions.ml_feature_store", [features(EARLY, 1, "Alpha"), features(LATE, 2, "Beta")])
        opened.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
        export(message(), opened.context("phase6_export"))
        yield opened


@pytest.fixture
def graded(night: Evening) -> Evening:
    """The same date the morning after, graded, and its grades exported."""
    night.add("nba_raw.nbac_schedule", [schedule_row(game, "final", hours=48 + 18) for game in (EARLY, LATE)])
    summary = [summary_row(EARLY, 1, "Alpha", 25), summary_row(LATE, 2, "Beta", 20)]
    guests = [summary_row(EARLY, 91, "Guest", 8, at_home=False), summary_row(LATE, 92, "Host", 9, at_home=False)]
    night.add("nba_analytics.player_game_summary", [*summary, *guests])
    night.clock.move(hours=23)
    grade(message(), night.context("grading"))
    export(message(phase="grading"), night.context("phase6_export"))
    return night


def short(night: Evening, *checks: str) -> str | None:
    """What the date is short of by these contracts."""
    seen = read_snapshot(night.runtime, DAY, night.clock.now())
    contracts = [each for each in load_pipeline().contracts[seen.group] if each.check in checks]
    assert len(contracts) == len(checks)
    found = first_shortage(seen, contracts, Settings())
    return None if found is None else found.reason


def remove_file(path: str, files: Path) -> None:
    (files / "exports" / path).unlink()


def not_ours(path: str, files: Path) -> None:
    (files / "exports" / path).write_text("{}", encoding="utf-8")


@pytest.mark.parametrize("damage", [remove_file, not_ours])
@pytest.mark.parametrize("path", OF_THE_DATE)
def test_each_file_of_a_coming_date_is_missed_and_made_again(
    night: Evening, tmp_path: Path, path: str, damage: Callable[[str, Path], None]
) -> None:
    assert short(night, "export") is None
    damage(path, tmp_path)
    assert short(night, "export") == f"{path} is not there"
    export(message(), night.context("phase6_export"))
    assert short(night, "export") is None


@pytest.mark.parametrize("path", [*OF_THE_DATE, *OF_ITS_GRADES])
def test_each_file_of_a_played_date_is_missed_and_made_again(graded: Evening, tmp_path: Path, path: str) -> None:
    assert short(graded, "published", "kept") is None
    remove_file(path, tmp_path)
    assert short(graded, "published", "kept") == f"{path} is not there"
    export(message(), graded.context("phase6_export"))
    assert short(graded, "published", "kept") is None


def test_predictions_of_a_played_date_that_are_gone_are_named_with_an_alert(graded: Evening) -> None:
    graded.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE player_id = 2")
    reset_counts(graded.warehouse)
    outcome = heal(message(), graded.context("self_heal"))
    assert outcome.status == "failed"
    assert outcome.reason.startswith(f"1 grades are of predictions that are gone: 1 of 2 games ({LATE})")
    assert "restore the date's rows" in outcome.reason
    assert [each.topic for each in outcome.messages] == ["nba-alerts"]
    assert graded.runtime.state.query("heals") == [], "nothing was restarted"
    assert sum(graded.warehouse.statement_counts.values()) == 2


def test_on_a_day_without_games_the_exports_have_to_say_so(night: Evening) -> None:
    """Until they do, phase 6 is started again; a date to come has no pointers yet."""
    free = DAY + timedelta(days=1)
    eve = heal(message(free), night.context("self_heal", run_id="eve"))
    assert (eve.status, eve.reason) == ("no_data", f"no games on {free}")
    night.clock.move(days=1)
    outcome = heal(message(free), night.context("self_heal", run_id="noon"))
    assert outcome.status == "partial"
    reason = f"nothing is played on {free}, and v1/tonight/all-players.json is of {DAY}"
    assert outcome.reason == f"restarted phase6 (1 on record): {reason}"
    (restart,) = outcome.messages
    assert restart.topic == "nba-phase6-export-trigger"
    export(message(free), night.context("phase6_export"))
    again = heal(message(free), night.context("self_heal", run_id="again"))
    assert (again.status, again.reason) == ("no_data", f"no games on {free}")
