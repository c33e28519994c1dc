"""A small evening that is whole: two games of two players each, one of each predicted, exported,
with its batch and its runs on record. A test takes something away, or moves the clock.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from functions.grading.grade import run as grade
from functions.phase6_export.export import run as export
from shared.chain.batches.records import BatchStatus
from shared.core.clock import at_new_york
from shared.core.pipeline import load_pipeline
from shared.operations.status.grid import read_grid
from shared.operations.status.model import Cell, GridDay
from shared.stores.runtime import Runtime
from tests.pipeline.evening import row
from tests.support import records
from tests.support.prediction_tables import (
    AS_OF,
    DAY,
    EARLY,
    LATE,
    TEAMS,
    TIPOFFS,
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

PIPELINE = load_pipeline()
HISTORY = "nba_reference.processor_run_history"
CONTEXT = "nba_analytics.upcoming_player_game_context"
FEATURES = "nba_predictions.ml_feature_store"
PREDICTIONS = "nba_predictions.player_prop_predictions"
# player_id -> game, whether of the home team, whether he is predicted
PLAYERS = {1: (EARLY, True, True), 91: (EARLY, False, False), 2: (LATE, True, True), 92: (LATE, False, False)}
CHAIN = (
    ("phase1_scrape", "phase1"),
    ("phase2_raw", "phase2"),
    ("phase3_analytics", "phase3"),
    ("phase4_precompute", "phase4"),
    ("phase5_coordinator", "phase5_coordinator"),
    ("phase5_worker", "phase5_worker"),
    ("phase5_consolidation", "phase5_consolidation"),
    ("phase6_export", "phase6"),
)
NOON_RUN = f"{DAY}-same-day-predictions"


def make_whole(folder: Path) -> Path:
    """A folder with the day in it, its run of 11:30 through and exported, to be copied."""
    with evening(folder, on_disk=True) as opened:
        lay_out(opened)
        export(message(), opened.context("phase6_export"))
    return folder


@contextmanager
def open_copy(whole: Path, folder: Path) -> Iterator[Evening]:
    """A copy of it at 12:05 New York."""
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("warehouse.duckdb*"))
    with evening(folder, loads=100, template=whole / "warehouse.duckdb") as opened:
        yield opened


def lay_out(opened: Evening) -> None:
    """The rows of the whole evening but for the export."""
    opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
    opened.add_sources()
    before = DAY - timedelta(days=2)
    opened.add(
        "nba_analytics.player_game_summary",
        [summary_row(game, n, f"P{n}", 9, before, at_home=home) for n, (game, home, _) in PLAYERS.items()],
    )
    opened.add(CONTEXT, [context_row(n) for n in PLAYERS])
    opened.add(FEATURES, [feature_row(n) for n in PLAYERS])
    opened.add("nba_predictions.prediction_batches", [batch(game) | {"rows_expected": 2} for game in TEAMS])
    considered = [
        expected_row(game, n, f"P{n}", None if is_predicted else "low_minutes")
        for n, (game, _, is_predicted) in PLAYERS.items()
    ]
    opened.add("nba_monitoring.expected_outputs", considered)
    predicted = {n: game for n, (game, _, is_predicted) in PLAYERS.items() if is_predicted}
    opened.add(PREDICTIONS, [prediction_row(game, n, f"P{n}") for n, game in predicted.items()])
    store_batch(opened)
    opened.add(HISTORY, [run_row(function, phase) for function, phase in CHAIN])


def context_row(player_id: int, **changes: Any) -> dict[str, Any]:
    game, home, _ = PLAYERS[player_id]
    team, opponent = TEAMS[game] if home else TEAMS[game][::-1]
    whole = features(game, player_id, f"P{player_id}")
    kept = {name: whole[name] for name in whole if name not in ("quality_score", "points_season")}
    return row(CONTEXT, **{**kept, "team": team, "opponent": opponent, "is_home": home, **changes})


def feature_row(player_id: int, **changes: Any) -> dict[str, Any]:
    """He is in form: the coordinator would predict him where no batch says otherwise."""
    game, home, _ = PLAYERS[player_id]
    form = {"games_known": 40, "minutes_l10": 30.0}
    return {**features(game, player_id, f"P{player_id}"), "is_home": home, **form, **changes}


def store_batch(opened: Evening, **changes: Any) -> None:
    """The day's batch in the state, consolidated unless changed; it may be stored again."""
    games = " ".join(f"{game}={tipoff.isoformat()}" for game, tipoff in TIPOFFS.items())
    whole: dict[str, Any] = {
        "status": BatchStatus.CONSOLIDATED,
        "run_id": NOON_RUN,
        "games_text": games,
        "merged": ["1", "2"],
        "rows_in_place": 2,
        "opened_at": AS_OF,
        "closed_at": AS_OF + timedelta(minutes=1),
        "consolidated_at": AS_OF + timedelta(minutes=2),
    }
    found = records.batch(**{**whole, **changes})

    def put(transaction: Any) -> None:
        transaction.set(f"batches/{found.batch_id}", found.to_document())

    opened.runtime.state.transaction(put)


def run_row(function: str, phase: str, **changes: Any) -> dict[str, Any]:
    """A row of the run history: a success of the run of 11:30."""
    run_id = changes.get("run_id", NOON_RUN)
    whole = {
        "game_date": DAY,
        "run_id": run_id,
        "execution_id": f"{function}.{run_id}",
        "processor_name": function,
        "phase": phase,
        "mode": "same_day",
        "as_of": AS_OF,
        "status": "success",
        "started_at": AS_OF - timedelta(minutes=30),
        "finished_at": AS_OF - timedelta(minutes=29),
        "duration_seconds": 60.0,
        "record_count": 4,
        "records_failed": 0,
        "attempts": 1,
        "trigger_source": "scheduler",
        "trigger_message_id": "7",
        "logged_at": AS_OF,
        "batch_id": f"batch_{DAY}_r1" if phase.startswith("phase5") else None,
    }
    return {**whole, **changes}


def play(opened: Evening) -> None:
    """The games, their results, grades and export, at 11:05 the next morning."""
    opened.add("nba_raw.nbac_schedule", [schedule_row(game, "final", hours=48 + 18) for game in TEAMS])
    opened.add(
        "nba_analytics.player_game_summary",
        [summary_row(game, n, f"P{n}", 20, at_home=home) for n, (game, home, _) in PLAYERS.items()],
    )
    opened.clock.move(hours=23)
    grade(message(), opened.context("grading"))
    export(message(phase="grading"), opened.context("phase6_export", run_id="graded"))


def go_to(opened: Evening, clock: time, days: int = 0) -> None:
    """Move the clock to a New York time on the day, or so many days later."""
    opened.clock.move(seconds=(at_new_york(DAY + timedelta(days=days), clock) - opened.clock.now()).total_seconds())


def grid_day(opened: Evening, day: date = DAY) -> GridDay:
    return read_grid(opened.runtime, PIPELINE, [day]).days[0]


def cell(opened: Evening, phase: str, day: date = DAY) -> Cell:
    return grid_day(opened, day).cell(phase)


def verdicts(found: GridDay) -> dict[str, str]:
    return {each.phase: each.verdict.value for each in found.cells}


def later(minutes: int) -> dict[str, datetime]:
    """The times of an execution that began so many minutes after the one of 11:30."""
    at = AS_OF - timedelta(minutes=30 - minutes)
    return {"started_at": at, "finished_at": at + timedelta(seconds=30)}


def begin_work(runtime: Runtime) -> None:
    """An execution of phase 4 of the day that runs for an hour."""
    at_work = records.execution(
        function="phase4_precompute",
        phase="phase4",
        run_id=f"{DAY}-rerun",
        unit="",
        batch_id=None,
        started_at=AS_OF,
        taken_at=AS_OF,
        lease_expires_at=AS_OF + timedelta(hours=1),
    )
    runtime.state.create(f"executions/phase4_precompute.{DAY}-rerun", at_work.to_document())
