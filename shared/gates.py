"""The gates every message passes before its execution is taken: the pause switch and the circuit breaker.

Both let everything through until the recovery functions bring their switches; the handler's order is fixed already.
"""

from __future__ import annotations

from shared.pipeline import FunctionSpec
from shared.runtime import Runtime


def pause_switch(runtime: Runtime, function: FunctionSpec) -> None:
    """Raises Retriable while new work is held. There is no switch yet: lets everything through."""


def circuit_breaker(runtime: Runtime, function: FunctionSpec) -> None:
    """Raises Retriable while the function's breaker is open. There is no breaker yet: lets everything through."""
