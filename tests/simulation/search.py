"""`make simulate-breaks`: every planted break is searched afresh, seed by seed, until an invariant
finds it.

FIRST_SEED=1 SEEDS=300 say where; RECORD=1 keeps the seeds found, which `make test` replays;
BREAK="no lease" takes one. WORKERS processes share the breaks (default: one a core). Exit 0 all
found, 1 one was not, 2 wrong input.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.base import Base, open_base, prepare
from tests.simulation.breaks import BREAKS
from tests.simulation.patching import Break, Planted, UnbrokenReferences
from tests.simulation.reference import References
from tests.simulation.seed import run_seed

RECORDED = Path(__file__).with_name("recorded_seeds.json")
# Whatever raises an error of Python's own shows that it is broken without any invariant.
_NO_INVARIANT = "no error of ours"


@dataclass(frozen=True)
class Found:
    """The first seed that shows a break and what the invariant said; without one, `seed` is
    None.
    """

    name: str
    seed: int | None
    sentence: str
    tried: int


class Checker:
    """Plays seeds with a break and without."""

    def __init__(self, base: Base, references: References) -> None:
        self._base = base
        self._references = references
        self._whole: dict[int, tuple[str, ...]] = {}

    def broken(self, chosen: Break, seed: int) -> str:
        """What an invariant says first of a seed played with the break; empty where none
        complains.
        """
        planted = Planted(chosen)
        references = UnbrokenReferences(self._references, planted)
        with planted:
            result = run_seed(self._base, references, seed, stop_at_first=True)
        return next((violation for violation in result.violations if _NO_INVARIANT not in violation), "")

    def whole(self, seed: int) -> tuple[str, ...]:
        """What the invariants say of the seed without any break; played once."""
        if seed not in self._whole:
            self._whole[seed] = run_seed(self._base, self._references, seed).violations
        return self._whole[seed]

    def search(self, chosen: Break, seeds: range) -> Found:
        """The first seed at which the break is found and nothing is without it."""
        for tried, seed in enumerate(seeds, start=1):
            sentence = self.broken(chosen, seed)
            if sentence and not self.whole(seed):
                return Found(chosen.name, seed, sentence, tried)
        return Found(chosen.name, None, "", len(seeds))


def read_recorded() -> Mapping[str, int]:
    """The seeds that `make test` replays, by the break's name."""
    seeds: dict[str, int] = json.loads(RECORDED.read_text())
    return seeds


def record(found: Mapping[str, int]) -> None:
    RECORDED.write_text(json.dumps(dict(sorted(found.items())), indent=2) + "\n")


_checker: Checker | None = None


def _open_worker(folder: str) -> None:
    global _checker
    base = open_base(Path(folder))
    _checker = Checker(base, References(base))


def _search(name: str, first: int, count: int) -> Found:
    assert _checker is not None
    return _checker.search(BREAKS[name], range(first, first + count))


def search_all(names: list[str], first: int, count: int, workers: int) -> list[Found]:
    """Search for breaks in processes of their own; each is told as soon as those before it are."""
    results = []
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="breaks-") as folder:
        prepare(Path(folder))
        with ProcessPoolExecutor(workers, context, initializer=_open_worker, initargs=(folder,)) as pool:
            tasks = [pool.submit(_search, name, first, count) for name in names]
            for task in tasks:
                found = task.result()
                results.append(found)
                where = "NOT FOUND" if found.seed is None else f"seed {found.seed}"
                print(f"{found.name:<38}{where:<11}{(found.sentence or BREAKS[found.name].guard)[:200]}", flush=True)
    return results


def main() -> int:
    """Search, print the table, record."""
    try:
        first, count = int(os.environ.get("FIRST_SEED") or 1), int(os.environ.get("SEEDS") or 300)
        workers = int(os.environ.get("WORKERS") or os.cpu_count() or 1)
    except ValueError as error:
        print(f"FIRST_SEED, SEEDS and WORKERS are whole numbers: {error}", file=sys.stderr)
        return 2
    chosen = os.environ.get("BREAK")
    if chosen and chosen not in BREAKS:
        print(f"There is no break {chosen!r}; the breaks are: {', '.join(BREAKS)}", file=sys.stderr)
        return 2
    names = [chosen] if chosen else list(BREAKS)
    started = time.monotonic()
    results = search_all(names, first, count, workers)
    seeds = {found.name: found.seed for found in results if found.seed is not None}
    if os.environ.get("RECORD") == "1":
        before = read_recorded() if RECORDED.exists() else {}
        record({name: seed for name, seed in {**before, **seeds}.items() if name in BREAKS})
    most = max(found.tried for found in results)
    print(
        f"{len(seeds)} of {len(names)} breaks found, the last after {most} seeds; "
        f"{time.monotonic() - started:.0f} s with {workers} processes"
    )
    return int(len(seeds) < len(names))


if __name__ == "__main__":
    sys.exit(main())
