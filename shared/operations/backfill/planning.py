"""Which dates a backfill fills, and in which messages.

A message is a run of phases 1 to 4 over its dates, with as many warehouse statements and requests
to NBA.com for a month as for a day. So dates that stand together are one unit, within a calendar
month, which keeps a run well below the time-outs. Dates between them that have no games do not part
them; dates that are not to be filled do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shared.chain.execution.records import COLLECTION as EXECUTIONS
from shared.chain.execution.records import Execution, ExecutionStatus
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import Pipeline
from shared.operations.backfill.lacking import DateCheck, Stand, check_dates
from shared.operations.backfill.records import COLLECTION, MODE, Backfill, Order, Progress, Unit, Which
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime

# Dates of one backfill: eight seasons. Its document holds each, and has 1 MiB.
MOST_DATES = 3_000


@dataclass(frozen=True)
class Wanted:
    """What to fill: first and last date, both included. Raises DataError."""

    first: date
    last: date
    which: Which = Which.MISSING
    order: Order = Order.OLDEST
    at_once: int = 1
    fetch_again: bool = False

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise DataError(f"{self.first} lies after {self.last}.", next_step="give the first date, then the last.")
        if len(self.days) > MOST_DATES:
            raise DataError(
                f"{self.first} to {self.last} are {len(self.days)} dates; at most {MOST_DATES} are taken.",
                next_step="fill one part after the other.",
            )

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass(frozen=True)
class Planned:
    """What would be filled now."""

    wanted: Wanted
    checks: Mapping[date, DateCheck]
    units: Sequence[Unit]
    """In the order in which they are published."""

    @property
    def dates(self) -> list[date]:
        return sorted(date.fromisoformat(day) for unit in self.units for day in unit.dates)

    def count(self, stand: Stand) -> int:
        return sum(each.stand is stand for each in self.checks.values())


def plan_backfill(runtime: Runtime, pipeline: Pipeline, wanted: Wanted) -> Planned:
    """What the dates lack, of one statement, and the units that fill it. Nothing is written.

    Raises NotFound where no date is to be filled, StoreUnavailable.
    """
    checks = check_dates(runtime, wanted.days, runtime.clock.now())
    short = {day for day, each in checks.items() if each.stand is Stand.SHORT}
    if wanted.which is Which.ALL:
        chosen = set(wanted.days)
    elif wanted.which is Which.FAILED:
        chosen = short & _failed_dates(runtime, pipeline)
    else:
        chosen = short
    if not chosen:
        raise NotFound(
            f"No date from {wanted.first} to {wanted.last} is to be filled: {describe_stands(checks)}.",
            next_step=f"say {Which.MISSING} or {Which.ALL} to fill more."
            if wanted.which is Which.FAILED
            else "nothing.",
        )
    bridges = {day for day, each in checks.items() if each.stand is Stand.NO_GAMES}
    units = [_unit(days) for days in _groups(sorted(chosen), bridges)]
    return Planned(wanted, checks, units[::-1] if wanted.order is Order.NEWEST else units)


def describe_stands(checks: Mapping[date, DateCheck]) -> str:
    """How many dates stand how."""
    words = {
        Stand.SHORT: "are short",
        Stand.WHOLE: "have what they should",
        Stand.NO_GAMES: "have no games",
        Stand.NOT_OVER: "are not over",
    }
    counts = {stand: sum(each.stand is stand for each in checks.values()) for stand in words}
    return ", ".join(f"{counts[stand]} {says}" for stand, says in words.items() if counts[stand])


def _groups(days: Sequence[date], bridges: Collection[date]) -> Iterator[list[date]]:
    """Dates that stand together, oldest first."""
    group: list[date] = []
    for day in days:
        if group and not _together(group[-1], day, bridges):
            yield group
            group = []
        group.append(day)
    if group:
        yield group


def _together(before: date, day: date, bridges: Collection[date]) -> bool:
    between = (before + timedelta(days=n) for n in range(1, (day - before).days))
    return (before.year, before.month) == (day.year, day.month) and all(each in bridges for each in between)


def _unit(days: Sequence[date]) -> Unit:
    return Unit(first=days[0], last=days[-1], dates={day.isoformat(): Progress.WAITING.value for day in days})


def _failed_dates(runtime: Runtime, pipeline: Pipeline) -> set[date]:
    """Dates that an earlier backfill could not fill, and those of a phase that failed for good."""
    found: set[date] = set()
    for document in runtime.state.query(COLLECTION):
        for unit in Backfill.from_document(document).units:
            found |= {date.fromisoformat(day) for day, each in unit.dates.items() if each == Progress.FAILED}
    phases = pipeline.phase_order[: pipeline.phase_order.index(pipeline.modes[MODE]) + 1]
    for document in runtime.state.query(EXECUTIONS, [Filter("status", "==", ExecutionStatus.FAILED.value)]):
        execution = Execution.from_document(document)
        if execution.final and execution.phase in phases:
            found.add(date.fromisoformat(execution.game_date))
    return found
