"""The final invariants of what is on record: everything has ended, with a reason, and nothing is
left half done.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from shared.chain.batches.records import BatchStatus, UnitStatus
from shared.chain.resilience import dead_letters
from shared.core.pipeline import MONITOR, load_pipeline
from shared.stores.ports import Filter
from shared.stores.warehouse import staging
from tests.simulation.driver import Player
from tests.simulation.world import SimulatedPipeline

# Functions that announce whatever they recorded, unless the mode ended before them.
ANNOUNCERS = (
    "phase1_scrape",
    "phase2_raw",
    "phase3_analytics",
    "phase4_precompute",
    "phase5_consolidation",
    "phase6_export",
    "grading",
)
# A unit has no row, nor has what looked and found nothing to do; the monitor's looks never have.
WITHOUT_HISTORY = ("phase5_worker", "batch_sweep", "self_heal", MONITOR)


class Ended:
    """Nothing is left half done."""

    def __init__(self, world: SimulatedPipeline, player: Player) -> None:
        self.world = world
        self.player = player
        self.executions = world.state.query("executions")

    def documents(self) -> Iterator[str]:
        for document in self.executions:
            data = document.data
            result = data.get("result") or {}
            if data["status"] == "running":
                yield f"execution {document.id} is still running, its lease ends at {data['lease_expires_at']}"
            elif data["status"] == "failed" and not (data.get("final") and data.get("error_message")):
                yield f"execution {document.id} failed, is not final or has no reason"
            elif data["status"] == "succeeded" and result["status"] != "success" and not result.get("reason"):
                yield f"execution {document.id} is {result['status']} without a reason"
        now = self.world.hub.now()
        for lock in self.world.state.query("locks"):
            if lock.data["expires_at"] > now:
                yield f"{lock.path} is held until {lock.data['expires_at']}"
        for collection in ("executions", "batches", "held", "redrives"):
            for document in self.world.state.query(collection):
                if document.data.get("outbox_pending"):
                    yield f"{document.path} has unsent messages"
        for deferred in self.world.state.query("held"):
            if deferred.data["released_at"] is None:
                yield f"{deferred.path} is held still: {deferred.data['reason']}"
        batches = self.world.state.query("batches")
        for batch in batches:
            if batch.data["status"] not in (BatchStatus.CONSOLIDATED, BatchStatus.SUPERSEDED, BatchStatus.FAILED):
                yield f"{batch.id} is {batch.data['status']}"
            elif batch.data["status"] == BatchStatus.CONSOLIDATED:
                units = self.world.state.query(f"{batch.path}/units", [Filter("status", "==", UnitStatus.DONE)])
                # less what was split before it reported
                done = {unit.id for unit in units}.intersection(str(batch.data["units"]).split(" "))
                if late := sorted(done & set(batch.data["missing_units"])):
                    yield f"{batch.id} names units as missing that are done: {late}"
                if unmerged := sorted(done - set(batch.data["merged_units"])):
                    yield f"{batch.id} is consolidated without units that are done: {unmerged}"
        if batches and all(b.data["status"] == BatchStatus.FAILED for b in batches):
            yield f"no batch was consolidated: {batches[-1].data['failure']}"

    def messages(self) -> Iterator[str]:
        for letter in dead_letters.list_dead_letters(self.world.bus, load_pipeline(), self.world.hub.now()):
            if letter.reason == "max_delivery_attempts":
                yield f"a dead letter is left: {letter.key}, {letter.error}"
        announced = set()
        for message in self.world.bus.published:
            try:
                announced.add(json.loads(message.data)["execution_id"])
            except (ValueError, KeyError, TypeError):
                continue  # not a completion
        for document in self.executions:
            data = document.data
            if data["status"] != "succeeded" or data["function"] not in ANNOUNCERS or document.id in announced:
                continue
            if not str(data["result"].get("reason") or "").startswith("mode "):
                yield f"execution {document.id} is {data['result']['status']} and was never announced"
        fired = {e.name.partition(" ")[0] for e in self.player.plan.events if e.kind == "schedule"}
        for function in ("phase1_scrape", "grading"):
            runs = {
                d.data["run_id"]
                for d in self.executions
                if d.data["function"] == function
                and d.data["trigger_source"] == "scheduler"
                # a copy of TODAY's message published tomorrow is about tomorrow
                and d.data["game_date"] == str(self.player.plan.game_date)
            }
            names = Counter(run[11:] for run in runs)
            wrong = [name for name, times in names.items() if times > 1 or name not in fired]
            if wrong:
                yield f"a scheduler that fired twice made several runs of {function}: {sorted(runs)}"

    def staging(self) -> Iterator[str]:
        batches = {b.id: b.data for b in self.world.state.query("batches")}
        for table in self.world.warehouse.tables(staging.DATASET, "_staging_"):
            batch = table.partition("_staging_")[2].partition("__")[0]
            status = batches.get(batch, {}).get("status")
            if status in (BatchStatus.CONSOLIDATED, BatchStatus.SUPERSEDED):
                yield f"{table} is left over; its batch is {status}"

    def history(self) -> Iterator[str]:
        sql = (
            "SELECT execution_id, COUNT(*) AS n FROM nba_reference.processor_run_history WHERE game_date >= @day "
            "GROUP BY execution_id"
        )
        rows = self.world.warehouse.query(sql, {"day": self.world.base.game_date}).to_pylist()
        written = {row["execution_id"] for row in rows}
        for document in self.executions:
            data = document.data
            if not data["logged"]:
                yield f"execution {document.id} ({data['status']}) is not in the run history"
            elif data["function"] not in WITHOUT_HISTORY and document.id not in written:
                yield f"execution {document.id} is marked as logged and has no row in the run history"
