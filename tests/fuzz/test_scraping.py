"""A seeded fuzz of phase 1: whatever a source answers, a run ends in an outcome or in
SourceUnavailable.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.scraping import fuzz

pytestmark = pytest.mark.heavy  # runs by the hundred


def test_whatever_a_source_answers_a_run_ends_as_it_should(tmp_path: Path) -> None:
    tally = fuzz(tmp_path, 250, seed=1)
    assert sum(tally.outcomes.values()) == 250
    assert min(tally.outcomes[each] for each in ("success", "partial", "unavailable")) > 15
    assert tally.named > 15
