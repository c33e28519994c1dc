"""Names come from pipeline.yaml: code spells no topic, and knows no function that is not there."""

from __future__ import annotations

import ast

import pytest

from shared.core import pipeline
from shared.core.errors import ConfigError
from shared.core.pipeline import load_pipeline, trigger_of
from tests.conftest import ROOT
from tests.house.python_sources import OURS, sources


def test_no_code_spells_a_topic() -> None:
    topics = set(load_pipeline().topics)
    assert len(topics) > 30
    spelled = {
        f"{source.module}: {node.value}"
        for source in sources(ROOT)
        if source.module.partition(".")[0] in OURS
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and node.value in topics
    }
    assert not spelled


def test_functions_known_by_name_are_there() -> None:
    batches = (pipeline.COORDINATOR, pipeline.WORKER, pipeline.CONSOLIDATION)
    known = {*batches, pipeline.GRADING, pipeline.SELF_HEAL, pipeline.BATCH_SWEEP}
    functions = load_pipeline().functions
    assert {functions[name].phase for name in known} == known


def test_every_function_that_is_started_by_hand_has_one_trigger() -> None:
    found = {name: trigger_of(name) for name, each in load_pipeline().functions.items() if len(each.topics) > 1}
    assert found["phase6_export"] == "nba-phase6-export-trigger"
    assert all(topic in load_pipeline().functions[name].topics for name, topic in found.items())
    with pytest.raises(ConfigError, match="phase2_raw has 0 topics"):
        trigger_of("phase2_raw")


def test_alerts_wait_for_operators_and_are_sent_by_those_that_say_so() -> None:
    wiring = load_pipeline()
    assert wiring.alerts_topic in wiring.pull_subscriptions
    ours = [source for source in sources(ROOT) if source.module.startswith("functions.")]
    raising = {source.module.split(".")[1] for source in ours if "shared.chain.execution.alerts import" in source.text}
    assert raising == {name for name, each in wiring.functions.items() if wiring.alerts_topic in each.publishes}
