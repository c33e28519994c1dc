"""What one sweep did and what it found, as its execution's metadata tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.chain.execution.alerts import alert
from shared.chain.execution.context import Outcome
from shared.chain.messages.messages import Status
from shared.core.events import Event
from shared.core.severity import Severity

# Names of one kind in the metadata: a state document takes 1 MiB.
MOST_NAMES = 50
_EVENTS: dict[Status, Event] = {
    "partial": Event.SWEEP_INCOMPLETE,
    "success": Event.SWEPT,
    "no_data": Event.NOTHING_TO_SWEEP,
}


@dataclass
class Report:
    """What was done (a sweep that did any of it goes into the run history), then what was only
    seen.
    """

    closed: list[dict[str, Any]] = field(default_factory=list)
    """Stalled batches: batch_id, why, missing units."""
    late: dict[str, list[str]] = field(default_factory=dict)
    """Batch -> units that were named as missing and are done."""
    released: list[str] = field(default_factory=list)
    """Deferred messages that are admitted again."""
    sent: list[str] = field(default_factory=list)
    """Documents whose outbox was still to be sent."""
    redriven: list[str] = field(default_factory=list)
    """Redrives that a crash had interrupted."""
    backfills: dict[str, int] = field(default_factory=dict)
    """Backfill -> messages of it published."""
    abandoned: list[str] = field(default_factory=list)
    """Executions made final: their process died, or their message came no more."""
    flushed: list[str] = field(default_factory=list)
    """Runs whose history was still to be written."""
    unconsolidated: list[str] = field(default_factory=list)
    """Closed batches that nobody consolidated, now reported."""
    dropped: list[str] = field(default_factory=list)
    """Orphaned staging tables, verified."""
    problems: dict[str, str] = field(default_factory=dict)
    """What could not be done, and why; everything else was done all the same."""
    # --- seen
    paused: str = ""
    expired: list[str] = field(default_factory=list)
    """Executions whose lease has ended while they run: the next delivery takes them over."""
    kept: dict[str, list[str]] = field(default_factory=dict)
    """Orphaned staging tables that stay: why -> tables."""

    @property
    def did_something(self) -> bool:
        return any((
            *(self.closed, self.late, self.released, self.sent, self.redriven, self.abandoned, self.flushed),
            *(self.backfills, self.unconsolidated, self.dropped, self.problems),
        ))  # fmt: skip

    def metadata(self) -> dict[str, Any]:
        """Everything that is not empty; of long lists the beginning, and how many there are."""
        return {name: _short(value) for name, value in vars(self).items() if value}

    def outcome(self, now: datetime) -> Outcome:
        """partial where something could not be done (with an alert), no_data where there was
        nothing to do.
        """
        counts = {name: len(value) for name, value in vars(self).items() if value and name != "paused"}
        counted = ", ".join(f"{count} {name}" for name, count in counts.items())
        status: Status = "partial" if self.problems else "success" if self.did_something else "no_data"
        return Outcome(
            status,
            event=_EVENTS[status],
            record_count=sum(counts.values()),
            records_failed=len(self.problems),
            reason="; ".join(filter(None, [self.paused, counted])) or "nothing to sweep",
            metadata=self.metadata(),
            messages=[
                alert(
                    f"sweep-{what}",
                    Severity.WARNING,
                    f"The sweep could not finish {what}",
                    why,
                    now,
                    event=Event.SWEEP_INCOMPLETE,
                )
                for what, why in sorted(self.problems.items())[:MOST_NAMES]
            ],
            history=self.did_something,
        )


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list) and len(value) > MOST_NAMES:
        return [*map(_short, value[: MOST_NAMES - 1]), f"and {len(value) - MOST_NAMES + 1} more"]
    if isinstance(value, list):
        return [_short(each) for each in value]
    return value
