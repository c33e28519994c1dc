"""`make simulate SEEDS=1000 FIRST_SEED=1`, or one seed with its story: `make simulate SEED=17
VERBOSE=1`.

WORKERS processes share the seeds (default: one a core). READERS=0 plays them without monitor and
dashboard, which look on and change nothing. Exit 0 no violation, 1 a violation,
2 wrong input.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulation.base import prepare
from tests.simulation.seed import Result, run_seed
from tests.simulation.shrink import lines_of, shrink
from tests.simulation.workers import has_readers, open_shared, results_of


def simulate(folder: Path, seeds: range, workers: int) -> int:
    """Play many seeds and say what happened; the first failing ones are made smaller and told."""
    started = time.monotonic()
    faults: Counter[str] = Counter()
    facts: Counter[str] = Counter()
    failed: list[Result] = []
    seconds = 0.0
    for number, result in enumerate(results_of(folder, seeds, workers), start=1):
        faults.update(each.kind for each in result.injected)
        facts.update(result.facts)
        seconds += result.seconds
        if result.failed:
            failed.append(result)
            print(f"seed {result.seed}: {result.violations[0]}", flush=True)
        if number % 100 == 0 or number == len(seeds):
            took = time.monotonic() - started
            print(f"{number} of {len(seeds)} seeds, {took:.0f} s, {len(failed)} with a violation", flush=True)
    print("\nfaults injected")
    for kind, count in sorted(faults.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {kind:<32}{count:>9}")
    print("what happened: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(facts.items())))
    for result in failed[:3]:
        _explain(folder, result)
    took = time.monotonic() - started
    print(
        f"{len(seeds)} seeds from {seeds.start}: {len(failed)} with a violation; {sum(faults.values())} faults; "
        f"{took:.0f} s with {workers} processes, {seconds / len(seeds):.2f} s of processor time a seed"
        + (f"; failing: {[result.seed for result in failed[:20]]}" if failed else "")
    )
    return int(bool(failed))


def _explain(folder: Path, failing: Result) -> None:
    base, references = open_shared(folder)

    def replay(spared: frozenset[str]) -> Result:
        return run_seed(base, references, failing.seed, spared, readers=has_readers())

    smallest, runs = shrink(failing, replay)
    kept = len({fault.place for fault in smallest.injected})
    print(f"\nseed {failing.seed}, made smaller in {runs} runs: {kept} of {len(failing.injected)} faults are needed")
    print("\n".join(lines_of(smallest)))


def one(folder: Path, seed: int, *, verbose: bool) -> int:
    """Play one seed; its story where it is asked for or fails."""
    result = run_seed(*open_shared(folder), seed, readers=has_readers())
    if verbose or result.failed:
        print("\n".join(lines_of(result)))
    if result.failed:
        _explain(folder, result)
    counted = Counter(each.kind for each in result.injected)
    print(
        f"seed {seed}: {len(result.violations)} violations; {sum(counted.values())} faults; "
        f"{result.facts['deliveries']} deliveries of {result.facts['messages']} messages; "
        f"{result.seconds:.2f} s of processor time"
    )
    return int(result.failed)


def main() -> int:
    try:
        seed = os.environ.get("SEED")
        first, count = int(os.environ.get("FIRST_SEED") or 1), int(os.environ.get("SEEDS") or 100)
        workers = int(os.environ.get("WORKERS") or os.cpu_count() or 1)
        chosen = int(seed) if seed else None
        if count < 1 or workers < 1:
            raise ValueError(f"SEEDS={count} and WORKERS={workers} are at least 1")
    except ValueError as error:
        print(f"SEED, SEEDS, FIRST_SEED and WORKERS are whole numbers: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="simulation-") as temporary:
        folder = Path(temporary)
        prepare(folder)
        if chosen is not None:
            return one(folder, chosen, verbose=os.environ.get("VERBOSE") == "1")
        return simulate(folder, range(first, first + count), workers)


if __name__ == "__main__":
    sys.exit(main())
