"""The schedule endpoint is down: the run goes on with the schedule it knows, says how old it is,
and is partial.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from shared.chain.messages.messages import Mode
from shared.core.errors import DataError, SourceUnavailable
from shared.stores.raw_files import CONTENT_TYPE
from tests.pipeline.test_scrape_faults import Chain, backfill, open_chain
from tests.support.fake_sources import DAY, GAMES, HTML, TRUNCATED, Reply, schedule, schedule_game

DOWN = Reply(503)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with open_chain(tmp_path) as found:
        yield found


@pytest.mark.parametrize("fault", [DOWN, HTML, TRUNCATED, Reply(404), Reply(302, headers={"Location": "http://e.e/"})])
def test_a_run_goes_on_with_the_schedule_of_the_run_before(chain: Chain, fault: Reply) -> None:
    first = chain.scrape("same_day")
    chain.clock.move(hours=6)
    chain.sources.says["schedule"] = fault
    scraped = chain.scrape("same_day", run_id="run-2")
    assert scraped.status == "partial"
    assert scraped.metadata["failed"].keys() == {"schedule"}
    assert "NBA.com /scheduleleaguev2" in scraped.reason
    assert scraped.reason.endswith(
        "The run goes on with the schedule of 2025-26 as it was at 2025-11-14T16:30:00Z, 6.0 hours old"
    )
    assert scraped.metadata["files"][0] == first.metadata["files"][0]
    assert [file["kind"] for file in scraped.metadata["files"]] == [
        "schedule", "injury_report", "live_odds", "injuries",
    ]  # fmt: skip
    assert chain.load(scraped, run_id="run-2").status == "success"
    assert chain.rows("nbac_schedule", "DISTINCT status, snapshot_time") == [
        {"status": "scheduled", "snapshot_time": datetime(2025, 11, 14, 16, 30, tzinfo=UTC)}
    ]


@pytest.mark.parametrize("attempt", [1, 5])
@pytest.mark.parametrize("mode", ["overnight", "same_day", "tomorrow"])
def test_what_is_to_come_waits_for_no_retry(chain: Chain, mode: Mode, attempt: int) -> None:
    chain.scrape("same_day")
    chain.sources.says["schedule"] = DOWN
    assert chain.scrape(mode, run_id="run-2", attempt=attempt).status == "partial"


def test_the_newest_schedule_of_the_season_is_taken_whatever_its_day(chain: Chain) -> None:
    chain.scrape("same_day", date(2025, 11, 1))
    chain.clock.move(hours=2)
    newest = chain.scrape("same_day", date(2025, 11, 20), run_id="run-2")
    # of another season, and later still
    chain.clock.move(hours=1)
    past = schedule_game("0022400001", *GAMES[0][1:5], "2025-03-14T23:30:00Z", day=date(2025, 3, 14))
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [past]}]}})
    chain.scrape("same_day", date(2025, 3, 14), run_id="run-3")
    chain.sources.says["schedule"] = DOWN
    scraped = chain.scrape("same_day", run_id="run-4")
    assert scraped.metadata["files"][0]["path"] == newest.metadata["files"][0]["path"]
    assert "1.0 hours old" in scraped.reason


def test_an_age_of_days_is_told_in_days(chain: Chain) -> None:
    chain.scrape("same_day", date(2025, 11, 13))
    chain.clock.move(hours=-72)
    chain.scrape("same_day", date(2025, 11, 12), run_id="run-0")
    chain.sources.says["schedule"] = DOWN
    chain.clock.move(hours=60)
    # that of 2025-11-14T16:30 is not known yet at 04:30
    scraped = chain.scrape("same_day", run_id="run-2")
    assert "as it was at 2025-11-11T16:30:00Z, 2.5 days old" in scraped.reason


def test_one_that_cannot_be_read_is_passed_over(chain: Chain) -> None:
    first = chain.scrape("same_day")
    chain.clock.move(hours=1)
    for number, data in enumerate((b"broken", b"")):
        chain.runtime.raw.write(
            f"raw/nba/schedule/{DAY}/20251114T17000{number}Z-x.json.gz", data, content_type=CONTENT_TYPE
        )
    chain.runtime.raw.write(f"raw/nba/schedule/{DAY}/odd.json.gz", b"", content_type=CONTENT_TYPE)
    chain.sources.says["schedule"] = DOWN
    scraped = chain.scrape("same_day", run_id="run-2")
    assert scraped.metadata["files"][0] == first.metadata["files"][0]


def test_with_none_of_the_season_the_delivery_is_retried(chain: Chain) -> None:
    chain.scrape("same_day")
    chain.sources.says["schedule"] = DOWN
    for attempt in (1, 5):
        with pytest.raises(SourceUnavailable, match="schedule of 2024-25"):
            chain.scrape("same_day", date(2025, 3, 14), run_id="run-2", attempt=attempt)


def test_results_wait_for_the_schedule_that_knows_them_while_a_retry_may_bring_it(chain: Chain) -> None:
    chain.scrape("same_day")
    chain.sources.says["schedule"] = DOWN
    with pytest.raises(SourceUnavailable, match="which does not know how the days ended"):
        chain.results(run_id="run-2")
    assert "box P" not in chain.sources.asked
    del chain.sources.says["schedule"]
    scraped = chain.results(run_id="run-2", attempt=2)
    assert (scraped.status, scraped.record_count) == ("success", 10)


def test_at_the_last_attempt_games_that_must_be_over_have_their_box_scores_fetched(chain: Chain) -> None:
    chain.scrape("same_day")
    chain.sources.says["schedule"] = DOWN
    scraped = chain.results(run_id="run-2", attempt=5)
    assert scraped.status == "partial"
    assert scraped.metadata["failed"].keys() == {"schedule"}
    assert "19.0 hours old" in scraped.reason
    assert chain.load(scraped, "results", run_id="run-2").status == "success"
    assert chain.rows("nbac_player_boxscores", "SUM(points) AS found") == [{"found": 84}]


def test_results_that_the_known_schedule_has_wait_for_nothing(chain: Chain) -> None:
    chain.results()
    chain.clock.move(hours=5)
    chain.sources.says["schedule"] = DOWN
    scraped = chain.scrape("results", run_id="run-2")
    assert scraped.status == "partial"
    assert "5.0 hours old" in scraped.reason
    assert chain.sources.asked.count("box P") == 2


def test_a_season_is_loaded_with_the_schedule_it_knows(chain: Chain) -> None:
    backfill(chain)
    chain.clock.move(hours=3)
    chain.sources.says["schedule"] = DOWN
    scraped = chain.scrape("backfill", date(2025, 11, 10), date(2025, 11, 15), run_id="run-2")
    assert scraped.status == "partial"
    assert scraped.metadata["failed"].keys() == {"schedule"}
    assert [file["kind"] for file in scraped.metadata["files"]] == [
        "schedule", "player_boxscores", "team_boxscores", "event_odds", "injury_report",
    ]  # fmt: skip


def test_that_there_is_nothing_to_do_an_older_schedule_may_be_wrong_about(chain: Chain) -> None:
    chain.scrape("same_day")
    chain.sources.says["schedule"] = DOWN
    day = date(2026, 1, 1)
    with pytest.raises(SourceUnavailable):
        chain.scrape("same_day", day, run_id="run-2")
    scraped = chain.scrape("same_day", day, run_id="run-2", attempt=5)
    assert scraped.status == "no_data"
    assert scraped.reason.startswith("no games on 2026-01-01 in the schedule; schedule: NBA.com /scheduleleaguev2")
    assert scraped.metadata["failed"].keys() == {"schedule"}


def test_two_seasons_of_which_one_is_not_given(chain: Chain) -> None:
    """A range over a summer: the season that is given is as it is now."""
    first, last = date(2025, 8, 30), DAY
    chain.sources.says["schedule"] = Reply.of(schedule(final=True))
    old = schedule_game("0022400001", *GAMES[0][1:5], "2025-06-14T23:30:00Z", final=True, day=date(2025, 6, 14))
    both = {
        "leagueSchedule": {"gameDates": [{"games": [old, *schedule(True)["leagueSchedule"]["gameDates"][0]["games"]]}]}
    }
    chain.clock.move(hours=48)
    chain.sources.says["schedule"] = Reply.of(both)
    assert chain.scrape("backfill", first, last).status == "success"
    chain.sources.says["schedule"] = DOWN
    scraped = chain.scrape("backfill", first, last, run_id="run-2")
    assert scraped.status == "partial"
    assert "schedule of 2024-25" in scraped.reason
    assert "schedule of 2025-26" in scraped.reason


def test_the_schedule_of_another_season_is_no_day_without_games(chain: Chain) -> None:
    """An endpoint that ignores the season asked for: every game is of the last one."""
    chain.scrape("same_day")
    chain.clock.move(hours=6)
    past = schedule_game("0022400001", *GAMES[0][1:5], "2025-03-14T23:30:00Z", day=date(2025, 3, 14))
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": [past]}]}})
    scraped = chain.scrape("same_day", run_id="run-2")
    assert scraped.status == "partial"
    assert "a schedule without a single game of 2025-26: " in scraped.reason
    assert "game 0022400001 is of 2024-25, not of 2025-26" in scraped.reason
    assert "6.0 hours old" in scraped.reason
    assert [file["kind"] for file in scraped.metadata["files"]] == [
        "schedule", "injury_report", "live_odds", "injuries",
    ]  # fmt: skip


def test_where_a_season_to_come_is_answered_with_this_one_the_message_is_to_blame(chain: Chain) -> None:
    with pytest.raises(DataError, match=r"no game of the season 2052-53 .*game 0022500201 is of 2025-26"):
        chain.scrape("same_day", date(2052, 12, 30))
