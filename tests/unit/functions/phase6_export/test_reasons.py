"""Reasons: plain sentences about the player, every figure of them checked; every feature and term
has a label.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from functions.phase6_export.export import run
from functions.phase6_export.labels import LABELS, label
from functions.phase6_export.reasons import full_reason, line_reasons, story
from shared.nba.stats import BASE_STATS, STATS
from shared.science.features.names import model_features
from shared.science.predictions.explain import contributions_of
from shared.science.predictions.outputs import base_outputs, combine_all
from shared.science.systems.history import History
from tests.support.market_features import market_features
from tests.support.models_by_stat import train_every
from tests.support.prediction_tables import (
    AS_OF,
    EARLY,
    Evening,
    batch,
    evening,
    expected_row,
    features,
    message,
    prediction_row,
    schedule_row,
)
from tests.support.systems_rows import feature_columns, history_of

# A row of players.sql.
PLAYER: dict[str, Any] = {
    "player_name": "Luka Dončić",
    "team": "LAL",
    "has_features": True,
    "injury_status": None,
    "injury_reason": None,
    "opponent": "DEN",
    "is_home": False,
    "points_l5": 30.2,
    "points_l10": 28.04,
    "points_season": 27.51,
    "games_season": 11,
    "games_known": 60,
    "rest_days": 0,
    "opponent_def_rating_rel": 2.25,
    "teammates_out": "LeBron James|Austin Reaves",
    "teammates_out_count": 2,
    "teammates_out_usual": 44.16,
    "teammates_out_points_recent": 27.16,
    "teammates_doubted": None,
    "absence_probability": 0.0,
    "opponents_out": None,
    "opponents_out_count": 0,
    "opponents_out_usual": None,
    "opponents_doubted": None,
}
NOBODY_OUT = {"teammates_out": None, "teammates_out_usual": None, "teammates_out_count": 0}
MOVED = json.dumps(
    [
        {"feature": "line", "value": 28.5, "effect": -1.52},
        {"feature": "teammates_out_points_delta", "value": 17.0, "effect": 1.31},
        {"feature": "form", "value": None, "effect": 0.62},
        {"feature": "rest_days", "value": 0.0, "effect": -0.21},
    ]
)


def row(line: str | None = "28.5", **changes: Any) -> dict[str, Any]:
    figures: dict[str, Any] = {"mean": 30.05, "edge": 1.55, "explanation": MOVED, "error_code": None}
    return prediction_row(EARLY, 1, "Luka", line, **(figures | changes))


def test_a_picks_reason_is_about_the_player_with_all_its_numbers() -> None:
    pick = row()
    assert full_reason(pick, pick, PLAYER) == (
        "Over 28.5 points at -110 (book) wins with a 56.0% chance: an expected value of +0.069 a unit. "
        "Luka Dončić is forecast at 30.1 points, 1.6 above the line of 28.5 (P(over) 56.0%). "
        "LAL is without LeBron James and Austin Reaves, who usually score 44.2 points, 17.0 more than were missing in "
        "his recent games. "
        "He averages 30.2 points over his last 5 games and 28.0 over his last 10, against 27.5 in 11 games "
        "this season. "
        "Away at DEN, whose defence allows 2.2 points more per 100 possessions than the league, without a day of rest. "
        "What moved the forecast most, in points: the bookmakers' line -1.5, team-mates out compared with his recent "
        "games +1.3, recent form compared with his season +0.6."
    )


def test_an_alternates_reason_has_the_main_lines_explanation() -> None:
    alternate = row("26.5", kind="alternate", explanation=None, edge=3.5, p_over=0.64, confidence_score=0.64)
    _, sentence = line_reasons([row(), alternate], row(), PLAYER)
    assert sentence.startswith("Over 26.5 points at -110 (book) wins with a 64.0% chance")
    assert "3.5 above the line of 26.5 (P(over) 64.0%)" in sentence
    assert "team-mates out compared with his recent games +1.3" in sentence


def test_a_line_that_is_no_pick_does_not_tell_the_story_again() -> None:
    """The player's entry of tonight tells it, whatever is recommended."""
    passed = row(recommendation="PASS", reason="expected value too low: OVER is nearer; form 26.1")
    (sentence,) = line_reasons([passed], passed, PLAYER)
    assert sentence == (
        "Pass: expected value too low: OVER is nearer. "
        "Luka Dončić is forecast at 30.1 points, 1.6 above the line of 28.5 (P(over) 56.0%)."
    )
    assert "LeBron James" in full_reason(passed, passed, PLAYER)


def test_a_whole_line_may_push() -> None:
    whole = row("30.0", edge=0.05, p_over=0.49, p_push=0.051, confidence_score=0.516)
    sentence = full_reason(whole, whole, PLAYER)
    assert "wins with a 51.6% chance and a 5.1% chance of a push" in sentence
    level = row("30.0", edge=-0.02)
    assert "is forecast at 30.1 points, right at the line of 30.0" in full_reason(level, level, PLAYER)


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        (
            {"teammates_out": "LeBron James", "teammates_out_count": 1},
            "LAL is without LeBron James, who usually scores ",
        ),
        ({"teammates_out": "A|B|C", "teammates_out_count": 3}, "LAL is without A, B and C, who usually score "),
        ({"teammates_out_points_recent": 53.2}, "44.2 points, 9.0 fewer than were missing in his recent games."),
        ({"teammates_out_points_recent": 41.26}, "who usually score 44.2 points. "),
        ({"teammates_out_points_recent": None}, "who usually score 44.2 points. "),
        (
            {**NOBODY_OUT, "teammates_out_points_recent": 0.0},
            "LAL has no rotation player listed out. ",
        ),
        (
            {**NOBODY_OUT, "teammates_out_points_recent": 12.3},
            "LAL has no rotation player listed out, while his recent games missed 12.3 points more. ",
        ),
        (
            {**NOBODY_OUT, "teammates_out_count": None, "teammates_out_points_recent": None},
            "Who is out for LAL is not known: there is no injury list of the team. ",
        ),
        ({"points_season": None, "games_season": None}, "28.0 over his last 10, none of it this season. "),
        ({"games_known": 7}, "30.2 points over his last 5 games and 28.0 over all his 7, against 27.5 in 11 games"),
        ({"games_known": 3}, "He averages 28.0 points over his only 3 games, against 27.5 in 11 games"),
        ({"games_known": 1}, "He averages 28.0 points over his only game, against 27.5 in 11 games"),
        ({"games_season": 1}, "against 27.5 in 1 game this season. "),
        ({"is_home": True}, "At home against DEN, whose defence allows"),
        (
            {"opponent_def_rating_rel": -3.0},
            "whose defence allows 3.0 points fewer per 100 possessions than the league",
        ),
        ({"opponent_def_rating_rel": 0.01}, "whose defence allows as much as the league"),
        ({"opponent_def_rating_rel": None, "rest_days": None}, "Away at DEN. "),
        ({"rest_days": 1}, "after 1 day of rest. "),
        ({"rest_days": 3}, "after 3 days of rest. "),
        (
            {"injury_status": "QUESTIONABLE", "absence_probability": 0.45},
            "He is listed as questionable: of such players 55% play. A bet on him is void if he does not. LAL is",
        ),
        (
            {
                "injury_status": "DOUBTFUL",
                "injury_reason": "Injury/Illness - Left Knee; Soreness",
                "absence_probability": 0.98,
            },
            "He is listed as doubtful (Injury/Illness - Left Knee; Soreness): of such players 2% play. A bet",
        ),
        (
            {"injury_status": "PROBABLE", "absence_probability": None},
            "He is listed as probable. A bet on him is void if he does not play. LAL",
        ),
        ({"teammates_doubted": "Rui Hachimura"}, "recent games. LAL may be without Rui Hachimura (questionable). He"),
        (
            {**NOBODY_OUT, "teammates_out_points_recent": 0.0, "teammates_doubted": "A|Luka Dončić|B"},
            "LAL has no rotation player listed out. LAL may be without A and B (questionable). He averages",
        ),
        ({"teammates_doubted": "Luka Dončić"}, "than were missing in his recent games. He averages"),
        ({"opponents_doubted": "A"}, "without a day of rest. DEN may be without A (questionable). What moved"),
        (
            {"opponents_out_count": 2, "opponents_out": "A Jr.|B Jr.", "opponents_out_usual": 31.04},
            "without a day of rest. DEN is without A Jr. and B Jr., who usually score 31.0 points. What moved",
        ),
        (
            {"opponents_out_count": 1, "opponents_out": None, "opponents_out_usual": 9.0},
            "DEN is without 1 rotation player, who usually scores 9.0 points. ",
        ),
        ({"opponents_out_count": 0, "opponents_out": None}, "without a day of rest. What moved"),
        (
            {"opponents_out_count": None},
            "without a day of rest. Who is out for DEN is not known: there is no injury list of the team. What moved",
        ),
        ({"opponents_out_count": None, "opponent": None}, "this season. What moved"),
    ],
)
def test_the_story_says_what_is_known(changes: dict[str, Any], phrase: str) -> None:
    pick = row()
    assert phrase in full_reason(pick, pick, PLAYER | changes)


def test_why_a_system_could_not_predict_ends_with_one_period() -> None:
    failed = row(error_code="model_damaged", error_message="model.json is damaged. Next: publish the roll-back.")
    sentence = full_reason(failed, failed, PLAYER)
    assert sentence == "Pass: ensemble_v1 could not predict, model.json is damaged. Next: publish the roll-back."


def test_without_features_the_story_is_silent() -> None:
    nothing = dict.fromkeys(PLAYER) | {"has_features": False, "player_name": "Luka Dončić"}
    assert story(nothing, "points") == []
    pick = row(explanation=None)
    sentence = full_reason(pick, pick, nothing)
    assert sentence.endswith("(P(over) 56.0%).")
    assert "None" not in sentence


# --- labels ---------------------------------------------------------------------------------------


def test_every_feature_has_a_label_of_its_own() -> None:
    of_models = {name for stat in BASE_STATS for name in model_features(stat)}
    unlabelled = sorted({*of_models, *market_features()} - set(LABELS))
    assert unlabelled == [], "functions/phase6_export/labels.py has no label of them"
    assert len(set(LABELS.values())) == len(LABELS)


def test_every_name_of_a_contribution_has_a_label() -> None:
    """Of any statistic, with a line of each."""
    priced = {stat.price_feature: 0.52 for stat in STATS.values()}
    rows = feature_columns({}, {**priced, "teammates_out_lines": 4.0})
    ones = [history_of([20.0] * 10), history_of([20.0] * 10)]
    history = History(
        {name: np.vstack([one.values[name] for one in ones]) for name in ones[0].values},
        np.concatenate([one.count for one in ones]),
    )
    lines = {name: np.array([19.5, 21.5]) * stat.usual / 10 for name, stat in STATS.items()}
    models = train_every().models
    base = base_outputs(rows, history, models)
    found = contributions_of(rows, history, lines, models, base, combine_all(base, rows, lines, models))
    names = {name for of_stat in found.values() for part in of_stat.values() for name in part}
    assert sorted(names - {"base"} - set(LABELS)) == [], "functions/phase6_export/labels.py has no label of them"
    assert {"form", "similar_games", "teammates_out_lines"} <= names
    assert {stat.line_feature for stat in STATS.values()} <= names
    assert {stat.price_feature for stat in STATS.values() if not stat.is_sum} <= names


def test_no_label_is_of_a_feature_that_is_none() -> None:
    of_models = {name for stat in BASE_STATS for name in model_features(stat)}
    assert set(LABELS) - {"form", "similar_games"} <= {*of_models, *market_features()}


def test_a_feature_of_an_older_model_is_told_by_its_name() -> None:
    assert label("points_of_yore") == "points of yore"


# --- who is out, from the feature rows ------------------------------------------------------------


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """Alpha of BOS has an over."""
    with evening(tmp_path) as opened:
        opened.add_sources()
        opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY)])
        opened.add("nba_predictions.prediction_batches", [batch(EARLY)])
        opened.add("nba_monitoring.expected_outputs", [expected_row(EARLY, 1, "Alpha")])
        opened.add("nba_predictions.player_prop_predictions", [prediction_row(EARLY, 1, "Alpha")])
        yield opened


def out(player_id: int, name: str, points: float, status: str = "OUT", **changes: Any) -> dict[str, Any]:
    usual = {"injury_status": status, "minutes_l10": 30.0, "points_l10": points}
    return features(EARLY, player_id, name) | usual | changes


def test_missing_team_mates_are_named_as_the_features_counted_them(night: Evening) -> None:
    """Out or doubtful rotation players of his team and of the same as-of; best scorer first, once
    each.
    """
    later, earlier = AS_OF + timedelta(hours=3), AS_OF - timedelta(hours=3)
    figures = {"teammates_out_count": 2, "teammates_out_points_recent": 30.0, "opponents_out_count": 1}
    night.add(
        "nba_predictions.ml_feature_store",
        [
            features(EARLY, 1, "Alpha") | figures | {"rest_days": 2, "points_l5": 25.0, "points_l10": 24.0},
            out(10, "Second Scorer", 10.0, "DOUBTFUL"),
            out(11, "First Scorer", 20.0),
            out(12, "Maybe", 15.0, "QUESTIONABLE"),
            out(13, "Bench", 4.0, minutes_l10=14.9),
            out(14, "Theirs", 18.0, team="LAL", opponent="BOS", is_home=False),
            out(15, "Ruled Out Later", 17.0, features_as_of=later),
            out(16, "Back Since", 16.0, features_as_of=earlier),
        ],
    )
    assert run(message(), night.context("phase6_export")).status == "success"
    (pick,) = json.loads(night.runtime.exports.read("v1/best-bets/latest.json").data)["picks"]
    assert (
        "BOS is without First Scorer and Second Scorer, who usually score 30.0 points. BOS may be without"
        in pick["reason"]
    )
    assert "BOS may be without Maybe (questionable). " in pick["reason"]
    assert (
        "At home against LAL, after 2 days of rest. LAL is without Theirs, who usually scores 18.0 points. "
        in pick["reason"]
    )
    entry = json.loads(night.runtime.exports.read("v1/tonight/all-players.json").data)["games"][0]["players"][0]
    assert entry["stats"]["points"]["recommendation_reason"] == pick["reason"]
