"""When no delivery can follow any more: what still says that it runs, or is tried again, has
ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from shared.chain.execution.records import Execution, ExecutionStatus
from shared.core.pipeline import load_pipeline

_LEAST_WAIT = timedelta(minutes=30)


@lru_cache(maxsize=1)
def abandoned_after() -> timedelta:
    """How long after a lease's end no delivery can follow: the longest ack deadline with all of its
    back-offs.
    """
    waits = [
        each.ack_deadline_seconds + sum(map(each.backoff_seconds, range(1, each.max_delivery_attempts)))
        for each in load_pipeline().subscriptions.values()
    ]
    return max(_LEAST_WAIT, timedelta(seconds=max(waits)))


def stopped_at(execution: Execution) -> datetime:
    """When it last did something.

    A lease that was voided (its owner had died) counts until its natural end.
    """
    if execution.status != ExecutionStatus.RUNNING:
        return execution.ended
    function = load_pipeline().functions.get(execution.function)
    natural = timedelta(seconds=function.lease_seconds if function is not None else 0)
    return max(execution.lease_expires_at, execution.taken_at + natural)
