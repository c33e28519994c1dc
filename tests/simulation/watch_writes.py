"""Invariants of single writes, checked at each of them: MERGEs, loads and exported files."""

from __future__ import annotations

import json
from typing import Any

from functions.phase6_export.document import Order
from tests.simulation.process import Process
from tests.simulation.watch import TARGET, Invariant
from tests.simulation.world import SimulatedPipeline


class OneConsolidatesAtATime(Invariant):
    """Who merges holds the lock of the date; what stood still after asking for it is fenced by the
    MERGE itself.
    """

    def before(self, process: Process | None, port: str, method: str, args: Any, kwargs: Any) -> None:
        merges = (port, method) == ("warehouse", "execute") and "MERGE" in args[0] and TARGET in args[0]
        if not merges or process is None or process.zombie:
            return
        lock = self.world.state.get(f"locks/consolidation-{args[1]['game_date']}")
        if lock is None or lock.data["owner"] != process.instance:
            owner = "nobody" if lock is None else lock.data["owner"]
            self.on_violation(f"{process.instance} merges {args[1]['game_date']}, whose lock {owner} holds")


class LoadsTakeEffectOnce(Invariant):
    """A load job that is repeated adds nothing."""

    def __init__(self, world: SimulatedPipeline, found: list[str]) -> None:
        super().__init__(world, found)
        self._done: set[str] = set()

    def before(self, process: Process | None, port: str, method: str, args: Any, kwargs: Any) -> int | None:
        repeats = (
            (port, method) == ("warehouse", "load") and kwargs["mode"] == "append" and kwargs["job_id"] in self._done
        )
        return self._rows(args[0]) if repeats else None

    def after(self, seen: Any, process: Any, port: str, method: str, args: Any, kwargs: Any, got: Any) -> None:
        if (port, method) != ("warehouse", "load"):
            return
        self._done.add(kwargs["job_id"])
        if seen is not None and self._rows(args[0]) != seen:
            self.on_violation(f"{kwargs['job_id']} was loaded into {args[0]} once more")

    def _rows(self, table: str) -> int:
        return int(self.world.warehouse.query(f"SELECT COUNT(*) AS n FROM `{table}`").to_pylist()[0]["n"])


class LettersLeaveOnlyOnRecord(Invariant):
    """A dead letter is acknowledged only when its redrive is on record: reading it never drops
    it.
    """

    def before(self, process: Process | None, port: str, method: str, args: Any, kwargs: Any) -> None:
        if (port, method) != ("bus", "ack"):
            return
        subscription, ack_ids = args
        for ack_id in ack_ids:
            if self.world.state.get(f"redrives/{subscription}.{ack_id}") is None:
                self.on_violation(
                    f"dead letter {subscription}.{ack_id} was acknowledged, and no redrive of it is on record"
                )


class FilesMoveForward(Invariant):
    """No exported file is replaced by an older run's."""

    def before(self, process: Process | None, port: str, method: str, args: Any, kwargs: Any) -> Order | None:
        there = self.world.exports.objects.get(args[0]) if (port, method) == ("exports", "write") else None
        return None if there is None else Order.read(json.loads(there.data))

    def after(self, seen: Any, process: Any, port: str, method: str, args: Any, kwargs: Any, got: Any) -> None:
        written = None if seen is None else Order.read(json.loads(args[1]))
        if written is not None and written < seen:
            self.on_violation(f"export {args[0]} of {seen} was replaced by one of {written}")


OF_WRITES = (LettersLeaveOnlyOnRecord, OneConsolidatesAtATime, LoadsTakeEffectOnce, FilesMoveForward)
