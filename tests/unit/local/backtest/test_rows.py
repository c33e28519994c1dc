"""Which rows a backtest asks for, which days it covers, and what a bet comes to."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from local.backtest import evaluation_rows
from local.backtest.arguments import Arguments, find_days
from local.backtest.bets import bets_of, settle
from local.backtest.evaluation_rows import ALL, LINED, read_evaluation_rows
from local.backtest.sources import FEATURE_CODE, PREDICTION_CODE, code_print
from local.backtest.walk import Forecast, Month, months
from local.backtest.world import stretches
from local.day.inputs import WrongInput
from local.day.plan import DateSpan
from local.league import write_league
from local.replay import Archive, ArchiveError
from shared.core.errors import ConfigError
from shared.core.settings import Settings
from shared.science.predictions.lines import Best

# --- days -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=3, seasons=2, teams=4, games_per_team=20, last_day_games=1)
    return Archive(folder)


def test_months_begin_at_the_first_day_and_then_with_the_calendar() -> None:
    assert months(date(2025, 10, 21), date(2026, 1, 3)) == [
        Month(date(2025, 10, 21), date(2025, 10, 31)),
        Month(date(2025, 11, 1), date(2025, 11, 30)),
        Month(date(2025, 12, 1), date(2025, 12, 31)),
        Month(date(2026, 1, 1), date(2026, 1, 3)),
    ]
    assert months(date(2025, 11, 1), date(2025, 11, 1)) == [Month(date(2025, 11, 1), date(2025, 11, 1))]


def test_by_default_the_last_season_is_tested(league: Archive) -> None:
    days = league.game_days("2025-26")
    assert find_days(Arguments.of({}), league) == (days[0], days[-1])
    assert find_days(Arguments.of({"FROM": str(days[3])}), league) == (days[3], days[-1])


WRONG = [
    ({"FROM": "yesterday"}, "FROM=yesterday is not a date. Next: write it as"),
    ({"TO": "2031-01-01"}, "TO=2031-01-01 lies outside the archive"),
    ({"HISTORY_SEASONS": "0"}, "HISTORY_SEASONS=0 is not a number from 1"),
    ({"LEARN": "boxes"}, "LEARN=boxes is none of lists, derived. Next: leave it out for lists."),
    ({"ARCHIVE": "nowhere"}, "there is no such folder"),
    ({"FROM": "2025-11-08", "TO": "2025-11-01"}, "is after"),
    ({"FROM": "2025-07-01", "TO": "2025-07-02"}, "There is no game"),
    ({"FROM": "2024-12-01"}, "first season, before which there is nothing to learn from. Next: begin in 2025-26"),
]


@pytest.mark.parametrize(("environment", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_values_are_said_with_what_to_do(league: Archive, environment: dict[str, str], message: str) -> None:
    with pytest.raises((WrongInput, ConfigError), match="Next: ") as raised:
        find_days(Arguments.of(environment), league)
    assert message in str(raised.value)


def test_only_what_is_missing_is_loaded(league: Archive) -> None:
    before, tested = league.game_days("2024-25"), league.game_days("2025-26")
    everything = stretches(league, tested[0], tested[5], 7, [])
    assert everything == [DateSpan("2024-25", before[0], before[-1]), DateSpan("2025-26", tested[0], tested[5])]
    assert stretches(league, tested[0], tested[5], 7, everything) == []
    [rest] = stretches(league, tested[0], tested[-1], 7, everything)
    assert rest == DateSpan("2025-26", tested[5] + timedelta(days=1), tested[-1])


@pytest.mark.parametrize("place", [*FEATURE_CODE, *PREDICTION_CODE])
def test_what_kept_results_depend_on_is_there(place: str) -> None:
    """A module that moved away would no longer make its old results outdated."""
    assert code_print([place]) != code_print([])


# --- rows -----------------------------------------------------------------------------------------


def test_an_archive_without_the_file_is_asked_by_its_rule(league: Archive) -> None:
    days = league.game_days("2025-26")
    lists = read_evaluation_rows(league, days[0], days[-1])
    lined, everyone = set(lists[LINED].keys), set(lists[ALL].keys)
    assert lined <= everyone
    assert len(lined) > 50
    assert not np.isnan(lists[LINED].line).any()
    assert np.isnan(lists[ALL].line).all()
    assert lists[LINED].keys == sorted(lists[LINED].keys)


def test_a_broken_file_is_named(league: Archive, tmp_path: Path) -> None:
    for file in league.folder.glob("*.parquet"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "evaluation_rows.parquet").write_bytes(b"no parquet")
    with pytest.raises(ArchiveError, match="evaluation_rows"):
        read_evaluation_rows(Archive(tmp_path), date(2025, 11, 1), date(2025, 11, 20))


@pytest.mark.heavy
def test_the_rule_gives_the_real_archives_rows(nba_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of 2023-24 to the row and the line; of 2025-26 what the file did otherwise, and no more.

    The rule has one row more, and on 2025-12-06, a day of two snapshots, the file leaves the later
    book out (5 lines). For 2024-25 the file has the lines of PrizePicks alone, where the rule takes
    Underdog's too (609 rows more, 1,028 other lines), which no backtest sees: the file is there.
    """
    archive = Archive(nba_archive)
    spans = {"2023-24": (date(2023, 10, 24), date(2024, 4, 14)), "2025-26": (date(2025, 10, 21), date(2025, 12, 31))}
    as_kept = {season: read_evaluation_rows(archive, *span) for season, span in spans.items()}
    monkeypatch.setattr(evaluation_rows, "FILE", "none.parquet")
    by_rule = {season: read_evaluation_rows(archive, *span) for season, span in spans.items()}
    for kind in (LINED, ALL):
        np.testing.assert_array_equal(by_rule["2023-24"][kind].keys, as_kept["2023-24"][kind].keys)
        np.testing.assert_array_equal(by_rule["2023-24"][kind].line, as_kept["2023-24"][kind].line)
    kept = dict(zip(as_kept["2025-26"][LINED].keys, as_kept["2025-26"][LINED].line.tolist(), strict=True))
    found = dict(zip(by_rule["2025-26"][LINED].keys, by_rule["2025-26"][LINED].line.tolist(), strict=True))
    assert (len(kept), len(kept.keys() - found.keys()), len(found.keys() - kept.keys())) == (6299, 0, 1)
    assert sum(kept[key] != found[key] for key in kept.keys() & found.keys()) == 5


# --- bets -----------------------------------------------------------------------------------------


def test_a_bet_is_settled_at_its_price() -> None:
    assert settle("OVER", 3.0, 150) == 1.5
    assert settle("OVER", -3.0, 150) == -1.0
    assert settle("UNDER", -0.5, -200) == 0.5
    assert settle("UNDER", 0.0, -200) == 0.0


def test_bets_as_serving_makes_them() -> None:
    """Sure overs: priced, at an assumed price, priced on the other side alone, without a line,
    unpredicted.
    """
    line = np.array([15.5, 15.5, 15.5, np.nan, 15.5])
    point = np.array([25.0, 25.0, 25.0, 25.0, np.nan])
    best = [Best(over=-120, under=100), Best(), Best(under=-110), Best(), Best(over=-120, under=100)]
    forecast = Forecast(point, point + 0.5, np.where(np.isnan(point), np.nan, 7.0), np.ones(5), (None,) * 5)
    bets = bets_of(forecast, line, best, np.full(5, 20.0), Settings())
    assert bets.recommendation.tolist() == ["OVER", "OVER", "PASS", "NO_LINE", "NO_LINE"]
    np.testing.assert_allclose(bets.profit, [100 / 120, np.nan, np.nan, np.nan, np.nan])
    assert np.isnan(bets.expected_value[1]), "an assumed price is no offer"
    np.testing.assert_allclose(bets.edge, [9.5, 9.5, 9.5, np.nan, np.nan])
    assert Decimal(str(line[0])) == Decimal("15.5"), "half points are exact in binary, so that lines are found"


def test_a_bet_on_a_questionable_player_is_worth_as_often_as_he_plays() -> None:
    point, line, best = np.array([25.0, 25.0]), np.array([15.5, 15.5]), [Best(over=-120, under=100)] * 2
    forecast = Forecast(point, point + 0.5, np.array([7.0, 7.0]), np.array([1.0, 0.55]), (None, None))
    bets = bets_of(forecast, line, best, np.array([20.0, 20.0]), Settings())
    assert bets.p_over[0] == bets.p_over[1], "of the nights on which he plays"
    assert bets.expected_value[1] == pytest.approx(0.55 * bets.expected_value[0], abs=1e-6)
    assert bets.profit[0] == bets.profit[1] == pytest.approx(100 / 120)
