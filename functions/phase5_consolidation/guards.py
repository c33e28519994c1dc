"""Guards of consolidation: each compares what was found with what was expected, and raises; none
reads or writes.

A StagingMismatch is answered with a retry: it is raised while every staging table is still there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.core.errors import StagingMismatch, WriteConflict
from shared.core.events import Event

# Names in one sentence; the rest are counted.
_NAMED = 10


@dataclass(frozen=True)
class StagedRows:
    """What the staging tables of a batch's pending units hold."""

    by_unit: Mapping[str, int]
    """unit -> rows; a unit that staged none has no entry."""
    foreign: int
    """Rows of another batch or date."""
    keys: int
    """Distinct primary keys."""
    frozen: int
    """Keys among them whose game has tipped off: they are not merged."""


@dataclass(frozen=True)
class RowsInPlace:
    """What the predictions table holds under a batch."""

    by_game: Mapping[str, int]
    """game_id -> distinct primary keys."""
    doubled: int
    """Rows above one a key."""

    @property
    def keys(self) -> int:
        return sum(self.by_game.values())


def expect_tables(batch_id: str, staged: Collection[str], pending: Collection[str]) -> None:
    """Raise StagingMismatch where a pending unit has no staging table."""
    missing = sorted(set(pending) - set(staged))
    if missing:
        raise StagingMismatch(
            f"{batch_id}: {len(missing)} of {len(pending)} staging tables are missing: "
            f"{', '.join(missing[:_NAMED])}{' ...' if len(missing) > _NAMED else ''}.",
            next_step="publish the units' requests again, then the batch-complete message.",
            event=Event.STAGING_MISSING,
        )


def expect_something(batch_id: str, unit_count: int, staged: int) -> None:
    """Raise StagingMismatch where nothing is staged (pending units, or keys): nothing is merged on
    nothing."""
    if not staged:
        raise StagingMismatch(
            f"{batch_id}: none of its {unit_count} units staged a row.",
            next_step="look at the failed units in the run's summary; republish their requests.",
            event=Event.NOTHING_STAGED,
        )


def expect_reported(batch_id: str, staged: StagedRows, reported: Mapping[str, int]) -> None:
    """Raise StagingMismatch where a unit's staged rows are not as many as it reported, or are
    another batch's."""
    wrong = [
        f"{unit}: {found} staged, {rows} reported"
        for unit, rows in sorted(reported.items())
        if (found := staged.by_unit.get(unit, 0)) != rows
    ]
    if wrong or staged.foreign:
        raise StagingMismatch(
            f"{batch_id}: staged rows are not what was reported ({'; '.join(wrong[:_NAMED]) or 'counts fit'}; "
            f"{staged.foreign} rows of another batch or date).",
            next_step="publish the units' requests again, then the batch-complete message.",
            event=Event.STAGED_ROWS_WRONG,
        )


def expect_no_tipoff(batch_id: str, tipoffs: Mapping[str, datetime], looked_at: datetime, now: datetime) -> None:
    """Raise WriteConflict where a game tipped off after its rows were looked at: a retry freezes
    them.

    A process that stood still must not write rows of a game that has begun meanwhile. tipoffs:
    game_id -> tip-off.
    """
    begun = sorted(game for game, tipoff in tipoffs.items() if looked_at < tipoff <= now)
    if begun:
        raise WriteConflict(
            f"{batch_id}: {', '.join(begun)} tipped off between {looked_at.isoformat()}, when its rows were looked "
            f"at, and {now.isoformat()}.",
            next_step="nothing: the retry leaves out what has tipped off.",
        )


def expect_merged(batch_id: str, affected: int, expected: int) -> None:
    """Raise StagingMismatch where the MERGE affected another number of rows than staged keys not
    frozen."""
    if affected != expected:
        raise StagingMismatch(
            f"{batch_id}: the MERGE affected {affected} rows, {expected} were expected (staged keys not frozen). "
            "Nothing was dropped.",
            next_step="publish the batch-complete message again: it picks up from the preserved staging tables.",
            event=Event.MERGED_ROWS_WRONG if affected else Event.ZERO_ROW_MERGE,
        )


def expect_in_place(batch_id: str, found: RowsInPlace, expected: int, frozen: int) -> None:
    """Raise StagingMismatch where the keys in the table are not the `expected` ones, merged now and
    before.

    Rows that are frozen by now may be in place all the same: an earlier attempt, before tip-off,
    merged them.
    """
    if not expected <= found.keys <= expected + frozen or found.doubled:
        raise StagingMismatch(
            f"{batch_id}: {found.keys} keys are in place ({found.doubled} doubled rows), {expected} were expected, "
            f"{frozen} frozen. Nothing was dropped.",
            next_step="compare the staging tables with the predictions table, then publish batch-complete again.",
            event=Event.ROWS_IN_PLACE_WRONG,
        )
