"""The state store asked to write and to read back: document health/monitor-probe, the one thing
that checks write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.core.code_version import code_version
from shared.core.errors import StoreUnavailable
from shared.stores.ports import Transaction
from shared.stores.records import Record
from shared.stores.runtime import Runtime

PATH = "health/monitor-probe"


@dataclass(frozen=True, kw_only=True)
class ProbeDocument(Record):
    """Who looked last, and which code it was of."""

    at: datetime
    instance: str
    code: str = ""
    """Version of the deployed code that the newest deployed monitor had; empty: none ever
    looked.
    """
    code_since: datetime | None = None
    """When a monitor first had it."""


@dataclass(frozen=True)
class Probe:
    """A write that was read back; seconds of each."""

    write_seconds: float
    read_seconds: float
    code: str
    code_since: datetime | None


def run_probe(runtime: Runtime, now: datetime, stopwatch: Callable[[], float]) -> Probe:
    """Write the document and read it back.

    Whoever looks from a checkout has no code version and leaves that of the deployed monitor.

    Raises StoreUnavailable, also where what is read is not what was written.
    """

    def write(transaction: Transaction) -> ProbeDocument:
        document = transaction.get(PATH)
        before = None if document is None else ProbeDocument.from_document(document)
        after = _next(before, now, runtime.instance)
        transaction.set(PATH, after.to_document())
        return after

    began = stopwatch()
    written = runtime.state.transaction(write)
    middle = stopwatch()
    document = runtime.state.get(PATH)
    ended = stopwatch()
    found = None if document is None else ProbeDocument.from_document(document)
    if found is None or found.at < written.at:
        raise StoreUnavailable(
            f"{PATH} was written at {written.at.isoformat()} and read back as "
            f"{'nothing' if found is None else found.at.isoformat()}.",
            next_step="look at the state store's status.",
        )
    return Probe(middle - began, ended - middle, written.code, written.code_since)


def _next(before: ProbeDocument | None, now: datetime, instance: str) -> ProbeDocument:
    own = code_version()
    code, since = (before.code, before.code_since) if before is not None else ("", None)
    if own and own != code:
        code, since = own, now
    return ProbeDocument(at=now, instance=instance, code=code, code_since=since)
