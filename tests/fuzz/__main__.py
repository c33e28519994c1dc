"""`make fuzz INPUTS=200000 SEED=1`: mutated answers of every source through phase 2.

Exit 0 no foreign error.
"""

from __future__ import annotations

import os
import sys
import time

from tests.fuzz.normalising import fuzz


def main() -> int:
    """Ends with the error's own trace where one is raised: the seed gives it again."""
    inputs, seed = int(os.environ.get("INPUTS") or 200_000), int(os.environ.get("SEED") or 1)
    started = time.monotonic()
    tally = fuzz(inputs, seed)
    print("\n".join(tally.lines()))
    print(f"{inputs:,} inputs of seed {seed}, no foreign error, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
