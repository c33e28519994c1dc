"""A season of an archive filled by real functions, interrupted twice: what the replay was asked for
is counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.host.runtime import EmbeddedRuntime, open_runtime
from local.replay import Archive, app
from local.replay.sources import ReplayAnswer
from shared.core.clock import at_new_york
from shared.core.pipeline import load_pipeline
from shared.operations.actions.signature import Signature
from shared.operations.backfill.advancing import advance
from shared.operations.backfill.changing import begin
from shared.operations.backfill.lacking import Stand, check_dates
from shared.operations.backfill.planning import Wanted, plan_backfill
from shared.operations.backfill.reading import BackfillView, read_backfill
from shared.operations.backfill.records import Which

pytestmark = pytest.mark.heavy  # months of history, three times

PIPELINE = load_pipeline()
SIGNED = Signature("ada", "a new season")
KEY = "a-season-0001"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Requests that the replay answered, by path and parameters."""
    found: Counter[str] = Counter()

    def counting(path: str, answer: Callable[..., ReplayAnswer]) -> Callable[..., ReplayAnswer]:
        def count(sources: Any, parameters: Any, **parts: str) -> ReplayAnswer:
            found[f"{path} {json.dumps([parts, dict(parameters)], sort_keys=True)}"] += 1
            return answer(sources, parameters, **parts)

        return count

    for path, answer in list(app.ROUTES.items()):
        monkeypatch.setitem(app.ROUTES, path, counting(path, answer))
    return found


@contextmanager
def open_at(folder: Path, league: Path, now: date) -> Iterator[EmbeddedRuntime]:
    """The state folder, opened by another process each time."""
    with open_runtime(folder, archive=league) as embedded:
        embedded.clock.set(at_new_york(now, time(12)))
        yield embedded


def go_on(embedded: EmbeddedRuntime, key: str = KEY) -> BackfillView:
    while read_backfill(embedded.runtime, key).is_open:
        embedded.run_until_idle()
        advance(embedded.runtime, PIPELINE, key)
    return read_backfill(embedded.runtime, key)


def fill(embedded: EmbeddedRuntime, wanted: Wanted, key: str = KEY) -> None:
    begin(embedded.runtime, plan_backfill(embedded.runtime, PIPELINE, wanted), SIGNED, key)
    advance(embedded.runtime, PIPELINE, key)


def test_interrupted_twice_nothing_is_fetched_again(tmp_path: Path, day_league: Path, asked: Counter[str]) -> None:
    folder, last = tmp_path / "state", Archive(day_league).last_date
    first, now = last - timedelta(days=30), last + timedelta(days=2)
    wanted = Wanted(first, last)
    with open_at(folder, day_league, now) as embedded:
        fill(embedded, wanted)  # published, nothing delivered
    assert asked == {}
    with open_at(folder, day_league, now) as embedded:
        embedded.run_until_idle()  # a month is through, and nobody has looked at it
    after_a_month = asked.copy()
    with open_at(folder, day_league, now) as embedded:
        ended = go_on(embedded)
        assert "failed" not in ended.counts
        checks = check_dates(embedded.runtime, wanted.days, embedded.runtime.clock.now())
        assert {each.stand for each in checks.values()} <= {Stand.WHOLE, Stand.NO_GAMES}
        assert sum(each.stand is Stand.WHOLE for each in checks.values()) == ended.counts["done"]
    assert set(asked.values()) == {1}
    assert len(ended.units) > 1
    assert {each.split("/")[1] for each in asked} == {"nba", "odds", "official", "zones"}
    assert len(asked) > len(after_a_month) > 0
    # all of it once more asks nobody, not even for the schedule
    asked.clear()
    with open_at(folder, day_league, now) as embedded:
        fill(embedded, Wanted(first, last, Which.ALL), "a-season-0002")
        assert "failed" not in go_on(embedded, "a-season-0002").counts
    assert asked == {}
