"""Many dates are read with the statements of one, and each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from shared.operations.contracts.snapshot import Feeds, read_snapshot, read_snapshots
from tests.support import injury_lists, records
from tests.support.prediction_tables import (
    DAY,
    EARLY,
    LATE,
    Evening,
    batch,
    evening,
    expected_row,
    features,
    prediction_row,
    schedule_row,
    summary_row,
)
from tests.support.stores import reset_counts

DAYS = [DAY + timedelta(days=n) for n in range(-7, 7)]
MOVED = {"game_id": "0022500301", "game_date": DAY + timedelta(days=2)}


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """Two games of the day, one of them predicted, one of two days later, one of the day before."""
    with evening(tmp_path) as opened:
        opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE), schedule_row(LATE) | MOVED])
        opened.add_sources()
        opened.add("nba_predictions.prediction_batches", [batch(EARLY)])
        opened.add("nba_monitoring.expected_outputs", [expected_row(EARLY, 1, "Alpha")])
        opened.add("nba_predictions.ml_feature_store", [features(EARLY, 1, "Alpha")])
        opened.add("nba_predictions.player_prop_predictions", [prediction_row(EARLY, 1, "Alpha")])
        played = [summary_row(EARLY, n, f"P{n}", 9, DAY - timedelta(days=n)) for n in (1, 20, 40)]
        opened.add("nba_analytics.player_game_summary", played)
        for found in (records.batch(revision=2, batch_id=f"batch_{DAY}_r2"), records.batch()):
            opened.runtime.state.create(f"batches/{found.batch_id}", found.to_document())
        yield opened


def test_many_dates_are_each_as_if_alone(night: Evening) -> None:
    now = night.clock.now()
    found = read_snapshots(night.runtime, DAYS, now)
    assert list(found) == DAYS
    for day in DAYS:
        assert found[day] == read_snapshot(night.runtime, day, now), day
    seen = found[DAY]
    assert [each.game_id for each in seen.games] == [EARLY, LATE]
    assert seen.feeds == Feeds(injuries=5, player_lines=2, game_lines=2)
    assert [each.revision for each in seen.batches] == [1, 2]
    assert seen.batch is not None
    assert seen.batch.revision == 2
    assert (seen.played_before, seen.played_after) == (DAY - timedelta(days=1), DAY + timedelta(days=2))
    assert [game.roster_teams for game in seen.games] == [1, 0], "one of four teams has played in 30 days"
    assert found[DAY + timedelta(days=2)].games[0].game_id == MOVED["game_id"]


@pytest.mark.parametrize(("days", "statements"), [([DAY], 2), (DAYS, 2), (DAYS[:3], 1), ([], 0)])
def test_the_statements_do_not_grow_with_the_dates(night: Evening, days: Sequence[date], statements: int) -> None:
    reset_counts(night.warehouse)
    read_snapshots(night.runtime, days, night.clock.now())
    assert sum(night.warehouse.statement_counts.values()) == statements


def test_a_report_in_which_nobody_has_submitted_is_an_answer(night: Evening) -> None:
    """It has rows of teams alone; what was derived from box scores is none."""
    day, at = DAY + timedelta(days=2), night.clock.now()
    night.add(injury_lists.TEAMS, [injury_lists.make_team_row(day, "derived", "BOS", at)])
    assert read_snapshot(night.runtime, day, at).feeds == Feeds()
    night.add(injury_lists.TEAMS, [injury_lists.make_team_row(day, "official", "BOS", at, submitted=False)])
    assert read_snapshot(night.runtime, day, at).feeds == Feeds(injuries=1)
