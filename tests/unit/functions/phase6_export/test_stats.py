"""A date on which two statistics are predicted: every file keeps them apart, and no player is bet
on twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.phase6_export.export import run
from functions.phase6_export.labels import STAT_LABELS, label_of_stat
from functions.phase6_export.reading import PACKAGE
from functions.phase6_export.schema_check import check, load
from shared.core.errors import SchemaMismatch
from shared.nba.stats import STATS, place_of
from shared.science.systems.error_codes import NOTHING_TO_SAY
from shared.science.systems.output import SYSTEMS
from shared.stores.warehouse.schemas import load_schema
from shared.stores.warehouse.sql import read_sql
from tests.support.prediction_tables import (
    AS_OF,
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

PREDICTIONS = "nba_predictions.player_prop_predictions"
ALPHA, BETA = (EARLY, 1, "Alpha"), (LATE, 2, "Beta")
YESTERDAY = DAY - timedelta(days=1)
# Of the alphabet it is the first, and of shared/nba/stats.py it is not.
ASSISTS: dict[str, Any] = {"stat": "assists", "mean": 6.5, "edge": 1.0}


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """Alpha has a line on his points and one on his assists, Beta on his points alone."""
    with evening(tmp_path) as opened:
        opened.add_sources()
        opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
        opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
        opened.add("nba_monitoring.expected_outputs", [expected_row(*ALPHA), expected_row(*BETA)])
        opened.add("nba_predictions.ml_feature_store", [features(*ALPHA)])
        opened.add("nba_analytics.player_game_summary", [summary_row(*ALPHA, 30, YESTERDAY) | {"assists": 7}])
        for system in SYSTEMS:
            rows = [
                prediction_row(*ALPHA, "24.5", system=system, expected_value=0.05),
                prediction_row(*ALPHA, "5.5", system=system, expected_value=0.07, **ASSISTS),
                prediction_row(*BETA, "24.5", system=system, expected_value=0.06),
                prediction_row(*BETA, None, system=system, **ASSISTS | {"edge": None}),
            ]
            opened.add(PREDICTIONS, rows)
        yield opened


def export(night: Evening, status: str = "success") -> None:
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.status == status, outcome.reason


def read(night: Evening, path: str, schema: str) -> Any:
    body = json.loads(night.runtime.exports.read(f"v1/{path}").data)
    check(body, schema, path)
    return body


def test_predictions_are_by_statistic_each_with_its_own_line(night: Evening) -> None:
    reset_counts(night.warehouse)
    export(night)
    assert night.warehouse.statement_counts == {"query": 8, "load": 1}, "of one statistic as many"
    body = read(night, "predictions/today.json", "predictions")
    alpha, beta = body["players"]
    assert [list(player["stats"]) for player in (alpha, beta)] == [["points", "assists"]] * 2
    assert [alpha["stats"][name]["line"] for name in alpha["stats"]] == [24.5, 5.5]
    assert [beta["stats"][name]["line"] for name in beta["stats"]] == [24.5, None]
    for stat, line, predicted in (("points", 24.5, 26.12), ("assists", 5.5, 6.5)):
        systems = alpha["stats"][stat]["systems"]
        assert [each["system_id"] for each in systems] == sorted(SYSTEMS)
        assert {each["predicted"] for each in systems} == {predicted}
        assert [[each["line"] for each in system["lines"]] for system in systems] == [[line]] * len(SYSTEMS)
        (reason,) = {line["reason"].partition(" wins")[0] for system in systems for line in system["lines"]}
        assert reason == f"Over {line} {stat} at -110 (book)"
    assert (body["total_players"], body["total_rows"]) == (2, 4 * len(SYSTEMS))
    his_own = read(night, "tonight/player/alpha.json", "player")
    assert his_own["stats"] == alpha["stats"]
    assert [(game["points"], game["assists"], "rebounds" in game) for game in his_own["last_games"]] == [(30, 7, False)]


def test_tonights_entry_says_of_each_statistic_what_is_its_own(night: Evening) -> None:
    night.add("nba_monitoring.expected_outputs", [expected_row(EARLY, 4, "Out A", "out")])
    export(night)
    games = read(night, "tonight/all-players.json", "all_players")["games"]
    alpha, out, beta = (player for game in games for player in game["players"])
    shown = [[each[name] for name in ("has_line", "line", "predicted", "last_10")] for each in alpha["stats"].values()]
    assert shown == [[True, 24.5, 26.12, [30]], [True, 5.5, 6.5, [7]]]
    assert [each["season_average"] for each in alpha["stats"].values()] == [24.0, None]
    assert [each["expected_value"] for each in alpha["stats"].values()] == [0.05, 0.07]
    assert "forecast at 6.5 assists, 1.0 above the line of 5.5" in alpha["stats"]["assists"]["recommendation_reason"]
    assert beta["has_line"] is True, "on any statistic"
    assert [each["has_line"] for each in beta["stats"].values()] == [True, False]
    assert beta["stats"]["assists"]["recommendation_reason"].startswith("No bookmaker has a line on his assists; ")
    assert [(stat, each["predicted"], each["systems"]) for stat, each in out["stats"].items()] == [
        ("points", None, []),
        ("assists", None, []),
    ]


def test_of_a_sum_files_say_what_its_parts_have_together(night: Evening) -> None:
    """In his last games, in his averages, and in words; where a part is unknown so is the sum."""
    games = {day: summary_row(*ALPHA, 20, DAY - timedelta(days=day)) for day in (2, 3)}
    night.add("nba_analytics.player_game_summary", [games[2] | {"rebounds": 9, "assists": 4, "fg3m": 2}])
    night.add("nba_analytics.player_game_summary", [games[3] | {"rebounds": 8}])
    averages = {"points": 24.0, "rebounds": 8.0, "assists": 5.5, "threes": 3.25}
    known = {f"{stat}_{over}": mean for stat, mean in averages.items() for over in ("season", "l5", "l10")}
    night.warehouse.execute("DELETE FROM nba_predictions.ml_feature_store WHERE game_date = @day", {"day": DAY})
    night.add("nba_predictions.ml_feature_store", [features(*ALPHA) | known])
    for number, (name, stat) in enumerate(STATS.items()):
        bet: dict[str, Any] = {"stat": name, "expected_value": 0.001 * number}
        rows = [prediction_row(*each, "30.5", kind="alternate", **bet) for each in (ALPHA, BETA)]
        night.add(PREDICTIONS, rows)
        assert set(stat.parts) <= averages.keys()
    export(night)
    alpha = read(night, "tonight/player/alpha.json", "player")
    # yesterday's box score has neither rebounds nor threes, that of three days ago no assists
    brought = {
        **{"points": [30, 20, 20], "rebounds": [None, 9, 8], "assists": [7, 4, None], "threes": [None, 2, None]},
        **{"pra": [None, 33, None], "pr": [None, 29, 28], "pa": [37, 24, None], "ra": [None, 13, None]},
    }
    assert alpha["player"]["stats"].keys() == brought.keys() == STATS.keys()
    for name, stat in STATS.items():
        entry = alpha["player"]["stats"][name]
        mean = sum(averages[part] for part in stat.parts)
        assert (entry["season_average"], entry["last_5_average"], entry["last_10_average"]) == (mean, mean, mean)
        assert entry["last_10"] == [game[name] for game in alpha["last_games"]] == brought[name], name
    (line,) = alpha["stats"]["pra"]["systems"][0]["lines"]
    assert "He averages 37.5 points, rebounds and assists over his last 5 games and 37.5 over" in line["reason"]


def test_a_player_is_bet_on_once_whatever_the_statistic(night: Evening) -> None:
    """Alpha's assists are worth more than his points, which are a candidate all the same."""
    export(night)
    bets = read(night, "best-bets/latest.json", "best_bets")
    assert (bets["most_per_player"], bets["total_candidates"]) == (1, 3)
    assert bets["left_out"] == {
        "bets": 1,
        "players": 1,
        "reason": "Bets on one player in one game win and lose together, whether on several lines or on several "
        "statistics: the list has his best bet alone. Left out: 1 other bet on 1 player of it.",
    }
    picks = [(pick["rank"], pick["player_lookup"], pick["stat"], pick["line"]) for pick in bets["picks"]]
    assert picks == [(1, "alpha", "assists", 5.5), (2, "beta", "points", 24.5)]
    assert bets["picks"][0]["predicted"] == 6.5
    assert bets["picks"][0]["reason"].startswith("Over 5.5 assists at -110")


def test_a_setting_allows_more_bets_on_a_player_each_on_another_statistic(night: Evening) -> None:
    """Alpha's further line on assists is worth more than his points, and is the same bet as his
    assists.
    """
    night.add(
        PREDICTIONS,
        [
            prediction_row(*ALPHA, "6.5", kind="alternate", expected_value=0.065, **ASSISTS),
            prediction_row(*ALPHA, "12.5", stat="pr", expected_value=0.04),
            prediction_row(*BETA, "12.5", stat="pr", expected_value=0.03),
        ],
    )
    settings = replace(night.runtime.settings, best_bets_per_player=2)
    night.runtime = replace(night.runtime, settings=settings)
    export(night)
    bets = read(night, "best-bets/latest.json", "best_bets")
    picks = [(pick["player_lookup"], pick["stat"], pick["line"]) for pick in bets["picks"]]
    assert picks == [
        ("alpha", "assists", 5.5),
        ("beta", "points", 24.5),
        ("alpha", "points", 24.5),
        ("beta", "pr", 12.5),
    ]
    assert (bets["most_per_player"], bets["total_candidates"]) == (2, 6)
    assert (bets["left_out"]["bets"], bets["left_out"]["players"]) == (2, 1), "Alpha's 6.5 assists, and his pr"
    assert "the list has his best 2 alone, each on another statistic. " in bets["left_out"]["reason"]
    assert bets["left_out"]["reason"].endswith("Left out: 2 other bets on 1 player of it.")
    recorded = night.warehouse.query("SELECT rank, stat FROM nba_predictions.exported_best_bets ORDER BY rank")
    assert [(row["rank"], row["stat"]) for row in recorded.to_pylist()] == [
        (0, None), (1, "assists"), (2, "points"), (3, "points"), (4, "pr"),
    ]  # fmt: skip


def test_where_nobody_has_a_second_bet_none_is_left_out(night: Evening) -> None:
    night.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE player_id = 1 AND stat = 'points'")
    night.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE player_id = 2 AND stat = 'points'")
    export(night)
    bets = read(night, "best-bets/latest.json", "best_bets")
    assert bets["left_out"] == {"bets": 0, "players": 0, "reason": None}
    assert len(bets["picks"]) == 1


def test_of_two_equal_bets_the_statistic_that_is_shown_first_counts(night: Evening) -> None:
    night.add(
        PREDICTIONS,
        [
            prediction_row(*BETA, "9.5", kind="alternate", expected_value=0.2, **ASSISTS),
            prediction_row(*BETA, "30.5", kind="alternate", expected_value=0.2),
        ],
    )
    export(night)
    first = read(night, "best-bets/latest.json", "best_bets")["picks"][0]
    assert (first["player_lookup"], first["stat"], first["line"]) == ("beta", "points", 30.5)


def grade(stat: str, line: str, actual: int, **changes: Any) -> dict[str, Any]:
    won = {"outcome": "win", "recommendation": "OVER", "side": "OVER", "profit": 0.91, "price": -110, "bookmaker": "b"}
    return {
        **{"game_date": YESTERDAY, "game_id": "0022500199", "player_id": 1, "player_lookup": "alpha", "batch_id": "b"},
        **{"stat": stat, "system_id": "ensemble_v1", "model_version": "1", "graded_at": AS_OF},
        **{"line_value": Decimal(line), "line_kind": "main", "actual": actual, "season_average": actual - 1.5, **won},
        **changes,
    }


def test_results_and_performance_are_by_statistic(night: Evening) -> None:
    lost = {"outcome": "loss", "profit": -1.0}
    further = grade("assists", "6.5", 7, line_kind="alternate")
    night.add("nba_predictions.prediction_accuracy", [grade("points", "24.5", 20, **lost), further])
    night.add("nba_predictions.prediction_accuracy", [grade("assists", "5.5", 7)])
    counts = dict.fromkeys(("n", "bets", "wins", "pushes", "passes", "voids", "priced_bets", "n_unlined"), 0)
    figures = {"game_date": YESTERDAY, "window_name": "day", "graded_at": AS_OF, **counts}
    night.add(
        "nba_predictions.system_daily_performance",
        [
            {**figures, "stat": stat, "system_id": system, "mae": mae}
            for stat, mae in (("assists", 1.5), ("points", 5.0))
            for system in ("ensemble_v1", "xgboost_v1")
        ],
    )
    export(night)
    results = read(night, "results/latest.json", "results")
    (alpha,) = results["players"]
    assert [(stat, each["line"], each["actual"], each["season_average"]) for stat, each in alpha["stats"].items()] == [
        ("points", 24.5, 20, 18.5),
        ("assists", 5.5, 7, 5.5),
    ]
    assert [line["line"] for line in alpha["stats"]["assists"]["systems"][0]["lines"]] == [5.5, 6.5]
    assert [(each["stat"], each["win"], each["loss"], each["alternates"]["win"]) for each in results["systems"]] == [
        ("points", 0, 1, 0),
        ("assists", 1, 0, 1),
    ]
    assert (results["total_players"], results["total_played"]) == (1, 1)
    systems = read(night, "systems/performance.json", "performance")["systems"]
    assert [(each["stat"], each["system_id"], each["windows"][0]["mae"]) for each in systems] == [
        ("points", "ensemble_v1", 5.0),
        ("points", "xgboost_v1", 5.0),
        ("assists", "ensemble_v1", 1.5),
        ("assists", "xgboost_v1", 1.5),
    ]


def test_who_lacks_a_statistic_that_his_batch_predicts_is_not_covered(night: Evening) -> None:
    night.add("nba_monitoring.expected_outputs", [expected_row(LATE, 3, "Gamma")])
    night.add(PREDICTIONS, [prediction_row(LATE, 3, "Gamma")])
    outcome = run(message(), night.context("phase6_export"))
    assert (outcome.status, outcome.metadata["coverage"]) == ("failed", {"expected": 3, "covered": 2, "share": 0.6667})
    reason = "predictions cover 2 of 3 expected players, without assists: 1, less than 80%"
    assert outcome.reason.startswith(reason)


def test_a_batch_that_knew_points_alone_is_held_to_points(night: Evening) -> None:
    """The early game has begun before the first batch that predicts more."""
    night.add("nba_predictions.prediction_batches", [batch(EARLY, 2), batch(LATE, 2)])
    again = [expected_row(*ALPHA, revision=2), expected_row(*BETA, revision=2)]
    night.add("nba_monitoring.expected_outputs", again)
    night.add(PREDICTIONS, [prediction_row(*ALPHA, revision=2), prediction_row(*BETA, revision=2)])
    night.add("nba_predictions.prediction_batches", [batch(LATE, 3)])
    night.add("nba_monitoring.expected_outputs", [expected_row(*BETA, revision=3)])
    both = [prediction_row(*BETA, revision=3), prediction_row(*BETA, "5.5", revision=3, **ASSISTS)]
    night.add(PREDICTIONS, both)
    export(night)
    alpha, beta = read(night, "predictions/today.json", "predictions")["players"]
    assert [list(player["stats"]) for player in (alpha, beta)] == [["points"], ["points", "assists"]]


def test_a_prediction_of_one_statistic_from_after_tip_off_stops_the_export(night: Evening) -> None:
    late = ASSISTS | {"line_snapshot_at": AS_OF}
    night.add(PREDICTIONS, [prediction_row(*ALPHA, "6.5", kind="alternate", **late)])
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.status == "failed"
    assert outcome.reason.startswith(
        "1 predictions are from after their tip-off, first alpha in game 0022500201 (assists): "
    )


def test_a_system_that_is_silent_on_one_statistic_is_said_with_it(night: Evening) -> None:
    """Of the system that picks this leaves picks on the other."""
    damaged = {"mean": None, "recommendation": "PASS", "error_code": "model_damaged", "error_message": "it is cut"}
    night.add("nba_predictions.prediction_batches", [batch(EARLY, 2), batch(LATE, 2)])
    night.add("nba_monitoring.expected_outputs", [expected_row(*each, revision=2) for each in (ALPHA, BETA)])
    for each in (ALPHA, BETA):
        silent = prediction_row(*each, "5.5", revision=2, **(ASSISTS | damaged))
        night.add(PREDICTIONS, [prediction_row(*each, revision=2), silent])
    outcome = run(message(), night.context("phase6_export"))
    assert (outcome.status, outcome.reason) == ("partial", "ensemble_v1 predicts nobody's assists: it is cut")
    bets = read(night, "best-bets/latest.json", "best_bets")
    assert (bets["empty_reason"], {pick["stat"] for pick in bets["picks"]}) == (None, {"points"})
    for each in (ALPHA, BETA):
        further: list[dict[str, Any]] = [{"stat": stat} for stat in ("pra", "rebounds")]
        rows = [prediction_row(*each, "5.5", revision=2, **(stat | damaged)) for stat in further]
        night.add(PREDICTIONS, rows)
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.reason == "ensemble_v1 predicts nobody's rebounds, assists or pra: it is cut"


def test_a_system_that_has_nothing_to_say_of_a_statistic_is_no_gap_and_says_so(night: Evening) -> None:
    """In every file it is a pass with these words, beside the systems that do say something."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("mean", "predicted_sd", "p_over", "p_push", "fair_over_price", "edge", "expected_value", "confidence_score",
         "side", "predicted_no_market", "explanation")
    )  # fmt: skip
    night.warehouse.execute(
        f"DELETE FROM {PREDICTIONS} WHERE system_id = 'zone_matchup_v1' AND stat = 'assists' AND game_date = @day",
        {"day": DAY},
    )
    for each in (ALPHA, BETA):
        says = ASSISTS | nothing | {"error_code": NOTHING_TO_SAY, "error_message": "it has none for assists"}
        row = prediction_row(*each, "5.5", system="zone_matchup_v1", recommendation="PASS", **says)
        night.add(PREDICTIONS, [row])
    export(night)
    assert json.loads(night.runtime.exports.read("v1/status.json").data)["reason"] == ""
    alpha, _ = read(night, "predictions/today.json", "predictions")["players"]
    for stat, code in (("points", None), ("assists", NOTHING_TO_SAY)):
        (zone,) = (each for each in alpha["stats"][stat]["systems"] if each["system_id"] == "zone_matchup_v1")
        assert (zone["error_code"], zone["predicted"] is None) == (code, code is not None)
    assert zone["lines"][0]["reason"] == "Pass: zone_matchup_v1 has nothing of its own to say of assists."
    assert zone["lines"][0]["recommendation"] == "PASS"


def test_a_statistic_that_no_schema_knows_is_refused_before_the_first_write(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(*each, stat="dunks") for each in (ALPHA, BETA)])
    with pytest.raises(SchemaMismatch, match=rf"v1/predictions/{DAY}\.json .*dunks"):
        run(message(), night.context("phase6_export"))
    assert night.runtime.exports.list("") == []


def test_every_statistic_has_its_place_in_files_and_its_word() -> None:
    """What shared/nba/stats.py has, in its order; the schemas may know more."""
    known = load("common")["$defs"]["stat"]["enum"]
    assert list(STAT_LABELS) == known
    assert [stat for stat in known if stat in STATS] == list(STATS)
    assert sorted(["dunks", *reversed(list(STATS))], key=place_of) == [*STATS, "dunks"]
    assert set(known) <= set(load("player")["properties"]["last_games"]["items"]["properties"])
    assert label_of_stat("dunks") == "dunks"


def test_averages_of_every_statistic_that_has_features_are_read() -> None:
    columns, sql = load_schema("nba_predictions.ml_feature_store").columns, read_sql(PACKAGE, "players")
    with_features = [stat for stat in load("common")["$defs"]["stat"]["enum"] if f"{stat}_season" in columns]
    assert "points" in with_features
    for stat in with_features:
        lacking = [name for name in ("season", "l5", "l10") if f" features.{stat}_{name}," not in sql]
        assert lacking == [], f"functions/phase6_export/sql/players.sql lacks them of {stat}"
