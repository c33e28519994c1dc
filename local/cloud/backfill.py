"""`make backfill FROM=2024-10-22 TO=2025-06-22`: past days through phases 1 to 4, a month a
message, one after another.

With RUNTIME=gcp PROJECT_ID=... on the deployed pipeline, else on a state folder. Published at once,
months would be refused by busy instances, and each refusal uses up an attempt. Deployed, a month
that is through is not done again: after an interruption the same command goes on. FORCE=1 does all
of them anew.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from local.cli.operate import connect_or_serve
from local.cli.publish import CommandRefused, publish, show
from local.cloud.runs import NotThrough, Report, Waiting, run_through
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.host import deployed
from local.host.folder_lock import FolderBusy
from local.host.token import Endpoint
from local.replay import ArchiveError
from shared.core.clock import YEARS
from shared.core.errors import ConfigError, PipelineError
from shared.core.pipeline import load_pipeline, trigger_of
from shared.stores.ports import DateRange
from shared.stores.runtime import Runtime
from shared.stores.runtime import open_deployed_runtime as deployed_runtime

TOPIC = trigger_of("phase1_scrape")
MODE = "backfill"


@dataclass(frozen=True)
class Asked:
    """What to fill: first and last day, both included; how long a month may take; whether all is
    done anew.
    """

    dates: DateRange
    minutes: float
    anew: bool


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


def months(dates: DateRange) -> Iterator[DateRange]:
    """The calendar months of the dates, the first and the last cut to them."""
    first = dates.first
    while first <= dates.last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield DateRange(first, min(dates.last, following - timedelta(days=1)))
        first = following


def message(month: DateRange, *, anew: bool) -> dict[str, Any]:
    """The trigger of a month.

    Its run has the month's name, so that a second publish of it is the same run.
    """
    name = f"{month.first}_{month.last}-{MODE}"
    return {
        "from_date": month.first.isoformat(),
        "to_date": month.last.isoformat(),
        "mode": MODE,
        "run_id": f"{name}-{uuid.uuid4().hex[:12]}" if anew else name,
    }


def on_google(runtime: Runtime, wanted: Asked, wait: Waiting, report: Report) -> None:
    """Each month through the ledger.

    Raises NotThrough, Fatal while the pipeline is paused, what the ports raise.
    """
    last = load_pipeline().modes[MODE]
    for month in months(wanted.dates):
        report(f"{month.first} to {month.last}")
        run_through(runtime, TOPIC, message(month, anew=wanted.anew), last, wait, report)


def on_a_folder(endpoint: Endpoint, wanted: Asked, report: Report) -> int:
    """Each month on the runtime of an endpoint, which delivers until nothing is left; a run of its
    own each time.
    """
    last = {name for name, each in load_pipeline().functions.items() if each.phase == load_pipeline().modes[MODE]}
    for month in months(wanted.dates):
        report(f"{month.first} to {month.last}")
        text = json.dumps(message(month, anew=True))
        events = []
        codes = []
        for event in publish(endpoint, {"topic": TOPIC, "message": text, "attributes": {}, "at": ""}):
            codes.append(show(event))
            events.append(event)
        ended = any(e["event"] == "completion" and e["function"] in last and e["status_code"] == 200 for e in events)
        if any(codes) or not ended:
            outcome = "failed" if any(codes) else f"ended before {', '.join(sorted(last))}"
            complain(f"{month.first} to {month.last} {outcome}. Next: make dlq, or look into the log.")
            return FAILED
    return DONE


def main() -> int:
    """Exit 0 every month is through, 1 one is not (those before it are), 2 wrong input."""
    try:
        wanted = parse_request(os.environ)
        if deployed.is_asked_for(os.environ):
            runtime = deployed_runtime(deployed.settings(os.environ))
            on_google(runtime, wanted, Waiting(wanted.minutes), _report)
            return DONE
        with connect_or_serve(os.environ) as endpoint:
            return on_a_folder(endpoint, wanted, _report)
    except (CommandRefused, ConfigError, ArchiveError, FolderBusy) as error:
        complain(error)
        return WRONG_INPUT
    except (NotThrough, PipelineError, OSError) as error:
        complain(error)
        return FAILED


def _report(line: str) -> None:
    say(line)


if __name__ == "__main__":
    sys.exit(run_command(main, then="What is published goes on by itself; the same command goes on from here."))
