"""predict_players for every statistic: its rows, its lines, and what an earlier release's request
still gives.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.core.settings import Settings
from shared.nba.stats import PREDICTED, STATS
from shared.science.predictions.predict import predict_players
from shared.science.systems.error_codes import NOTHING_TO_SAY, TOO_FEW_GAMES
from shared.science.systems.output import ENSEMBLE, SIMILARITY, SYSTEMS, XGBOOST, ZONE_MATCHUP, SystemFailed
from tests.support.models_by_stat import train_every
from tests.support.stats_by_kind import SUMS
from tests.support.systems_rows import feature_row, offer, packed_history

POLICY = Settings()
LINES = {"points": "19.5", "rebounds": "6.5", "assists": "4.5", "threes": "1.5"}
LINES |= {"pra": "33.5", "pr": "26.5", "pa": "24.5", "ra": "11.5"}
HISTORY = [{"points": 15 + k % 10, "rebounds": 4 + k % 5, "assists": 2 + k % 5, "threes": k % 5} for k in range(20)]


def main_line(line: str, **changes: Any) -> dict[str, Any]:
    return {"main": line, "books": [offer("draftkings", line, -112, -108, **changes)]}


def player(lines: dict[str, str], history: Any = None, **changes: Any) -> dict[str, Any]:
    """A request's player, through JSON as the message brings it; prices of lines are even."""
    games = packed_history(HISTORY) if history is None else history
    priced = {STATS[stat].price_feature: 0.5 for stat in lines}
    offered = {stat: main_line(line) for stat, line in lines.items()}
    request = {"features": feature_row(**priced, **changes), "history": games, "lines": offered}
    return dict(json.loads(json.dumps(request)))


def predict(*players: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    rows = predict_players(list(players), train_every().models, POLICY, **options)
    return [row._asdict() for row in rows]


def of(rows: list[dict[str, Any]], stat: str, system: str = ENSEMBLE) -> list[dict[str, Any]]:
    return [row for row in rows if (row["stat"], row["system_id"]) == (stat, system)]


def test_rows_come_by_statistic_and_every_systems_at_each_line_of_it() -> None:
    rows = predict(player(LINES), player({}, player_id=2))
    assert list(dict.fromkeys(row["stat"] for row in rows)) == list(PREDICTED)
    for name, stat in PREDICTED.items():
        lines = [Decimal(LINES[name]) + step for step in stat.line_steps]
        tested = [line for line in lines if line >= Decimal("0.5")]
        assert len(tested) == (4 if name == "threes" else 5), "below a half there is nothing to bet on"
        for system in SYSTEMS:
            silent = system == ZONE_MATCHUP and name not in ("points", "threes")
            found = [row["line_value"] for row in of(rows, name, system) if row["player_id"] != 2]
            assert found == ([Decimal(LINES[name])] if silent else tested), f"{name} {system}"
            alone = [row["line_value"] for row in of(rows, name, system) if row["player_id"] == 2]
            assert alone == [None]


def test_a_system_that_has_nothing_to_say_has_a_row_that_says_so_and_no_figure() -> None:
    rows = predict(player(LINES))
    silent = [row for row in rows if row["error_code"] == NOTHING_TO_SAY]
    assert Counter(row["stat"] for row in silent) == {name: 1 for name in STATS if name not in ("points", "threes")}
    for row in silent:
        assert row["system_id"] == ZONE_MATCHUP
        assert row["predicted"] is row["p_over"] is row["explanation"] is None
        assert row["error_message"] == f"{ZONE_MATCHUP} has nothing of its own to say of {row['stat']}"
    assert {row["error_code"] for row in rows} == {None, NOTHING_TO_SAY}


def test_what_is_said_is_consistent_at_every_line_of_every_statistic() -> None:
    rows = [row for row in predict(player(LINES)) if row["error_code"] is None]
    for name in PREDICTED:
        for system in SYSTEMS:
            chances = [row["p_over"] for row in of(rows, name, system)]
            assert chances == sorted(chances, reverse=True)
    for row in rows:
        assert row["p_push"] == 0.0
        assert row["edge"] == pytest.approx(row["predicted"] - float(row["line_value"]), abs=2e-6)
        assert (row["edge"] > 0) == (row["p_over"] > 0.5)
        assert row["uses_market"] is (row["system_id"] == ENSEMBLE)


def test_a_sums_line_moves_its_parts_and_their_rows_say_so() -> None:
    """Nobody offers points alone; on the sum they believe in a much better night."""
    usual, better = predict(player({})), predict(player({"pra": "45.5"}))
    for name in ("points", "rebounds", "assists"):
        [before], [after] = of(usual, name), of(better, name)
        assert after["predicted"] > before["predicted"] == after["predicted_no_market"]
        assert after["uses_market"] is True
        assert after["reason"].endswith("by lines of sums")
        effects = {each["feature"]: each for each in json.loads(after["explanation"])}
        assert effects["pra_line"]["value"] == 45.5
        assert effects["pra_line"]["effect"] > 0
    assert of(better, "threes")[0]["predicted"] == of(usual, "threes")[0]["predicted"]
    for system in SYSTEMS[:-1]:
        for name in ("points", "pra"):
            assert of(better, name, system)[0]["predicted"] == of(usual, name, system)[0]["predicted"]


@pytest.mark.parametrize("line", ["184.5", "120.5"])
def test_a_sums_line_that_no_book_means_moves_nobody(line: str) -> None:
    usual = predict(player({}))
    rows = predict(player({"pra": line}))
    for name in PREDICTED:
        if name != "pra":
            assert of(rows, name)[0] == of(usual, name)[0]
    for row in of(rows, "pra"):
        assert row["reason"].startswith("suspicious_line; far_from_form; ")
        assert row["predicted"] == of(usual, "pra")[0]["predicted"]
        assert row["p_over"] is None


def test_a_request_of_an_earlier_release_gives_points_and_says_why_the_others_lack_a_system() -> None:
    """Its histories tell points alone, and its lines are theirs without a name."""
    games = packed_history(HISTORY)
    for name in ("rebounds", "assists", "threes"):
        del games[name]
    before = {**player({"points": "19.5"}, games), "lines": main_line("19.5")}
    rows, now = predict(before), predict(player({"points": "19.5"}))
    assert [row for row in rows if row["stat"] == "points"] == [row for row in now if row["stat"] == "points"]
    for name, stat in PREDICTED.items():
        if name == "points":
            continue
        [similar] = of(rows, name, SIMILARITY)
        first = next(part for part in stat.parts if part != "points")
        sentence = f"of 20 games not all tell {first}"
        assert similar["error_code"] == TOO_FEW_GAMES
        assert similar["error_message"] == (f"{first}: {sentence}" if name in SUMS else sentence)
        assert similar["predicted"] is None
        for system in ("moving_average", XGBOOST, ENSEMBLE):
            assert of(rows, name, system)[0]["predicted"] > 0, "the mean of the others stands in"


def test_the_message_may_pin_no_models_of_a_statistic() -> None:
    """A batch of an earlier release pinned points alone."""
    rows = predict_players([player(LINES)], {"points": train_every().models["points"]}, POLICY)
    found = {(row.stat, row.system_id): row.error_code for row in rows}
    assert found["points", ENSEMBLE] is None
    for name in PREDICTED:
        if name != "points":
            assert found[name, XGBOOST] == found[name, ENSEMBLE] == "no_model"
            assert found[name, "moving_average"] is None


def test_the_trees_of_minutes_are_asked_once_for_all_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forecasts and of explanations: minutes, four rates, and points directly."""
    import xgboost as xgb

    asked: Counter[str] = Counter()
    for name in ("inplace_predict", "predict"):
        monkeypatch.setattr(xgb.Booster, name, _count_calls(getattr(xgb.Booster, name), name, asked))
    predict(player(LINES))
    assert asked == {"inplace_predict": 6, "predict": 6}


def _count_calls(usual: Callable[..., Any], name: str, asked: Counter[str]) -> Callable[..., Any]:
    def count(*args: Any, **how: Any) -> Any:
        asked[name] += 1
        return usual(*args, **how)

    return count


def test_a_defect_in_one_statistic_is_its_systems_and_without_it_all_are_predicted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from shared.science.systems import moving_average

    usual = moving_average.expect

    def defective(features: Any, stat: Any) -> Any:
        if stat.name == "assists":
            raise ZeroDivisionError("assists")
        return usual(features, stat)

    monkeypatch.setattr(moving_average, "expect", defective)
    with pytest.raises(SystemFailed, match="moving_average: ZeroDivisionError: assists") as raised:
        predict(player(LINES))
    rows = predict(player(LINES), left_out={"moving_average": raised.value})
    assert {row["error_code"] for row in rows if row["system_id"] == "moving_average"} == {"system_failed"}
    assert {row["error_code"] for row in rows if row["system_id"] == ENSEMBLE} == {None}
