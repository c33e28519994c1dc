"""The code that each function serves against the code that is deployed, by the version that
packaging wrote into the archive and that each execution records.

What is deployed is the version of the newest deployed monitor: all functions come from one archive.
A function that has not run since it came says nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from shared.chain.execution.records import Execution
from shared.operations.checks.texts import clock_text
from shared.operations.checks.view import View
from shared.operations.levels import Check, Finding, Level

CHECK = "code-version"
# An apply deploys the functions one after the other, and traffic moves to each within minutes.
ROLLED_OUT = timedelta(minutes=30)


def find_versions(view: View) -> Iterable[Finding]:
    """A finding a function that serves another version than is deployed; one green where none
    does.
    """
    code, since = view.probe.code, view.probe.code_since
    if not view.deployed or not code or since is None:
        return [Finding(CHECK, "pipeline", Level.GREEN, "no version of deployed code is known here")]
    newest = _newest_by_function(view)
    settled = {name: each for name, each in newest.items() if each.taken_at >= since + ROLLED_OUT}
    found = [_describe(view, each) for _, each in sorted(settled.items()) if each.code != code]
    if found:
        return found
    says = f"code {code} is deployed since {clock_text(since)}; {len(settled)} functions ran since, all of it"
    return [Finding(CHECK, "pipeline", Level.GREEN, says, figures={"code": code, "functions": len(settled)})]


def _describe(view: View, execution: Execution) -> Finding:
    served = f"code {execution.code}" if execution.code else "code without a version"
    says = (
        f"{execution.function} served {served} at {clock_text(execution.taken_at)} ({execution.owner}),"
        f" deployed is {view.probe.code}"
    )
    service = view.runtime.settings.name_prefix + execution.function.replace("_", "-")
    step = f"gcloud run services describe {service}: all traffic has to go to the latest revision; then make apply"
    figures = {"served": execution.code, "deployed": view.probe.code}
    return Finding(CHECK, execution.function, Level.YELLOW, says, step, figures)


def _newest_by_function(view: View) -> dict[str, Execution]:
    """Of every function the newest execution known: of the schedules and of their last runs."""
    ran = [fired.ran for fired in view.fired.values() if fired.ran is not None]
    runs = {day.settled.key.run_id for day in view.days if day.settled is not None}
    known = [*ran, *(each for run_id in sorted(runs) for each in view.run(run_id))]
    return {each.function: each for each in sorted(known, key=lambda each: each.taken_at)}


CHECKS: tuple[Check[View], ...] = (Check(CHECK, "Does every function serve the code deployed?", find_versions),)
