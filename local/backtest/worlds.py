"""The lists a backtest judges by: each is a world of its own, the same games with another injury
list.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.backtest.evaluation_rows import KINDS, LINED


@dataclass(frozen=True)
class World:
    """One of them."""

    name: str
    suffix: str
    """Behind "lined" and "all" in backtest.json; empty: the headline."""
    says: str
    """What is known of absences, for titles."""
    kinds: tuple[str, ...] = KINDS
    is_bound: bool = False
    """Nobody could have known it, or everybody would have known more."""

    def list_of(self, kind: str) -> str:
        """The name of a list in backtest.json."""
        return f"{kind}{self.suffix}"


EVENING = World("evening", "", "the injury list at 17:30")
LINE_TIME = World("line_time", "_line_time", "the injury list when the line was taken", kinds=(LINED,))
LAST_LIST = World("last_list", "_last_list", "the last injury list before tip-off")
DAY_BEFORE = World("day_before", "_day_before", "absences of the game before (a bound)", is_bound=True)
DERIVED = World("derived", "_derived", "absences from box scores (a bound: nobody knew them)", is_bound=True)

# Those beside the evening's, each computed in a copy.
OTHERS = (LINE_TIME, LAST_LIST, DAY_BEFORE, DERIVED)
WORLDS = (EVENING, *OTHERS)
# The lists of backtest.json, the headline's first.
LISTS = tuple(world.list_of(kind) for world in WORLDS for kind in world.kinds)
