"""One seed from beginning to end."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.machinery import ModuleSpec
from typing import Any

from shared import crashpoints, parallel
from tests.simulation.base import Base
from tests.simulation.driver import Player, Unsettled
from tests.simulation.faults import Faults, Injected
from tests.simulation.plan import Plan, draw
from tests.simulation.process import reached
from tests.simulation.reference import Recorder, References
from tests.simulation.verdict import verdict
from tests.simulation.watch import CONTINUOUS
from tests.simulation.world import open_world


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


def run_seed(base: Base, references: References, seed: int, spared: frozenset[str] = frozenset()) -> Result:
    """Play a seed. What is `spared` (places of faults, events) does not happen; everything else is as it was."""
    started = time.process_time()
    plan = draw(seed, base.game_date, base.first_tipoff)
    faults = Faults(plan, spared)
    found: list[str] = []
    recorder = Recorder()
    with deterministic(), open_world(base, faults, plan.windows[0].start - timedelta(minutes=1)) as world:
        world.watchers = [recorder, *(invariant(world, found) for invariant in CONTINUOUS)]
        player = Player(world, plan, spared)
        try:
            player.play()
        except Unsettled as unsettled:
            found.append(str(unsettled))
        if not found:
            found += verdict(world, player, recorder, references)
        facts = Counter(
            messages=len(world.bus.published),
            deliveries=sum("<-" in line for line in world.story),
            rounds=player.rounds,
            second_runs=plan.second_run,
            settled_before_tipoff=player.settled_before_tipoff,
        )
        return Result(
            seed=seed,
            violations=tuple(found),
            injected=tuple(faults.injected),
            story=tuple(world.story),
            plan=plan,
            facts=facts,
            seconds=time.process_time() - started,
        )


@contextmanager
def deterministic() -> Iterator[None]:
    """Named points strike, tasks run one after the other, and nothing is logged."""
    crashpoints.install(reached)
    parallel.use_sequential(range)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    sys.meta_path.insert(0, _NotThere)
    try:
        yield
    finally:
        sys.meta_path.remove(_NotThere)
        logging.disable(before)
        parallel.use_sequential(None)
        crashpoints.install(None)


class _NotThere:
    """DuckDB looks for pandas at every statement, and the interpreter looks through every folder for it."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name in ("pandas", "dateutil"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None
