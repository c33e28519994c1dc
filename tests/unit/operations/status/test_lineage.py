"""From an exported pick back to the raw files that its rows came from."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.core.errors import NotFound
from shared.operations.status.lineage import MOST_GAMES, Injuries, read_lineage
from tests.pipeline.evening import row
from tests.support import injury_lists
from tests.support.prediction_tables import AS_OF, DAY, EARLY, NOW, Evening, batch, prediction_row, summary_row
from tests.support.stores import reset_counts
from tests.unit.operations.status.test_grid import take_away
from tests.unit.operations.status.world import FEATURES, NOON_RUN, PREDICTIONS, play, store_batch

LINES = "nba_analytics.upcoming_player_lines"
BOX = "nba_raw.nbac_player_boxscores"
PICKS = "nba_predictions.exported_best_bets"


def line(bookmaker: str, value: str, **changes: Any) -> dict[str, Any]:
    values = {
        "game_date": DAY, "game_id": EARLY, "features_as_of": AS_OF, "player_id": 1, "player_lookup": "pone",
        "player_name": "P. One", "stat": "points", "bookmaker": bookmaker, "is_main": True, "line": Decimal(value),
        "snapshot_time": AS_OF - timedelta(minutes=20),
    }  # fmt: skip
    return row(LINES, **{**values, **changes})


def box(days: int, file: str, **changes: Any) -> dict[str, Any]:
    day = DAY - timedelta(days=days)
    values = {
        "game_date": day, "game_id": f"00225{days:05d}", "player_id": 1, "snapshot_time": AS_OF - timedelta(hours=days),
        "source_file": file, "run_id": "past",
    }  # fmt: skip
    return row(BOX, **{**values, **changes})


@pytest.fixture
def traced(whole: Evening) -> Evening:
    """The early game's player with lines, files and games before."""
    whole.add(LINES, [line("bookone", "24.5"), line("booktwo", "25.5"), line("bookone", "27.5", is_main=False)])
    props = {
        "game_date": DAY, "event_id": EARLY, "bookmaker": "bookone", "stat": "points", "market": "player_points",
        "player_lookup": "pone", "line": Decimal("24.5"), "snapshot_time": AS_OF - timedelta(minutes=20),
        "source_file": "odds-file",
    }  # fmt: skip
    late = {**props, "snapshot_time": AS_OF, "source_file": "later-file"}
    whole.add("nba_raw.odds_api_player_props", [row("nba_raw.odds_api_player_props", **props)])
    whole.add("nba_raw.odds_api_player_props", [row("nba_raw.odds_api_player_props", **late)])
    whole.add(BOX, [box(4, "old-file"), box(4, "new-file", snapshot_time=AS_OF - timedelta(hours=1)), box(6, "six")])
    whole.add(BOX, [box(0, "of-the-night", snapshot_time=NOW + timedelta(hours=9))])
    games = [summary_row(EARLY, 1, "P1", 30 + n, DAY - timedelta(days=n)) for n in range(4, 24, 2)]
    whole.add("nba_analytics.player_game_summary", games)
    return whole


def test_a_pick_is_followed_back_to_the_raw_files(traced: Evening) -> None:
    reset_counts(traced.warehouse)
    found = read_lineage(traced.runtime, DAY, "p1")
    assert sum(traced.warehouse.statement_counts.values()) == 4
    assert (found.player_id, found.game_id) == (1, EARLY)
    (pick,) = found.picks
    assert (pick.system_id, pick.line, pick.side, pick.exported_at) == ("ensemble_v1", 24.5, "OVER", NOW)
    (predicted,) = found.predictions
    assert (predicted.batch_id, predicted.line, predicted.outcome) == (f"batch_{DAY}_r1", 24.5, None)
    assert found.model_versions == {"points": {"ensemble_v1": "1"}}
    assert found.batch_run_id == NOON_RUN
    assert found.features is not None
    assert (found.features.features_as_of, found.features.quality_score) == (AS_OF, 95.0)
    assert [(each.bookmaker, each.line) for each in found.lines] == [("bookone", 24.5), ("booktwo", 25.5)]
    assert len(found.games) == MOST_GAMES
    assert [(each.game_date, each.values) for each in found.games[:2]] == [
        (DAY - timedelta(days=2), {"points": 9}), (DAY - timedelta(days=4), {"points": 34}),
    ]  # fmt: skip
    files = [(each.kind, each.path) for each in found.files]
    assert files == [
        ("box_scores", "new-file"), ("box_scores", "six"), ("injuries", "sources"), ("lines", "odds-file"),
        ("schedule", "file"),
    ]  # fmt: skip


def test_what_was_known_of_injuries_is_said(traced: Evening) -> None:
    """Before lists were kept by team nothing is said; then state, source and time of his team's,
    the opponent's state, and his own status.
    """
    assert read_lineage(traced.runtime, DAY, "p1").injuries is None
    at = AS_OF - timedelta(minutes=30)
    change = "UPDATE nba_analytics.upcoming_player_game_context SET injury_list_state = @own, injury_snapshot_at = @at,"
    change = f"{change} opponent_injury_list_state = @theirs, injury_report_source = @source, injury_status = @status,"
    change = f"{change} injury_reason = @reason WHERE game_date = @day AND player_id = 1"
    listed = {"own": "listed", "theirs": "no_list", "source": "official", "status": "QUESTIONABLE", "reason": "Knee"}
    traced.warehouse.execute(change, {"day": DAY, "at": at, **listed})
    found = read_lineage(traced.runtime, DAY, "p1").injuries
    assert found == Injuries("listed", "no_list", "official", at, "QUESTIONABLE", "Knee")
    unknown = {"own": "no_list", "theirs": "nobody_listed", "source": None, "status": None, "reason": None}
    traced.warehouse.execute(change, {"day": DAY, "at": at, **unknown})
    found = read_lineage(traced.runtime, DAY, "p1").injuries
    assert found == Injuries("no_list", "nobody_listed", None, at, None, None)


def test_the_file_of_the_list_in_force_is_named(traced: Evening) -> None:
    """The report that does not name him is in force all the same; one of later is not."""
    at = AS_OF - timedelta(minutes=30)
    for team in ("BOS", "LAL"):
        rows = [
            injury_lists.make_team_row(DAY, "official", team, at),
            injury_lists.make_team_row(DAY, "official", team, AS_OF),
            injury_lists.make_team_row(DAY, "derived", team, at) | {"source_file": None},
        ]
        traced.add(injury_lists.TEAMS, rows)
    files = [each.path for each in read_lineage(traced.runtime, DAY, "p1").files if each.kind == "injuries"]
    assert files == [injury_lists.make_team_row(DAY, "official", "BOS", at)["source_file"]]


def test_an_alternate_line_is_shown_where_a_pick_was_made_on_it(traced: Evening) -> None:
    pick = {
        "game_date": DAY, "player_lookup": "p1", "player_id": 1, "game_id": EARLY, "list_id": "later", "rank": 1,
        "exported_at": NOW + timedelta(minutes=1), "stat": "points", "system_id": "ensemble_v1",
        "line_value": Decimal("27.5"), "side": "UNDER", "bookmaker": "bookone",
    }  # fmt: skip
    traced.add(PICKS, [row(PICKS, **pick)])
    found = read_lineage(traced.runtime, DAY, "p1")
    assert [(each.bookmaker, each.line, each.is_main) for each in found.lines] == [
        ("bookone", 24.5, True), ("bookone", 27.5, False), ("booktwo", 25.5, True),
    ]  # fmt: skip


def test_a_grade_belongs_to_its_prediction(traced: Evening) -> None:
    play(traced)
    (predicted,) = read_lineage(traced.runtime, DAY, "p1").predictions
    assert (predicted.outcome, predicted.actual) == ("loss", 20)
    assert predicted.graded_at == traced.clock.now()


def test_what_is_of_another_statistic_stays_apart(traced: Evening) -> None:
    """The same line of another statistic has neither the points' grade nor, as an alternate one,
    their pick; a game's value that nobody counted is unknown.
    """
    play(traced)
    traced.add(PREDICTIONS, [prediction_row(EARLY, 1, "P1", mean=7.0, stat="another", model_version="7")])
    traced.add(LINES, [line("bookone", "24.5", stat="another", is_main=False), line("bookone", "6.5", stat="another")])
    found = read_lineage(traced.runtime, DAY, "p1")
    forecasts = [(each.stat, each.predicted, each.outcome) for each in found.predictions]
    assert forecasts == [("points", 26.123456, "loss"), ("another", 7.0, None)]
    assert found.model_versions == {"points": {"ensemble_v1": "1"}, "another": {"ensemble_v1": "7"}}
    lines = [(each.stat, each.bookmaker, each.line) for each in found.lines]
    assert lines == [("points", "bookone", 24.5), ("points", "booktwo", 25.5), ("another", "bookone", 6.5)]
    assert len(found.games) == MOST_GAMES
    assert found.games[0].values == {"points": 9, "another": None}


def test_the_inputs_of_its_batch_are_named(traced: Evening) -> None:
    assert read_lineage(traced.runtime, DAY, "p1").request_file is None
    for name in (f"batch_{DAY}_r1.e1", f"batch_{DAY}_r11.e1"):
        traced.runtime.raw.write(f"requests/{DAY}/{name}.jsonl.gz", b"x", content_type="application/gzip")
    assert read_lineage(traced.runtime, DAY, "p1").request_file == f"requests/{DAY}/batch_{DAY}_r1.e1.jsonl.gz"


def test_the_batch_that_counts_is_followed(traced: Evening) -> None:
    traced.add("nba_predictions.prediction_batches", [batch(EARLY, 2)])
    traced.add(PREDICTIONS, [prediction_row(EARLY, 1, "P1", "26.5", revision=2, model_version="2")])
    store_batch(traced, revision=2, batch_id=f"batch_{DAY}_r2", run_id="evening")
    found = read_lineage(traced.runtime, DAY, "p1")
    assert [(each.batch_id, each.line) for each in found.predictions] == [(f"batch_{DAY}_r2", 26.5)]
    assert (found.model_versions, found.batch_run_id) == ({"points": {"ensemble_v1": "2"}}, "evening")


def test_what_is_gone_is_none(traced: Evening) -> None:
    take_away(traced, FEATURES, "player_id = 1")
    traced.runtime.state.delete(f"batches/batch_{DAY}_r1")
    found = read_lineage(traced.runtime, DAY, "p1")
    assert (found.features, found.batch_run_id) == (None, None)


@pytest.mark.parametrize("who", ["p91", "nobody", "p1' OR '1'='1"])
def test_somebody_without_a_prediction_is_refused(whole: Evening, who: str) -> None:
    with pytest.raises(NotFound, match=f"counts for {DAY}"):
        read_lineage(whole.runtime, DAY, who)
