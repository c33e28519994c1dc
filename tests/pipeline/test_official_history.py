"""Injury reports of past days: those in force at 11:00, at 17:30 and before each tip-off, in one
file a day, asked for once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from shared.chain.execution.context import Outcome
from shared.chain.resilience import circuit_breaker
from shared.core.clock import at_new_york, format_timestamp
from shared.stores.raw_files import CONTENT_TYPE, RawContent, decode_raw
from tests.pipeline.test_scrape_faults import Chain, open_chain
from tests.support.fake_sources import DAY, GAMES, HTML, Reply, box_rows, box_scores, schedule_game

ABSENT = Reply(403)
WINTER = date(2026, 1, 14)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with open_chain(tmp_path) as found:
        yield found


def play(chain: Chain, *days: date, tipoffs: Sequence[time] = (time(19, 30), time(22, 0))) -> None:
    """Days of games that are over, each with these tip-offs."""
    games = [
        (f"00225{day:%m%d}{number}", *GAMES[number][1:5], format_timestamp(at_new_york(day, clock)), day)
        for day in days
        for number, clock in enumerate(tipoffs)
    ]
    entries = [schedule_game(*game[:6], final=True, day=game[6]) for game in games]
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": entries}]}})
    rows = [row | {"GAME_DATE": str(game[6])} for game in games for row in box_rows("P", (game[:6],))]
    chain.sources.says["box P"] = chain.sources.says["box T"] = Reply.of(box_scores("P", rows))
    chain.sources.says["events"] = Reply.of({"timestamp": "2025-11-14T17:55:00Z", "data": []})
    after = datetime.combine(max(days), time(12), UTC).replace(day=max(days).day + 2)
    chain.clock.move(seconds=(after - chain.clock.now()).total_seconds())


def fill(chain: Chain, *days: date, run_id: str = "run-1", **options: object) -> Outcome:
    """A backfill of the days; what it asks is counted from here."""
    chain.sources.requests.clear()
    return chain.scrape("backfill", min(days), max(days), run_id=run_id, **options)


def list_asked(chain: Chain) -> list[str]:
    paths = [path for path, _, _ in chain.sources.requests if path.startswith("/official/")]
    return sorted(path.removeprefix("/official/Injury-Report_").removesuffix(".pdf") for path in paths)


def read_day(chain: Chain, scraped: Outcome, day: date = DAY) -> RawContent:
    [path] = [
        file["path"]
        for file in scraped.metadata["files"]
        if (file["source"], file["game_date"]) == ("official", str(day))
    ]
    return decode_raw(path, chain.runtime.raw.read(path).data)


def list_kept(content: RawContent) -> list[str]:
    return [answer.request["path"].removeprefix("/Injury-Report_").removesuffix(".pdf") for answer in content.answers]


# At 17:30, before each tip-off, at 11:00. Features of past games are as of a second after 17:30, so
# the report of that very moment is known and the one before it, of 16:30, is not needed.
EVENING = ["2025-11-14_05PM", "2025-11-14_06PM", "2025-11-14_09PM", "2025-11-14_10AM"]
AFTERNOON = "2025-11-14_04PM"


def test_a_day_has_the_reports_of_its_moments_in_one_file(chain: Chain) -> None:
    play(chain, DAY)
    scraped = fill(chain, DAY)
    assert scraped.status == "success"
    assert list_asked(chain) == EVENING
    assert list_kept(read_day(chain, scraped)) == EVENING
    loaded = chain.load(scraped, "backfill", DAY)
    assert loaded.status == "success"
    moments = chain.rows("injury_report_teams WHERE source = 'official'", "DISTINCT snapshot_time")
    assert sorted(row["snapshot_time"] for row in moments) == [
        datetime(2025, 11, 14, hour, 30, tzinfo=UTC) for hour in (15, 22, 23)
    ] + [datetime(2025, 11, 15, 2, 30, tzinfo=UTC)]


def test_by_quarters_of_an_hour_the_report_of_the_moment_is_asked_for_and_not_the_one_before(chain: Chain) -> None:
    play(chain, WINTER)
    scraped = fill(chain, WINTER)
    assert [name[11:] for name in list_asked(chain)] == ["05_30PM", "07_15PM", "09_45PM", "11_00AM"]
    assert list_kept(read_day(chain, scraped, WINTER)) == list_asked(chain)


def test_by_quarters_of_an_hour_the_one_before_serves_where_that_of_the_moment_is_not_there(chain: Chain) -> None:
    play(chain, WINTER)
    for name in ("05_30PM", "11_00AM", "10_45AM"):
        chain.sources.says[f"official Injury-Report_2026-01-14_{name}.pdf"] = ABSENT
    scraped = fill(chain, WINTER)
    assert [name[11:] for name in list_kept(read_day(chain, scraped, WINTER))] == [
        "05_15PM", "07_15PM", "09_45PM", "10_30AM",
    ]  # fmt: skip


def test_games_that_begin_together_are_one_moment(chain: Chain) -> None:
    play(chain, DAY, tipoffs=(time(12, 30), time(12, 30)))
    assert list_asked(chain) == []
    fill(chain, DAY)
    assert [name[11:] for name in list_asked(chain)] == ["05PM", "10AM", "11AM"]


def test_what_is_not_there_is_asked_for_once_and_the_one_before_serves(chain: Chain) -> None:
    play(chain, DAY)
    for name in ("05PM", "06PM"):
        chain.sources.says[f"official Injury-Report_2025-11-14_{name}.pdf"] = ABSENT
    content = read_day(chain, fill(chain, DAY))
    assert list_asked(chain) == [AFTERNOON, *EVENING]
    assert list_kept(content) == [AFTERNOON, *EVENING[2:]]
    assert sorted(content.failed) == [f"Injury-Report_{name}.pdf" for name in EVENING[:2]]


# --- once for all ---------------------------------------------------------------------------------


def test_a_second_backfill_asks_for_none_and_announces_the_same_file(chain: Chain) -> None:
    play(chain, DAY)
    chain.sources.says["official Injury-Report_2025-11-14_06PM.pdf"] = ABSENT
    first = fill(chain, DAY)
    assert list_asked(chain) == EVENING
    second = fill(chain, DAY, run_id="run-2")
    assert list_asked(chain) == []
    assert second.metadata["files"][-1] == first.metadata["files"][-1]
    assert second.metadata["notes"]["official_history"] == {
        "kept": "3 reports are there from earlier runs and were not asked for again"
    }


def test_a_report_that_a_run_of_that_day_has_is_not_asked_for(chain: Chain) -> None:
    chain.clock.move(hours=6)
    chain.scrape("same_day", run_id="live")
    play(chain, DAY)
    scraped = fill(chain, DAY)
    assert list_asked(chain) == [name for name in EVENING if name != "2025-11-14_05PM"]
    assert list_kept(read_day(chain, scraped)) == EVENING


def test_a_damaged_file_is_asked_for_anew(chain: Chain) -> None:
    play(chain, DAY)
    fill(chain, DAY)
    [path] = chain.runtime.raw.list("raw/official/")
    chain.runtime.raw.write(path, b"no gzip", content_type=CONTENT_TYPE)
    chain.clock.move(minutes=1)
    assert fill(chain, DAY, run_id="run-2").status == "success"
    assert list_asked(chain) == EVENING


def test_what_was_not_there_yet_is_asked_for_again(chain: Chain) -> None:
    """The report of 12:30 came late; that of 10:30 did not come."""
    play(chain, DAY, tipoffs=(time(12, 31), time(22, 0)))
    soon = at_new_york(DAY, time(12, 35))
    chain.clock.move(seconds=(soon - chain.clock.now()).total_seconds())
    for name in ("10AM", "12PM"):
        chain.sources.says[f"official Injury-Report_2025-11-14_{name}.pdf"] = ABSENT
    first = read_day(chain, fill(chain, DAY))
    assert (list_kept(first), len(first.failed)) == (["2025-11-14_09AM", "2025-11-14_11AM"], 2)
    del chain.sources.says["official Injury-Report_2025-11-14_12PM.pdf"]
    chain.clock.move(minutes=20)
    second = read_day(chain, fill(chain, DAY, run_id="run-2"))
    assert list_asked(chain) == ["2025-11-14_12PM"]
    assert list_kept(second) == ["2025-11-14_09AM", "2025-11-14_12PM"]
    assert list(second.failed) == ["Injury-Report_2025-11-14_10AM.pdf"]


# --- what fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Reply(500), HTML], ids=["500", "html"])
def test_what_fails_is_named_and_a_retry_asks_for_that_alone(chain: Chain, fault: Reply) -> None:
    play(chain, DAY)
    name = "Injury-Report_2025-11-14_05PM.pdf"
    chain.sources.says[f"official {name}"] = fault
    first = fill(chain, DAY)
    failed = first.metadata["failed"]
    assert list(failed) == ["official_history"]
    assert failed["official_history"].startswith("1 of 1 days failed, 2025-11-14 so: official injury report /Injury-")
    assert list_kept(read_day(chain, first)) == [AFTERNOON, *EVENING[1:]]
    del chain.sources.says[f"official {name}"]
    chain.clock.move(minutes=1)
    second = fill(chain, DAY, attempt=2)
    assert list_asked(chain) == ["2025-11-14_05PM"]
    assert (second.status, list_kept(read_day(chain, second))) == ("success", EVENING)


def test_a_source_that_is_down_is_not_tried_day_after_day(chain: Chain) -> None:
    days = [date(2025, 11, day) for day in range(2, 20)]
    play(chain, *days)
    chain.sources.says["official"] = Reply(500)
    scraped = fill(chain, *days)
    assert "18 of 18 days failed" in scraped.metadata["failed"]["official_history"]
    assert len(list_asked(chain)) < 40
    assert circuit_breaker.read(chain.runtime, "source-official").failures == 1
    assert [file["kind"] for file in scraped.metadata["files"]][:3] == [
        "schedule", "player_boxscores", "team_boxscores",
    ]  # fmt: skip


@pytest.mark.parametrize("absent", [Reply(403), Reply(404)])
def test_days_that_the_league_keeps_no_more_are_noted(chain: Chain, absent: Reply) -> None:
    """The same is answered to an address that it refuses: nothing is kept of it."""
    days = [date(2025, 11, 10), DAY]
    play(chain, *days)
    chain.sources.says["official"] = absent
    scraped = fill(chain, *days)
    assert scraped.status == "success"
    assert scraped.metadata["notes"]["official_history"] == {
        "no_report": "2 of 2 days have no report, 2025-11-10 the first: the league has none so old, or refuses this"
        " address"
    }
    assert len(list_asked(chain)) == len(set(list_asked(chain))) < 2 * 20
    assert circuit_breaker.read(chain.runtime, "source-official").failures == 0
    del chain.sources.says["official"]
    again = fill(chain, *days, run_id="run-2")
    assert list_kept(read_day(chain, again)) == EVENING


def test_before_the_first_report_nothing_is_asked(chain: Chain) -> None:
    day = date(2018, 11, 14)
    game = schedule_game("0021800201", *GAMES[0][1:5], "2018-11-15T00:30:00Z", final=True, day=day)
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [game]}]}})
    rows = Reply.of(box_scores("P", box_rows("P", (("0021800201", *GAMES[0][1:]),))))
    chain.sources.says["box P"] = chain.sources.says["box T"] = rows
    scraped = fill(chain, day)
    assert (scraped.status, list_asked(chain)) == ("success", [])
    assert scraped.metadata["notes"]["official_history"] == {
        "before_history": "1 days before 2019-12-18, from which on there are reports"
    }


def test_of_a_day_that_is_not_over_what_is_over_is_there(chain: Chain) -> None:
    play(chain, DAY, tipoffs=(time(12, 30), time(22, 0)))
    noon = at_new_york(DAY, time(16, 0))
    chain.clock.move(seconds=(noon - chain.clock.now()).total_seconds())
    assert list_kept(read_day(chain, fill(chain, DAY))) == ["2025-11-14_10AM", "2025-11-14_11AM"]
