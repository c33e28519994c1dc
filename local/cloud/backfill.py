"""`make backfill FROM=2024-10-22 TO=2025-06-22`: past days through phases 1 to 4, a month a
message, one after another.

With RUNTIME=gcp PROJECT_ID=... on the deployed pipeline, else on a state folder. Published at once,
months would be refused by busy instances, and each refusal uses up an attempt. The backfill is on
record (shared/operations/backfill): after an interruption the same command goes on, a month that is
through is not done again, what failed is tried again, and nothing that the raw bucket has is
fetched again. FORCE=1 does all of them anew, and fetches what may have changed.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from local.cli.operate import ask, connect_or_serve
from local.cli.publish import CommandRefused
from local.cloud.runs import (
    POLL_SECONDS,
    NotThrough,
    Report,
    Waiting,
    check_not_paused,
    not_through,
    report_once,
)
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.host import deployed
from local.host.folder_lock import FolderBusy
from local.host.token import Endpoint
from local.replay import ArchiveError
from shared.chain.execution.ledger import executions_of
from shared.core.clock import YEARS
from shared.core.errors import ConfigError, DataError, PipelineError
from shared.core.pipeline import load_pipeline
from shared.operations.actions.signature import Signature
from shared.operations.backfill.advancing import advance
from shared.operations.backfill.by_dates import go_on_by_dates
from shared.operations.backfill.planning import Wanted
from shared.operations.backfill.records import Progress, Unit, Which
from shared.stores.ports import DateRange
from shared.stores.runtime import Runtime
from shared.stores.runtime import open_deployed_runtime as deployed_runtime


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


def parse_request(environment: Mapping[str, str]) -> Asked:
    """FROM, TO, MINUTES (120) and FORCE. Raises CommandRefused with a sentence on what is wrong."""
    first, last = (_day(name, environment.get(name, "")) for name in ("FROM", "TO"))
    if last < first:
        raise CommandRefused(f"FROM={first} lies after TO={last}. Next: give the first day, then the last.")
    text = environment.get("MINUTES") or "120"
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < float("inf"):
        raise CommandRefused(f"MINUTES={text} is no number of minutes above 0, which is how long a month may take.")
    return Asked(DateRange(first, last), minutes, environment.get("FORCE") == "1")


def _day(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandRefused(f"{name}={text!r} is no day. Next: make backfill FROM=2024-10-22 TO=2025-06-22.") from None
    if day.year not in YEARS:
        raise CommandRefused(f"{name}={day} is of no year that a game can be of ({YEARS[0]} to {YEARS[-1]}).")
    return day


def sign(environment: Mapping[str, str]) -> Signature:
    """WHO and WHY, else the user of this machine and the command's name. Raises DataError."""
    return Signature(environment.get("WHO") or getpass.getuser(), environment.get("WHY") or "make backfill")


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
    reasons = {day: why for unit in units for day, why in unit.reasons.items() if unit.dates[day] == Progress.FAILED}
    if reasons:
        first = min(reasons)
        raise NotThrough(
            f"{len(reasons)} dates are not through, first {first}: {reasons[first]}",
            next_step="mend the cause and redrive its dead letter (make dlq, make redrive); the same command then goes"
            " on with what is left.",
        )


def on_a_folder(endpoint: Endpoint, asked: Asked, report: Report, signature: Signature) -> int:
    """Every month on the runtime of an endpoint, which delivers until nothing is left."""
    wanted = {"first": str(asked.dates.first), "last": str(asked.dates.last), "anew": asked.anew}
    found = ask(endpoint, "POST", "/backfill", {**wanted, "who": signature.who, "why": signature.why})
    named: set[str] = set()
    while True:
        for unit in found["units"]:
            if unit["progress"] == Progress.RUNNING and unit["run_id"] not in named:
                named.add(unit["run_id"])
                report(f"{unit['first']} to {unit['last']}")
        if not found["is_open"]:
            break
        ask(endpoint, "POST", "/idle")
        before, found = found, ask(endpoint, "POST", "/backfill/advance", {"backfill": found["key"]})
        if found == before:
            complain(f"{found['says']}: nothing moves. Next: make breakers, make dlq, or look into the log.")
            return FAILED
    failed = [each for unit in found["units"] for each in unit["dates"] if each["progress"] == Progress.FAILED]
    for each in failed:
        complain(f"{each['game_date']} failed: {each['reason']}. Next: make dlq, or look into the log.")
    return FAILED if failed else DONE


def main() -> int:
    """Exit 0 every month is through, 1 one is not (those before it are), 2 wrong input."""
    try:
        asked, signature = parse_request(os.environ), sign(os.environ)
        if deployed.is_asked_for(os.environ):
            runtime = deployed_runtime(deployed.settings(os.environ))
            on_google(runtime, asked, Waiting(asked.minutes), _report, signature)
            return DONE
        with connect_or_serve(os.environ) as endpoint:
            return on_a_folder(endpoint, asked, _report, signature)
    except (CommandRefused, ConfigError, DataError, ArchiveError, FolderBusy) as error:
        complain(error)
        return WRONG_INPUT
    except (NotThrough, PipelineError, OSError) as error:
        complain(error)
        return FAILED


def _report(line: str) -> None:
    say(line)


if __name__ == "__main__":
    sys.exit(run_command(main, then="What is published goes on by itself; the same command goes on from here."))
