"""`make mutants`: changes the core in one place at a time and plays the tests that should notice.

FILES="shared/chain/resilience/locks.py shared/chain/execution/ledger.py" takes some of core.py's
files, MOST=200 the number of mutants, SEED=1 which ones are drawn, LIST=1 only lists them. Outcomes
are kept in JOURNAL (.local/mutants.jsonl): an interrupted run goes on, and what has neither another
file nor other tests is not played again.
Exit 0 all killed, 1 some survived, 2 wrong input.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from tests.mutation.core import CORE
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.runner import SURVIVED, Copy, Journal, Unusable

PROJECT = Path(__file__).resolve().parents[2]


def draw(folder: Path, files: Sequence[str], most: int, seed: int) -> list[Mutant]:
    """At most so many of the files' mutants, in the order of the files; the same seed draws the
    same ones.
    """
    found = [mutant for file in files for mutant in mutants_of(file, (folder / file).read_text(encoding="utf-8"))]
    # a larger number draws the smaller one's too, so that it goes on where that ended
    chosen = set(random.Random(seed).sample(found, len(found))[:most])
    return [mutant for mutant in found if mutant in chosen]


def play(copy: Copy, mutants: Sequence[Mutant], tests: Mapping[str, Sequence[str]], journal: Journal) -> list[Mutant]:
    """Play the tests against each mutant and say what came of it; returns those that no test
    noticed.

    Raises Unusable where the tests do not pass without a mutant.
    """
    counts: Counter[str] = Counter()
    survivors: list[Mutant] = []
    usual: dict[tuple[str, ...], float] = {}
    for number, mutant in enumerate(mutants, start=1):
        asked = tuple(tests[mutant.file])
        key = copy.key(mutant, asked)
        outcome = journal.find_known(key)
        if outcome is None:
            if asked not in usual:
                usual[asked] = copy.time_unmutated(asked)
            outcome = copy.outcome(mutant, asked, usual[asked])
            journal.add(key, mutant, outcome)
        counts[outcome] += 1
        if outcome == SURVIVED:
            survivors.append(mutant)
            print(f"survived: {mutant}", flush=True)
        if number % 20 == 0 or number == len(mutants):
            summary = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
            print(f"{number} of {len(mutants)} mutants: {summary}", flush=True)
    return survivors


def main(project: Path = PROJECT, core: Mapping[str, Sequence[str]] = CORE) -> int:
    files = os.environ.get("FILES", "").split() or list(core)
    unknown = sorted(set(files) - set(core))
    if unknown:
        print(f"FILES: {', '.join(unknown)} is not among the files of tests/mutation/core.py", file=sys.stderr)
        return 2
    try:
        most, seed = int(os.environ.get("MOST") or 200), int(os.environ.get("SEED") or 1)
        if most < 1:
            raise ValueError(f"MOST={most} is less than 1")
    except ValueError as error:
        print(f"MOST and SEED are whole numbers: {error}", file=sys.stderr)
        return 2
    if os.environ.get("LIST") == "1":
        print("\n".join(map(str, draw(project, files, most, seed))))
        return 0
    journal = Journal(Path(os.environ.get("JOURNAL") or ".local/mutants.jsonl"))
    # of the copy alone: the project may be worked on meanwhile
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, closing(Copy(Path(folder), project)) as copy:
        try:
            return int(bool(play(copy, draw(copy.folder, files, most, seed), core, journal)))
        except Unusable as error:
            print(error, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
