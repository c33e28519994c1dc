"""The view that every check is given."""

from __future__ import annotations

from functools import cached_property

from shared.operations.checks.days import Day, list_days
from shared.operations.checks.readings import Readings


class View(Readings):
    """The stores at a moment, with the window's dates."""

    @cached_property
    def days(self) -> list[Day]:
        """The dates that something was due for, the oldest first."""
        return list_days(self)
