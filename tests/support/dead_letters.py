"""Two dead letters of a subscription: one that goes through now, one that never will."""

from __future__ import annotations

from tests.pipeline.support import PipelineHarness

SUBSCRIPTION = "phase5-consolidation-nba-phase5-batch-complete"
DEAD = f"{SUBSCRIPTION}-dead-letter"
GOOD = {"origin_subscription": SUBSCRIPTION, "dead_letter_reason": "max_delivery_attempts", "origin_message_id": "7"}
BAD = {"origin_subscription": SUBSCRIPTION, "dead_letter_reason": "not_json", "dead_letter_error": "is not JSON"}


def lay_out(world: PipelineHarness) -> None:
    """The good one is beyond its mode, so there is nothing to do; the bad one is no JSON."""
    world.bus.publish(DEAD, b'{"game_date": "2025-11-14", "mode": "results"}', GOOD)
    world.bus.publish(DEAD, b"nonsense", BAD)
