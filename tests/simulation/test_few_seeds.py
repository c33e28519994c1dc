"""A seed for whoever waits: `make test` plays it, `make test-all` a hundred and every planted break."""

from __future__ import annotations

import pytest

from tests.simulation.base import Base
from tests.simulation.reference import References
from tests.simulation.seed import run_seed


@pytest.mark.parametrize("seed", [1])
def test_a_seed_violates_no_invariant(seed: int, base: Base, references: References) -> None:
    result = run_seed(base, references, seed)
    assert result.injected, "a seed without faults shows nothing"
    assert result.violations == (), f"make simulate SEED={seed} tells the story"
