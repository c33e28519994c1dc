"""Who acts and why, and dead letters as they are read and chosen, without HTTP."""

from __future__ import annotations

import pytest

from shared.core.errors import DataError, NotFound
from shared.core.pipeline import load_pipeline
from shared.operations import queues
from shared.operations.actions import queues as actions
from shared.operations.actions.queues import LetterChoice
from shared.operations.actions.signature import Signature
from tests.pipeline.support import PipelineHarness
from tests.support.dead_letters import SUBSCRIPTION, lay_out

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
