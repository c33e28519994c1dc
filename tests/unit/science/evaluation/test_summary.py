"""An object of backtest.json on hand-made rows, and the alarm for figures too good to be true."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from shared.science.evaluation import Scored, alarms, summarise
from tests.support.scored_rows import make_scored, season

# What backtest.json promises, in its order of importance; the rest stands beside it.
PROMISED = [
    "system",
    "market",
    "n",
    "mae",
    "rmse",
    "bias",
    "line_mae",
    "line_diff",
    "line_diff_low",
    "line_diff_high",
    "season_avg_mae",
    "last10_mae",
    "log_loss",
    "book_log_loss",
    "brier",
    "calibration_error",
    "calibration_error_by_chance",
    "crps",
    "coverage_50",
    "coverage_80",
    "coverage_95",
    "hit_rate",
    "roi",
]

NAN = np.nan


def rows(**columns: list[Any]) -> Scored:
    """Rows of one day each: predicted 20, line 21.5, OVER at even odds and won with 22, unless
    said.
    """
    n = max(len(values) for values in columns.values())
    usual = {
        "actual": 22.0,
        "predicted": 20.0,
        "line": 21.5,
        "season_average": 19.0,
        "last10": 18.0,
        "p_over": 0.6,
        "p_push": 0.0,
        "tested_line": 21.5,
        "book_p_over": 0.5,
        "edge": -1.5,
        "profit": 1.0,
    }
    arrays: dict[str, Any] = {name: np.array(columns.get(name, [value] * n), float) for name, value in usual.items()}
    recommendation = np.array(columns.get("recommendation", ["OVER"] * n))
    day = np.datetime64("2025-11-01") + np.arange(n).astype("timedelta64[D]")
    return Scored("points", "a_system", True, day=day, cdf=None, recommendation=recommendation, **arrays)


def test_every_promised_figure_is_there_and_is_json() -> None:
    figures = summarise(make_scored(season(rows=600)), seed=1)
    assert set(PROMISED) <= set(figures)
    assert all(figures[name] is not None for name in PROMISED)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_errors_of_all_are_on_the_same_rows() -> None:
    figures = summarise(rows(predicted=[20.0, 25.0, NAN], actual=[22.0, 22.0, 40.0], line=[21.5, 23.5, 60.5]), seed=1)
    assert figures["n"] == 2
    assert figures["mae"] == pytest.approx(2.5)  # 2 and 3
    assert figures["rmse"] == 2.54951, "the root of 6.5, rounded to six decimals"
    assert figures["bias"] == pytest.approx(0.5)  # -2 and +3
    assert figures["line_mae"] == pytest.approx(1.0)  # 0.5 and 1.5
    assert figures["line_diff"] == pytest.approx(1.5)
    assert (figures["season_avg_mae"], figures["last10_mae"]) == (3.0, 4.0)
    assert figures["line_diff_low"] is None, "two days say nothing about days"


def test_an_average_unknown_for_some_rows_says_on_how_many_it_is() -> None:
    figures = summarise(rows(season_average=[19.0, NAN, 20.0], last10=[NAN, NAN, NAN]), seed=1)
    assert (figures["n"], figures["season_avg_n"], figures["season_avg_mae"]) == (3, 2, 2.5)
    assert (figures["last10_n"], figures["last10_mae"]) == (0, None)


def test_pass_and_pushes_are_apart() -> None:
    figures = summarise(
        rows(
            recommendation=["OVER", "OVER", "UNDER", "UNDER", "OVER", "PASS", "NO_LINE"],
            actual=[22.0, 21.0, 21.0, 22.0, 23.0, 40.0, 40.0],
            tested_line=[21.5, 21.5, 21.5, 21.5, 23.0, 21.5, NAN],
            profit=[0.9, -1.0, NAN, -1.0, 0.0, NAN, NAN],
        ),
        seed=1,
    )
    assert (figures["bets"], figures["wins"], figures["pushes"], figures["passes"]) == (4, 2, 1, 1)
    assert figures["hit_rate"] == 0.5
    assert figures["roi"] == pytest.approx((0.9 - 1.0 - 1.0 + 0.0) / 4.0), "the push is a stake, the unpriced bet none"


def test_the_bookmaker_is_judged_on_the_systems_rows() -> None:
    figures = summarise(
        rows(
            p_over=[0.8, 0.8, 0.3, 0.1],
            book_p_over=[0.5, NAN, 0.5, 0.5],
            actual=[22.0, 10.0, 20.0, 23.0],
            tested_line=[21.5, 21.5, 21.5, 23.0],
        ),
        seed=1,
    )
    assert (figures["n_priced"], figures["probability_n"]) == (2, 2), "one has no price, one pushed"
    assert figures["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.7)) / 2.0, abs=1e-6)
    assert figures["book_log_loss"] == pytest.approx(np.log(2.0), abs=1e-6)
    assert figures["brier"] == pytest.approx((0.04 + 0.09) / 2.0)
    assert figures["book_brier"] == pytest.approx(0.25)


def test_without_prices_the_probabilities_stand_alone() -> None:
    figures = summarise(rows(p_over=[0.8, 0.8], actual=[22.0, 10.0], book_p_over=[NAN, NAN]), seed=1)
    assert (figures["n_priced"], figures["probability_n"]) == (0, 2)
    assert figures["brier"] == pytest.approx((0.04 + 0.64) / 2.0)
    assert figures["book_log_loss"] is None
    assert figures["book_brier"] is None


def test_rows_without_a_line_have_no_figure_beside_it() -> None:
    none = [NAN, NAN]
    unlined = rows(line=none, tested_line=none, p_over=none, edge=none, profit=none, recommendation=["NO_LINE"] * 2)
    figures = summarise(unlined, seed=1)
    empty = ["line_mae", "line_diff", "log_loss", "book_log_loss", "brier", "calibration_error", "hit_rate", "roi"]
    assert [figures[name] for name in empty] == [None] * len(empty)
    assert (figures["n"], figures["mae"], figures["bets"], figures["by_edge"]) == (2, 2.0, 0, [])


def test_players_with_and_without_a_line_never_mix() -> None:
    with pytest.raises(ValueError, match="2 of 3 rows have a line"):
        summarise(rows(line=[21.5, 21.5, NAN]), seed=1)


def test_edges_count_towards_the_side_of_the_bet() -> None:
    figures = summarise(
        rows(
            recommendation=["OVER", "UNDER", "UNDER", "OVER", "PASS"],
            edge=[1.0, -1.9, -4.0, -0.2, 5.0],
            actual=[22.0, 22.0, 21.0, 21.0, 22.0],
            profit=[0.9, -1.0, 0.8, -1.0, NAN],
        ),
        seed=1,
    )
    buckets = [(each["edge_from"], each["edge_to"], each["bets"], each["hit_rate"]) for each in figures["by_edge"]]
    assert buckets == [(None, 0.0, 1, 0.0), (1.0, 2.0, 2, 0.5), (3.0, None, 1, 1.0)]
    assert figures["by_edge"][1]["roi"] == pytest.approx(-0.05)
    assert figures["by_edge"][1]["hit_rate_low"] < 0.5 < figures["by_edge"][1]["hit_rate_high"]


def test_a_system_that_knows_more_than_the_books_is_told_apart_from_the_line() -> None:
    games = season(rows=10_000, days=100)
    better, worse = make_scored(games, error=0.3), make_scored(games, market=False, error=4.0)
    good, bad = summarise(better, seed=1), summarise(worse, seed=1)
    assert good["line_diff_high"] < 0.0 < bad["line_diff_low"]
    assert good["line_diff_low"] < good["line_diff"] < good["line_diff_high"]
    assert good["log_loss"] < good["book_log_loss"] < bad["log_loss"]
    assert good["roi_low"] < good["roi"] < good["roi_high"]
    assert sum(each["bets"] for each in good["by_edge"]) == good["bets"]


def test_an_array_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="profit of a_system with market has 1 rows, actual has 2"):
        rows(actual=[1.0, 2.0], profit=[1.0])


PLAUSIBLE = {
    "stat": "points", "system": "a", "market": True, "n": 501, "mae": 4.5, "line_mae": 5.0, "bets": 501,
    "hit_rate": 0.57,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({}, []),
        ({"mae": 4.499}, ["4.499 on 501 rows with a line is below 4.5"]),
        ({"mae": 4.499, "n": 500}, []),
        ({"mae": 4.499, "line_mae": None}, []),
        ({"hit_rate": 0.5701}, ["57.0% over 501 bets"]),
        ({"hit_rate": 0.5701, "bets": 500}, []),
        ({"hit_rate": None, "mae": None}, []),
        ({"mae": 3.0, "hit_rate": 0.7}, ["a feature that knows the result", "prices or lines from another moment"]),
    ],
)
def test_the_alarm_at_its_limits(change: dict[str, Any], sentences: list[str]) -> None:
    found = alarms(PLAUSIBLE | change, "lined")
    assert len(found) == len(sentences)
    for sentence, part in zip(found, sentences, strict=True):
        assert part in sentence
        assert sentence.startswith("a with market on points, lined: ")


def test_the_error_of_a_statistic_without_a_bound_of_its_own_is_not_judged() -> None:
    """1.5 rebounds are an ordinary error; what is won on them is judged as of any statistic."""
    figures = PLAUSIBLE | {"stat": "of another release", "mae": 1.5}
    assert alarms(figures, "lined") == []
    assert len(alarms(figures | {"hit_rate": 0.6}, "lined")) == 1


def test_a_forecast_that_knows_the_result_raises_both_alarms() -> None:
    assert len(alarms(summarise(make_leaked(), seed=1), "lined")) == 2


def make_leaked() -> Scored:
    games = season(rows=1500)
    knowing = np.where(np.arange(1500) % 2 == 0, games.actual, games.mean)
    return make_scored(type(games)(**{**vars(games), "mean": np.maximum(knowing, 2.0)}), market=False, error=0.5)
