"""What an operator does: previewed without a trace, carried out once however often it is asked, on
record with who and why.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import date
from typing import Any

import pytest

from functions.grading import grade
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import circuit_breaker, halt_switch
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import load_pipeline
from shared.operations.actions.action import Performed, Plan
from shared.operations.actions.perform import perform, preview
from shared.operations.actions.record import actions_of
from shared.operations.actions.runs import phases
from shared.operations.actions.signature import Signature
from shared.operations.actions.table import ACTIONS, action_of
from shared.operations.queues import waiting_letters
from tests.pipeline.staged import prediction, stage
from tests.pipeline.support import Killed, PipelineHarness
from tests.pipeline.sweeping import sweep_once
from tests.pipeline.test_incidents import ONLY, lose_a_staging_table
from tests.support.dead_letters import lay_out

PIPELINE = load_pipeline()
SIGNED = Signature("ada", "the feed is back")
DAY, KEY = "2025-11-14", "press-0001"


def act(world: PipelineHarness, name: str, key: str = KEY, **values: Any) -> Performed:
    return perform(action_of(name), world.runtime, PIPELINE, values, SIGNED, key)


def look(world: PipelineHarness, name: str, **values: Any) -> Plan:
    return preview(action_of(name), world.runtime, PIPELINE, values)


def messages(world: PipelineHarness, topic: str) -> list[dict[str, Any]]:
    return [json.loads(data) for each, data, _ in world.bus.published if each == topic]


def actions_on_record(world: PipelineHarness) -> list[tuple[str, str, str]]:
    found = world.state.query("audit", order_by="at")
    return [(each.data["action"], each.data["who"], each.data["reason"]) for each in found]


@pytest.mark.parametrize("name", ["force", "export", "heal"])
def test_a_preview_says_what_would_be_published_and_leaves_no_trace(world: PipelineHarness, name: str) -> None:
    plan = look(world, name, game_date=DAY)
    [trigger] = plan.triggers
    assert plan.says[0] == f"Publishes 1 message to {trigger.topic} for {DAY}."
    assert world.bus.published == []
    assert world.state.query("operator_actions") == []
    assert world.state.query("audit") == []


@pytest.mark.parametrize("phase", phases(PIPELINE))
def test_every_phase_is_started_by_a_topic_of_its_own_function(world: PipelineHarness, phase: str) -> None:
    [trigger] = look(world, "rerun", game_date=DAY, phase=phase).triggers
    [function] = [each for each in PIPELINE.functions.values() if each.phase == phase]
    assert trigger.topic in function.topics
    done = act(world, "rerun", game_date=DAY, phase=phase)
    [sent] = messages(world, trigger.topic)
    assert (sent["game_date"], sent["run_id"], sent["trigger_source"]) == (DAY, f"{DAY}-rerun-{phase}-{KEY}", "manual")
    assert PhaseMessage.model_validate(sent, context={"now": world.clock.now()}).run_id == sent["run_id"]
    assert (done.published, done.repeated, done.outcome) == (1, False, "published 1 message")


def test_a_second_press_is_the_same_action(world: PipelineHarness) -> None:
    first = act(world, "export", game_date=DAY)
    again = act(world, "export", game_date=DAY)
    assert (first.published, again.published, again.repeated) == (1, 0, True)
    assert again.outcome == first.outcome
    assert len(messages(world, "nba-phase6-export-trigger")) == 1
    assert actions_on_record(world) == [("export", "ada", "the feed is back")]
    assert [each.data["outcome"] for each in world.state.query("audit")] == ["published 1 message"]
    act(world, "export", key="press-0002", game_date=DAY)
    assert len({each["run_id"] for each in messages(world, "nba-phase6-export-trigger")}) == 2


def test_a_key_of_another_action_is_refused(world: PipelineHarness) -> None:
    act(world, "export", game_date=DAY)
    with pytest.raises(DataError, match=r'press-0001 is of export \{"game_date": "2025-11-14"\}'):
        act(world, "export", game_date="2025-11-15")
    with pytest.raises(DataError, match="ask for a new preview"):
        act(world, "force", game_date=DAY)
    with pytest.raises(DataError, match="8 to 64 letters"):
        act(world, "force", key="a/b", game_date=DAY)


@pytest.mark.parametrize("point", ["operator_action.recorded", "outbox.published"])
def test_what_a_dead_process_had_recorded_is_sent(world: PipelineHarness, point: str) -> None:
    with world.kill_at(point), pytest.raises(Killed):
        act(world, "export", game_date=DAY)
    world.start()
    world.move(minutes=3)
    sweep_once(world)
    sent = messages(world, "nba-phase6-export-trigger")
    assert len({each["run_id"] for each in sent}) == 1
    assert 1 <= len(sent) <= 2
    assert world.state.query("operator_actions")[0].data["outbox_pending"] is False
    assert act(world, "export", game_date=DAY).published == 0


def test_this_phase_alone_announces_nothing_and_the_fan_out_cannot_be_alone(world: PipelineHarness) -> None:
    plan = look(world, "rerun", game_date=DAY, phase="phase3", scope="only")
    assert plan.triggers[0].message["only"] is True
    assert "Nothing follows." in plan.says
    assert "What follows by the chain: phase4" in look(world, "rerun", game_date=DAY, phase="phase3").says[1]
    for phase in ("phase5_coordinator", "phase5_consolidation"):
        with pytest.raises(DataError, match="without an end"):
            look(world, "rerun", game_date=DAY, phase=phase, scope="only")
    with pytest.raises(DataError, match="redrive its dead letter"):
        look(world, "rerun", game_date=DAY, phase="phase5_worker")


def test_a_run_that_is_alone_ends_with_its_function(world: PipelineHarness) -> None:
    message = {"game_date": DAY, "run_id": "alone", "only": True}
    for run_id in ("alone", "along"):
        world.publish("nba-grading-trigger", {**message, "run_id": run_id, "only": run_id == "alone"})
    world.run_until_idle({"grading": (grade.run, PhaseMessage)})
    announced = [each["run_id"] for each in messages(world, "nba-grading-complete")]
    assert announced == ["along"]


def test_missing_asks_self_heal(world: PipelineHarness) -> None:
    plan = look(world, "rerun", game_date=DAY, phase="phase3", scope="missing")
    assert plan.triggers[0].topic == "nba-self-heal-trigger"


def test_a_date_without_a_batch_cannot_be_consolidated(world: PipelineHarness) -> None:
    with pytest.raises(NotFound, match="has no batch to consolidate"):
        act(world, "consolidate", game_date=DAY)
    assert actions_on_record(world) == []


def test_switches_are_turned_once_and_say_how_they_stand(world: PipelineHarness) -> None:
    assert act(world, "pause").outcome == "paused"
    assert look(world, "pause").says == ("Paused already, by ada: the feed is back. Nothing changes.",)
    assert act(world, "resume", key="press-0002").outcome == "resumed; 0 deferred messages published"
    assert act(world, "halt", key="press-0003").outcome.startswith("halted")
    assert halt_switch.read(world.state).halted
    assert act(world, "lift-halt", key="press-0004").outcome.startswith("lifted")
    assert not halt_switch.read(world.state).halted
    with pytest.raises(NotFound, match="No message is deferred"):
        look(world, "release-deferred")


def test_many_dead_letters_are_redriven_in_one_action(world: PipelineHarness) -> None:
    lay_out(world)
    with pytest.raises(DataError, match="Say which dead letters"):
        look(world, "redrive")
    plan = look(world, "redrive", all=True)
    assert plan.says[0] == "Publishes 2 dead letters once more, each to the topic it came from."
    assert len(plan.targets) == 2
    assert act(world, "redrive", all=True).outcome == "published 2 of 2 dead letters"
    assert act(world, "redrive", all=True).repeated
    with pytest.raises(NotFound, match="No dead letter is of this choice"):
        act(world, "redrive", key="press-0002", all=True)


def test_breakers_are_closed_by_name(world: PipelineHarness) -> None:
    for name in ("processor-phase1_scrape", "source-espn"):
        circuit_breaker.record_failure(world.runtime, name, ValueError("boom"), execution="x")
    with pytest.raises(NotFound, match="No breaker processor-x has failures; these have"):
        look(world, "reset-breakers", names=["processor-x"])
    names = ["processor-phase1_scrape", "source-espn"]
    assert "boom" in look(world, "reset-breakers", names=names).says[0]
    assert act(world, "reset-breakers", names=names).outcome.startswith("closed processor-phase1_scrape, source-espn")


@pytest.mark.parametrize(
    ("breaker", "day"),
    [("source-nba", "2025-11-13"), ("source-odds_api", DAY), ("source-official", DAY), ("source-zones", None)],
)
def test_a_sources_breaker_is_closed_before_phase_1_is_asked_for_what_it_was_not_asked_for(
    world: PipelineHarness, breaker: str, day: str | None
) -> None:
    circuit_breaker.record_failure(world.runtime, breaker, ValueError("boom"), execution="x")
    assert any(
        "Phase 1 asks once more" in line for line in look(world, "reset-breakers", names=[breaker]).says
    ) == bool(day)
    with world.kill_at("outbox.published"), pytest.raises(Killed) if day else nullcontext():
        act(world, "reset-breakers", names=[breaker])
    world.start()
    assert world.state.query("breakers")[0].data["failures"] == 0
    assert [sent["game_date"] for sent in messages(world, "nba-phase1-trigger")] == ([day] if day else [])
    act(world, "reset-breakers", names=[breaker])
    assert len({sent["run_id"] for sent in messages(world, "nba-phase1-trigger")}) == (1 if day else 0)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("consolidate", {"game_date": DAY}),
        ("rerun", {"game_date": DAY, "phase": "phase5_consolidation"}),
        ("rerun-many", {"cells": [f"{DAY}/phase5_consolidation", f"{DAY}/phase6"]}),
        ("redrive", {"all": True}),
    ],
)
def test_a_batch_whose_message_died_is_consolidated_by_that_message_and_nothing_is_left(
    world: PipelineHarness, name: str, values: dict[str, Any]
) -> None:
    lose_a_staging_table(world)
    stage(world, "2", [prediction(2, "9.5")])
    before = len(messages(world, "nba-phase5-batch-complete"))
    for _ in range(2):
        done = act(world, name, **values)
    assert (done.outcome, done.repeated) == ("published 1 of 1 dead letters", True)
    assert len(messages(world, "nba-phase5-batch-complete")) == before + 1
    assert [answer.status for _, answer in world.run_until_idle(ONLY)] == [200]
    assert world.documents("batches")[0]["status"] == "CONSOLIDATED"
    assert waiting_letters(world.runtime, PIPELINE) == []
    assert {each.data["outcome"] for each in world.state.query("audit")} <= {
        "published to nba-phase5-batch-complete",
        "published 1 of 1 dead letters",
    }


def test_of_many_cells_the_dead_letter_and_the_messages_of_the_others_are_published(world: PipelineHarness) -> None:
    lose_a_staging_table(world)
    cells = [f"{DAY}/phase5_consolidation", f"{DAY}/grading", "2025-11-12/phase3"]
    plan = look(world, "rerun-many", cells=cells)
    assert plan.says[:3] == (
        "Publishes 3 messages.",
        "Publishes 1 message to nba-phase3-trigger for 2025-11-12.",
        f"Publishes the dead letter of batch_{DAY}_r1 once more.",
    )
    before = len(messages(world, "nba-phase5-batch-complete"))
    done = act(world, "rerun-many", cells=cells)
    assert (done.outcome, done.published) == ("published 1 of 1 dead letters and 2 messages", 2)
    assert len(messages(world, "nba-phase5-batch-complete")) == before + 1
    assert [len(messages(world, topic)) for topic in ("nba-phase3-trigger", "nba-grading-trigger")] == [1, 1]


def test_a_model_is_rolled_back_by_a_message(world: PipelineHarness) -> None:
    act(world, "roll-back-model", version="previous")
    [sent] = messages(world, "nba-training-trigger")
    assert sent["rollback_to"] == "previous"


@pytest.mark.parametrize("name", sorted(ACTIONS))
@pytest.mark.parametrize(
    "values",
    [
        {"game_date": "2025-02-30"},
        {"game_date": "'; DROP TABLE x; --"},
        {"game_date": "../../etc/passwd"},
        {"phase": "<script>alert(1)</script>", "game_date": DAY},
        {"names": ["../x"], "ids": ["x"]},
        {"names": "x" * 501},
        {"nonsense": "1"},
    ],
)
def test_odd_values_are_refused_and_nothing_is_done(world: PipelineHarness, name: str, values: dict[str, Any]) -> None:
    with pytest.raises((DataError, NotFound)):
        act(world, name, **values)
    assert world.bus.published == []
    assert world.state.query("operator_actions") == []


def test_an_unknown_action_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean export"):
        action_of("exprot")


def test_many_cells_are_started_together_each_date_from_its_earliest_phase(world: PipelineHarness) -> None:
    cells = ["2025-11-14/phase6", "2025-11-14/phase4", "2025-11-14/grading", "2025-11-12/phase3", "2025-11-12/phase3"]
    plan = look(world, "rerun-many", cells=cells)
    assert plan.says == (
        "Publishes 3 messages.",
        "Publishes 1 message to nba-phase3-trigger for 2025-11-12.",
        "Publishes 1 message to nba-phase4-trigger for 2025-11-14.",
        "Publishes 1 message to nba-grading-trigger for 2025-11-14.",
        "2025-11-14 is not over: nothing can be graded before its games are.",
        "phase6 of 2025-11-14 follow phase4 by the chain.",
        "Rows are replaced or merged by key, each after it is verified; nothing is dropped before.",
    )
    first, again = (act(world, "rerun-many", cells=cells) for _ in range(2))
    assert (first.published, again.published, again.repeated) == (3, 0, True)
    assert [sent["run_id"] for sent in messages(world, "nba-phase4-trigger")] == [f"{DAY}-rerun-phase4-{KEY}"]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([], "cells is missing"),
        (["2025-11-14"], "'2025-11-14' cannot be started again"),
        (["2025-11-14/phase5_worker"], "cannot be started again"),
        (["2025-02-30/phase4"], "game_date is '2025-02-30'"),
        (
            [f"20{n:02}-11-14/phase4" for n in range(10, 99)] + [f"20{n}-11-13/phase4" for n in range(10, 99)],
            "178 cells",
        ),
    ],
)
def test_cells_that_are_none_or_too_many_are_refused(world: PipelineHarness, cells: list[str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        act(world, "rerun-many", cells=cells)
    assert world.bus.published == []


def test_what_a_schedule_did_not_publish_is_published_as_its_own_run(world: PipelineHarness) -> None:
    act(world, "fire", schedule="overnight-predictions", game_date=DAY)
    [sent] = messages(world, "nba-phase1-trigger")
    assert {**PIPELINE.schedules["overnight-predictions"].message, "game_date": DAY}.items() <= sent.items()
    assert (sent["schedule"], "run_id" in sent) == ("overnight-predictions", False)
    with pytest.raises(NotFound, match="no schedule 'nightly'"):
        look(world, "fire", schedule="nightly", game_date=DAY)


def test_what_people_started_of_a_date_is_listed_with_it(world: PipelineHarness) -> None:
    act(world, "export", game_date=DAY)
    world.move(minutes=1)
    act(world, "heal", key="press-0002", game_date=DAY)
    act(world, "heal", key="press-0003", game_date="2025-11-13")
    world.move(minutes=1)
    act(world, "rerun-many", key="press-0004", cells=["2025-11-12/phase3", f"{DAY}/phase6"])
    act(world, "rerun-many", key="press-0005", cells=["2025-11-12/phase3"])
    found = actions_of(world.runtime, date.fromisoformat(DAY))
    assert [(each.action, each.who, each.why) for each in found] == [
        ("rerun-many", "ada", "the feed is back"),
        ("heal", "ada", "the feed is back"),
        ("export", "ada", "the feed is back"),
    ]
