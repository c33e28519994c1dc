"""Past days through phases 1 to 4, a month a message, one after another: `./nba backfill --follow`.

Published at once, months would be refused by busy instances, and each refusal uses up an attempt.
The backfill is on record (shared/operations/backfill): after an interruption the same command goes
on, a month that is through is not done again, what failed is tried again, and nothing that the raw
bucket has is fetched again, unless all of it is to be done anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.cloud.runs import (
    POLL_SECONDS,
    NotThrough,
    Report,
    Waiting,
    check_not_paused,
    not_through,
    report_once,
)
from shared.chain.execution.ledger import executions_of
from shared.core.pipeline import load_pipeline
from shared.operations.actions.signature import Signature
from shared.operations.backfill.advancing import advance
from shared.operations.backfill.by_dates import go_on_by_dates
from shared.operations.backfill.planning import Wanted
from shared.operations.backfill.records import Progress, Unit, Which
from shared.stores.ports import DateRange
from shared.stores.runtime import Runtime

Act = Callable[[str, Mapping[str, Any]], Any]
"""POSTs to a path of a runtime, and gives its answer."""


@dataclass(frozen=True)
class Asked:
    """What to fill: first and last day, both included; how long a month may take; whether all is
    done anew.
    """

    dates: DateRange
    minutes: float
    anew: bool

    @property
    def wanted(self) -> Wanted:
        """All of the dates, oldest first, a month at a time. Raises DataError for too many."""
        return Wanted(self.dates.first, self.dates.last, Which.ALL, fetch_again=self.anew)


def on_google(runtime: Runtime, asked: Asked, wait: Waiting, report: Report, signature: Signature) -> None:
    """Every month through the ledger, the next one when the month before has ended; what fails is
    named at the end.

    Raises NotThrough, Fatal while the pipeline is paused, what the ports raise.
    """
    check_not_paused(runtime)
    pipeline = load_pipeline()
    key = go_on_by_dates(runtime, pipeline, asked.wanted, signature)
    named, reported, seen = set[str](), set[tuple[str, int]](), list[Unit]()
    while True:
        before = {each.first for each in seen if each.progress is Progress.RUNNING}
        backfill = advance(runtime, pipeline, key).backfill
        seen = backfill.units
        running = [each for each in seen if each.progress is Progress.RUNNING]
        for unit in (each for each in seen if each in running or each.first in before):
            _report_unit(unit, named, report)
            for execution in executions_of(runtime.state, unit.run_id):
                report_once(execution, reported, report)
        if not backfill.is_open:
            raise_failed(seen)
            return
        _check_time(runtime, running, wait.minutes)
        wait.rest(POLL_SECONDS)


def _report_unit(unit: Unit, named: set[str], report: Report) -> None:
    if unit.run_id not in named:
        named.add(unit.run_id)
        report(f"{unit.first} to {unit.last}")


def _check_time(runtime: Runtime, running: Iterable[Unit], minutes: float) -> None:
    """Raises NotThrough for a month that takes longer than it may."""
    for unit in running:
        since = unit.published_at or runtime.clock.now()
        if runtime.clock.now() >= since + timedelta(minutes=minutes):
            raise not_through(unit.run_id, executions_of(runtime.state, unit.run_id), minutes)


def raise_failed(units: Iterable[Unit]) -> None:
    """Raises NotThrough that names the first date that failed, and counts all of them."""
    raise_of({day: why for unit in units for day, why in unit.reasons.items() if unit.dates[day] == Progress.FAILED})


def raise_of(reasons: Mapping[str, str]) -> None:
    """Raises NotThrough for dates that failed, each with its reason; nothing where there are
    none.
    """
    if reasons:
        first = min(reasons)
        raise NotThrough(
            f"{len(reasons)} dates are not through, first {first}: {reasons[first]}",
            next_step="mend the cause and redrive its dead letter (./nba dlq, ./nba redrive); the same command then"
            " goes on with what is left.",
        )


def on_a_folder(act: Act, asked: Asked, report: Report, signature: Signature) -> None:
    """Every month on a runtime, which delivers until nothing is left.

    Raises NotThrough that names what failed, or says that nothing moves; what `act` raises.
    """
    wanted = {"first": str(asked.dates.first), "last": str(asked.dates.last), "anew": asked.anew}
    found = act("/admin/backfill", {**wanted, "who": signature.who, "why": signature.why})
    named: set[str] = set()
    while True:
        for unit in found["units"]:
            if unit["progress"] == Progress.RUNNING and unit["run_id"] not in named:
                named.add(unit["run_id"])
                report(f"{unit['first']} to {unit['last']}")
        if not found["is_open"]:
            break
        act("/admin/idle", {})
        before, found = found, act("/admin/backfill/advance", {"backfill": found["key"]})
        if found == before:
            raise NotThrough(
                f"{found['says']}: nothing moves.", next_step="./nba breakers, ./nba dlq, or look into the log."
            )
    dates = [each for unit in found["units"] for each in unit["dates"]]
    raise_of({each["game_date"]: each["reason"] for each in dates if each["progress"] == Progress.FAILED})
