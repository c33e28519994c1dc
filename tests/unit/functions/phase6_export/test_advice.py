"""Prices beside their own books, the side of every line, and what nobody prices is no pick in any
file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.phase6_export.export import run
from functions.phase6_export.exporters.advice import Advice
from functions.phase6_export.schema_check import check
from shared.core.settings import Settings
from shared.science.predictions.lines import Best, decide
from tests.support.lent_warehouses import LaidOut
from tests.support.prediction_tables import (
    DAY,
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

PREDICTIONS = "nba_predictions.player_prop_predictions"
NOBODY = dict.fromkeys(
    ("bookmaker", "over_bookmaker", "over_price", "under_bookmaker", "under_price", "expected_value"), None
)
UNPRICED = NOBODY | {"reason": "assumed_price; form 26.1"}


_ROWS = LaidOut()


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """Alpha is on the board; a test adds his rows."""
    with evening(tmp_path) as opened:
        if not _ROWS.are_put_into(opened.warehouse):
            opened.add_sources()
            opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY)])
            opened.add("nba_predictions.prediction_batches", [batch(EARLY)])
            opened.add("nba_monitoring.expected_outputs", [expected_row(EARLY, 1, "Alpha")])
            opened.add("nba_predictions.ml_feature_store", [features(EARLY, 1, "Alpha")])
            _ROWS.keep(opened.warehouse)
        yield opened


def export_rows(night: Evening, *rows: dict[str, Any]) -> dict[str, Any]:
    """The files of the rows by path under v1/, each checked."""
    night.add(PREDICTIONS, rows)
    assert run(message(), night.context("phase6_export")).status == "success"
    paths = {
        "predictions/today.json": "predictions",
        "best-bets/latest.json": "best_bets",
        "tonight/all-players.json": "all_players",
        "tonight/player/alpha.json": "player",
    }
    found = {path: json.loads(night.runtime.exports.read(f"v1/{path}").data) for path in paths}
    for path, schema in paths.items():
        check(found[path], schema, path)
        assert found[path]["schema_version"] == 3
    return found


def lines(files: dict[str, Any]) -> list[dict[str, Any]]:
    """All lines of the predictions file; the player's own file has the same."""
    (player,) = files["predictions/today.json"]["players"]
    assert files["tonight/player/alpha.json"]["stats"] == player["stats"]
    return [line for system in player["stats"]["points"]["systems"] for line in system["lines"]]


def entry_of(files: dict[str, Any]) -> dict[str, Any]:
    """What is said of the player's points tonight."""
    entry: dict[str, Any] = files["tonight/all-players.json"]["games"][0]["players"][0]["stats"]["points"]
    return entry


def write_row(line: str, p_over: float, best: Best, **changes: Any) -> dict[str, Any]:
    """A row as a worker writes it of these prices."""
    decision = decide(p_over, 0.0, best, Settings())
    return prediction_row(
        EARLY,
        1,
        "Alpha",
        line,
        recommendation=decision.recommendation,
        p_over=p_over,
        over_price=best.over,
        over_bookmaker=best.over_book,
        under_price=best.under,
        under_bookmaker=best.under_book,
        expected_value=decision.expected_value,
        confidence_score=decision.confidence,
        side=decision.side,
        bookmaker=decision.bookmaker,
        reason=f"{decision.reason}; form 26.1",
        **changes,
    )


TWO_BOOKS = Best(-105, "fanduel", -108, "betmgm")


@pytest.mark.parametrize(
    ("p_over", "side", "book", "price"), [(0.60, "OVER", "fanduel", -105), (0.40, "UNDER", "betmgm", -108)]
)
def test_each_price_stands_beside_its_own_book(night: Evening, p_over: float, side: str, book: str, price: int) -> None:
    files = export_rows(night, write_row("24.5", p_over, TWO_BOOKS))
    (line,) = lines(files)
    entry = entry_of(files)
    for each in (line, entry):
        assert "bookmaker" not in each
        assert (each["over_bookmaker"], each["over_price"]) == ("fanduel", -105)
        assert (each["under_bookmaker"], each["under_price"]) == ("betmgm", -108)
        assert (each["side"], each["priced"], each["recommendation"]) == (side, True, side)
    (pick,) = files["best-bets/latest.json"]["picks"]
    assert (pick["side"], pick["bookmaker"], pick["price"]) == (side, book, price)
    assert (pick["p_over"], pick["opponent"], pick["is_home"]) == (p_over, "LAL", True)
    assert f"at {price} ({book})" in pick["reason"]


@pytest.mark.parametrize(
    ("p_over", "side", "price", "value"), [(0.52, "OVER", "-105", "+0.015"), (0.48, "UNDER", "-108", "+0.001")]
)
def test_a_pass_says_which_side_was_nearer_and_what_it_lacked(
    night: Evening, p_over: float, side: str, price: str, value: str
) -> None:
    (line,) = lines(export_rows(night, write_row("24.5", p_over, TWO_BOOKS)))
    assert (line["recommendation"], line["side"], line["confidence"]) == ("PASS", side, 0.52)
    assert line["reason"].startswith(
        f"Pass: expected value and confidence too low: {side} is nearer to a bet, with a 52.0% chance and an "
        f"expected value of {value} a unit at {price}, at least +0.020 and a 54.0% chance are needed. "
    )
    assert line["reason"].endswith(f"(P(over) {p_over:.1%}).")


@pytest.mark.parametrize("p_over", [0.70, 0.30, 0.50])
def test_a_line_that_no_book_prices_is_a_pass_in_every_file(night: Evening, p_over: float) -> None:
    """The table keeps the decision at the assumed price."""
    row = write_row("24.5", p_over, Best())
    assert row["recommendation"] == {0.70: "OVER", 0.30: "UNDER", 0.50: "PASS"}[p_over]
    files = export_rows(night, row)
    (line,) = lines(files)
    entry = entry_of(files)
    for each in (line, entry):
        assert (each["recommendation"], each["priced"], each["side"]) == ("PASS", False, row["side"])
        assert (each["over_bookmaker"], each["over_price"]) == (each["under_bookmaker"], each["under_price"])
    assert {system["recommendation"] for system in entry["systems"]} == {"PASS"}
    assert files["best-bets/latest.json"]["picks"] == []
    assert files["best-bets/latest.json"]["total_candidates"] == 0
    chance = f"{max(p_over, 1 - p_over):.1%}"
    word = row["side"].lower()
    assert line["reason"].startswith(
        f"Pass: no bookmaker prices a line of 24.5 points, and the {word} lacks one: "
        f"it is nearer to a bet with a {chance} chance. "
    )
    assert "assumed_price" not in line["reason"]
    table = night.warehouse.query(f"SELECT recommendation FROM {PREDICTIONS} WHERE game_date = DATE '{DAY}'")
    assert table.column(0).to_pylist() == [row["recommendation"]]


@pytest.mark.parametrize("side", ["OVER", "UNDER"])
def test_a_side_without_a_price_is_no_pick_though_the_other_has_one(night: Evening, side: str) -> None:
    """No such row is written now; one of another version must not become a bet without a price
    either.
    """
    gone = "over" if side == "OVER" else "under"
    row = prediction_row(EARLY, 1, "Alpha", recommendation=side) | {f"{gone}_price": None, f"{gone}_bookmaker": None}
    (line,) = lines(export_rows(night, row))
    assert (line["recommendation"], line["priced"]) == ("PASS", False)


def test_a_row_older_than_the_side_is_read_as_far_as_it_says(night: Evening) -> None:
    """It knows the book of the recommended side alone."""
    older: dict[str, Any] = dict.fromkeys(("side", "over_bookmaker", "under_bookmaker"))
    bet = prediction_row(EARLY, 1, "Alpha", "24.5", recommendation="UNDER", bookmaker="betmgm", **older)
    passed = prediction_row(EARLY, 1, "Alpha", "25.5", kind="alternate", recommendation="PASS", **older)
    files = export_rows(night, bet, passed)
    first, second = lines(files)
    assert (first["side"], first["recommendation"], first["priced"]) == ("UNDER", "UNDER", True)
    assert (second["side"], second["recommendation"], second["priced"]) == (None, "PASS", True)
    assert (first["over_bookmaker"], first["under_bookmaker"]) == (None, None), "not told apart then"
    assert [(pick["bookmaker"], pick["price"]) for pick in files["best-bets/latest.json"]["picks"]] == [("betmgm", 105)]


def test_without_a_line_there_is_no_side_and_no_price(night: Evening) -> None:
    (line,) = lines(export_rows(night, prediction_row(EARLY, 1, "Alpha", None)))
    assert (line["recommendation"], line["side"], line["priced"]) == ("NO_LINE", None, False)
    assert line["reason"] == "No bookmaker has a line on his points; Alpha is forecast at 26.1."


def test_a_suspicious_line_and_a_failed_system_say_so_in_words(night: Evening) -> None:
    figures = ("p_over", "p_push", "fair_over_price", "edge", "expected_value", "confidence_score", "side")
    nothing: dict[str, Any] = dict.fromkeys(figures)
    far = prediction_row(
        EARLY, 1, "Alpha", "50.5", recommendation="PASS", reason="suspicious_line; far_from_form; form 26.1", **nothing
    )
    failed = prediction_row(
        EARLY,
        1,
        "Alpha",
        "50.5",
        system="xgboost_v1",
        recommendation="PASS",
        mean=None,
        reason="no_model; no model of xgboost_v1 was trained yet",
        error_code="no_model",
        error_message="no model of xgboost_v1 was trained yet",
        explanation=None,
        **nothing,
    )
    first, second = lines(export_rows(night, far, failed))
    assert first["reason"] == "Pass: the line of 50.5 points or its price is suspicious, it is far from his form."
    assert second["reason"] == "Pass: xgboost_v1 could not predict, no model of xgboost_v1 was trained yet."
    assert {(each["side"], each["recommendation"]) for each in (first, second)} == {(None, "PASS")}


DAMAGED = {"mean": None, "recommendation": "PASS", "error_code": "model_damaged", "error_message": "model.json is cut"}


@pytest.mark.parametrize(
    ("failing", "status", "empty_reason"),
    [
        ({"ensemble_v1": DAMAGED}, "partial", "ensemble_v1 predicts nobody: model.json is cut"),
        ({"xgboost_v1": DAMAGED}, "partial", None),
        ({"xgboost_v1": DAMAGED | {"error_code": "no_model"}}, "success", None),
        (
            {"ensemble_v1": DAMAGED | {"error_code": "no_model"}},
            "success",
            "ensemble_v1 predicts nobody: model.json is cut",
        ),
        ({}, "success", None),
    ],
)
def test_a_system_that_predicts_nobody_is_said_and_why_there_are_no_picks(
    night: Evening, failing: dict[str, dict[str, Any]], status: str, empty_reason: str | None
) -> None:
    night.add(
        PREDICTIONS,
        [
            prediction_row(EARLY, 1, "Alpha", system=name, **failing.get(name, {}))
            for name in ("ensemble_v1", "xgboost_v1")
        ],
    )
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.status == status
    recommendation = [f"{system} predicts nobody: model.json is cut" for system in failing if status == "partial"]
    assert outcome.reason == "".join(recommendation)
    bets = json.loads(night.runtime.exports.read("v1/best-bets/latest.json").data)
    assert (bets["empty_reason"], bool(bets["picks"])) == (empty_reason, empty_reason is None)
    top = json.loads(night.runtime.exports.read("v1/status.json").data)
    assert (top["status"], top["reason"]) == (status, outcome.reason)


@pytest.mark.parametrize("recommendation", ["OVER", "UNDER", "PASS", "NO_LINE"])
@pytest.mark.parametrize("side", ["OVER", "UNDER", None])
@pytest.mark.parametrize("prices", [(-110, 105), (None, 105), (-110, None), (None, None)])
def test_advice_to_bet_always_has_a_price(
    recommendation: str, side: str | None, prices: tuple[int | None, int | None]
) -> None:
    row = prediction_row(
        EARLY, 1, "Alpha", recommendation=recommendation, over_price=prices[0], under_price=prices[1], side=side
    )
    advice = Advice.of(row)
    if advice.recommendation in ("OVER", "UNDER"):
        assert advice.price is not None
        assert advice.bookmaker is not None
        assert advice.priced
    if not advice.priced:
        assert advice.recommendation in ("PASS", "NO_LINE")
