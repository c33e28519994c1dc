"""What a date is short of, decided on hand-made snapshots: each contract's rule, and which comes
first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.chain.batches.records import Batch, BatchStatus
from shared.chain.execution.heal_runs import asked_run_id, heal_run_id, is_heal_run
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.operations.contracts.exported import (
    EVERYBODY,
    GRADED_POINTERS,
    POINTERS,
    ExportFile,
    dated_files,
    results_file,
)
from shared.operations.contracts.rules import first_shortage, grades
from shared.operations.contracts.shortage import Short
from shared.operations.contracts.snapshot import Feeds, Game, NewestBatch, Player, Snapshot
from tests.support import records

DAY = date(2025, 11, 14)
NOON = datetime(2025, 11, 14, 17, 45, tzinfo=UTC)
EARLY, LATE = "0022500201", "0022500202"
TIPOFFS = {EARLY: datetime(2025, 11, 15, 0, 0, tzinfo=UTC), LATE: datetime(2025, 11, 15, 3, 0, tzinfo=UTC)}
MORNING_AFTER = datetime(2025, 11, 15, 16, 15, tzinfo=UTC)
BATCH = f"batch_{DAY}_r2"
CONSOLIDATED_AT = NOON - timedelta(minutes=50)
GRADED_AT = MORNING_AFTER - timedelta(minutes=15)
CONTRACTS = load_pipeline().contracts
PLAYERS = ("v1/tonight/player/alpha.json", "v1/tonight/player/beta.json")
# What is there of a date that is exported, and of one that is graded.
PATHS = (*dated_files(DAY), *POINTERS, *PLAYERS)
GRADED = (results_file(DAY), *GRADED_POINTERS)


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


def batch(status: BatchStatus = BatchStatus.CONSOLIDATED, **fields: Any) -> Batch:
    return records.batch(batch_id=BATCH, status=status, **fields)


CLOSED = [batch(BatchStatus.CLOSED)]
FAILED = [batch(BatchStatus.FAILED, failure="3 of 4 rows")]


def snapshot(**changes: Any) -> Snapshot:
    """Noon of a day with everything there: two games of five players each."""
    whole = Snapshot(
        game_date=DAY,
        now=NOON,
        schedule_rows=1230,
        feeds=Feeds(100, 200, 100),
        games=[game(EARLY), game(LATE)],
        players=[player(n) for n in range(5)] + [player(n, LATE) for n in range(5, 10)],
        batches=[batch()],
        newest=NewestBatch(BATCH, 250, 250),
        files=make_exported(),
    )
    return replace(whole, **changes)


def file(**changes: Any) -> ExportFile:
    whole = ExportFile(1, (BATCH,), CONSOLIDATED_AT + timedelta(minutes=1), str(DAY))
    return replace(whole, **changes)


def make_exported() -> dict[str, ExportFile | None]:
    """The files of the date: its own, the pointers, and those of two players."""
    everybody = file(players=tuple(path.removeprefix("v1/") for path in PLAYERS))
    return {**dict.fromkeys(PATHS, file()), EVERYBODY: everybody}


def snapshot_of_played(**changes: Any) -> Snapshot:
    """The morning after: final, with results and grades."""
    done = {"status": "final", "result_teams": 2, "grades": 125, "graded_at": GRADED_AT}
    games = [game(EARLY, **done), game(LATE, **done)]
    graded = file(content_at=GRADED_AT)
    whole = snapshot(now=MORNING_AFTER, games=games, files={**make_exported(), **dict.fromkeys(GRADED, graded)})
    return replace(whole, **changes)


def short(found: Snapshot) -> tuple[str, str] | None:
    """The check that is short, and why."""
    shortage = first_shortage(found, CONTRACTS[found.group], Settings())
    return None if shortage is None else (shortage.contract.check, shortage.reason)


def test_a_whole_day_is_short_of_nothing() -> None:
    assert snapshot().group == "coming"
    assert short(snapshot()) is None
    assert snapshot_of_played().group == "played"
    assert short(snapshot_of_played()) is None


@pytest.mark.parametrize(
    ("changes", "check", "reason"),
    [
        ({"schedule_rows": 0, "games": []}, "sources", "no schedule is loaded around 2025-11-14"),
        ({"feeds": Feeds()}, "sources", "neither an injury list nor lines of 2025-11-14 are loaded"),
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
        ({"batches": CLOSED}, "consolidation", f"{BATCH} closed (complete) and was not consolidated"),
        ({"batches": FAILED}, "predictions", f"{BATCH} failed: 3 of 4 rows"),
        (
            {"newest": NewestBatch(BATCH, 250, 249)},
            "predictions",
            f"1 of the 250 rows that {BATCH} put in place are gone",
        ),
        ({"epoch": 2}, "export", "v1/predictions/2025-11-14.json is of another repetition of the day"),
    ],
)
def test_what_a_day_to_come_is_short_of(changes: dict[str, Any], check: str, reason: str) -> None:
    assert short(snapshot(**changes)) == (check, reason)


OTHER_DAYS = {"later": str(DAY + timedelta(days=1)), "earlier": str(DAY - timedelta(days=1))}
BEFORE = CONSOLIDATED_AT - timedelta(seconds=1)


@pytest.mark.parametrize("make", [snapshot, lambda **changes: snapshot_of_played(**changes)], ids=["coming", "played"])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "is not there"),
        (file(epoch=2), "is of another repetition of the day"),
        (file(game_date=OTHER_DAYS["earlier"]), f"is of {OTHER_DAYS['earlier']}"),
        (file(batches=(f"batch_{DAY}_r1",)), f"is of batch_{DAY}_r1, not of {BATCH}"),
        (file(batches=()), f"is of no batch, not of {BATCH}"),
        (file(content_at=BEFORE), "is from before its batch was consolidated"),
    ],
    ids=["gone", "epoch", "earlier", "batch", "no batch", "before"],
)
def test_every_exported_file_counts(
    make: Callable[..., Snapshot], path: str, found: ExportFile | None, reason: str
) -> None:
    whole = make()
    check = "export" if whole.group == "coming" else "published"
    if path == EVERYBODY and found is not None:
        found = replace(found, players=exported_players())
    assert short(replace(whole, files={**whole.files, path: found})) == (check, f"{path} {reason}")


def exported_players() -> tuple[str, ...]:
    return tuple(path.removeprefix("v1/") for path in PLAYERS)


def test_pointers_of_a_newer_date_are_that_dates_matter() -> None:
    later = file(game_date=OTHER_DAYS["later"], batches=("batch_2025-11-15_r1",))
    files = {**snapshot_of_played().files, **dict.fromkeys(POINTERS, later), **dict.fromkeys(PLAYERS)}
    assert short(snapshot_of_played(files=files)) is None


def test_of_a_date_to_come_there_are_its_own_files_alone() -> None:
    eve = {"now": NOON - timedelta(days=1)}
    files = dict.fromkeys(dated_files(DAY), file())
    assert short(snapshot(files=files, **eve)) is None
    path = f"v1/best-bets/{DAY}.json"
    assert short(snapshot(files={**files, path: None}, **eve)) == ("export", f"{path} is not there")


@pytest.mark.parametrize(
    ("path", "found", "reason"),
    [
        *((path, None, "is not there") for path in GRADED),
        *((path, file(epoch=2), "is of another repetition of the day") for path in GRADED),
        *((path, file(game_date=OTHER_DAYS["earlier"]), f"is of {OTHER_DAYS['earlier']}") for path in GRADED_POINTERS),
        (GRADED[0], file(content_at=GRADED_AT - timedelta(seconds=1)), "is from before the last grading"),
    ],
)
def test_a_played_date_has_its_results_exported(path: str, found: ExportFile | None, reason: str) -> None:
    whole = snapshot_of_played()
    assert short(replace(whole, files={**whole.files, path: found})) == ("published", f"{path} {reason}")


def test_results_of_a_newer_date_on_top_are_as_they_should_be() -> None:
    later = file(game_date=OTHER_DAYS["later"], content_at=GRADED_AT + timedelta(days=1))
    whole = snapshot_of_played()
    assert short(replace(whole, files={**whole.files, **dict.fromkeys(GRADED_POINTERS, later)})) is None


def test_predictions_behind_grades_that_are_gone_are_named() -> None:
    done = {"status": "final", "result_teams": 2, "grades": 125, "graded_at": GRADED_AT}
    games = [game(EARLY, **done), game(LATE, grades_alone=5, **done)]
    reason = f"5 grades are of predictions that are gone: 1 of 2 games ({LATE})"
    assert short(snapshot_of_played(games=games)) == ("kept", reason)
    gone = f"1 of the 250 rows that {BATCH} put in place are gone"
    assert short(snapshot_of_played(newest=NewestBatch(BATCH, 250, 249))) == ("kept", gone)


def test_an_expected_player_without_predictions_on_a_played_date_is_named() -> None:
    players = [player(n, unit=f"u{n}") for n in range(5)] + [player(9, LATE, unit="u9", is_predicted=False)]
    found = ("kept", f"1 players were expected and have no prediction, first player 9 of game {LATE}")
    assert short(snapshot_of_played(players=players)) == found
    # his unit ended without a result: he never had one
    assert short(snapshot_of_played(players=players, missing_units={BATCH: ["u9"]})) is None
    # nor has he where that unit was split, and his own ended without a result
    assert short(snapshot_of_played(players=players, missing_units={BATCH: ["9"]})) is None
    assert short(snapshot_of_played(players=players, missing_units={BATCH: ["8"]})) == found
    left_out = replace(players[-1], considered_as="left_out")
    assert short(snapshot_of_played(players=[*players[:-1], left_out])) is None


def test_the_earliest_phase_comes_first() -> None:
    games = [game(EARLY, context_teams=0, context_players=0, feature_players=0), game(LATE, feature_players=0)]
    empty: dict[str, Any] = {"players": [], "batches": [batch(BatchStatus.CLOSED)], "files": {}}
    stages = [
        ("sources", snapshot(feeds=Feeds(), games=games, **empty)),
        ("context", snapshot(games=games, **empty)),
        ("features", snapshot(games=[game(EARLY), games[1]], **empty)),
        ("consolidation", snapshot(**empty)),
        ("predictions", snapshot(**{**empty, "batches": (), "players": players_without_prediction(10)})),
        ("export", snapshot(files={})),
    ]
    for check, found in stages:
        result = short(found)
        assert result is not None
        assert result[0] == check


def players_without_prediction(count: int, **changes: Any) -> list[Player]:
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
    players = players_without_prediction(10, features={**whole, **features})
    found = short(snapshot(players=players, batches=(), files={}))
    reason = "current predictions cover 0 of 10 expected players, less than 80%"
    assert found == (("predictions", reason) if is_short else None)


def test_a_batch_that_covers_a_game_and_has_nobody_on_record_of_it_covers_nobody() -> None:
    """A newer revision counts for the game, its rows are gone."""
    players = [player(n, considered_as=None, is_predicted=False) for n in range(10)]
    found = short(snapshot(players=players))
    assert found is not None
    assert found[0] == "predictions"


def test_an_open_batch_is_not_short() -> None:
    assert short(snapshot(batches=[batch(BatchStatus.OPEN)])) is None


def test_a_team_nobody_has_played_for_in_a_month_has_no_context() -> None:
    first_day = {"roster_teams": 0, "context_teams": 0, "context_players": 0, "feature_players": 0}
    games = [game(EARLY, **first_day), game(LATE, **first_day)]
    assert short(snapshot(games=games, players=[], batches=(), files={})) is None


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
    assert short(snapshot_of_played(games=[game(EARLY, status=status), game(LATE, **done)])) is None


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
    assert short(snapshot_of_played(games=games)) == (check, reason)


def test_a_day_is_played_when_its_last_game_is_over() -> None:
    games = [game(EARLY, status="final"), game(LATE, status="live")]
    assert snapshot_of_played(games=games, now=TIPOFFS[LATE] + timedelta(hours=5, minutes=59)).group == "coming"
    assert snapshot_of_played(games=games, now=TIPOFFS[LATE] + timedelta(hours=6)).group == "played"


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
    assert grades(snapshot_of_played(games=games), Settings()) == Short(reason, 125, 250)


DONE: dict[str, Any] = {"status": "final", "result_teams": 2, "grades": 125, "graded_at": GRADED_AT}


@pytest.mark.parametrize(
    ("found", "have", "should"),
    [
        (snapshot(schedule_rows=0), 1, 2),
        (snapshot(feeds=Feeds()), 1, 2),
        (snapshot(games=[game(EARLY), game(LATE, context_teams=1)]), 3, 4),
        (snapshot(games=[game(EARLY), game(LATE, feature_players=3)]), 8, 10),
        (snapshot(batches=CLOSED), 0, 2),
        (snapshot(batches=FAILED), 10, 10),
        (snapshot(players=[player(n, is_predicted=n < 2) for n in range(5)]), 2, 5),
        (snapshot(newest=NewestBatch(BATCH, 250, 249)), 249, 250),
        (snapshot(files={**make_exported(), PATHS[0]: None}), 6, 7),
        (snapshot_of_played(games=[game(EARLY, **DONE), game(LATE, **{**DONE, "result_teams": 1})]), 1, 2),
        (snapshot_of_played(games=[game(EARLY, **DONE), game(LATE, **{**DONE, "grades": 100})]), 225, 250),
        (snapshot_of_played(files={**snapshot_of_played().files, GRADED[0]: None}), 9, 10),
        (snapshot_of_played(newest=NewestBatch(BATCH, 250, 249)), 249, 250),
        (snapshot_of_played(players=[player(n, is_predicted=n > 0) for n in range(5)]), 4, 5),
    ],
)
def test_what_is_short_says_how_much_is_there_of_how_much(found: Snapshot, have: int, should: int) -> None:
    shortage = first_shortage(found, CONTRACTS[found.group], Settings())
    assert shortage is not None
    assert (shortage.short.have, shortage.short.should) == (have, should)
