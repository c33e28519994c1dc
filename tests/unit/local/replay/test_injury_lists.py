"""The injury lists as of a moment: the last report of the best source, and nothing later."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.league import write_league
from local.replay import Archive, ArchiveError
from local.replay.games import to_us
from local.replay.injury_lists import InjuryLists, Listing
from tests.support.planted_lists import Report, in_force, write_lists

MINUTE = timedelta(minutes=1)
# In the order in which they are to be preferred.
STATED, EVERY_STATUS, OUT_ALONE, NO_OUT_ROWS = "league/hourly", "crawler/all", "crawler/out", "model/daily"
BEST = (STATED, EVERY_STATUS, OUT_ALONE)


@pytest.fixture(scope="module")
def league(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lists") / "league"
    write_league(folder, seed=4, seasons=1, teams=4, games_per_team=10)
    return folder


@pytest.fixture(scope="module")
def base(league) -> Report:
    """A report of a game's home team, two hours before its tip-off."""
    game = pq.read_table(league / "schedule.parquet").to_pylist()[6]
    at = game["tipoff_utc"] - timedelta(hours=2)
    return Report(at, game["game_date"].date(), game["game_id"], game["home_abbr"], {"A": "OUT"}, source=f"{STATED}/1")


def lists_of(folder: Path, base: Report) -> tuple[InjuryLists, int]:
    """The lists of an archive, and the number of the planted game."""
    archive = Archive(folder)
    return InjuryLists(archive), archive.games.index[base.game_id]


def test_a_later_report_never_shows(league: Path, tmp_path: Path, base: Report) -> None:
    later = replace(base, at=base.at + MINUTE, listed={"A": "OUT", "B": "OUT"}, source=f"{STATED}/2")
    lists, game = lists_of(write_lists(league, tmp_path / "planted", [later, base]), base)
    second = timedelta(seconds=1)
    assert lists.of_game(game, to_us(base.at - second)) == {}
    for at, names in ((base.at, ["A"]), (later.at - second, ["A"]), (later.at, ["A", "B"])):
        found = lists.of_game(game, to_us(at))
        assert list(found) == [base.team]
        assert [player.player_name for player in found[base.team].players] == names


def test_nobody_listed_is_a_list_and_not_yet_submitted_is_none(league: Path, tmp_path: Path, base: Report) -> None:
    reports = [
        replace(base, listed={}, submitted=False),
        replace(base, at=base.at + MINUTE, listed={}, submitted=None),
        replace(base, at=base.at + 2 * MINUTE, reason="Rest", listed={"A": "PROBABLE"}, submitted=None),
    ]
    lists, game = lists_of(write_lists(league, tmp_path / "planted", reports), base)
    found = [lists.of_game(game, to_us(each.at))[base.team] for each in reports]
    assert [(each.submitted, each.players) for each in found] == [
        (False, ()),
        (True, ()),
        (True, (Listing("A", "PROBABLE", "Rest"),)),
    ]


def test_a_source_without_who_is_out_says_nothing(league: Path, tmp_path: Path, base: Report) -> None:
    report = replace(base, listed={"A": "PROBABLE"}, source=f"{NO_OUT_ROWS}/x#no_out_rows", kind="file_name")
    lists, game = lists_of(write_lists(league, tmp_path / "planted", [report]), base)
    assert lists.of_game(game, to_us(base.at)) == {}
    assert not lists.covers(game, base.team)


def test_a_game_that_was_put_off_has_no_list_of_its_first_day(league: Path, tmp_path: Path, base: Report) -> None:
    first_day = replace(base, game_date=base.game_date - timedelta(days=1))
    elsewhere = replace(base, game_id="0029900001")
    archive = Archive(write_lists(league, tmp_path / "planted", [first_day, elsewhere]))
    lists, later = InjuryLists(archive), to_us(base.at + timedelta(days=9))
    assert not any(lists.of_game(game, later) for game in range(len(archive.games.day)))


SOURCES = st.sampled_from([(STATED, "stated"), (EVERY_STATUS, "file_name"), (OUT_ALONE, "file_name")])


@given(
    drawn=st.lists(
        st.tuples(SOURCES, st.booleans(), st.sampled_from([True, False, None]), st.sets(st.sampled_from("ABC"))),
        max_size=8,
    ),
    order=st.randoms(use_true_random=False),
    at=st.integers(-2, 10),
)
@settings(max_examples=60)
def test_it_is_what_the_rows_say_one_by_one(league, base, tmp_path_factory, drawn, order, at) -> None:
    game = Archive(league).games
    number = game.index[base.game_id]
    reports = [
        replace(
            base, at=base.at + minute * MINUTE, team=game.away[number] if guest else base.team, submitted=submitted,
            listed=dict.fromkeys(sorted(names) if submitted is not False else [], "OUT"),
            source=f"{source}/{minute}", kind=kind,
        )
        for minute, ((source, kind), guest, submitted, names) in enumerate(drawn)
    ]  # fmt: skip
    # another day's, by which each source's statuses and kind of time are known
    known_by = replace(base, game_id=game.game_id[0], game_date=game.day[0], team=game.home[0])
    kinds = [
        replace(
            known_by, source=f"{source}/0", kind="stated" if source == STATED else "file_name", listed={"Z": status}
        )
        for source, status in ((STATED, "OUT"), (EVERY_STATUS, "DOUBTFUL"), (OUT_ALONE, "OUT"))
    ]
    shuffled = [*reports, *kinds]
    order.shuffle(shuffled)
    target = tmp_path_factory.mktemp("drawn") / "planted"
    lists = InjuryLists(Archive(write_lists(league, target, shuffled)))
    moment = base.at + at * MINUTE
    found = lists.of_game(number, to_us(moment))
    expected = {
        team: in_force(reports, base.game_id, team, moment, BEST) for team in (game.home[number], game.away[number])
    }
    assert found == {team: each for team, each in expected.items() if each is not None}


def test_an_archive_without_lists_has_none_and_half_of_them_is_refused(league: Path, tmp_path: Path, base: Report):
    bare = tmp_path / "bare"
    shutil.copytree(league, bare)
    for name in ("injury_reports", "injury_report_teams"):
        (bare / f"{name}.parquet").unlink(missing_ok=True)
    archive = Archive(bare)
    archive.check()
    assert InjuryLists(archive).of_game(0, to_us(datetime(2030, 1, 1, tzinfo=UTC))) == {}
    planted = write_lists(league, tmp_path / "planted", [base])
    Archive(planted).check()
    (planted / "injury_report_teams.parquet").unlink()
    with pytest.raises(ArchiveError, match=r"injury_reports.parquet without injury_report_teams.parquet.*Next: "):
        Archive(planted)


def test_a_list_that_lacks_a_column_is_named(league: Path, tmp_path: Path, base: Report) -> None:
    planted = write_lists(league, tmp_path / "planted", [base])
    file = planted / "injury_report_teams.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["submitted"]), file)
    with pytest.raises(ArchiveError, match=r"injury_report_teams.parquet cannot be read: .*Next: "):
        Archive(planted).check()


def test_real_lists_are_those_of_the_last_header_time(nba_archive: Path) -> None:
    """Against the same question in SQL, of the days whose lists state their time."""
    archive = Archive(nba_archive)
    if not (nba_archive / "injury_reports.parquet").is_file():
        pytest.skip("this archive has no injury lists")
    lists, day = InjuryLists(archive), date(2024, 12, 5)
    numbers = [number for number, each in enumerate(archive.games.day) if each == day]
    hours = [datetime(2024, 12, 4, 20, tzinfo=UTC) + n * timedelta(hours=1) for n in range(28)]
    sizes = []
    for at in hours:
        mine = {
            (archive.games.game_id[number], team): (each.submitted, sorted(p.player_name for p in each.players))
            for number in numbers
            for team, each in lists.of_game(number, to_us(at)).items()
        }
        assert mine == _in_sql(nba_archive, day, at)
        sizes.append(sum(len(names) for _, names in mine.values()))
    assert len(set(sizes)) > 5, "the lists of that day change by the hour"


def _in_sql(folder: Path, day: date, at: datetime) -> dict[tuple[str, str], tuple[bool, list[str]]]:
    rows = duckdb.execute(
        """
        WITH last AS (
          SELECT * FROM read_parquet($teams) WHERE game_date = $day AND report_time <= $at
          QUALIFY report_time = max(report_time) OVER (PARTITION BY game_id, team_abbr)
        )
        SELECT game_id, team_abbr, submitted,
          list_sort(coalesce(list(player_name) FILTER (player_name IS NOT NULL), []))
        FROM last LEFT JOIN read_parquet($players) USING (report_time, game_id, team_abbr, source)
        GROUP BY ALL
        """,
        {
            "teams": str(folder / "injury_report_teams.parquet"), "players": str(folder / "injury_reports.parquet"),
            "day": day, "at": at,
        },
    ).fetchall()  # fmt: skip
    return {(game, team): (submitted, names) for game, team, submitted, names in rows}
