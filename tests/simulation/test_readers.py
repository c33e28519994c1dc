"""Monitor and dashboard look at every seed in the midst of its faults, and change nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulation.base import Base, open_base
from tests.simulation.hub import Hub
from tests.simulation.plan import draw
from tests.simulation.reader_ports import ReaderClock, is_own
from tests.simulation.readers import draw_looks
from tests.simulation.reference import References
from tests.simulation.seed import Result, run_seed
from tests.simulation.world import SimulatedPipeline
from tests.simulation.world_digest import digest_world

START = datetime(2025, 11, 14, 12, 0, tzinfo=UTC)
# Recorded seeds. Where a store fails between an execution of the monitor and its answer, a sweep
# may name that execution in its report, as it should: none of these is such a seed.
DIGESTED = (1, 2, 5, 7, 8, 9)


def test_readers_time_passes_between_the_events_of_the_hub_and_moves_none() -> None:
    hub, seen = Hub(START), []
    clock = ReaderClock(hub)
    hub.between = clock.run_until

    def see(name: str) -> Callable[[], None]:
        return lambda: seen.append((name, hub.now()))

    def look() -> None:
        seen.append(("looks", clock.now()))
        clock.sleep(2)
        seen.append(("goes on", clock.now()))

    for seconds in (0, 2, 9):
        hub.after(seconds, see("event"))
    clock.start(START + timedelta(seconds=1), look)
    assert hub.next_at == START
    hub.run_until(START + timedelta(seconds=5))
    times = [(name, (at - START).total_seconds()) for name, at in seen]
    assert times == [("event", 0), ("looks", 1), ("event", 2), ("goes on", 3)]
    assert hub.next_at == START + timedelta(seconds=9)
    assert clock.now() == hub.now() == START + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("reader", "port", "path", "fields", "own"),
    [
        ("monitor", "state", "incidents/x.1", (), True),
        ("monitor", "state", "executions/monitor.day", (), True),
        ("monitor", "state", "executions/grading.day", (), False),
        ("monitor", "state", "audit/row", ("loaded",), True),
        ("monitor", "state", "audit/row", ("loaded", "who"), False),
        ("monitor", "state", "audit/row", (), False),
        ("monitor", "warehouse", "nba_monitoring.pipeline_latency", (), True),
        ("monitor", "warehouse", "nba_monitoring.pipeline_execution_log", (), False),
        ("monitor", "raw", "held/message", (), False),
        ("monitor", "bus", "nba-alerts", (), False),
        ("dashboard", "state", "health/monitor-probe", (), True),
        ("dashboard", "state", "incidents/x.1", (), False),
        ("dashboard", "bus", "nba-self-heal-trigger", (), False),
        ("dashboard", "exports", "v1/any.json", (), False),
    ],
)
def test_what_is_a_readers_own(reader: str, port: str, path: str, fields: tuple[str, ...], own: bool) -> None:
    assert is_own(reader, port, path, frozenset(fields)) is own


def test_looks_are_of_the_seed_among_its_faults_and_within_its_outages() -> None:
    day, tipoff = date(2025, 11, 11), datetime(2025, 11, 12, 0, tzinfo=UTC)
    plans = [draw(seed, day, tipoff) for seed in range(1, 200)]
    for plan in plans:
        looks = draw_looks(plan)
        assert looks == draw_looks(plan)
        assert 2 <= len(looks) <= 3
        assert plan.windows[0].holds(min(look.at for look in looks))
    stores = [(plan, [o for o in plan.outages if o.what in ("state", "warehouse", "bus")]) for plan in plans]
    down = [(plan, outages) for plan, outages in stores if outages]
    assert len(down) > 20
    assert all(any(o.holds(look.at) for o in outages for look in draw_looks(plan)) for plan, outages in down)


def _play(folder: Path, references: References, seed: int, *, readers: bool) -> tuple[Result, dict[str, str]]:
    """A play with sources of its own: of one key's quota every play leaves less."""
    left: dict[str, str] = {}

    def inspect(world: SimulatedPipeline) -> None:
        left.update(digest_world(world))

    return run_seed(open_base(folder), references, seed, readers=readers, inspect=inspect), left


@pytest.mark.heavy
@pytest.mark.parametrize("seed", DIGESTED)
def test_a_seed_leaves_the_same_with_readers_and_without(
    seed: int, base_folder: Path, references: References, base: Base
) -> None:
    alone, left_alone = _play(base_folder, references, seed, readers=False)
    watched, left = _play(base_folder, references, seed, readers=True)
    assert watched.violations == alone.violations == ()
    assert sorted(name for name in {*left, *left_alone} if left.get(name) != left_alone.get(name)) == []
    assert len(left) > 200
    assert (watched.injected, watched.facts) == (alone.injected, alone.facts)
    looks = [line for line in watched.story if "  (monitor " in line]
    assert len(looks) > len(draw_looks(watched.plan)), "each look, and one in the end"
    assert not [line for line in alone.story if "  (monitor " in line]
