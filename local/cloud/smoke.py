"""`make smoke STATE_BUCKET=...

(ENV=prod)` after an apply: a past date through the deployed chain, an empty plan.

Publishes the date (DATE, a day with games) in mode results, waits for its last phase, shows the
rows of its history and reads a raw file of it. Then `terraform plan` has to find nothing to change.
Each step is said as it is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from local.cloud.archive import find_promoted
from local.cloud.deployment import places
from local.cloud.runs import POLL_SECONDS, NotThrough, Report, Waiting, run_through
from local.cloud.terraform import NoVariables, command, plan_arguments, prepare
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.host import deployed
from local.package.archive import ROOT
from shared.chain.execution.ledger import executions_of
from shared.chain.execution.run_history import PHASE_LOG
from shared.core.clock import new_york_date
from shared.core.errors import ConfigError, DataError, PipelineError
from shared.core.pipeline import load_pipeline, trigger_of
from shared.stores.runtime import Runtime
from shared.stores.runtime import open_deployed_runtime as deployed_runtime

TOPIC = trigger_of("phase1_scrape")
MODE = "results"
DATE = "2024-11-15"
CHANGES = 2
"""What `terraform plan -detailed-exitcode` answers where there is something to change."""


def parse_date(environment: Mapping[str, str], today: date) -> date:
    """DATE. Raises ConfigError for what is no day gone by, and where STATE_BUCKET is missing."""
    text = environment.get("DATE") or DATE
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"DATE={text!r} is no day such as {DATE}.") from None
    if day >= today:
        raise ConfigError(f"DATE={day} is not over yet: a smoke test needs the results of a past day.")
    if not environment.get("STATE_BUCKET"):
        raise ConfigError("Name the state's bucket: make smoke STATE_BUCKET=my-project-nba-terraform (ENV=prod).")
    return day


def see_a_day_through(runtime: Runtime, day: date, wait: Waiting, report: Report) -> None:
    """Publish the day, and see the rows of its history and a raw file.

    Raises NotThrough, and what the ports raise.
    """
    run_id = f"{day}-smoke-{uuid.uuid4().hex[:12]}"
    report(f"published {day} to {TOPIC} as run {run_id}")
    message = {"game_date": day.isoformat(), "mode": MODE, "run_id": run_id}
    run_through(runtime, TOPIC, message, load_pipeline().modes[MODE], wait, report)
    for row in _history(runtime, day, run_id, wait):
        report(f"row of {PHASE_LOG}: {row['phase']} {row['status']}, {row['record_count']} records")
    path = _raw_file(runtime, run_id, day)
    report(f"file {path}: {len(runtime.raw.read(path).data)} bytes")


def _history(runtime: Runtime, day: date, run_id: str, wait: Waiting) -> Sequence[dict[str, Any]]:
    """The run's rows, once its last phase is among them: they are written when the run ends."""
    until = runtime.clock.now() + timedelta(minutes=wait.minutes)
    sql = (
        f"SELECT phase, status, record_count FROM {PHASE_LOG} WHERE game_date = @day AND run_id = @run_id"
        " ORDER BY started_at, phase"
    )
    while True:
        rows: list[dict[str, Any]] = runtime.warehouse.query(sql, {"day": day, "run_id": run_id}).to_pylist()
        if any(row["phase"] == load_pipeline().modes[MODE] for row in rows):
            return rows
        if runtime.clock.now() >= until:
            raise NotThrough(
                f"Run {run_id} has ended, and {PHASE_LOG} has {len(rows)} rows of it after {wait.minutes:g} minutes.",
                next_step="look into the log of the function that ended the run: it writes the history.",
            )
        wait.rest(POLL_SECONDS)


def _raw_file(runtime: Runtime, run_id: str, day: date) -> str:
    """A file that phase 1 kept. Raises NotThrough where it announces none."""
    first = load_pipeline().function_of_topic(TOPIC)
    for execution in executions_of(runtime.state, run_id):
        files = execution.metadata.get("files", []) if execution.function in first else []
        if files:
            return str(files[-1]["path"])
    raise NotThrough(
        f"Phase 1 kept no file of {day}.", next_step="choose a DATE with games; the log of phase1-scrape says more."
    )


def see_an_empty_plan(root: Path, environment: Mapping[str, str], report: Report) -> None:
    """Plan what is deployed. Raises NotThrough where something would change, or Terraform fails."""
    archive = find_promoted(root, environment)
    prepare(root, environment)
    line = [*command(root, environment), "plan", *plan_arguments(environment), "-lock=false", "-detailed-exitcode"]
    done = subprocess.run(line, cwd=root, env={**environment, "TF_VAR_archive": str(archive)}, check=False)
    if done.returncode == CHANGES:
        raise NotThrough(
            "The plan after the apply is not empty: see above.",
            next_step="make plan with the archive that was applied (ARCHIVE_SHA256); what it changes then is a defect.",
        )
    if done.returncode:
        raise NotThrough(f"terraform plan ended with {done.returncode}.", next_step="see what it says above.")
    report("the plan is empty")


def main() -> int:
    """Exit 0 all of it was seen, 1 it was not, 2 wrong input."""
    try:
        environment = {**os.environ, "RUNTIME": "gcp", **places(ROOT, os.environ)}
        runtime = deployed_runtime(deployed.settings(environment))
        day = parse_date(environment, new_york_date(runtime.clock.now()))
        see_a_day_through(runtime, day, Waiting(minutes=30.0), _report)
        see_an_empty_plan(ROOT, environment, _report)
    except (ConfigError, NoVariables) as error:
        complain(error)
        return WRONG_INPUT
    except (NotThrough, DataError, PipelineError, OSError) as error:
        complain(error)
        return FAILED
    return DONE


def _report(line: str) -> None:
    say(line)


if __name__ == "__main__":
    sys.exit(run_command(main, then="What was published goes on by itself."))
