"""Which rows a backtest asks for, which days and statistics it covers, and what a bet comes to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from local.backtest import evaluation_rows
from local.backtest.arguments import Arguments, find_days
from local.backtest.bets import bets_of, probabilities_of, settle
from local.backtest.evaluation_rows import ALL, LINED, EvaluationRows, read_evaluation_rows
from local.backtest.flaws import has_returns, is_judged_by_error, read_flaws
from local.backtest.sources import FEATURE_CODE, PREDICTION_CODE, code_print
from local.backtest.walk import Forecast, Month, months
from local.backtest.world import stretches
from local.day.inputs import WrongInput
from local.day.plan import DateSpan
from local.league import write_league
from local.replay import Archive, ArchiveError
from shared.core.errors import ConfigError
from shared.core.settings import Settings
from shared.nba.stats import POINTS, STATS
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
    ({"STATS": "points,blocks"}, "STATS: blocks is none of points, rebounds, assists, pra, threes, pr, pa, ra."),
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


def test_statistics_are_chosen_by_name_in_their_own_order() -> None:
    assert Arguments.of({}).stats == Arguments.of({"STATS": ""}).stats == tuple(STATS)
    assert Arguments.of({"STATS": " pra, points"}).stats == ("points", "pra")


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
    found = read_evaluation_rows(league, days[0], days[-1], STATS)
    assert list(found) == list(STATS)
    for lists in found.values():
        lined, everyone = set(lists[LINED].keys), set(lists[ALL].keys)
        assert lined <= everyone
        assert len(lined) > 50
        assert not np.isnan(lists[LINED].line).any()
        assert np.isnan(lists[ALL].line).all()
        assert lists[LINED].keys == sorted(lists[LINED].keys)
        assert lists[ALL].keys == found["points"][ALL].keys, "the same player-games whatever the statistic"


def test_rows_of_a_statistic_are_those_with_its_own_line(league: Archive, tmp_path: Path) -> None:
    """The median of its books' medians; a row set of the file is of points alone."""
    archive = copy_league(league, tmp_path)
    days = archive.game_days("2025-26")
    [key, *others] = read_evaluation_rows(archive, days[0], days[-1], ["rebounds"])["rebounds"][LINED].keys
    lines = pq.read_table(tmp_path / "prop_lines.parquet")
    here = pc.and_(pc.equal(lines["game_id"], key[0]), pc.equal(lines["player_id"], key[1]))
    of_rebounds = pc.equal(lines["market"], "rebounds")
    one, *_ = lines.filter(pc.and_(here, of_rebounds)).to_pylist()
    own = [
        {**one, "bookmaker": book, "line": line, "is_last": True} for book, line in (("a", 3.5), ("b", 4.5), ("c", 9.5))
    ]
    away = lines.filter(pc.invert(pc.and_(here, of_rebounds)))
    pq.write_table(pa.concat_tables([away, pa.Table.from_pylist(own, lines.schema)]), tmp_path / "prop_lines.parquet")
    rows = {"row_set": ["lined_2025_26"], "game_id": [others[0][0]], "player_id": [others[0][1]], "line": [20.5]}
    pq.write_table(pa.table(rows), tmp_path / "evaluation_rows.parquet")
    found = read_evaluation_rows(archive, days[0], days[-1], ["points", "rebounds"])
    assert found["points"][LINED].keys == [others[0]]
    assert found["points"][LINED].source == "lined_2025_26 of evaluation_rows.parquet"
    assert found["rebounds"][LINED].keys == [key, *others]
    assert found["rebounds"][LINED].line[0] == 4.5
    assert found["rebounds"][LINED].source == "the rule, 2025-26"


def copy_league(league: Archive, folder: Path) -> Archive:
    for file in league.folder.glob("*.parquet"):
        (folder / file.name).write_bytes(file.read_bytes())
    return Archive(folder)


def test_a_broken_file_is_named(league: Archive, tmp_path: Path) -> None:
    archive = copy_league(league, tmp_path)
    (tmp_path / "evaluation_rows.parquet").write_bytes(b"no parquet")
    with pytest.raises(ArchiveError, match="evaluation_rows"):
        read_evaluation_rows(archive, date(2025, 11, 1), date(2025, 11, 20), STATS)


@pytest.mark.heavy
def test_the_rule_gives_the_real_archives_rows(nba_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of 2023-24 to the row and the line; of 2025-26 what the file did otherwise, and no more.

    The rule has one row more, and on 2025-12-06, a day of two snapshots, the file leaves the later
    book out (5 lines). For 2024-25 the file has the lines of PrizePicks alone, where the rule takes
    Underdog's too (609 rows more, 1,028 other lines), which no backtest sees: the file is there.
    """
    archive = Archive(nba_archive)
    spans = {"2023-24": (date(2023, 10, 24), date(2024, 4, 14)), "2025-26": (date(2025, 10, 21), date(2025, 12, 31))}

    def read() -> dict[str, dict[str, EvaluationRows]]:
        return {season: read_evaluation_rows(archive, *span, ["points"])["points"] for season, span in spans.items()}

    as_kept = read()
    monkeypatch.setattr(evaluation_rows, "FILE", "none.parquet")
    by_rule = read()
    for kind in (LINED, ALL):
        np.testing.assert_array_equal(by_rule["2023-24"][kind].keys, as_kept["2023-24"][kind].keys)
        np.testing.assert_array_equal(by_rule["2023-24"][kind].line, as_kept["2023-24"][kind].line)
    kept = dict(zip(as_kept["2025-26"][LINED].keys, as_kept["2025-26"][LINED].line.tolist(), strict=True))
    found = dict(zip(by_rule["2025-26"][LINED].keys, by_rule["2025-26"][LINED].line.tolist(), strict=True))
    assert (len(kept), len(kept.keys() - found.keys()), len(found.keys() - kept.keys())) == (6299, 0, 1)
    assert sum(kept[key] != found[key] for key in kept.keys() & found.keys()) == 5


# --- the archive's flaws --------------------------------------------------------------------------


def test_lines_of_a_league_have_no_flaw(league: Archive) -> None:
    days = league.game_days("2025-26")
    assert read_flaws(league, days[0], days[-1], STATS) == []


def change_lines(archive: Archive, stat: str, **values: object) -> None:
    """Of a statistic's lines these columns, in all rows."""
    file = archive.folder / "prop_lines.parquet"
    lines = pq.read_table(file)
    chosen = pc.equal(lines["market"], stat)
    for name, value in values.items():
        place, kind = lines.column_names.index(name), lines.schema.field(name)
        changed = pc.if_else(chosen, pa.scalar(value, kind.type), lines[name])
        lines = lines.set_column(place, kind, changed)
    pq.write_table(lines, file)


def test_lines_that_would_win_on_both_sides_have_no_returns(league: Archive, tmp_path: Path) -> None:
    """Of that statistic, in the seasons that are tested."""
    archive = copy_league(league, tmp_path)
    before, days = archive.game_days("2024-25"), archive.game_days("2025-26")
    change_lines(archive, "threes", over_price=115.0, under_price=110.0)
    flaws = read_flaws(archive, before[0], days[-1], ["points", "threes"])
    assert [(flaw.stat, flaw.season) for flaw in flaws] == [("threes", "2024-25"), ("threes", "2025-26")]
    assert all("100.0% of" in flaw.what and "no return is shown" in flaw.effect for flaw in flaws)
    assert (has_returns("points", flaws), has_returns("threes", flaws)) == (True, False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"snapshot_time": None}, ["100% of", "have no time"]),
        ({"snapshot_kind": "file_name_assumed_utc"}, ["100% of", "the time is assumed"]),
        ({"snapshot_time": datetime(2025, 11, 14, 15, tzinfo=UTC)}, ["one snapshot a day"]),
        ({"game_id": None}, ["lines have no game"]),
    ],
    ids=["no time", "assumed", "one snapshot", "no game"],
)
def test_every_flaw_is_told_and_leaves_returns(
    values: dict[str, object], words: list[str], league: Archive, tmp_path: Path
) -> None:
    archive = copy_league(league, tmp_path)
    days = archive.game_days("2025-26")
    change_lines(archive, "pra", **values)
    flaws = read_flaws(archive, days[0], days[-1], ["points", "pra"])
    assert {flaw.stat for flaw in flaws} == {"pra"}
    assert any(all(one in flaw.what for one in words) for flaw in flaws), flaws
    assert has_returns("pra", flaws)


def test_errors_judge_no_small_count() -> None:
    assert [stat for stat in STATS if not is_judged_by_error(stat)] == ["threes"]
    assert is_judged_by_error("a statistic of a later release")


@pytest.mark.heavy
def test_the_real_archives_flaws(nba_archive: Path) -> None:
    """Threes mix two sources, and so do points, rebounds and assists together in 2023-24."""
    archive = Archive(nba_archive)
    hidden = {}
    for season in ("2023-24", "2024-25", "2025-26"):
        days = archive.game_days(season)
        flaws = read_flaws(archive, days[0], days[-1], STATS)
        hidden[season] = [stat for stat in STATS if not has_returns(stat, flaws)]
        assert all(flaw.season == season for flaw in flaws)
    assert hidden == {"2023-24": ["pra"], "2024-25": ["threes"], "2025-26": ["threes"]}


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
    bets = bets_of(POINTS, forecast, line, best, np.full(5, 20.0), Settings())
    assert bets.recommendation.tolist() == ["OVER", "OVER", "PASS", "NO_LINE", "NO_LINE"]
    np.testing.assert_allclose(bets.profit, [100 / 120, np.nan, np.nan, np.nan, np.nan])
    assert np.isnan(bets.expected_value[1]), "an assumed price is no offer"
    np.testing.assert_allclose(bets.edge, [9.5, 9.5, 9.5, np.nan, np.nan])
    assert Decimal(str(line[0])) == Decimal("15.5"), "half points are exact in binary, so that lines are found"
    none = probabilities_of(POINTS, forecast, line)
    assert set(none.recommendation.tolist()) == {"NO_LINE"}
    assert np.isnan([none.profit, none.expected_value]).all()
    for name in ("p_over", "p_push", "edge"):
        np.testing.assert_array_equal(getattr(none, name), getattr(bets, name))


def test_a_bet_on_a_questionable_player_is_worth_as_often_as_he_plays() -> None:
    point, line, best = np.array([25.0, 25.0]), np.array([15.5, 15.5]), [Best(over=-120, under=100)] * 2
    forecast = Forecast(point, point + 0.5, np.array([7.0, 7.0]), np.array([1.0, 0.55]), (None, None))
    bets = bets_of(POINTS, forecast, line, best, np.array([20.0, 20.0]), Settings())
    assert bets.p_over[0] == bets.p_over[1], "of the nights on which he plays"
    assert bets.expected_value[1] == pytest.approx(0.55 * bets.expected_value[0], abs=1e-6)
    assert bets.profit[0] == bets.profit[1] == pytest.approx(100 / 120)
