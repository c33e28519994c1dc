"""What the state store holds after an evening of everything, byte for byte.

stored_documents.json is literal: it was written before documents were typed records. A deployed
state outlives a release, and a roll-back brings the earlier code to later documents, so a change of
a document is a change of an interface.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functions.phase5_consolidation import consolidate
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxMessage
from shared.chain.resilience import circuit_breaker, dead_letters, pause_switch
from shared.core.errors import LeaseHeld, StoreUnavailable
from shared.core.pipeline import load_pipeline
from tests.pipeline.evening import DAY, LATE
from tests.pipeline.staged import R2, complete, open_batch, prediction, stage
from tests.pipeline.support import Killed, PipelineHarness
from tests.pipeline.sweeping import SWEEP, failing
from tests.pipeline.test_handler import Work

EXPECTED = Path(__file__).with_name("stored_documents.json")
TRIGGER, PHASE2_FEED = "nba-phase3-trigger", "nba-phase1-scrapers-complete"
PHASE3, PHASE4 = "phase3_analytics", "phase4_precompute"


class Evening:
    """A harness whose messages have numbers: documents named by them are the same every time."""

    def __init__(self, world: PipelineHarness) -> None:
        self.world = world
        self.number = 0

    def publish(self, topic: str, message: dict[str, Any] | bytes, **attributes: str) -> None:
        self.number += 1
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.world.bus.publish(topic, data, attributes, message_id=f"m{self.number}")

    def deliver(self, work: Any, function: str = PHASE3, *, wait: bool = True) -> None:
        self.world.run_until_idle({function: (work, PhaseMessage)}, wait=wait)

    def sweep(self, **attributes: str) -> None:
        self.publish("nba-batch-sweep-trigger", {"game_date": "TODAY"}, **attributes)
        self.world.run_until_idle(SWEEP, wait=False)


def with_everything(_message: PhaseMessage, context: Context) -> Outcome:
    return Outcome(
        "partial",
        record_count=7,
        records_failed=1,
        reason="one file is odd",
        output_table="nba_analytics.player_game_summary",
        metadata={"files": [{"path": "a/b.json"}], "names": [str(number) for number in range(60)]},
        messages=[OutboxMessage("nba-alerts", '{"title": "odd"}', {"severity": "info"})],
    )


def executions(evening: Evening) -> None:
    """Done, done with everything an outcome may have, failed for now and for good, cut off."""
    world = evening.world
    evening.publish(TRIGGER, {"game_date": str(DAY), "run_id": "plain"})
    evening.deliver(Work())
    evening.publish(TRIGGER, {"game_date": str(DAY), "run_id": "whole"})
    evening.deliver(with_everything)
    evening.publish(TRIGGER, {"game_date": str(DAY), "run_id": "again"})
    evening.deliver(failing(StoreUnavailable("no answer")), wait=False)
    evening.publish("nba-phase4-trigger", {"game_date": str(DAY), "run_id": "never"})
    evening.deliver(failing(LeaseHeld("somebody else has it")), PHASE4)
    evening.publish("nba-phase4-trigger", {"game_date": str(DAY), "run_id": "cut"})
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        evening.deliver(Work(), PHASE4)
    world.start()


def messages(evening: Evening) -> None:
    """A pause with a message deferred and released, one that waits, a dead letter redriven."""
    world = evening.world
    pause_switch.pause(world.state, who="ann", reason="odd odds", now=world.clock.now())
    evening.publish(PHASE2_FEED, {"game_date": str(DAY), "run_id": "later"}, note="kept")
    evening.deliver(Work(), "phase2_raw", wait=False)
    world.move(minutes=1)
    pause_switch.resume(world.state, who="ann", reason="they are right", now=world.clock.now())
    evening.sweep()
    evening.publish(PHASE2_FEED, b"not json", note="kept")
    evening.deliver(Work(), "phase2_raw", wait=False)
    letters = dead_letters.list_dead_letters(world.bus, load_pipeline(), world.clock.now(), reason="not_json")
    dead_letters.redrive(world.runtime, letters, who="op", reason="mended")
    for number in range(circuit_breaker.THRESHOLD):
        circuit_breaker.record_failure(
            world.runtime, f"processor-{PHASE4}", StoreUnavailable("no answer"), execution=f"{PHASE4}.run-{number}"
        )
    evening.publish("nba-phase4-trigger", {"game_date": str(DAY), "run_id": "stopped"})
    evening.deliver(Work(), PHASE4, wait=False)


def whole_batches(evening: Evening) -> None:
    """Of two batches of a date the first is superseded, the second lacks a unit to the end."""
    world = evening.world
    first = open_batch(world, "1", "2")
    for unit, rows in {"1": [prediction(1, "24.5")], "2": [prediction(2, None, game=LATE)]}.items():
        stage(world, unit, rows, batch=first)
        complete(world, unit, len(rows), first)
    evening.deliver(consolidate.run, "phase5_consolidation")
    world.move(minutes=5)
    second = open_batch(world, "1", "2", "3", run_id="run2")
    stage(world, "1", [prediction(1, "24.5", batch=R2)], batch=second)
    complete(world, "1", 1, second)
    complete(world, "2", None, second)
    world.move(minutes=31)
    evening.sweep()
    stage(world, "3", [prediction(3, "9.5", batch=R2)], batch=second)
    complete(world, "3", 1, second)
    evening.deliver(consolidate.run, "phase5_consolidation")


def broken_batches(evening: Evening) -> None:
    """A batch whose staging is gone fails; one that nobody consolidates is reported."""
    world = evening.world
    third = open_batch(world, "1", run_id="run3")
    complete(world, "1", 1, third)
    evening.deliver(consolidate.run, "phase5_consolidation", wait=False)
    fourth = open_batch(world, "1", run_id="run4")
    complete(world, "1", 1, fourth)
    world.move(minutes=35)
    evening.sweep(schedule="batch-sweep")


@pytest.fixture
def texts(world: PipelineHarness) -> dict[str, str]:
    evening = Evening(world)
    executions(evening)
    messages(evening)
    whole_batches(evening)
    broken_batches(evening)
    world.move(hours=3)
    evening.sweep(schedule="batch-sweep")
    with world.file.read() as connection:
        found = connection.execute("SELECT path, data FROM documents ORDER BY path").fetchall()
    return dict(found)


def readable(documents: dict[str, Any]) -> str:
    return json.dumps(documents, indent=1, ensure_ascii=False) + "\n"


def test_every_document_is_what_it_always_was(texts: dict[str, str]) -> None:
    # fields stand in the order in which they were written
    assert readable({path: json.loads(text) for path, text in texts.items()}) == EXPECTED.read_text(encoding="utf-8")


def test_the_evening_has_every_kind_of_document() -> None:
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    kinds = {path.split("/")[0] for path in expected} | {"units" for path in expected if "/units/" in path}
    assert kinds >= {"executions", "batches", "batch_dates", "units", "locks", "breakers", "held", "redrives"}
    of_batches = {data["status"] for path, data in expected.items() if path.startswith("batches/") and "status" in data}
    assert of_batches >= {"CLOSED", "CONSOLIDATED", "FAILED", "SUPERSEDED", "done", "failed"}
    of_executions = {data["status"] for path, data in expected.items() if path.startswith("executions/")}
    assert of_executions == {"succeeded", "failed"}
