"""The registry of hand-made cases: of every feature its value on paper, in evenings small enough to
work them out.

A new column of the feature store goes into STAR (features_cases_evening.py), whose keys are all of
them. Where its value there does not fix sign and unit (NULL, 0, a ratio of 1, the same side of a
yes or no), it goes into FADING too (features_cases_playoff.py), or into the table of another player
of an evening, added to TABLES. unit/functions/phase4_precompute/test_signs.py refuses a column
without a case, and one whose cases would not notice that it is negated, a hundred times too large,
turned upside down or never there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support import features_playoff as playoff
from tests.support.features_cases_evening import STAR
from tests.support.features_cases_playoff import FADING
from tests.support.features_cases_statistics import OF_THE_BUSY_ONE
from tests.support.features_evening import BUSY, RISING

# (evening, player) -> his expected features.
EVENING, PLAYOFF = "evening", "playoff"
TABLES: dict[tuple[str, int], dict[str, Any]] = {
    (EVENING, RISING): STAR,
    (EVENING, BUSY): OF_THE_BUSY_ONE,
    (PLAYOFF, playoff.FADING): FADING,
}


@dataclass(frozen=True)
class Case:
    """One feature of one player in one evening, and its value on paper."""

    evening: str
    player: int
    feature: str
    expected: Any

    def fits(self, found: Any) -> bool:
        """Whether a computed value is the expected one, to the digits that the store keeps."""
        if isinstance(self.expected, float):
            return bool(found == pytest.approx(self.expected, abs=2e-6))
        return bool(found == self.expected)

    def __str__(self) -> str:
        return f"{self.evening}-{self.feature}"


CASES = [
    Case(evening, player, feature, expected)
    for (evening, player), table in TABLES.items()
    for feature, expected in table.items()
]
