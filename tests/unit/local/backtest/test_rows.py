"""Which rows a backtest asks for, which days it covers, and what a bet comes to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from local.backtest import evaluation_rows
from local.backtest.arguments import Arguments, find_days
from local.backtest.bets import bets_of, settle
from local.backtest.day_before import SOURCE, absences_of_the_day_before
from local.backtest.evaluation_rows import ALL, LINED, read_evaluation_rows
from local.backtest.sources import FEATURE_CODE, PREDICTION_CODE, code_print
from local.backtest.walk import Forecast, Month, months
from local.backtest.world import stretches
from local.day.inputs import WrongInput
from local.day.plan import DateSpan
from local.league import write_league
from local.replay import Archive, ArchiveError
from shared.core.clock import at_new_york
from shared.core.errors import ConfigError
from shared.core.settings import Settings
from shared.science.predictions.lines import Best
from tests.support.features_fixture import FeatureFixture, open_world

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


# --- absences of the day before -------------------------------------------------------------------

STAR, MATE, BENCH = (1, "Star Man"), (2, "Steady Mate"), (3, "Bench Man")
FIRST, SECOND, TONIGHT = date(2025, 11, 10), date(2025, 11, 12), date(2025, 11, 14)
AFTER = at_new_york(date(2025, 11, 16), time(4))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    """The mate misses the second game and is back tonight; the star plays both and misses
    tonight.
    """
    with open_world(tmp_path) as world:
        for day, players in ((FIRST, (STAR, MATE, BENCH)), (SECOND, (STAR, BENCH)), (TONIGHT, (MATE, BENCH))):
            world.game(day, "BOS", "LAL")
            for player in players:
                world.box(day, player, "BOS", "LAL", home=True, twos=5 * player[0])
            world.box(day, (9, "Usual Foe"), "LAL", "BOS", home=False, twos=6)
        yield world


def missing(world: FeatureFixture) -> tuple[int, float]:
    """How many team-mates the bench man misses tonight, and their usual points."""
    bench = world.features(TONIGHT)[BENCH[0]]
    return bench["teammates_out_count"], bench["teammates_out_points"]


def test_the_day_before_knows_who_missed_the_game_before(world: FeatureFixture) -> None:
    world.backfill(FIRST, TONIGHT, AFTER)
    assert missing(world) == (1, 10.0), "as derived after the game: the star"
    lists = absences_of_the_day_before(world.warehouse, TONIGHT, TONIGHT)
    [row] = lists.players
    assert (row["player_id"], row["status"], row["source"]) == (MATE[0], "OUT", SOURCE)
    known_at = at_new_york(date(2025, 11, 13), time(18))
    assert {each["snapshot_time"] for each in (*lists.players, *lists.teams)} == {known_at}
    assert [(each["team"], each["submitted"]) for each in lists.teams] == [("BOS", True), ("LAL", True)]
    lists.load(world.warehouse, "1")
    world.report(TONIGHT, {"BOS": True, "LAL": True}, at=at_new_york(TONIGHT, time(16)))
    world.backfill(TONIGHT, TONIGHT, AFTER)
    assert missing(world) == (1, 20.0), "as known the day before: the mate, though he plays, and whatever a list says"
    assert world.features(TONIGHT)[MATE[0]]["injury_source"] == SOURCE


def test_a_day_with_nobody_absent_before_it_has_no_list(world: FeatureFixture) -> None:
    """On opening night nobody is known to be missing: that is unknown, and not what the evening's
    box scores show.
    """
    world.backfill(FIRST, TONIGHT, AFTER)
    for day in (FIRST, SECOND):  # all played the first
        lists = absences_of_the_day_before(world.warehouse, day, day)
        assert (lists.players, [row["submitted"] for row in lists.teams]) == ([], [False, False])
    lists.load(world.warehouse, "1")
    before = world.features(SECOND)[BENCH[0]]
    assert before["teammates_out_count"] == 1, "as derived: the mate"
    world.backfill(SECOND, SECOND, AFTER)
    bench = world.features(SECOND)[BENCH[0]]
    assert (bench["teammates_out_count"], "injuries=no_list" in bench["null_reasons"]) == (None, True)


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
    forecast = Forecast(point, point + 0.5, np.where(np.isnan(point), np.nan, 7.0), (None,) * 5)
    bets = bets_of(forecast, line, best, np.full(5, 20.0), Settings())
    assert bets.recommendation.tolist() == ["OVER", "OVER", "PASS", "NO_LINE", "NO_LINE"]
    np.testing.assert_allclose(bets.profit, [100 / 120, np.nan, np.nan, np.nan, np.nan])
    assert np.isnan(bets.expected_value[1]), "an assumed price is no offer"
    np.testing.assert_allclose(bets.edge, [9.5, 9.5, 9.5, np.nan, np.nan])
    assert Decimal(str(line[0])) == Decimal("15.5"), "half points are exact in binary, so that lines are found"
