"""Records with every field, of which a test names those that it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from shared.chain.batches.records import Batch, BatchStatus, ClosedAs, batch_id_of

DAY = date(2025, 11, 14)
NOON = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)


def batch(**changes: Any) -> Batch:
    """A batch of two units that is closed, complete and announced."""
    whole = Batch(
        batch_id=batch_id_of(DAY, 1),
        game_date=DAY,
        revision=1,
        run_id="2025-11-14-nightly",
        execution_id="phase5_coordinator.2025-11-14-nightly",
        mode="same_day",
        as_of=NOON,
        features_as_of=NOON,
        status=BatchStatus.CLOSED,
        closed_as=ClosedAs.COMPLETE,
        units_text="1 2",
        unit_count=2,
        games_text=f"0022500201={NOON.isoformat()}",
        opened_at=NOON,
        sequence=1,
        outbox=[],
        outbox_pending=False,
        closed_at=NOON,
    )
    return replace(whole, **changes)
