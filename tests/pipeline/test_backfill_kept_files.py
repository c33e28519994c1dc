"""A backfill that uses kept files asks no source for what the raw bucket has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from functions.phase1_scrape.scrape import run as scrape
from shared.chain.execution.context import Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.stores.raw_files import CONTENT_TYPE
from tests.pipeline.test_scrape_faults import Chain, open_chain
from tests.support.fake_sources import GAMES, Reply, box_rows, box_scores, schedule_game
from tests.support.stores import context_of

FIRST, DAY, LAST = date(2025, 11, 10), date(2025, 11, 14), date(2025, 11, 15)
TWO = (("0022500101", *GAMES[0][1:5], "2025-11-13T00:30:00Z"), GAMES[0])


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with open_chain(tmp_path) as found:
        found.sources.final = True
        found.clock.move(hours=48)
        yield found


def again(chain: Chain, run_id: str, *, use_kept: bool = True, first: date = FIRST, last: date = LAST) -> Outcome:
    """Another run of the days; what it asks is counted from here."""
    chain.sources.asked.clear()
    chain.clock.move(minutes=1)
    message = PhaseMessage(from_date=first, to_date=last, use_kept=use_kept)
    return scrape(message, context_of(chain.runtime, "phase1_scrape", first, last, mode="backfill", run_id=run_id))


def test_a_second_run_asks_nobody_and_announces_the_same_files(chain: Chain) -> None:
    first = again(chain, "run-1")
    assert sum(Counter(chain.sources.asked).values()) > 3
    second = again(chain, "run-2")
    assert chain.sources.asked == []
    assert second.metadata["files"] == first.metadata["files"]
    assert second.status == first.status == "success"


def test_without_it_box_scores_are_asked_for_anew(chain: Chain) -> None:
    again(chain, "run-1")
    again(chain, "run-2", use_kept=False)
    assert Counter(chain.sources.asked) == {"schedule": 1, "box P": 1, "box T": 1}


def test_a_day_of_a_month_that_was_fetched_asks_nobody(chain: Chain) -> None:
    again(chain, "run-1")
    assert again(chain, "run-2", first=DAY, last=DAY).status == "success"
    assert chain.sources.asked == []


def two_days(chain: Chain) -> None:
    days = ((12, TWO[0]), (14, TWO[1]))
    listed = [schedule_game(*game, final=True, day=date(2025, 11, day)) for day, game in days]
    chain.sources.says["schedule"] = Reply.of({"leagueSchedule": {"gameDates": [{"games": listed}]}})
    scores = Reply.of(box_scores("P", box_rows("P", TWO)))
    chain.sources.says["box P"] = chain.sources.says["box T"] = scores


def test_only_the_days_that_no_file_has_are_asked_for(chain: Chain) -> None:
    two_days(chain)
    chain.sources.says["box P"] = chain.sources.says["box T"] = Reply.of(box_scores("P", box_rows("P", TWO[1:])))
    again(chain, "run-1", first=DAY)
    two_days(chain)
    chain.sources.requests.clear()
    again(chain, "run-2")
    asked = [params for path, params, _ in chain.sources.requests if path.endswith("leaguegamelog")]
    assert {(each["DateFrom"], each["DateTo"]) for each in asked} == {("2025-11-12", "2025-11-12")}
    again(chain, "run-3")
    assert "box P" not in chain.sources.asked


def test_a_file_from_before_the_game_was_over_does_not_serve(chain: Chain) -> None:
    chain.clock.move(hours=-39)  # 01:30 UTC, an hour before the first game can be over
    again(chain, "run-1")
    chain.clock.move(hours=39)
    again(chain, "run-2")
    assert {"schedule", "box P", "box T"} <= set(chain.sources.asked)


def test_a_damaged_file_is_fetched_anew(chain: Chain) -> None:
    again(chain, "run-1")
    for kind in ("player_boxscores", "schedule"):
        [path] = chain.runtime.raw.list(f"raw/nba/{kind}/")
        chain.runtime.raw.write(path, b"no gzip", content_type=CONTENT_TYPE)
    assert again(chain, "run-2").status == "success"
    assert Counter(chain.sources.asked) == {"schedule": 1, "box P": 1}
