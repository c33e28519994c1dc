"""What the tests of the sweep share: sweeping at a moment, and what it said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.batch_sweep import sweep
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import PipelineError
from tests.pipeline.support import PHASE5, PipelineHarness, Run

SWEEP: Mapping[str, tuple[Run, type[PhaseMessage]]] = {"batch_sweep": (sweep.run, PhaseMessage)}
WITH_SWEEP = {**PHASE5, **SWEEP}


def ask_for_sweep(world: PipelineHarness, **attributes: str) -> str:
    return world.publish("nba-batch-sweep-trigger", {"game_date": "TODAY"}, **attributes)


def sweep_once(world: PipelineHarness, *, schedule: str = "") -> dict[str, Any]:
    """Sweep once, now, and nothing else; the sweep's execution document."""
    before = {document.path for document in world.state.query("executions")}
    ask_for_sweep(world, **({"schedule": schedule} if schedule else {}))
    ((_, response),) = world.run_until_idle(SWEEP, wait=False)
    assert response.status == 200, response.body
    (document,) = [d for d in world.state.query("executions") if d.path not in before]
    return document.data


def failing(error: PipelineError) -> Run:
    """A run that always ends so."""

    def run(_message: Any, _context: Context) -> Outcome:
        raise error

    return run
