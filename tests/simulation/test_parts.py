"""The scheduler and the shrinking, each by itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from tests.simulation.faults import Injected
from tests.simulation.hub import Hub
from tests.simulation.plan import calm
from tests.simulation.reference import Load, fingerprint, visible_loads
from tests.simulation.seed import Result
from tests.simulation.shrink import shrink, what_fails
from tests.simulation.verdict import is_pointer, offers, without_sources

START = datetime(2025, 11, 14, 12, 0, tzinfo=UTC)


def test_events_happen_at_their_time_in_the_order_they_were_put() -> None:
    hub = Hub(START)
    heard: list[tuple[str, datetime]] = []

    def hear(name: str) -> Callable[[], None]:
        return lambda: heard.append((name, hub.now()))

    for name, seconds in (("c", 5.0), ("a", 1.0), ("b", 1.0), ("never", 100.0)):
        hub.after(seconds, hear(name))
    hub.run_until(START + timedelta(seconds=60))
    assert [name for name, _ in heard] == ["a", "b", "c"]
    assert heard[-1][1] == START + timedelta(seconds=5)
    assert hub.now() == START + timedelta(seconds=60)


def test_tasks_take_turns_where_they_sleep() -> None:
    hub, heard = Hub(START), []

    def body(name: str, seconds: float) -> None:
        for step in range(3):
            heard.append(f"{name}{step}")
            hub.sleep(seconds)

    hub.spawn(lambda: body("slow", 2.0))
    hub.spawn(lambda: body("quick", 0.9))
    hub.run_until(START + timedelta(seconds=20))
    assert heard == ["slow0", "quick0", "quick1", "quick2", "slow1", "slow2"]


def test_an_ended_task_does_not_wake_up() -> None:
    hub, heard = Hub(START), []

    class Ended(BaseException):
        pass

    def body() -> None:
        try:
            hub.sleep(10)
            heard.append("woke up")
        except Ended:
            heard.append("ended")

    task = hub.spawn(body)
    hub.run_until(START + timedelta(seconds=1))
    hub.end(task, Ended())
    hub.run_until(START + timedelta(seconds=60))
    assert heard == ["ended"]
    assert task.dead


def _result(places: list[str], violation: str) -> Result:
    injected = tuple(Injected(place, "crash before", START) for place in places)
    violations = (violation,) if violation else ()
    return Result(1, violations, injected, (), calm(date(2025, 11, 14)), Counter())


def test_a_schedule_is_shrunk_to_what_its_violation_needs() -> None:
    places = [f"place {number}" for number in range(40)]
    needed = {"place 7", "place 31"}
    runs = 0

    def run(spared: frozenset[str]) -> Result:
        nonlocal runs
        runs += 1
        left = [place for place in places if place not in spared]
        return _result(left, "rows 17 of 'a' lost" if needed <= set(left) else "")

    smallest, tried = shrink(_result(places, "rows 12 of 'b' lost"), run)
    assert {fault.place for fault in smallest.injected} == needed
    assert tried == runs <= 80


@pytest.mark.parametrize("other", ["", "something else"])
def test_another_violation_is_not_the_same(other: str) -> None:
    places = ["one", "two"]

    def run(spared: frozenset[str]) -> Result:
        return _result([p for p in places if p not in spared], other if spared else "lost")

    smallest, _ = shrink(_result(places, "lost"), run)
    assert len(smallest.injected) == 2
    assert what_fails(_result(places, "lost")) != what_fails(_result(places, other))


FREE_DAY = "2025-11-12"
LEFT = {"player": {"status": "not_playing", "reason": "no game on 2025-11-12"}}
STILL = {"player": {"status": "predicted", "reason": None}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"game_date": FREE_DAY, "empty_reason": "no games on 2025-11-12"}, ""),
        ({"game_date": FREE_DAY, "empty_reason": None}, "does not say that 2025-11-12 has no games"),
        ({"game_date": "2025-11-11", "empty_reason": None}, "is of 2025-11-11 although 2025-11-12 was exported"),
        ({"game_date": FREE_DAY, **LEFT}, ""),
        ({"game_date": FREE_DAY, **STILL}, "says of a player {'status': 'predicted', 'reason': None}"),
    ],
)
def test_pointers_that_went_on_to_a_free_day_must_say_that_nobody_plays(body: dict[str, Any], message: str) -> None:
    assert offers(body, FREE_DAY).startswith(message)
    assert bool(offers(body, FREE_DAY)) == bool(message)


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("v1/tonight/all-players.json", True),
        ("v1/tonight/player/anyone.json", True),
        ("v1/predictions/today.json", True),
        ("v1/best-bets/latest.json", True),
        ("v1/predictions/2025-11-11.json", False),
        ("v1/results/latest.json", False),
        ("v1/systems/performance.json", False),
    ],
)
def test_which_files_follow_the_night(path: str, yes: bool) -> None:
    assert is_pointer(path) is yes


def test_the_sources_alone_are_taken_out_of_a_file() -> None:
    def text(sources: str) -> str:
        body = f'{{"game_date": "2025-11-11", {sources} "games": [{{"players": [{{"lines": [1.5]}}]}}], "n": [[1]]}}'
        return repr(json.loads(body, object_pairs_hook=list))

    one = text('"sources": [{"source": "injuries", "reason": null}, {"source": "lines", "reason": "no (answer)"}],')
    other = text('"sources": [{"source": "injuries", "reason": "none"}],')
    assert one != other
    assert without_sources(one) == without_sources(other)
    assert without_sources(one).replace(", , ", ", ") == text("")


def _schedule(hour: float, status: str) -> Load:
    loaded_at = START + timedelta(hours=hour)
    columns = {"game_id": ["0022500001"], "status": [status], "snapshot_time": [loaded_at]}
    return Load("nba_raw.nbac_schedule", pa.table(columns), f"load-{hour}")


def test_a_source_that_said_the_same_again_is_as_old_as_its_later_load() -> None:
    # seed 30033: the same schedule at 04:00 and at 17:30; the run at 17:30 has a current one
    first, again, later = _schedule(-3, "scheduled"), _schedule(10.5, "scheduled"), _schedule(30, "final")
    known = visible_loads([first, again, later], START + timedelta(hours=11))
    assert [load.job_id for load in known] == ["load-10.5"]


def test_loads_of_one_content_are_told_apart_once_they_are_old() -> None:
    as_of = START + timedelta(hours=11)
    names = [fingerprint([_schedule(hour, "scheduled")], as_of) for hour in (9, 10, -3, -4)]
    assert names[0] == names[1]
    assert len(set(names)) == 3
