"""One seed from beginning to end."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.machinery import ModuleSpec
from typing import Any

from shared.core import concurrency, failpoints
from tests.simulation.base import Base
from tests.simulation.driver import Player, Unsettled
from tests.simulation.faults import Faults, Injected
from tests.simulation.hub import Over
from tests.simulation.plan import Plan, draw
from tests.simulation.process import on_failpoint
from tests.simulation.readers import Readers, draw_looks
from tests.simulation.reference import Recorder, References
from tests.simulation.verdict import verdict
from tests.simulation.verdict_monitor import check_monitor
from tests.simulation.watch import CONTINUOUS
from tests.simulation.watch_writes import OF_WRITES
from tests.simulation.world import SimulatedPipeline, open_world


@dataclass(frozen=True)
class Result:
    """What became of a seed; `story` is the schedule as it happened."""

    seed: int
    violations: tuple[str, ...]
    injected: tuple[Injected, ...]
    story: tuple[str, ...]
    plan: Plan
    facts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """Of processor time."""

    @property
    def failed(self) -> bool:
        return bool(self.violations)

    def without_story(self) -> Result:
        """What is worth sending from one process to another."""
        return replace(self, story=())


def run_seed(
    base: Base,
    references: References,
    seed: int,
    spared: frozenset[str] = frozenset(),
    *,
    stop_at_first: bool = False,
    readers: bool = True,
    inspect: Callable[[SimulatedPipeline], None] = lambda world: None,
) -> Result:
    """Play a seed.

    What is `spared` (places of faults, events) does not happen; everything else is as it was.

    `stop_at_first` ends it at the first violation of what holds at every moment. Without `readers`
    neither monitor nor dashboard looks. `inspect` is given the world as it is in the end.
    """
    started = time.process_time()
    plan = draw(seed, base.game_date, base.first_tipoff)
    faults = Faults(plan, spared)
    found: list[str] = []
    recorder = Recorder()
    with deterministic(), open_world(base, faults, plan.windows[0].start - timedelta(minutes=1)) as world:
        world.watchers = [recorder, *(invariant(world, found) for invariant in (*CONTINUOUS, *OF_WRITES))]
        player = Player(world, plan, spared)
        looking = Readers(world, plan, spared, found, looks=draw_looks(plan) if readers else ())
        if stop_at_first:
            world.hub.over = lambda: bool(found)
        try:
            player.play()
        except Over:
            world.end()
        except Unsettled as unsettled:
            found.append(str(unsettled))
        if readers and not found:
            looking.look_once_more()
        looking.end()
        if not found:
            found += verdict(world, player, recorder, references)
        if readers and not found:
            found += check_monitor(world, plan)
        inspect(world)
        return Result(
            seed=seed,
            violations=tuple(found),
            injected=tuple(faults.injected),
            story=tuple(world.story),
            plan=plan,
            facts=_count_facts(world, player),
            seconds=time.process_time() - started,
        )


def _count_facts(world: SimulatedPipeline, player: Player) -> Counter[str]:
    return Counter(
        messages=len(world.bus.published),
        deliveries=sum("<-" in line for line in world.story),
        rounds=player.rounds,
        second_runs=player.plan.second_run,
        settled_before_tipoff=player.settled_before_tipoff,
    )


@contextmanager
def deterministic() -> Iterator[None]:
    """Named points strike, tasks run one after the other, and nothing is logged."""
    failpoints.install(on_failpoint)
    concurrency.use_sequential(range)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    sys.meta_path.insert(0, _NotThere)
    try:
        yield
    finally:
        sys.meta_path.remove(_NotThere)
        logging.disable(before)
        concurrency.use_sequential(None)
        failpoints.install(None)


class _NotThere:
    """DuckDB looks for pandas at every statement, and the interpreter looks through every folder
    for it.
    """

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name in ("pandas", "dateutil"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None
