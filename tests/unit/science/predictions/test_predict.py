"""predict_players: the rows a worker writes, exactly as player_prop_predictions declares them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa
import pytest

from shared.core.errors import SchemaMismatch
from shared.core.settings import Settings
from shared.nba.stats import POINTS
from shared.science.model_registry.models import Models
from shared.science.predictions import outputs
from shared.science.predictions.outputs import all_outputs
from shared.science.predictions.prediction_row import PredictionRow
from shared.science.systems import ensemble, xgboost_v1, zone_matchup
from shared.science.systems.distribution import median, start_variance
from shared.science.systems.formulas import FORMULAS
from shared.science.systems.market import MarketCombination
from shared.science.systems.output import (
    ENSEMBLE,
    SYSTEMS,
    XGBOOST,
    SystemFailed,
    SystemOutput,
)
from shared.stores.warehouse.schemas import arrow_schema, load_schema
from tests.support.systems_models import train_once
from tests.support.systems_rows import (
    feature_columns,
    feature_row,
    history_of,
    of_points,
    offer,
    packed_history,
    predicted_rows,
)

POLICY = Settings()
PAST = [15.0 + k % 10 for k in range(30)]
TABLE = "nba_predictions.player_prop_predictions"
WRITTEN_BY_WORKER = {"prediction_id", "batch_id", "created_at", "updated_at"}
PYTHON_TYPES: dict[str, Any] = {
    "STRING": str,
    "INT64": int,
    "FLOAT64": float,
    "NUMERIC": Decimal,
    "BOOL": bool,
    "DATE": date,
    "TIMESTAMP": datetime,
}
BOOKS = [
    offer("draftkings", "19.5", -112, -108),
    offer("fanduel", "19.5", -105, -115),
    offer("betmgm", "20.5", 120, -150, is_main=False),
]


def player(lines: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A request's player, through JSON as the message brings it."""
    games = packed_history([{"points": each} for each in PAST])
    request = {"features": feature_row(**changes), "history": games, "lines": of_points(lines)}
    return dict(json.loads(json.dumps(request)))


LINED = {"main": "19.5", "books": BOOKS}


def test_a_player_with_a_line_has_all_systems_by_five_lines_in_the_declared_columns() -> None:
    rows = predicted_rows([player(LINED)], train_once().models, POLICY)
    assert len(rows) == 5 * len(SYSTEMS)
    assert {row["system_id"] for row in rows} == set(SYSTEMS)
    assert sorted({row["line_value"] for row in rows}) == [Decimal(x) for x in ("17.5", "18.5", "19.5", "20.5", "21.5")]
    assert set(rows[0]) == set(load_schema(TABLE).columns) - WRITTEN_BY_WORKER
    declared = pa.schema([f for f in arrow_schema(TABLE) if f.name not in WRITTEN_BY_WORKER])
    table = pa.Table.from_pylist(rows, schema=declared)
    table.validate(full=True)
    assert all(table.column(f.name).null_count == 0 for f in declared if not f.nullable)


def test_a_row_declares_the_columns_that_nobody_else_writes() -> None:
    declared = {field.name: field for field in load_schema(TABLE).fields if field.name not in WRITTEN_BY_WORKER}
    types = get_type_hints(PredictionRow)
    assert tuple(types) == PredictionRow._fields
    assert types.keys() == declared.keys()
    for name, column in declared.items():
        python = PYTHON_TYPES[column.type]
        # BigQuery adds a column to a table with rows as NULLABLE alone
        is_given = column.required or name == "stat"
        assert types[name] == (python if is_given else python | None), name


def test_a_request_of_a_release_that_knew_points_alone_is_read() -> None:
    """It may be delivered, or redriven, after the release that names statistics."""
    before = {**player(LINED), "lines": LINED}
    assert predicted_rows([before], train_once().models, POLICY) == predicted_rows(
        [player(LINED)], train_once().models, POLICY
    )


def test_types_and_times_are_the_columns_own() -> None:
    row = predicted_rows([player(LINED)], train_once().models, POLICY)[0]
    assert row["game_date"] == date(2025, 11, 14)
    assert row["features_as_of"] == datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
    assert row["line_snapshot_at"] == datetime(2025, 11, 14, 16, tzinfo=UTC)
    assert row["line_snapshot_at"] < row["features_as_of"] < row["tipoff_at"]


@pytest.mark.parametrize("day", ["2025-11-14", date(2025, 11, 14), datetime(2025, 11, 14, tzinfo=UTC)])
def test_a_day_is_a_date_whatever_the_features_come_from(day: Any) -> None:
    asked = {"features": {**feature_row(), "game_date": day}, "history": None, "lines": None}
    assert {row["game_date"] for row in predicted_rows([asked], Models(), POLICY)} == {date(2025, 11, 14)}


@pytest.mark.parametrize("least", [-1.0, 0.9])
def test_confidence_is_the_sides_probability_given_no_push(least: float) -> None:
    """A bet's and a PASS's alike. None is claimed where no line is tested."""
    policy = Settings(min_expected_value=least, min_confidence=0.0)
    rows = predicted_rows([player({**LINED, "main": "20.0"}), player(None)], train_once().models, policy)
    lined = [row for row in rows if row["line_value"]]
    assert {row["recommendation"] for row in lined} == ({"OVER", "UNDER"} if least < 0 else {"PASS"})
    assert {row["side"] for row in lined} == {"OVER", "UNDER"}
    for row in lined:
        wins = row["p_over"] if row["side"] == "OVER" else 1.0 - row["p_over"] - row["p_push"]
        assert row["confidence_score"] == pytest.approx(wins / (1.0 - row["p_push"]), abs=1e-5)
        assert row["recommendation"] in (row["side"], "PASS")
    unlined = [row for row in rows if not row["line_value"]]
    assert {(row["confidence_score"], row["side"], row["bookmaker"]) for row in unlined} == {(None, None, None)}


def test_prices_belong_to_exactly_their_line() -> None:
    rows = predicted_rows([player(LINED)], train_once().models, POLICY)
    by_line = {row["line_value"]: row for row in rows if row["system_id"] == ENSEMBLE}
    main, alternate, free = by_line[Decimal("19.5")], by_line[Decimal("20.5")], by_line[Decimal("18.5")]
    assert (main["line_kind"], main["over_price"], main["under_price"]) == ("main", -105, -108)
    assert (alternate["line_kind"], alternate["over_price"], alternate["over_bookmaker"]) == (
        "alternate",
        120,
        "betmgm",
    )
    assert (free["over_price"], free["expected_value"], free["bookmaker"]) == (None, None, None)
    assert (free["over_bookmaker"], free["under_bookmaker"]) == (None, None)
    assert free["side"] in ("OVER", "UNDER")
    for row in by_line.values():
        assert row["bookmaker"] == (row["over_bookmaker"] if row["side"] == "OVER" else row["under_bookmaker"])
    assert free["reason"].startswith("assumed_price; ")
    assert main["expected_value"] is not None


def test_who_may_not_play_keeps_his_probabilities_and_his_bets_are_worth_less() -> None:
    """A bet is void if he does not play, so that only the expected value knows of it."""
    rows = predicted_rows(
        [player(LINED), player(LINED, absence_probability=0.45), player(LINED, absence_probability=None)],
        train_once().models,
        POLICY,
    )
    plays, doubted, unknown = ([row for row in rows[i : i + 25] if row["line_kind"] == "main"] for i in (0, 25, 50))
    assert len(plays) == len(doubted) == len(SYSTEMS)
    for sure, questionable in zip(plays, doubted, strict=True):
        assert questionable["expected_value"] == pytest.approx(0.55 * sure["expected_value"], abs=2e-6)
        assert questionable["p_over"] == sure["p_over"]
        assert questionable["confidence_score"] == sure["confidence_score"]
    assert [row["expected_value"] for row in unknown] == [row["expected_value"] for row in plays]


def test_p_over_falls_with_the_line_and_pushes_exist_on_whole_lines_only() -> None:
    whole = predicted_rows([player({"main": "20.0", "books": []})], train_once().models, POLICY)
    half = predicted_rows([player(LINED)], train_once().models, POLICY)
    for system in SYSTEMS:
        chances = [row["p_over"] for row in half if row["system_id"] == system]
        assert chances == sorted(chances, reverse=True)
        assert len(set(chances)) == 5
    assert all(row["p_push"] == 0.0 for row in half)
    assert all(0.01 < row["p_push"] < 0.1 for row in whole)
    assert all(row["line_snapshot_at"] is None for row in whole)


def test_without_a_line_there_is_one_row_a_system() -> None:
    rows = predicted_rows([player(None)], train_once().models, POLICY)
    assert [row["system_id"] for row in rows] == list(SYSTEMS)
    for row in rows:
        assert (row["recommendation"], row["line_kind"], row["line_value"]) == ("NO_LINE", "none", None)
        assert row["reason"].startswith("no_line; ")
        assert row["predicted"] > 0
        assert row["p_over"] is None
        assert row["uses_market"] is False


def test_the_ensemble_alone_uses_the_line_and_keeps_the_figure_without_it() -> None:
    high = {"main": "29.5", "books": [offer("draftkings", "29.5", -110, -110)]}
    rows = predicted_rows([player(None), player(high, player_id=2)], train_once().models, POLICY)
    means = {(row["player_id"], row["system_id"]): row for row in rows}
    for system in SYSTEMS:
        without, with_line = means[1629029, system], means[2, system]
        assert with_line["predicted_no_market"] == without["predicted"]
        assert with_line["uses_market"] is (system == ENSEMBLE)
    lifted = means[2, ENSEMBLE]
    assert lifted["predicted"] > lifted["predicted_no_market"] + 1.0


def test_the_number_that_is_said_is_the_median_on_the_likelier_side_of_each_line() -> None:
    outputs = outputs_at(19.5)
    rows = predicted_rows([player(LINED)], train_once().models, POLICY)
    for one in outputs:
        [point] = median(one.mean, one.sd**2, POINTS)
        mine = [row for row in rows if row["system_id"] == one.system_id]
        assert one.forecast[0] == pytest.approx(point, abs=1e-6)
        assert {row["predicted"] for row in mine} == {one.forecast[0]}
        assert point < one.mean[0]
        assert {row["predicted_sd"] for row in mine} == {one.sd[0]}
        for row in mine:
            assert row["edge"] == pytest.approx(point - float(row["line_value"]), abs=2e-6)
            assert (row["edge"] > 0) == (row["p_over"] > 0.5)
    without = outputs_at(np.nan)[-1]
    assert outputs[-1].forecast_no_market == without.forecast == without.forecast_no_market
    assert outputs[-1].forecast != without.forecast


def outputs_at(line: float) -> list[SystemOutput]:
    """What every system says of the average player's points, with a main line."""
    models = {"points": train_once().models}
    lines = {"points": np.array([line])}
    return all_outputs(feature_columns({}), history_of(PAST), lines, models, stats=[POINTS])["points"]


def test_prices_and_late_absences_count_for_the_ensemble_with_a_line_alone() -> None:
    market = MarketCombination(intercept=0.0, line=0.5, early=0.0, price=0.5, late=0.5)
    usual = train_once().models
    assert usual.ensemble is not None
    models = replace(usual, ensemble=replace(usual.ensemble, with_market=market))
    without_market: dict[str, Any] = {"points_share": 0.2}
    with_market = {**without_market, "line_p_over": 0.6, "teammates_out_lines": 20.0}
    asked = [
        player(LINED, **without_market),
        player(LINED, **with_market),
        player(**without_market),
        player(**with_market),
    ]
    rows = predicted_rows(asked, models, POLICY)
    lined, lined_told, plain, plain_told = (
        [row for row in rows[start:end] if row["system_id"] == ENSEMBLE]
        for start, end in pairwise(len(SYSTEMS) * lines for lines in (0, 5, 10, 11, 12))
    )
    shift = 0.5 * 0.2533471 * float(np.sqrt(start_variance(POINTS).of(np.array([19.5]), POINTS))[0])
    gained = lined_told[0]["predicted"] - lined[0]["predicted"]
    assert gained == pytest.approx(shift + 0.5 * 20.0 * 0.2, abs=0.1)
    assert lined_told[0]["predicted_no_market"] == lined[0]["predicted_no_market"]
    assert plain_told[0]["predicted"] == plain[0]["predicted"] == lined[0]["predicted_no_market"]
    assert "0.50 towards the line, 0.50 of its price, 0.50 of late absences" in lined[0]["reason"]
    assert "the line" not in plain[0]["reason"]


def test_a_player_predicted_among_others_gets_the_same_rows_as_alone() -> None:
    players = [player(LINED, points_ewma_20=10.0 + k, player_id=k) for k in range(7)]
    together = predicted_rows(players, train_once().models, POLICY)
    alone = [row for one in players for row in predicted_rows([one], train_once().models, POLICY)]
    assert together == alone


def test_untrained_systems_and_short_histories_say_so_in_their_rows() -> None:
    short = {**player(LINED), "history": packed_history([{}] * 3)}
    rows = predicted_rows([short], Models(), POLICY)
    assert len(rows) == 5 * len(SYSTEMS)
    errors = {row["system_id"]: row["error_code"] for row in rows}
    assert errors == {
        "moving_average": None,
        "zone_matchup_v1": None,
        "similarity_balanced_v1": "too_few_games",
        XGBOOST: "no_model",
        ENSEMBLE: "no_model",
    }
    failed = [row for row in rows if row["error_code"]]
    for row in failed:
        assert (row["recommendation"], row["predicted"], row["p_over"]) == ("PASS", None, None)
        assert row["reason"].startswith(row["error_code"])
        assert row["error_message"]
    unlined = predicted_rows([{**short, "lines": None}], Models(), POLICY)
    assert {row["recommendation"] for row in unlined} == {"NO_LINE"}


def test_the_ensemble_goes_on_without_a_system_that_cannot_predict() -> None:
    rookie = {**player(LINED), "history": None}
    rows = {row["system_id"]: row for row in predicted_rows([rookie], train_once().models, POLICY)}
    assert rows["similarity_balanced_v1"]["error_code"] == "too_few_games"
    assert rows[ENSEMBLE]["predicted"] > 0


def test_a_player_of_whom_nothing_is_known_is_an_error_in_every_system() -> None:
    numbers = {k: None for k, v in feature_row().items() if isinstance(v, float) and k != "quality_score"}
    stranger = {**player(LINED, **numbers), "history": None}
    rows = predicted_rows([stranger], train_once().models, POLICY)
    assert {row["error_code"] for row in rows} == {"no_games", "no_zones", "too_few_games", "no_inputs"}


def test_edge_and_fair_price_follow_from_the_stored_figures() -> None:
    for row in predicted_rows([player(LINED)], train_once().models, POLICY):
        assert row["edge"] == pytest.approx(row["predicted"] - float(row["line_value"]), abs=1e-6)
        assert (row["fair_over_price"] < 0) == (row["p_over"] > 0.5)
        assert np.isfinite(row["predicted_sd"])


def test_nobody_asked_for_nobody_predicted() -> None:
    assert predicted_rows([], Models(), POLICY) == []


def test_a_system_that_is_left_out_says_why_and_the_ensemble_goes_on_without_it() -> None:
    models, why = train_once().models, "breaker system-xgboost_v1 is open"
    whole = predicted_rows([player(LINED), player()], models, POLICY)
    rows = predicted_rows([player(LINED), player()], models, POLICY, {XGBOOST: why})
    assert [(row["system_id"], row["line_value"]) for row in rows] == [
        (row["system_id"], row["line_value"]) for row in whole
    ]
    for row, usual in zip(rows, whole, strict=True):
        if row["system_id"] == XGBOOST:
            assert (row["error_code"], row["error_message"]) == ("breaker_open", why)
            assert row["recommendation"] == ("NO_LINE" if row["line_value"] is None else "PASS")
            assert row["predicted"] is row["p_over"] is row["confidence_score"] is None
        elif row["system_id"] == ENSEMBLE:
            assert row["error_code"] is None
            assert row["reason"].endswith("; without xgboost_v1 (breaker_open)")
            assert "breaker_open" not in usual["reason"]
        else:
            assert row == usual


def test_an_error_of_our_tree_is_no_single_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def mismatch(*arguments: Any) -> Any:
        raise SchemaMismatch("other features")

    monkeypatch.setattr(zone_matchup, "predict", mismatch)
    with pytest.raises(SchemaMismatch, match="other features"):
        predicted_rows([player(LINED)], train_once().models, POLICY)


def test_the_ensemble_itself_can_be_left_out() -> None:
    models = train_once().models
    rows = predicted_rows([player(LINED)], models, POLICY, {ENSEMBLE: "why"})
    assert {row["system_id"] for row in rows if row["error_code"] == "breaker_open"} == {ENSEMBLE}


@pytest.mark.parametrize("system_id", SYSTEMS)
def test_a_defect_of_one_system_is_raised_with_its_name(system_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(*arguments: Any) -> Any:
        raise KeyError("points")

    if system_id in (XGBOOST, ENSEMBLE):
        module, name = (xgboost_v1, "predict") if system_id == XGBOOST else (ensemble, "combine")
        monkeypatch.setattr(module, name, defective)
    else:
        broken = [replace(each, predict=defective) if each.system_id == system_id else each for each in FORMULAS]
        monkeypatch.setattr(outputs, "FORMULAS", broken)
    with pytest.raises(SystemFailed, match=f"{system_id}: KeyError: 'points'") as raised:
        predicted_rows([player(LINED)], train_once().models, POLICY)
    assert raised.value.system_id == system_id
    left_out = {system_id: "why"}
    assert len(predicted_rows([player(LINED)], train_once().models, POLICY, left_out)) == 5 * len(SYSTEMS)


# --- suspicious lines -----------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["250.5", "61.5", "0.5"])
@pytest.mark.parametrize("marked", [True, False])
def test_a_line_that_no_book_means_is_shown_and_never_a_pick(line: str, marked: bool) -> None:
    """Marked by phase 3, or far from what every system says: the ensemble does not see it, no
    figure comes of it.
    """
    changes = {"suspicious": "far_from_books"} if marked else {}
    lines = {"main": line, "books": [offer("betmgm", line, -110, -110, **changes)]}
    rows = predicted_rows([player(lines), player()], train_once().models, POLICY)
    last = len(rows) - len(SYSTEMS)
    lined, plain = rows[:last], {row["system_id"]: row for row in rows[last:]}
    why = "far_from_books" if marked else "far_from_form"
    assert {row["line_value"] for row in lined} >= {Decimal(line)}
    for row in lined:
        assert row["recommendation"] == "PASS"
        assert row["reason"].startswith(f"suspicious_line; {why}; ")
        assert row["p_over"] is row["expected_value"] is row["confidence_score"] is row["edge"] is None
        assert row["predicted"] == plain[row["system_id"]]["predicted"]
        assert row["uses_market"] is False


def test_a_suspicious_line_beside_honest_ones_changes_no_row() -> None:
    far = offer("pointsbet", "250.5", -110, -110, suspicious="far_from_form")
    paid = offer("unibet", "19.5", 1_000_000, -110, suspicious="absurd_price")
    rows = predicted_rows([player({"main": "19.5", "books": [*BOOKS, far, paid]})], train_once().models, POLICY)
    assert rows == predicted_rows([player(LINED)], train_once().models, POLICY)


def test_a_marked_main_line_does_not_spoil_its_neighbours_request() -> None:
    lines = {"main": "250.5", "books": [offer("betmgm", "250.5", -110, -110)]}
    together = predicted_rows([player(lines), player(LINED, player_id=2)], train_once().models, POLICY)
    assert [row for row in together if row["player_id"] == 2] == predicted_rows(
        [player(LINED, player_id=2)], train_once().models, POLICY
    )
