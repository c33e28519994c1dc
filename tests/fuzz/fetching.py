"""Phase 1's checks and readings on mutated answers: an answer is refused as WrongShape or read, never another error.

What a check lets through is read as the source's module reads it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from functions.phase1_scrape.http_client import WrongShape
from functions.phase1_scrape.sources import box_scores, injuries, odds, odds_history, schedule, shot_zones
from shared.nba.feed_json import read_json
from tests.fuzz import samples
from tests.fuzz.mutations import as_sent, mutated

DAY = date(2025, 11, 14)
NOW = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)


def _schedule(value: Any) -> None:
    schedule.check(value)
    schedule._read(value, "2025-26")


def _box_scores(value: Any) -> None:
    box_scores.check(value)
    box_scores._game_ids([value])
    box_scores._rows([value])


def _events(value: Any) -> None:
    odds.check_events(value)
    odds.events_of(value, DAY, after=NOW)
    odds.odd_events(value)


def _past_events(value: Any) -> None:
    odds_history._check_past_events(value)
    for event in odds.events_of(value["data"], DAY):
        odds_history._teams(event)


def _event_odds(value: Any) -> None:
    odds.check_event_odds(value)
    odds._notes([value], {}, 1)


def _injuries(value: Any) -> None:
    injuries.check(value)
    injuries._players(value)


READERS: Mapping[str, tuple[Callable[[Any], None], Any]] = {
    "schedule": (_schedule, samples.SCHEDULE),
    "player box scores": (_box_scores, samples.PLAYER_BOX),
    "team box scores": (_box_scores, samples.TEAM_BOX),
    "events": (_events, samples.EVENTS),
    "past events": (_past_events, {"timestamp": "2025-11-14T16:00:00Z", "data": samples.EVENTS}),
    "event odds": (_event_odds, samples.EVENT),
    "past odds": (odds_history._check_past_odds, samples.PAST_EVENT),
    "injuries": (_injuries, samples.INJURIES),
    "player zones": (shot_zones.check, samples.PLAYER_ZONES),
}


def fuzz(name: str, inputs: int, seed: int) -> Counter[str]:
    """How many answers of a source were read and how many refused."""
    (read, sample), random_, tally = READERS[name], random.Random(f"{name} {seed}"), Counter[str]()
    sent = as_sent(sample)
    for _ in range(inputs):
        value = read_json(as_sent(mutated(sent, random_, random_.choice((1, 1, 2, 4)))))
        try:
            read(value)
            tally["read"] += 1
        except WrongShape as refused:
            str(refused).encode()
            tally["refused"] += 1
    return tally


@pytest.mark.parametrize("name", READERS)
def test_mutated_answers_are_read_or_refused(name: str) -> None:
    tally = fuzz(name, 1_000, seed=1)
    assert sum(tally.values()) == 1_000
    assert min(tally["read"], tally["refused"]) > 10
