"""The export files of a small evening: what stands in them, their schemas, and what the gate keeps
out.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.phase6_export.document import half_points
from functions.phase6_export.export import run
from functions.phase6_export.labels import LABELS, STAT_LABELS
from functions.phase6_export.schema_check import FOLDER, check, fast_check, load, validator
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import DataError, NotFound, SchemaMismatch
from shared.science.systems.output import SYSTEMS
from tests.support.lent_warehouses import LaidOut
from tests.support.prediction_tables import (
    AS_OF,
    DAY,
    EARLY,
    EXPLANATION,
    LATE,
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
from tests.support.stores import reset_counts

# What files written by an earlier version do not have: they stay valid.
ADDED_LATER = {"explanation"}
# What a game brought of a statistic that nothing predicts on the date.
OF_OTHER_STATS = set(STAT_LABELS)
PREDICTIONS = "nba_predictions.player_prop_predictions"
EXPECTED = "nba_monitoring.expected_outputs"
MOVED = {"feature": "line", "label": "the line", "value": 24.5, "effect": 1.0}
SCHEMA_OF = {
    "v1/tonight/all-players.json": "all_players",
    "v1/tonight/player/alpha.json": "player",
    "v1/tonight/player/outa.json": "player",
    f"v1/predictions/{DAY}.json": "predictions",
    "v1/predictions/today.json": "predictions",
    f"v1/best-bets/{DAY}.json": "best_bets",
    "v1/best-bets/latest.json": "best_bets",
    "v1/status.json": "status",
}


def lines_of(game: str, player: int, name: str, **changes: Any) -> list[dict[str, Any]]:
    """Five systems by five lines; only the main line is offered, and only the ensemble advises."""
    rows = []
    for system in SYSTEMS:
        for offset in (-2, -1, 0, 1, 2):
            advice = "OVER" if system == "ensemble_v1" and not offset else "PASS"
            row = prediction_row(
                game, player, name, str(Decimal("24.5") + offset), system=system, recommendation=advice
            )
            if offset:
                unpriced = dict.fromkeys(
                    ("bookmaker", "over_bookmaker", "over_price", "under_bookmaker", "under_price", "expected_value")
                )
                row |= {"line_kind": "alternate", "explanation": None, **unpriced}
            rows.append(row | changes)
    return rows


_ROWS = LaidOut()


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Evening]:
    """Alpha and Beta are predicted with lines, Gamma without; Out A and a name nobody knows are
    left out.
    """
    with evening(tmp_path) as opened:
        if not _ROWS.are_put_into(opened.warehouse):
            opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
            opened.add_sources()
            opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
            opened.add(
                EXPECTED,
                [
                    expected_row(EARLY, 1, "Alpha"),
                    expected_row(LATE, 2, "Beta"),
                    expected_row(LATE, 3, "Gamma", has_line=False),
                    expected_row(EARLY, 4, "Out A", "out"),
                    expected_row(None, None, "Nobody", "unresolved_name"),
                    expected_row(EARLY, None, "Nobody 2", "unresolved_name"),
                    expected_row(EARLY, None, "Nobody 3", "unresolved_name"),
                ],
            )
            opened.add("nba_predictions.ml_feature_store", [features(EARLY, 1, "Alpha")])
            opened.add("nba_analytics.player_game_summary", history())
            rows = lines_of(EARLY, 1, "Alpha") + lines_of(LATE, 2, "Beta", expected_value=0.05)
            rows += [prediction_row(LATE, 3, "Gamma", None, system=system) for system in SYSTEMS]
            opened.add(PREDICTIONS, rows)
            _ROWS.keep(opened.warehouse)
        yield opened


def history() -> list[dict[str, Any]]:
    """Twelve games of Alpha, one a day: 30, 29 ... points, and tonight's own, which no file may
    show.
    """
    past = [summary_row(EARLY, 1, "Alpha", 31 - days, DAY - timedelta(days=days)) for days in range(1, 13)]
    return [*past, summary_row(EARLY, 1, "Alpha", 99)]


def read(night: Evening, path: str) -> Any:
    return json.loads(night.runtime.exports.read(path).data)


def test_every_file_is_there_fits_its_schema_and_has_its_metadata(ready: Evening) -> None:
    reset_counts(ready.warehouse)
    outcome = run(message(), ready.context("phase6_export"))
    assert (outcome.status, outcome.reason) == ("success", "")
    assert ready.warehouse.statement_counts == {"query": 8, "load": 1}
    files = outcome.metadata["files"]
    assert files[:5] == [
        f"v1/predictions/{DAY}.json",
        f"v1/best-bets/{DAY}.json",
        "v1/tonight/all-players.json",
        "v1/predictions/today.json",
        "v1/best-bets/latest.json",
    ]
    assert files[-1] == "v1/status.json"
    assert sorted(files) == ready.runtime.exports.list("v1/")
    assert outcome.record_count == len(files) == 10
    for path, schema in SCHEMA_OF.items():
        blob = ready.runtime.exports.read(path)
        check(json.loads(blob.data), schema, path)
        assert blob.content_type == "application/json; charset=utf-8"
        age = 60 if "status" in path else 86_400 if str(DAY) in path else 300
        assert blob.cache_control == f"public, max-age={age}"


def test_all_players_names_everybody_with_what_is_said_or_why_not(ready: Evening) -> None:
    run(message(), ready.context("phase6_export"))
    body = read(ready, "v1/tonight/all-players.json")
    totals = ("total_players", "total_predicted", "total_with_lines", "total_left_out")
    assert [body[name] for name in totals] == [4, 3, 3, {"out": 1}]
    assert [game["game_id"] for game in body["games"]] == [EARLY, LATE]
    assert body["games"][0]["tipoff_at"] == "2025-11-15T00:00:00Z"
    alpha, out = body["games"][0]["players"]
    assert (alpha["status"], alpha["has_line"], alpha["opponent"]) == ("predicted", True, "LAL")
    (his_points,) = alpha["stats"].values()
    assert (his_points["line"], his_points["recommendation"], his_points["predicted"]) == (24.5, "OVER", 26.12)
    assert his_points["season_average"] == 24.0
    assert his_points["last_10"] == [30, 29, 28, 27, 26, 25, 24, 23, 22, 21]
    assert [system["system_id"] for system in his_points["systems"]] == sorted(SYSTEMS)
    assert (out["status"], out["reason"], out["stats"]["points"]["predicted"]) == ("left_out", "out", None)
    gamma = body["games"][1]["players"][1]
    assert gamma["has_line"] is False
    unlined = gamma["stats"]["points"]
    assert (unlined["recommendation"], unlined["line"], unlined["has_line"]) == ("NO_LINE", None, False)
    assert [(each["player_name"], each["game_id"]) for each in body["unmatched"]] == [
        ("Nobody", None),
        ("Nobody 2", EARLY),
        ("Nobody 3", EARLY),
    ]
    assert {each["reason"] for each in body["unmatched"]} == {"unresolved_name"}


def test_predictions_hold_every_row_once_with_exact_lines(ready: Evening) -> None:
    run(message(), ready.context("phase6_export"))
    raw = ready.runtime.exports.read(f"v1/predictions/{DAY}.json").data
    body = json.loads(raw)
    assert body["total_rows"] == 11 * len(SYSTEMS)
    rows = [
        line
        for player in body["players"]
        for system in player["stats"]["points"]["systems"]
        for line in system["lines"]
    ]
    assert len(rows) == 11 * len(SYSTEMS)
    alpha = body["players"][0]["stats"]["points"]["systems"][0]
    assert [line["line"] for line in alpha["lines"]] == [22.5, 23.5, 24.5, 25.5, 26.5]
    assert b'"line":24.5,' in raw
    assert ready.runtime.exports.read("v1/predictions/today.json").data == raw


def test_whole_lines_are_written_exactly_and_other_lines_are_refused() -> None:
    assert json.dumps(half_points(Decimal("25.000000000"))) == "25.0"
    assert json.dumps(half_points(Decimal("24.500000000"))) == "24.5"
    assert half_points(None) is None
    with pytest.raises(SchemaMismatch, match=r"24\.25"):
        half_points(Decimal("24.25"))


def test_best_bets_need_an_offered_price_and_take_a_player_once(ready: Evening) -> None:
    better_alternate = prediction_row(
        EARLY, 1, "Alpha", "22.0", kind="alternate", recommendation="UNDER", expected_value=0.2, under_price=130
    )
    unpriced = prediction_row(LATE, 2, "Beta", "20.0", kind="alternate", over_price=None, expected_value=None)
    other_system = prediction_row(LATE, 2, "Beta", "21.0", system="xgboost_v1", expected_value=0.9)
    ready.add(PREDICTIONS, [better_alternate, unpriced, other_system])
    run(message(), ready.context("phase6_export"))
    body = read(ready, "v1/best-bets/latest.json")
    assert body["total_candidates"] == 3
    picks = [(p["rank"], p["player_lookup"], p["line"], p["recommendation"], p["price"]) for p in body["picks"]]
    assert picks == [(1, "alpha", 22.0, "UNDER", 130), (2, "beta", 24.5, "OVER", -110)]


def test_a_players_file_has_all_his_lines_and_games_before_tonight(ready: Evening) -> None:
    run(message(), ready.context("phase6_export"))
    body = read(ready, "v1/tonight/player/alpha.json")
    assert [len(system["lines"]) for system in body["stats"]["points"]["systems"]] == [5] * len(SYSTEMS)
    assert [game["points"] for game in body["last_games"]] == list(range(30, 20, -1))
    assert body["last_games"][0]["game_date"] == str(DAY - timedelta(days=1))
    out = read(ready, "v1/tonight/player/outa.json")
    assert (out["player"]["reason"], out["stats"]) == ("out", {})


def test_each_system_says_what_moved_it_most(ready: Evening) -> None:
    """The main line's row has it, the alternates none; a system without one (an error, an older
    row) an empty list.
    """
    labelled = [{"label": LABELS[each["feature"]], **each} for each in json.loads(EXPLANATION)]
    failed = prediction_row(
        EARLY, 4, "Out A", None, system="xgboost_v1", mean=None, error_code="no_model", explanation=None
    )
    ready.add(PREDICTIONS, [failed])
    run(message(), ready.context("phase6_export"))
    whole = {player["player_lookup"]: player for player in read(ready, f"v1/predictions/{DAY}.json")["players"]}
    for body in (read(ready, "v1/tonight/player/alpha.json"), whole["alpha"], whole["gamma"]):
        assert [system["explanation"] for system in body["stats"]["points"]["systems"]] == [labelled] * len(SYSTEMS)
    assert [system["explanation"] for system in whole["outa"]["stats"]["points"]["systems"]] == [[]]


@pytest.mark.parametrize(
    "explanation",
    [
        [MOVED] * 6,
        [{"feature": "line", "label": "the line", "value": 24.5}],
        [{"feature": "line", "value": 24.5, "effect": 1.0}],
        [MOVED | {"effect": None}],
        [MOVED | {"value": "24.5"}],
        [MOVED | {"feature": "The Line"}],
        [MOVED | {"label": ""}],
        [MOVED | {"rank": 1}],
        {"line": 1.0},
        None,
    ],
)
def test_an_explanation_that_does_not_fit_is_refused(ready: Evening, explanation: Any) -> None:
    run(message(), ready.context("phase6_export"))
    body = read(ready, "v1/tonight/player/alpha.json")
    first = body["stats"]["points"]["systems"][0]
    check(body, "player", "alpha.json")
    first["explanation"] = explanation
    with pytest.raises(SchemaMismatch, match="explanation"):
        check(body, "player", "alpha.json")
    del first["explanation"]
    check(body, "player", "alpha.json")


def test_two_players_of_one_lookup_get_a_file_each(ready: Evening) -> None:
    ready.add(EXPECTED, [expected_row(LATE, 77, "Alpha", "low_minutes")])
    outcome = run(message(), ready.context("phase6_export"))
    assert {"v1/tonight/player/alpha-1.json", "v1/tonight/player/alpha-77.json"} <= set(outcome.metadata["files"])
    assert "v1/tonight/player/alpha.json" not in outcome.metadata["files"]


def test_results_and_performance_of_the_last_graded_date(ready: Evening) -> None:
    yesterday = DAY - timedelta(days=1)
    grade = {
        "game_date": yesterday,
        "game_id": "0022500199",
        "player_id": 1,
        "player_lookup": "alpha",
        "stat": "points",
        "system_id": "ensemble_v1",
        "model_version": "1",
        "batch_id": "b",
        "line_value": Decimal("24.5"),
        "line_kind": "main",
        "recommendation": "OVER",
        "predicted": 26.0,
        "p_over": 0.56,
        "season_average": 24.0,
        "actual": 30,
        "error": -4.0,
        "outcome": "win",
        "correct": True,
        "profit": 0.909091,
        "graded_at": AS_OF,
    }
    alternate = {**grade, "line_value": Decimal("25.5"), "line_kind": "alternate"}
    ready.add(
        "nba_predictions.prediction_accuracy", [grade, alternate, {**grade, "game_date": DAY + timedelta(days=1)}]
    )
    counts = dict.fromkeys(("n", "bets", "wins", "priced_bets"), 1)
    zeros = dict.fromkeys(("pushes", "passes", "voids", "n_unlined"), 0)
    of = {"game_date": yesterday, "stat": "points", "system_id": "ensemble_v1", "graded_at": AS_OF}
    figures = {**of, "mae": 4.0, **counts, **zeros}
    ready.add(
        "nba_predictions.system_daily_performance", [{**figures, "window_name": name} for name in ("season", "day")]
    )
    outcome = run(message(), ready.context("phase6_export"))
    written = [path for path in outcome.metadata["files"] if "results" in path or "performance" in path]
    assert written == [f"v1/results/{yesterday}.json", "v1/results/latest.json", "v1/systems/performance.json"]
    results = read(ready, "v1/results/latest.json")
    assert results["game_date"] == str(yesterday)
    assert [len(player["stats"]["points"]["systems"]) for player in results["players"]] == [1]
    assert [line["line"] for line in results["players"][0]["stats"]["points"]["systems"][0]["lines"]] == [24.5, 25.5]
    assert results["systems"][0] | {"win": 1, "loss": 0, "profit": 0.91} == results["systems"][0]
    windows = read(ready, "v1/systems/performance.json")["systems"][0]["windows"]
    assert [(each["window"], each["mae"]) for each in windows] == [("day", 4.0), ("season", 4.0)]

    reset_counts(ready.warehouse)
    after_grading = run(message(yesterday, phase="grading"), ready.context("phase6_export"))
    assert after_grading.metadata["files"] == written
    assert ready.warehouse.statement_counts == {"query": 4}


def test_before_anything_is_graded_there_is_no_results_file(ready: Evening) -> None:
    outcome = run(message(), ready.context("phase6_export"))
    assert not [path for path in outcome.metadata["files"] if "results" in path or "performance" in path]
    assert run(message(phase="grading"), ready.context("phase6_export")).status == "no_data"


def late_prediction(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", "10.5", updated_at=TIPOFFS[EARLY])])


def line_of_the_same_moment(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", "10.5", line_snapshot_at=AS_OF)])


def features_from_after_tip_off(night: Evening) -> None:
    after = TIPOFFS[EARLY] + timedelta(seconds=1)
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", "10.5", features_as_of=after)])


def too_few_covered(night: Evening) -> None:
    night.add(EXPECTED, [expected_row(EARLY, 5, "Missing")])


def add_stranger(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 99, "Stranger")])


def newer_batch_with_nothing(night: Evening) -> None:
    night.add("nba_predictions.prediction_batches", [batch(EARLY, 2), batch(LATE, 2)])


def postpone(night: Evening) -> None:
    night.add("nba_raw.nbac_schedule", [schedule_row(game, "postponed", hours=1) for game in (EARLY, LATE)])


def move_away(night: Evening) -> None:
    later = DAY + timedelta(days=3)
    night.add("nba_raw.nbac_schedule", [schedule_row(game, day=later, hours=1) for game in (EARLY, LATE)])


@pytest.mark.parametrize(
    ("change", "status", "reason", "heals"),
    [
        (late_prediction, "failed", "1 predictions are from after their tip-off, first alpha", False),
        (line_of_the_same_moment, "failed", "1 predictions are from after their tip-off, first alpha", False),
        (features_from_after_tip_off, "failed", "1 predictions are from after their tip-off, first alpha", False),
        (too_few_covered, "failed", "predictions cover 3 of 4 expected players, less than 80%", True),
        (add_stranger, "failed", "1 predicted players were not expected, first player 99", True),
        (newer_batch_with_nothing, "no_data", f"there are no current predictions for {DAY}", True),
    ],
)
def test_a_refused_date_touches_only_the_status(
    ready: Evening, change: Callable[[Evening], None], status: str, reason: str, heals: bool
) -> None:
    change(ready)
    outcome = run(message(), ready.context("phase6_export"))
    assert outcome.status == status
    assert outcome.reason.startswith(reason)
    assert outcome.reason.endswith("; self-heal is asked") is heals
    assert [each.topic for each in outcome.messages] == ["nba-self-heal-trigger"] * heals
    assert ready.runtime.exports.list("v1/") == ["v1/status.json"]
    body = read(ready, "v1/status.json")
    check(body, "status", "v1/status.json")
    assert (body["status"], body["reason"]) == (status, outcome.reason)


def test_what_meets_its_limit_exactly_is_exported(ready: Evening) -> None:
    """Four of five players are 80%; features as of the tip-off itself knew nothing of the game."""
    ready.add(EXPECTED, [expected_row(EARLY, 5, "Epsilon"), expected_row(EARLY, 6, "Missing")])
    last: dict[str, Any] = {"features_as_of": TIPOFFS[EARLY], "updated_at": TIPOFFS[EARLY] - timedelta(microseconds=1)}
    ready.add(PREDICTIONS, [prediction_row(EARLY, 5, "Epsilon", **last)])
    outcome = run(message(), ready.context("phase6_export"))
    assert (outcome.status, outcome.metadata["coverage"]["share"]) == ("success", 0.8)


def test_an_empty_schedule_is_not_a_day_without_games(tmp_path: Path) -> None:
    with evening(tmp_path) as empty:
        outcome = run(message(), empty.context("phase6_export"))
        reason = f"no schedule is loaded around {DAY}; self-heal is asked"
        assert (outcome.status, outcome.reason) == ("failed", reason)


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=1)], ids=["at tip-off", "after"])
def test_a_game_frozen_before_any_batch_covered_it_is_not_held_against_the_date(
    tmp_path: Path, after: timedelta
) -> None:
    with evening(tmp_path) as night:
        night.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
        consolidated = {"consolidated_at": TIPOFFS[EARLY] + after}
        night.add("nba_predictions.prediction_batches", [batch(LATE) | consolidated])
        night.add(EXPECTED, [expected_row(EARLY, 1, "Alpha"), expected_row(LATE, 2, "Beta")])
        night.add(PREDICTIONS, [prediction_row(LATE, 2, "Beta")])
        night.add_sources()
        outcome = run(message(), night.context("phase6_export"))
        assert outcome.status == "success"
        assert outcome.metadata["coverage"] == {"expected": 1, "covered": 1, "share": 1.0}
        games = read(night, "v1/tonight/all-players.json")["games"]
        assert [player["reason"] for player in games[0]["players"]] == ["no_prediction"]


def test_a_game_that_was_to_begin_a_moment_later_is_held_against_the_date(tmp_path: Path) -> None:
    with evening(tmp_path) as night:
        night.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
        consolidated = {"consolidated_at": TIPOFFS[EARLY] - timedelta(microseconds=1)}
        night.add("nba_predictions.prediction_batches", [batch(LATE) | consolidated])
        night.add(EXPECTED, [expected_row(EARLY, 1, "Alpha"), expected_row(LATE, 2, "Beta")])
        night.add(PREDICTIONS, [prediction_row(LATE, 2, "Beta")])
        assert run(message(), night.context("phase6_export")).reason.startswith("predictions cover 1 of 2")


def test_what_was_consolidated_later_overwrites_whoever_asks_for_it(ready: Evening) -> None:
    """A late unit is exported by its run, whose as_of is older than that of an export by hand in
    between.
    """
    by_hand = AS_OF + timedelta(hours=2)
    assert run(message(), ready.context("phase6_export", by_hand)).status == "success"
    before = read(ready, f"v1/predictions/{DAY}.json")
    later = {"consolidated_at": batch(EARLY)["consolidated_at"] + timedelta(microseconds=1)}
    ready.add("nba_predictions.prediction_batches", [batch(EARLY) | later, batch(LATE) | later])
    ready.add(EXPECTED, [expected_row(LATE, 9, "Omega")])
    ready.add(PREDICTIONS, lines_of(LATE, 9, "Omega"))
    assert run(message(), ready.context("phase6_export")).metadata["files_kept_newer"] == []
    after = read(ready, f"v1/predictions/{DAY}.json")
    assert after["total_players"] == before["total_players"] + 1
    assert after["order"] > before["order"]


def test_each_game_goes_by_the_batch_that_counts_for_it(ready: Evening) -> None:
    ready.add("nba_predictions.prediction_batches", [batch(LATE, 2)])
    ready.add(
        EXPECTED,
        [
            expected_row(EARLY, 1, "Alpha", "tipped_off", revision=2),
            expected_row(LATE, 2, "Beta", revision=2),
            expected_row(LATE, 3, "Gamma", "doubtful", revision=2),
        ],
    )
    ready.add(PREDICTIONS, lines_of(LATE, 2, "Beta", batch_id=f"batch_{DAY}_r2"))
    outcome = run(message(batch_id=f"batch_{DAY}_r1"), ready.context("phase6_export"))
    assert outcome.metadata["batches"] == [f"batch_{DAY}_r1", f"batch_{DAY}_r2"]
    body = read(ready, "v1/tonight/all-players.json")
    players = {p["player_lookup"]: (p["status"], p["reason"]) for game in body["games"] for p in game["players"]}
    assert players == {
        "alpha": ("predicted", None),
        "outa": ("left_out", "out"),
        "beta": ("predicted", None),
        "gamma": ("left_out", "doubtful"),
    }


def test_a_named_batch_is_a_hint(ready: Evening) -> None:
    assert run(message(batch_id=f"batch_{DAY}_r1"), ready.context("phase6_export")).reason == ""
    unknown = run(message(batch_id="batch_2025-11-13_r1"), ready.context("phase6_export"))
    assert unknown.status == "success"
    assert unknown.reason == f"batch_2025-11-13_r1 is no consolidated batch of {DAY}: its current predictions count"
    ready.add("nba_predictions.prediction_batches", [batch(EARLY, 2), batch(LATE, 2)])
    ready.add(EXPECTED, [expected_row(EARLY, 1, "Alpha", revision=2)])
    ready.add(PREDICTIONS, lines_of(EARLY, 1, "Alpha", batch_id=f"batch_{DAY}_r2"))
    superseded = run(message(batch_id=f"batch_{DAY}_r1"), ready.context("phase6_export"))
    assert superseded.status == "success"
    assert superseded.reason.startswith(f"batch_{DAY}_r1 is superseded")


def test_a_halted_export_says_so_in_every_file(ready: Evening) -> None:
    ready.runtime.state.create("control/halt", {"halted": True, "reason": "off-season"})
    outcome = run(message(), ready.context("phase6_export"))
    assert (outcome.status, outcome.reason) == ("halted", "halted: off-season")
    for path in ready.runtime.exports.list("v1/"):
        body = read(ready, path)
        assert (body["halted"], body["halt_reason"]) == (True, "off-season"), path
    ready.runtime.state.update("control/halt", {"halted": False})
    assert run(message(), ready.context("phase6_export")).status == "success"
    assert read(ready, "v1/status.json")["halt_reason"] is None


def test_a_value_that_does_not_fit_stops_the_export_before_the_first_write(ready: Evening) -> None:
    ready.add(PREDICTIONS, [prediction_row(LATE, 2, "Beta", "30.5", p_over=1.5)])
    with pytest.raises(
        SchemaMismatch,
        match=rf"v1/predictions/{DAY}\.json .*\$\.players\[1\]\.stats\.points\.systems\[0\].*p_over.*1\.5",
    ):
        run(message(), ready.context("phase6_export"))
    assert ready.runtime.exports.list("") == []


def test_a_span_of_dates_is_refused(ready: Evening) -> None:
    with pytest.raises(DataError, match="one game_date"):
        run(PhaseMessage(from_date=DAY, to_date=DAY), ready.context("phase6_export"))


@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".schema.json") for path in FOLDER.iterdir()))
def test_schemas_are_valid_and_closed(name: str) -> None:
    schema = load(name)
    validator(name).check_schema(schema)

    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "properties" in node and node.get("type") == "object":
                yield node
            for value in node.values():
                yield from objects(value)
        if isinstance(node, list):
            for value in node:
                yield from objects(value)

    found = list(objects(schema))
    assert found
    for each in found:
        assert each["additionalProperties"] is False
        assert set(each["properties"]) - set(each["required"]) <= ADDED_LATER | OF_OTHER_STATS
        assert set(each["required"]) <= set(each["properties"])


ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    1.0,
    0.3,
    24.25,
    24.5,
    -99,
    1e300,
    "",
    "OVER",
    "2025-11-14",
    [],
    [1],
    {},
    {"a": 1},
)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a body."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


@pytest.mark.heavy
def test_the_quick_check_never_says_yes_where_jsonschema_says_no(ready: Evening) -> None:
    run(message(), ready.context("phase6_export"))
    chance = random.Random(1)
    refused = 0
    for path, schema in SCHEMA_OF.items():
        body = read(ready, path)
        assert fast_check(schema)(body), f"{path} is left to jsonschema: slow"
        for _ in range(120):
            container, key = chance.choice(list(places(body)))
            before = container[key]
            container[key] = chance.choice(ODD_VALUES)
            if fast_check(schema)(body):
                assert validator(schema).is_valid(body), (path, key, container[key])
            else:
                refused += not validator(schema).is_valid(body)
            container[key] = before
    assert refused > 500


def test_a_field_too_many_or_too_few_is_refused(ready: Evening) -> None:
    run(message(), ready.context("phase6_export"))
    for path, schema in SCHEMA_OF.items():
        body = read(ready, path)
        with pytest.raises(SchemaMismatch, match="surprise"):
            check({**body, "surprise": 1}, schema, path)
        with pytest.raises(SchemaMismatch, match="halted"):
            check({name: value for name, value in body.items() if name != "halted"}, schema, path)


def test_tomorrow_leaves_tonights_pointers_alone(ready: Evening) -> None:
    ready.clock.move(days=-1)
    outcome = run(message(), ready.context("phase6_export"))
    assert outcome.metadata["files"] == [f"v1/predictions/{DAY}.json", f"v1/best-bets/{DAY}.json", "v1/status.json"]
    with pytest.raises(NotFound):
        ready.runtime.exports.read("v1/tonight/all-players.json")


def test_the_chain_leaves_the_grades_to_grading(ready: Evening) -> None:
    outcome = run(message(phase="phase5_consolidation"), ready.context("phase6_export"))
    assert outcome.status == "success"
    assert not [path for path in outcome.metadata["files"] if "results" in path or "performance" in path]


# --- called off or moved after the predictions ----------------------------------------------------

SCHEDULE = "nba_raw.nbac_schedule"


def remove_game(night: Evening) -> None:
    """A later list covers the day and names the early game alone."""
    night.add(SCHEDULE, [schedule_row(EARLY, hours=1) | {"covers_from": DAY - timedelta(days=2)}])


def with_status(status: str) -> Callable[[Evening], None]:
    return lambda night: night.add(SCHEDULE, [schedule_row(LATE, status, hours=1)])


def move_game(night: Evening) -> None:
    later = {"tipoff_at": TIPOFFS[LATE] + timedelta(days=3)}
    night.add(SCHEDULE, [schedule_row(LATE, day=DAY + timedelta(days=3), hours=1) | later])


def move_by_more_than_half_a_year(night: Evening) -> None:
    night.add(SCHEDULE, [schedule_row(LATE, day=DAY + timedelta(days=250), hours=1)])


def move_forward(night: Evening) -> None:
    """It began three hours before the time that the predictions knew."""
    began = TIPOFFS[LATE] - timedelta(hours=3)
    night.add(SCHEDULE, [schedule_row(LATE, "live", hours=1) | {"tipoff_at": began}])
    night.clock.move(hours=8)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_status("postponed"), "postponed"),
        (with_status("cancelled"), "cancelled"),
        (with_status("suspended"), "suspended"),
        (move_game, "moved"),
        (move_by_more_than_half_a_year, "moved"),
        (remove_game, "not_scheduled"),
        (move_forward, "moved_forward"),
    ],
)
def test_what_does_not_take_place_is_offered_nowhere_and_says_why(
    ready: Evening, change: Callable[[Evening], None], reason: str
) -> None:
    run(message(), ready.context("phase6_export"))
    assert {pick["game_id"] for pick in read(ready, "v1/best-bets/latest.json")["picks"]} == {EARLY, LATE}
    change(ready)
    outcome = run(message(), ready.context("phase6_export"))
    assert (outcome.status, outcome.reason) == ("success", f"nothing is offered on {LATE} ({reason})")
    assert outcome.metadata["coverage"] == {"expected": 1, "covered": 1, "share": 1.0}

    beta = {"player_id": 2, "player_lookup": "beta", "player_name": "Beta"}
    gamma = {"player_id": 3, "player_lookup": "gamma", "player_name": "Gamma"}
    for path in (f"v1/best-bets/{DAY}.json", "v1/best-bets/latest.json"):
        bets = read(ready, path)
        assert [pick["game_id"] for pick in bets["picks"]] == [EARLY]
        assert bets["total_candidates"] == 1
        assert [(each["game_id"], each["reason"], each["players"]) for each in bets["withheld"]] == [
            (LATE, reason, [beta])
        ]
    for path in (f"v1/predictions/{DAY}.json", "v1/predictions/today.json"):
        body = read(ready, path)
        assert {player["game_id"] for player in body["players"]} == {EARLY}
        assert body["total_rows"] == 5 * len(SYSTEMS)
        assert [(each["game_id"], each["reason"], each["players"]) for each in body["withheld"]] == [
            (LATE, reason, [beta, gamma])
        ]
        assert body["withheld"][0]["home_team"] == "DEN"
    tonight = read(ready, "v1/tonight/all-players.json")
    late = next(game for game in tonight["games"] if game["game_id"] == LATE)
    assert late["status"] == ("live" if reason == "moved_forward" else reason)
    shown = {(p["status"], p["reason"], p["stats"]["points"]["recommendation"]) for p in late["players"]}
    assert shown == {("left_out", f"game_{reason}", None)}
    assert tonight["total_predicted"] == 1
    assert tonight["total_left_out"] == {"out": 1, f"game_{reason}": 2}
    his_own = read(ready, "v1/tonight/player/beta.json")
    assert (his_own["player"]["reason"], his_own["stats"]) == (f"game_{reason}", {})


@pytest.mark.parametrize("change", [with_status("scheduled"), lambda night: None])
def test_nothing_is_withheld_on_an_ordinary_day(ready: Evening, change: Callable[[Evening], None]) -> None:
    change(ready)
    outcome = run(message(), ready.context("phase6_export"))
    assert (outcome.reason, outcome.metadata["withheld"]) == ("", {})
    assert read(ready, "v1/best-bets/latest.json")["withheld"] == []


def test_a_tip_off_moved_on_the_same_day_is_shown_as_it_is_now(ready: Evening) -> None:
    """Later, or earlier and still to come: the predictions stand."""
    for hours, moment in ((1, "2025-11-15T04:00:00Z"), (-3, "2025-11-15T00:00:00Z")):
        tipoff = TIPOFFS[LATE] + timedelta(hours=hours)
        ready.add(SCHEDULE, [schedule_row(LATE, hours=6 + hours) | {"tipoff_at": tipoff}])
        if hours < 0:
            ready.add(SCHEDULE, [schedule_row(LATE, hours=8) | {"tipoff_at": tipoff}])
        run(message(), ready.context("phase6_export"))
        picks = {pick["game_id"]: pick for pick in read(ready, "v1/best-bets/latest.json")["picks"]}
        assert picks[LATE]["tipoff_at"] == moment
        players = {p["player_lookup"]: p for p in read(ready, "v1/predictions/today.json")["players"]}
        assert players["beta"]["tipoff_at"] == moment


@pytest.mark.parametrize(("change", "reason"), [(postpone, "postponed"), (move_away, "moved")])
def test_what_was_published_is_taken_back_when_no_game_is_left(
    ready: Evening, change: Callable[[Evening], None], reason: str
) -> None:
    run(message(), ready.context("phase6_export"))
    change(ready)
    outcome = run(message(), ready.context("phase6_export"))
    assert outcome.status == "success"
    reason_text = f"all 2 games on {DAY} are postponed" if reason == "postponed" else f"no games on {DAY}"
    assert outcome.reason == f"{reason_text}; nothing is offered on {EARLY} ({reason}), {LATE} ({reason})"
    assert read(ready, "v1/best-bets/latest.json")["picks"] == []
    assert read(ready, "v1/predictions/today.json")["players"] == []
    games = read(ready, "v1/tonight/all-players.json")["games"]
    assert [game["status"] for game in games] == [reason, reason]
    assert read(ready, "v1/status.json")["reason"] == outcome.reason


def test_who_had_no_line_and_who_had_a_further_line_alone_are_among_the_results(ready: Evening) -> None:
    yesterday = DAY - timedelta(days=1)
    grade = {
        "game_date": yesterday,
        "game_id": "0022500199",
        "player_id": 3,
        "player_lookup": "gamma",
        "stat": "points",
        "system_id": "ensemble_v1",
        "model_version": "1",
        "batch_id": "b",
        "line_value": None,
        "line_kind": "none",
        "recommendation": "NO_LINE",
        "predicted": 14.0,
        "actual": 12,
        "outcome": "no_line",
        "graded_at": AS_OF,
    }
    further = {"player_id": 4, "player_lookup": "delta", "line_value": Decimal("9.5"), "line_kind": "alternate"}
    ready.add("nba_predictions.prediction_accuracy", [grade, {**grade, **further}])
    run(message(yesterday, phase="grading"), ready.context("phase6_export"))
    found = read(ready, "v1/results/latest.json")
    lines = [
        (player["player_lookup"], player["stats"]["points"]["line"], system["lines"][0]["line"])
        for player in found["players"]
        for system in player["stats"]["points"]["systems"]
    ]
    assert lines == [("delta", None, 9.5), ("gamma", None, None)]
    assert found["systems"][0]["no_line"] == 1


# --- at the moment itself -------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "known"), [(timedelta(0), True), (timedelta(microseconds=1), False)])
@pytest.mark.parametrize("what", ["postponed", "not_scheduled"])
def test_a_schedule_of_this_very_moment_is_known_and_a_later_one_is_not(
    ready: Evening, what: str, later: timedelta, known: bool
) -> None:
    moment = {"snapshot_time": ready.clock.now() + later}
    if what == "postponed":
        ready.add(SCHEDULE, [schedule_row(LATE, "postponed") | moment])
    else:
        ready.add(SCHEDULE, [schedule_row(EARLY) | {"covers_from": DAY - timedelta(days=2)} | moment])
    outcome = run(message(), ready.context("phase6_export"))
    assert outcome.metadata["withheld"] == ({LATE: what} if known else {})
    games = read(ready, "v1/tonight/all-players.json")["games"]
    assert [game["game_id"] for game in games] == [EARLY, LATE]


@pytest.mark.parametrize(("later", "files"), [(timedelta(0), 3), (timedelta(microseconds=1), 0)])
def test_grades_of_this_very_moment_are_exported_and_later_ones_are_not(
    ready: Evening, later: timedelta, files: int
) -> None:
    yesterday, graded_at = DAY - timedelta(days=1), ready.clock.now() + later
    common = {"game_date": yesterday, "stat": "points", "system_id": "ensemble_v1", "graded_at": graded_at}
    grade = {
        **common,
        "game_id": "0022500199",
        "player_id": 3,
        "player_lookup": "gamma",
        "model_version": "1",
        "batch_id": "b",
        "line_kind": "none",
        "recommendation": "NO_LINE",
        "outcome": "no_line",
    }
    counts = dict.fromkeys(("n", "bets", "wins", "pushes", "passes", "voids", "priced_bets", "n_unlined"), 0)
    ready.add("nba_predictions.prediction_accuracy", [grade])
    ready.add("nba_predictions.system_daily_performance", [{**common, **counts, "window_name": "day"}])
    outcome = run(message(yesterday, phase="grading"), ready.context("phase6_export"))
    assert len(outcome.metadata.get("files", [])) == files


def test_at_the_moment_it_is_replaced_a_version_of_the_schedule_counts_no_more(ready: Evening) -> None:
    moment = {"snapshot_time": ready.clock.now()}
    ready.add(SCHEDULE, [schedule_row(game, "postponed") | moment for game in (EARLY, LATE)])
    offered = f"nothing is offered on {EARLY} (postponed), {LATE} (postponed)"
    assert run(message(), ready.context("phase6_export")).reason == f"all 2 games on {DAY} are postponed; {offered}"


def test_the_twenty_best_bets_go_by_value_then_confidence_then_name(ready: Evening) -> None:
    """22 players of one value: two of them surer than the others, one of unknown confidence."""
    confidence = {0: None, 20: 0.7, 21: 0.7}
    names = [f"P{number:02d}" for number in range(22)]
    ready.add(EXPECTED, [expected_row(EARLY, 100 + number, name) for number, name in enumerate(names)])
    ready.add(
        PREDICTIONS,
        [
            prediction_row(EARLY, 100 + number, name, expected_value=0.2, confidence_score=confidence.get(number, 0.6))
            for number, name in enumerate(names)
        ],
    )
    run(message(), ready.context("phase6_export"))
    bets = read(ready, "v1/best-bets/latest.json")
    assert bets["total_candidates"] == 24, "Alpha's and Beta's are worth less"
    assert [pick["rank"] for pick in bets["picks"]] == list(range(1, 21))
    assert [pick["player_lookup"] for pick in bets["picks"]] == ["p20", "p21", *(f"p{n:02d}" for n in range(1, 19))]
