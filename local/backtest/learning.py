"""What the models of a backtest learn from: its world's rows as they are, or the same rows with
absences from box scores in place of every injury list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from local.backtest.arguments import FROM_DERIVED
from local.backtest.rows import FeatureRows, read_rows
from local.backtest.what_if import open_what_if
from local.backtest.world import Spent
from local.backtest.worlds import DERIVED
from local.day.plan import DateSpan
from local.day.screen import Screen
from local.replay import Archive
from local.replay.archive import INJURY_LISTS
from shared.science.training.rows import FIRST_DAY

# Of the copy, beside those of the other worlds.
FOLDER = "learned"


@dataclass(frozen=True)
class Learning:
    """How absences come into the rows that models are trained on."""

    learned_from: str
    """FROM_LISTS or FROM_DERIVED."""
    needs_copy: bool
    """Whether the world's own rows have lists that are to be replaced."""


def find_learning(learn: str, archive: Archive, spans: Sequence[DateSpan]) -> Learning:
    """What LEARN comes to: where no list is of a world's days, absences are derived in any case."""
    if not _has_lists(archive, spans[0].first, spans[-1].last):
        return Learning(FROM_DERIVED, needs_copy=False)
    return Learning(learn, needs_copy=learn == FROM_DERIVED)


def describe_learning(document: Mapping[str, Any]) -> str:
    """A sentence where a backtest.json's models have not learned from lists; else nothing."""
    if document.get("learned_from") != FROM_DERIVED:
        return ""
    return "The models have learned from absences in box scores, which nobody knew before the game."


def _has_lists(archive: Archive, first: date, last: date) -> bool:
    """Whether the archive has any team's list of a game from first to last."""
    _, teams = INJURY_LISTS
    table = archive.table(teams, ["game_date"])
    days = table.column(0).cast(pa.date32()).unique().to_pylist() if table.num_columns else []
    return any(first <= day <= last for day in days)


def read_derived(
    kept_in: Path,
    origin: Path,
    archive: Archive,
    spans: Sequence[DateSpan],
    end: datetime,
    stats: Collection[str],
    screen: Screen,
    spent: Spent,
) -> FeatureRows:
    """All rows of the world in `origin` (closed) that were history at `end` (aware), with absences
    from box scores, of these statistics.

    `spans` are all of the world's days. Raises PipelineError where a phase fails.
    """
    days = [(span.first, span.last) for span in spans]
    with open_what_if(DERIVED, kept_in / FOLDER, origin, archive, days, screen, spent) as embedded:
        return read_rows(embedded.warehouse, end, FIRST_DAY, stats)
