"""What a date is short of, decided on hand-made snapshots: each contract's rule, and which comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from functions.self_heal.checks import first_shortage, grades
from functions.self_heal.snapshot import ExportFile, Game, Player, Snapshot
from shared.batches import CLOSED, CONSOLIDATED, FAILED, OPEN, Batch
from shared.config import Settings
from shared.heal_runs import asked_run_id, heal_run_id, is_heal_run
from shared.pipeline import load_pipeline

DAY = date(2025, 11, 14)
NOON = datetime(2025, 11, 14, 17, 45, tzinfo=UTC)
EARLY, LATE = "0022500201", "0022500202"
TIPOFFS = {EARLY: datetime(2025, 11, 15, 0, 0, tzinfo=UTC), LATE: datetime(2025, 11, 15, 3, 0, tzinfo=UTC)}
MORNING_AFTER = datetime(2025, 11, 15, 16, 15, tzinfo=UTC)
BATCH = f"batch_{DAY}_r2"
CONSOLIDATED_AT = NOON - timedelta(minutes=50)
CONTRACTS = load_pipeline().contracts


def game(game_id: str, **changes: Any) -> Game:
    whole = Game(
        game_id=game_id,
        tipoff_at=TIPOFFS[game_id],
        status="scheduled",
        roster_teams=2,
        context_teams=2,
        context_players=5,
        feature_players=5,
        result_teams=0,
        predictions=125,
        grades=0,
    )
    return replace(whole, **changes)


def player(player_id: int, game_id: str = EARLY, **changes: Any) -> Player:
    features = {
        "tipoff_at": TIPOFFS[game_id],
        "injury_status": None,
        "games_known": 40,
        "minutes_l10": 30.0,
        "quality_score": 95.0,
    }
    whole = Player(
        game_id=game_id,
        player_id=player_id,
        features=features,
        batch_id=BATCH,
        consolidated_at=CONSOLIDATED_AT,
        considered_as="expected",
        is_predicted=True,
    )
    return replace(whole, **changes)


def batch(status: str = CONSOLIDATED, **fields: Any) -> Batch:
    return Batch({"batch_id": BATCH, "status": status, "closed_as": "complete", **fields}, "1")


def snapshot(**changes: Any) -> Snapshot:
    """Noon of a day with everything there: two games of five players each."""
    whole = Snapshot(
        game_date=DAY,
        now=NOON,
        schedule_rows=1230,
        feed_rows=400,
        games=[game(EARLY), game(LATE)],
        players=[player(n) for n in range(5)] + [player(n, LATE) for n in range(5, 10)],
        batch=batch(),
        export=ExportFile(1, (BATCH,), CONSOLIDATED_AT + timedelta(minutes=1)),
    )
    return replace(whole, **changes)


def played(**changes: Any) -> Snapshot:
    """The morning after: final, with results and grades."""
    done = {"status": "final", "result_teams": 2, "grades": 125}
    games = [game(EARLY, **done), game(LATE, **done)]
    whole = Snapshot(game_date=DAY, now=MORNING_AFTER, schedule_rows=1230, feed_rows=400, games=games)
    return replace(whole, **changes)


def short(found: Snapshot) -> tuple[str, str] | None:
    """The check that is short, and why."""
    shortage = first_shortage(found, CONTRACTS[found.group], Settings())
    return None if shortage is None else (shortage.contract.check, shortage.reason)


def test_a_whole_day_is_short_of_nothing() -> None:
    assert snapshot().group == "coming"
    assert short(snapshot()) is None
    assert played().group == "played"
    assert short(played()) is None


@pytest.mark.parametrize(
    ("changes", "check", "reason"),
    [
        ({"schedule_rows": 0, "games": []}, "sources", "no schedule is loaded around 2025-11-14"),
        ({"feed_rows": 0}, "sources", "neither an injury list nor lines of 2025-11-14 are loaded"),
        (
            {"games": [game(EARLY), game(LATE, context_teams=1)]},
            "context",
            f"1 of 2 games ({LATE}) have no player context of both teams",
        ),
        (
            {"games": [game(EARLY), game(LATE, feature_players=3)]},
            "features",
            f"2 players of the newest context have no feature row: 1 of 2 games ({LATE})",
        ),
        ({"batch": batch(CLOSED)}, "consolidation", f"{BATCH} closed (complete) and was not consolidated"),
        ({"batch": batch(FAILED, failure="3 of 4 rows")}, "predictions", f"{BATCH} failed: 3 of 4 rows"),
        ({"export": None}, "export", "v1/predictions/2025-11-14.json is not there"),
        (
            {"export": ExportFile(1, (f"batch_{DAY}_r1",), NOON)},
            "export",
            f"v1/predictions/2025-11-14.json is of batch_2025-11-14_r1, not of {BATCH}",
        ),
        (
            {"export": ExportFile(1, (), NOON)},
            "export",
            f"v1/predictions/2025-11-14.json is of no batch, not of {BATCH}",
        ),
        (
            {"export": ExportFile(1, (BATCH,), CONSOLIDATED_AT - timedelta(seconds=1))},
            "export",
            "v1/predictions/2025-11-14.json is from before its batch was consolidated",
        ),
        ({"epoch": 2}, "export", "v1/predictions/2025-11-14.json is of another repetition of the day"),
    ],
)
def test_what_a_day_to_come_is_short_of(changes: dict[str, Any], check: str, reason: str) -> None:
    assert short(snapshot(**changes)) == (check, reason)


def test_the_earliest_phase_comes_first() -> None:
    games = [game(EARLY, context_teams=0, context_players=0, feature_players=0), game(LATE, feature_players=0)]
    empty: dict[str, Any] = {"players": [], "batch": batch(CLOSED), "export": None}
    stages = [
        ("sources", snapshot(feed_rows=0, games=games, **empty)),
        ("context", snapshot(games=games, **empty)),
        ("features", snapshot(games=[game(EARLY), games[1]], **empty)),
        ("consolidation", snapshot(**empty)),
        ("predictions", snapshot(**{**empty, "batch": None, "players": unpredicted(10)})),
        ("export", snapshot(export=None)),
    ]
    for check, found in stages:
        result = short(found)
        assert result is not None
        assert result[0] == check


def unpredicted(count: int, **changes: Any) -> list[Player]:
    """Players with features whose game no batch covered."""
    nothing = {"batch_id": None, "consolidated_at": None, "considered_as": None, "is_predicted": False}
    return [player(n, **{**nothing, **changes}) for n in range(count)]


@pytest.mark.parametrize(("missing", "is_short"), [(0, False), (2, False), (3, True), (10, True)])
def test_predictions_cover_enough_of_the_expected(missing: int, is_short: bool) -> None:
    players = [player(n, is_predicted=n >= missing) for n in range(10)]
    found = short(snapshot(players=players))
    reason = f"current predictions cover {10 - missing} of 10 expected players, less than 80%"
    assert found == (("predictions", reason) if is_short else None)


def test_players_left_out_are_not_expected() -> None:
    left_out = [player(n, considered_as="left_out", is_predicted=False) for n in range(5, 50)]
    assert short(snapshot(players=[*(player(n) for n in range(5)), *left_out])) is None


def test_a_predicted_player_whom_nobody_considered() -> None:
    found = short(snapshot(players=[player(1), player(2, considered_as=None)]))
    reason = f"1 predicted players are not on record as considered, first player 2 of game {EARLY}"
    assert found == ("predictions", reason)


@pytest.mark.parametrize(
    ("features", "is_short"),
    [
        ({}, True),
        ({"injury_status": "OUT"}, False),
        ({"minutes_l10": 14.9}, False),
        ({"quality_score": 49.0}, False),
        ({"games_known": 0}, False),
        ({"tipoff_at": NOON}, False),
    ],
)
def test_without_a_batch_the_coordinators_rule_says_who_is_expected(features: dict[str, Any], is_short: bool) -> None:
    whole = player(1).features
    assert whole is not None
    players = unpredicted(10, features={**whole, **features})
    found = short(snapshot(players=players, batch=None, export=None))
    reason = "current predictions cover 0 of 10 expected players, less than 80%"
    assert found == (("predictions", reason) if is_short else None)


def test_a_batch_that_covers_a_game_and_has_nobody_on_record_of_it_covers_nobody() -> None:
    """A newer revision counts for the game, its rows are gone."""
    players = [player(n, considered_as=None, is_predicted=False) for n in range(10)]
    found = short(snapshot(players=players))
    assert found is not None
    assert found[0] == "predictions"


def test_an_open_batch_is_not_short() -> None:
    assert short(snapshot(batch=batch(OPEN))) is None


def test_a_team_nobody_has_played_for_in_a_month_has_no_context() -> None:
    first_day = {"roster_teams": 0, "context_teams": 0, "context_players": 0, "feature_players": 0}
    games = [game(EARLY, **first_day), game(LATE, **first_day)]
    assert short(snapshot(games=games, players=[], batch=None, export=None)) is None


def test_a_game_that_has_tipped_off_asks_for_nothing() -> None:
    bare = {"context_teams": 0, "context_players": 0, "feature_players": 0}
    evening = TIPOFFS[EARLY]
    late = [player(n, LATE) for n in range(5, 10)]
    games = [game(EARLY, **bare), game(LATE)]
    assert short(snapshot(now=evening - timedelta(seconds=1), games=games, players=late)) is not None
    assert short(snapshot(now=evening, games=games, players=late)) is None


@pytest.mark.parametrize("status", ["postponed", "cancelled", "suspended"])
def test_a_game_called_off_asks_for_nothing(status: str) -> None:
    bare = {"status": status, "context_teams": 0, "context_players": 0, "feature_players": 0}
    late = [player(n, LATE) for n in range(5, 10)]
    assert short(snapshot(games=[game(EARLY, **bare), game(LATE)], players=late)) is None
    done = {"status": "final", "result_teams": 2, "grades": 125}
    assert short(played(games=[game(EARLY, status=status), game(LATE, **done)])) is None


@pytest.mark.parametrize(
    ("changes", "check", "reason"),
    [
        ({"result_teams": 1}, "results", f"1 of 2 games ({LATE}) have no box scores of both teams"),
        ({"status": "live"}, "results", f"1 of 2 games ({LATE}) are over and not final in the schedule"),
        (
            {"points_apart": True},
            "results",
            f"the players' points of 1 of 2 games ({LATE}) do not add up to the team's",
        ),
        ({"grades": 100}, "grades", f"25 current predictions have no grade: 1 of 2 games ({LATE})"),
    ],
)
def test_what_a_played_day_is_short_of(changes: dict[str, Any], check: str, reason: str) -> None:
    done: dict[str, Any] = {"status": "final", "result_teams": 2, "grades": 125}
    games = [game(EARLY, **done), game(LATE, **{**done, **changes})]
    assert short(played(games=games)) == (check, reason)


def test_a_day_is_played_when_its_last_game_is_over() -> None:
    games = [game(EARLY, status="final"), game(LATE, status="live")]
    assert played(games=games, now=TIPOFFS[LATE] + timedelta(hours=5, minutes=59)).group == "coming"
    assert played(games=games, now=TIPOFFS[LATE] + timedelta(hours=6)).group == "played"


def test_names_of_runs() -> None:
    assert heal_run_id(DAY, "phase5_coordinator", 2) == "2025-11-14-heal-phase5_coordinator-2"
    assert is_heal_run("2025-11-14-heal-phase5_coordinator-2")
    assert is_heal_run("2025-11-14-heal-phase1-1-m7"), "forced by an operator"
    assert not is_heal_run("2025-11-14-self-heal-predictions")
    assert not is_heal_run("2025-11-14-same-day-predictions-heal-asked")
    assert asked_run_id("2025-11-14-same-day-predictions") == "2025-11-14-same-day-predictions-heal-asked"
    assert len(asked_run_id("x" * 200)) <= 200


@pytest.mark.parametrize("short_of", [{"result_teams": 1}, {"points_apart": True}])
def test_a_grade_counts_only_with_the_players_of_both_teams_and_their_points(short_of: dict[str, Any]) -> None:
    done: dict[str, Any] = {"status": "final", "result_teams": 2, "grades": 125}
    games = [game(EARLY, **done), game(LATE, **{**done, **short_of})]
    reason = f"125 current predictions have no grade: 1 of 2 games ({LATE})"
    assert grades(played(games=games), Settings()) == reason
