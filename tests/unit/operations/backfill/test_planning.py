"""What a past date lacks, told by rows; and which dates make one message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.core.errors import NotFound
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.operations.backfill.lacking import Stand, check_date, check_dates
from shared.operations.backfill.planning import Planned, Wanted, plan_backfill
from shared.operations.backfill.records import Order, Which
from shared.operations.contracts.snapshot import FINAL, POSTPONED, Feeds, Game, Snapshot
from tests.support import records
from tests.support.prediction_tables import DAY, EARLY, LATE, Evening, evening, schedule_row
from tests.unit.operations.status.world import CONTEXT, FEATURES, make_whole, open_copy, play

PIPELINE, SETTINGS = load_pipeline(), Settings()
NOON = datetime.fromisoformat("2025-11-20T17:00:00+00:00")


def game(**changes: Any) -> Game:
    whole: dict[str, Any] = {
        "game_id": EARLY,
        "tipoff_at": NOON - timedelta(days=5),
        "status": FINAL,
        "roster_teams": 2,
        "context_teams": 2,
        "context_players": 20,
        "feature_players": 20,
        "result_teams": 2,
        "predictions": 0,
        "grades": 0,
    }
    return Game(**{**whole, **changes})


def snapshot(*games: Game, **changes: Any) -> Snapshot:
    whole = Snapshot(game_date=DAY, now=NOON, schedule_rows=1, feeds=Feeds(), games=games)
    return replace(whole, **changes)


@pytest.mark.parametrize(
    ("seen", "stand", "says"),
    [
        (snapshot(game()), Stand.WHOLE, "1 games with box scores and features"),
        (snapshot(game(result_teams=1)), Stand.SHORT, "have no box scores of both teams"),
        (snapshot(game(points_apart=True)), Stand.SHORT, "do not add up"),
        (snapshot(game(context_teams=1)), Stand.SHORT, "have no player context of both teams"),
        (snapshot(game(feature_players=18)), Stand.SHORT, "2 players of the newest context have no feature row"),
        # a team's first game of a season: nobody is on its roster
        (snapshot(game(roster_teams=0, context_teams=0, context_players=0, feature_players=0)), Stand.WHOLE, "1 games"),
        (snapshot(game(status="live", tipoff_at=NOON)), Stand.NOT_OVER, "1 of 1 games are not over"),
        (snapshot(game(status=POSTPONED)), Stand.NO_GAMES, "no game takes place"),
        (snapshot(played_before=date(2025, 11, 12)), Stand.NO_GAMES, "no game takes place"),
        (snapshot(played_after=date(2025, 11, 16)), Stand.NO_GAMES, "no game takes place"),
        # only the season before is loaded: whether there are games, nobody knows
        (snapshot(played_before=date(2025, 6, 22)), Stand.SHORT, "no schedule of the season 2025-26 is loaded"),
        (snapshot(schedule_rows=0), Stand.SHORT, "no schedule of the season 2025-26 is loaded"),
    ],
)
def test_how_a_date_stands(seen: Snapshot, stand: Stand, says: str) -> None:
    found = check_date(seen, SETTINGS)
    assert found.stand is stand
    assert says in found.says


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Evening]:
    with open_copy(make_whole(tmp_path / "whole"), tmp_path / "copy") as opened:
        play(opened)
        yield opened


def test_a_played_day_is_whole_by_its_rows_and_short_without_them(played: Evening) -> None:
    def stand() -> Stand:
        return check_dates(played.runtime, [DAY], played.clock.now())[DAY].stand

    assert stand() is Stand.WHOLE
    played.warehouse.execute(f"DELETE FROM {FEATURES} WHERE game_date = @day AND player_id = 1", {"day": DAY})
    assert stand() is Stand.SHORT
    played.warehouse.execute(f"DELETE FROM {CONTEXT} WHERE game_date = @day AND player_id = 1", {"day": DAY})
    assert stand() is Stand.SHORT


# --- units ----------------------------------------------------------------------------------------


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Evening]:
    with evening(tmp_path) as opened:
        yield opened


def plan(opened: Evening, first: str, last: str, **wanted: Any) -> Planned:
    days = (date.fromisoformat(first), date.fromisoformat(last))
    return plan_backfill(opened.runtime, PIPELINE, Wanted(*days, **wanted))


def spans(planned: Planned) -> list[tuple[str, str]]:
    return [(str(unit.first), str(unit.last)) for unit in planned.units]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2025-11-10", "2025-11-10", [("2025-11-10", "2025-11-10")]),
        ("2024-02-29", "2024-03-01", [("2024-02-29", "2024-02-29"), ("2024-03-01", "2024-03-01")]),
        ("2023-12-31", "2024-01-01", [("2023-12-31", "2023-12-31"), ("2024-01-01", "2024-01-01")]),
        ("2024-01-31", "2024-02-29", [("2024-01-31", "2024-01-31"), ("2024-02-01", "2024-02-29")]),
    ],
)
@pytest.mark.parametrize("which", [Which.ALL, Which.MISSING])
def test_units_are_months_cut_to_the_dates_asked_for(
    empty: Evening, first: str, last: str, expected: list[tuple[str, str]], which: Which
) -> None:
    """Of an empty warehouse every date is missing: nobody knows which have games."""
    assert spans(plan(empty, first, last, which=which)) == expected
    assert spans(plan(empty, first, last, which=which, order=Order.NEWEST)) == expected[::-1]


def test_failed_are_dates_that_lack_rows_and_whose_run_failed_for_good(empty: Evening) -> None:
    days = [DAY - timedelta(days=n) for n in (4, 3, 2)]
    empty.add("nba_raw.nbac_schedule", [
        schedule_row(EARLY, FINAL, day) | {"game_id": f"002250030{n}", "tipoff_at": NOON - timedelta(days=9)}
        for n, day in enumerate(days)
    ])  # fmt: skip
    with pytest.raises(NotFound, match="is to be filled: 3 are short") as raised:
        plan(empty, str(days[0]), str(days[-1]), which=Which.FAILED)
    assert "say missing or all" in raised.value.next_step
    for n, (day, final, phase) in enumerate(
        [(days[0], True, "phase3"), (days[1], False, "phase3"), (days[2], True, "phase6")]
    ):
        failed = records.execution(
            function=f"{phase}_x", phase=phase, run_id=f"r{n}", game_date=str(day), status="failed", final=final
        )
        empty.runtime.state.create(f"executions/{n}", failed.to_document())
    assert plan(empty, str(days[0]), str(days[-1]), which=Which.FAILED).dates == [days[0]]


def test_postponed_games_are_no_reason_to_fill(empty: Evening) -> None:
    empty.add(
        "nba_raw.nbac_schedule", [schedule_row(LATE, POSTPONED), schedule_row(EARLY, day=DAY + timedelta(days=1))]
    )
    with pytest.raises(NotFound, match="1 have no games"):
        plan(empty, str(DAY), str(DAY))
