"""The checks on what the real functions of phase 5 leave behind: a run that goes well, one that is
cut off, and a worker that dies on a player.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.phase5_worker import predict_unit
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PredictionRequest
from shared.chain.resilience import dead_letters
from shared.core.pipeline import load_pipeline
from shared.operations import queues
from shared.operations.checks.causes import FOLLOWS_FROM
from shared.operations.checks.health import Health, read_health
from shared.operations.levels import Finding, Level
from tests.pipeline.evening import BATCH, DAY, TOTAL_ROWS, trigger
from tests.pipeline.support import PHASE5, Killed, PipelineHarness
from tests.pipeline.sweeping import sweep_once

PIPELINE = load_pipeline()
SUBJECT = str(DAY)


def look(world: PipelineHarness, hours: float = 24) -> Health:
    return read_health(world.runtime, PIPELINE, timedelta(hours=hours))


def short(health: Health) -> dict[str, Finding]:
    """What is not green and follows from nothing else."""
    found = [each for each in health.findings if each.level is not Level.GREEN and FOLLOWS_FROM not in each.figures]
    return {each.fingerprint: each for each in found}


def says(health: Health, check: str) -> str:
    (found,) = [each for each in health.findings if each.fingerprint == f"{check}:{SUBJECT}"]
    return found.says


def test_what_phase_5_leaves_is_green_and_only_the_export_is_missed(evening: PipelineHarness) -> None:
    trigger(evening)
    evening.run_until_idle()
    health = look(evening)
    assert short(health) == {}
    assert says(health, "completions") == f"{DAY}: 4 of 4 units of {BATCH} done"
    assert says(health, "merge") == f"{DAY}: {TOTAL_ROWS} rows of {BATCH} in place, the MERGE took 0.0 s"
    assert says(health, "predictions-updated").startswith(f"{DAY}: {TOTAL_ROWS} rows of 4 players")
    evening.move(minutes=16)
    health = look(evening)
    assert list(short(health)) == [f"export-written:{SUBJECT}"]
    assert health.exit_code == 1


def test_a_consolidation_that_was_cut_off_is_told_and_over_once_it_is_repeated(evening: PipelineHarness) -> None:
    trigger(evening)
    with evening.kill_at("consolidation.consolidated"), pytest.raises(Killed):
        evening.run_until_idle()
    evening.start()
    evening.move(minutes=26)
    found = short(look(evening))
    assert set(found) == {
        f"phase5-announced:{SUBJECT}",
        f"export-written:{SUBJECT}",
        f"no-staging-tables:{BATCH}",
        "stuck-executions:phase5_consolidation",
    }
    assert found[f"no-staging-tables:{BATCH}"].figures == {"tables": 4}
    evening.run_until_idle()
    assert set(short(look(evening))) == {f"export-written:{SUBJECT}"}


def test_a_worker_that_dies_on_a_player_is_its_dead_letter_and_over_once_redriven(evening: PipelineHarness) -> None:
    def dies(message: PredictionRequest, context: Context) -> Outcome:
        if message.unit == "201":
            raise KeyError("a player without a name")
        return predict_unit.run(message, context)

    trigger(evening)
    evening.run_until_idle({**PHASE5, "phase5_worker": (dies, PredictionRequest)})
    evening.move(minutes=1)
    (source,) = PIPELINE.functions["phase5_worker"].subscriptions
    root = f"dead-letters:{source.dead_letter_subscription}/max_delivery_attempts"
    health = look(evening)
    assert list(short(health)) == [root]
    assert "a player without a name" in short(health)[root].says
    assert says(health, "completions") == f"{DAY}: 3 of 4 units of {BATCH} done so far"
    assert following(health, root) == {"no-errors:phase5_worker"}
    evening.move(minutes=25)
    sweep_once(evening)
    evening.run_until_idle()
    health = look(evening)
    assert list(short(health)) == [root]
    assert says(health, "completions").endswith("missing or failed: 201")
    assert following(health, root) == {f"completions:{SUBJECT}", "no-errors:phase5_worker"}
    letters = queues.waiting_letters(evening.runtime, PIPELINE)
    dead_letters.redrive(evening.runtime, letters, who="ann", reason="he has a name now")
    evening.run_until_idle()
    assert short(look(evening)) == {}


def following(health: Health, root: str) -> set[str]:
    return {each.fingerprint for each in health.findings if each.figures.get(FOLLOWS_FROM) == root}
