"""Breaks of what only looks: monitor and dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from functions.monitor import watch
from shared.operations.api import questions
from shared.operations.checks import health
from shared.operations.incidents import life
from shared.operations.incidents.observing import observe
from shared.operations.levels import Check, Finding, Level
from shared.operations.status.grid import read_grid
from shared.stores.runtime import Runtime
from tests.simulation.patching import Table, patch

TABLE = Table()


@TABLE.add("monitor marks batches", "the monitor notes on each batch that it has looked at it")
def _monitor_marks_batches() -> Iterator[None]:
    def marking(runtime: Runtime, *arguments: Any) -> Any:
        for batch in runtime.state.query("batches"):
            runtime.state.update(batch.path, {"monitored_at": runtime.clock.now()})
        return observe(runtime, *arguments)

    with patch(watch, "observe", marking):
        yield


@TABLE.add("dashboard publishes", "whoever looks at the grid asks for a self-heal, too")
def _dashboard_publishes() -> Iterator[None]:
    def healing(runtime: Runtime, *arguments: Any) -> Any:
        runtime.bus.publish("nba-self-heal-trigger", b'{"game_date": "TODAY"}')
        return read_grid(runtime, *arguments)

    with patch(questions, "read_grid", healing):
        yield


@TABLE.add("incidents stay open", "an incident whose check is green again is not resolved")
def _incidents_stay_open() -> Iterator[None]:
    with patch(life, "see_green", lambda incident, **_: incident):
        yield


@TABLE.add("failed check is green", "a check that could not look is green")
def _failed_check_is_green() -> Iterator[None]:
    def pass_over(check: Check[Any], _error: Exception) -> Finding:
        return Finding(check.id, "check", Level.GREEN, "nothing was found")

    with patch(health, "_failure", pass_over):
        yield
