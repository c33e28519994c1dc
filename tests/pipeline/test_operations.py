"""What an operator reads and does, without HTTP: the read models and the signed actions of
shared/operations.
"""

from __future__ import annotations

import pytest

from shared.chain.resilience import circuit_breaker
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import load_pipeline
from shared.operations import queues
from shared.operations.actions import queues as actions
from shared.operations.actions.queues import LetterChoice
from shared.operations.actions.signature import Signature
from tests.pipeline.support import PipelineHarness
from tests.pipeline.test_operate import SUBSCRIPTION, lay_out

PIPELINE = load_pipeline()
SIGNED = Signature("ada", "the feed is back")


@pytest.mark.parametrize(("who", "why", "missing"), [("", "", "who and why"), (" ", "x", "who"), ("x", "\t", "why")])
def test_an_action_says_who_and_why(who: str, why: str, missing: str) -> None:
    with pytest.raises(DataError, match=rf"An operator's action says {missing}\."):
        Signature(who, why)


def test_an_empty_choice_is_not_all() -> None:
    with pytest.raises(DataError, match="Say which dead letters"):
        LetterChoice()
    assert LetterChoice(everything=True).everything


def test_letters_are_read_chosen_and_redriven_once(world: PipelineHarness) -> None:
    lay_out(world)
    letters = queues.explained_letters(world.runtime, PIPELINE)
    assert [letter.reason for letter in letters] == ["max_delivery_attempts", "not_json"]
    assert queues.waiting_letters(world.runtime, PIPELINE, reason="not_json") == letters[1:]
    with pytest.raises(NotFound, match="nowhere"):
        queues.waiting_letters(world.runtime, PIPELINE, subscription="nowhere")
    with pytest.raises(NotFound, match=r"There is no dead letter 999999\."):
        actions.redrive(world.runtime, PIPELINE, LetterChoice({letters[0].id, "999999"}), SIGNED)
    assert len(queues.waiting_letters(world.runtime, PIPELINE)) == 2
    [done] = actions.redrive(world.runtime, PIPELINE, LetterChoice({letters[0].key}), SIGNED)
    assert done.published
    assert [one.id for one in queues.waiting_letters(world.runtime, PIPELINE)] == [letters[1].id]
    assert letters[0].origin_subscription == SUBSCRIPTION


def test_a_breaker_is_reset_by_its_name(world: PipelineHarness) -> None:
    circuit_breaker.record_failure(world.runtime, "processor-phase1_scrape", ValueError("boom"), execution="x")
    assert [one.failures for one in queues.failing_breakers(world.runtime)] == [1]
    with pytest.raises(NotFound, match="these have: processor-phase1_scrape"):
        actions.reset_breaker(world.runtime, "processor-x", SIGNED)
    assert actions.reset_breaker(world.runtime, "processor-phase1_scrape", SIGNED) == []


def test_pause_and_resume_are_signed_and_repeatable(world: PipelineHarness) -> None:
    assert queues.pause_state(world.runtime) is None
    first = actions.pause(world.runtime, SIGNED)
    assert first is not None
    assert (first.paused, first.who, first.reason) == (True, "ada", "the feed is back")
    assert actions.pause(world.runtime, Signature("eve", "again")) == first
    again = actions.resume(world.runtime, SIGNED)
    assert again is not None
    assert not again.paused
    audits = [(each["action"], each["who"]) for each in world.documents("audit")]
    assert sorted(audits) == [("pause", "ada"), ("resume", "ada")]
