"""The invariants that hold at every moment, checked at each effect on the world."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from shared.chain.batches.records import BatchStatus, parse_batch_id, path_of
from shared.chain.execution.handler import Response
from shared.chain.execution.run_identity import SETS_AS_OF
from shared.chain.execution.run_identity import Delivery as Belonging
from shared.chain.messages.push_envelope import read_envelope, read_message
from shared.core.errors import DataError
from shared.core.pipeline import load_pipeline
from shared.stores.ports import Document
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import load_schema
from tests.simulation.process import Process
from tests.simulation.world import Delivery, SimulatedPipeline, Watcher, envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TARGET = staging.TARGET


class Violated(AssertionError):
    """An invariant does not hold; the message names it and what was found."""


class Invariant(Watcher):
    """A watcher of a world; what it finds is kept, and ends the seed."""

    def __init__(self, world: SimulatedPipeline, found: list[str]) -> None:
        self.world = world
        self._found = found

    def on_violation(self, sentence: str) -> None:
        self.world.log(f"VIOLATION: {sentence}")
        self._found.append(sentence)


def _revision(alias: str) -> str:
    return f"CAST(REGEXP_EXTRACT({alias}.batch_id, '_r([0-9]+)$') AS INT64)"


class NothingIsDroppedBeforeItIsVerified(Invariant):
    """No staging table goes before its rows are in place, or a later revision is consolidated.

    That of a unit which was split is void: each of its players is staged by his own.
    """

    def before(self, process: Process | None, port: str, method: str, args: Any, kwargs: Any) -> None:
        if (port, method) != ("warehouse", "drop"):
            return
        there = self.world.warehouse.tables(staging.DATASET, "_staging_batch_")
        tables = [t for t in args[0] if t in there and "__gathered-" not in t and not self._history(t)]
        tables = [table for table in tables if not self._is_split(table)]
        if not tables:
            return
        key = load_schema(TARGET).primary_key
        same = " AND ".join(f"t.{column} IS NOT DISTINCT FROM s.{column}" for column in key)
        parts = [
            f"SELECT '{table}' AS staged, COUNT(*) AS lacking FROM `{table}` s LEFT JOIN `{TARGET}` t ON {same} "
            f"AND t.game_date = @day AND {_revision('t')} >= {_revision('s')} "
            f"WHERE t.game_id IS NULL AND s.tipoff_at > @now"
            for table in sorted(tables)
        ]
        day = parse_batch_id(self._batch(tables[0]))[0]
        params = {"now": self.world.hub.now(), "day": day}
        for row in self.world.warehouse.query(" UNION ALL ".join(parts), params).to_pylist():
            if row["lacking"]:
                self.on_violation(f"{row['staged']} is dropped although {row['lacking']} of its rows are not in place")

    def _is_split(self, table: str) -> bool:
        batch = self.world.state.get(path_of(self._batch(table)))
        return batch is not None and table.partition("__")[2] in batch.data.get("split_units", ())

    def _batch(self, table: str) -> str:
        return table.partition("_staging_")[2].partition("__")[0]

    def _history(self, table: str) -> bool:
        """Whether a later revision of the date is consolidated."""
        day, revision = parse_batch_id(self._batch(table))
        batches = self.world.state.query("batches")
        return any(
            parse_batch_id(b.id)[0] == day
            and parse_batch_id(b.id)[1] > revision
            and b.data["status"] == BatchStatus.CONSOLIDATED
            for b in batches
        )


class NothingChangesAfterTipoff(Invariant):
    """No MERGE that is begun after the tip-off of a game changes its rows."""

    def after(self, seen: Any, process: Any, port: str, method: str, args: Any, kwargs: Any, got: Any) -> None:
        merges = (port, method) == ("warehouse", "execute") and "MERGE" in args[0] and TARGET in args[0]
        if process is None or not merges:
            return
        now = process.called_at
        if now < self.world.base.first_tipoff or not got:
            return
        params = {"now": now, "written": args[1]["now"], "day": args[1]["game_date"]}
        sql = (
            f"SELECT COUNT(*) AS late FROM `{TARGET}` WHERE game_date = @day AND tipoff_at <= @now "
            "AND updated_at = @written"
        )
        late = self.world.warehouse.query(sql, params).to_pylist()[0]["late"]
        if late:
            self.on_violation(f"{late} rows were changed at {now:%H:%M:%S}, after the tip-off of their game")


class BatchesCloseOnce(Invariant):
    """A batch closes once and complete means complete; one batch of a date is in progress at a
    time.
    """

    def __init__(self, world: SimulatedPipeline, found: list[str]) -> None:
        super().__init__(world, found)
        self._status: dict[str, str] = {}
        self._closed: dict[str, int] = {}
        self._closed_at: dict[str, Any] = {}
        self._sequence: dict[str, int] = {}

    def after(self, seen: Any, process: Any, port: str, method: str, args: Any, kwargs: Any, got: Any) -> None:
        if port != "state" or method not in ("transaction", "update", "create"):
            return
        if method != "transaction" and not (args[0].startswith("batches/") and args[0].count("/") == 1):
            return
        documents = self.world.state.query("batches")
        for document in documents:
            self._look(document)
        open_dates = [
            d.data["game_date"] for d in documents if d.data["status"] in (BatchStatus.OPEN, BatchStatus.CLOSED)
        ]
        if len(open_dates) != len(set(open_dates)):
            self.on_violation(f"two batches of one date are in progress: {[d.id for d in documents]}")

    def _look(self, document: Document) -> None:
        data, name = document.data, document.id
        before, now = self._status.get(name), str(data["status"])
        sequence = int(data["sequence"])
        moment = data.get("closed_at")
        if moment != self._closed_at.setdefault(name, moment) and self._closed_at[name] is not None:
            self.on_violation(f"{name}, {before}, was closed once more: at {self._closed_at[name]} and at {moment}")
        self._closed_at[name] = moment
        closes = now == BatchStatus.CLOSED and (before == BatchStatus.OPEN or before is None)
        announced_again = (
            before == BatchStatus.CLOSED and now == BatchStatus.CLOSED and sequence > self._sequence.get(name, 0)
        )
        if closes or (announced_again and not data.get("late_units")):
            self._closed[name] = self._closed.get(name, 0) + 1
            if self._closed[name] > 1:
                self.on_violation(f"{name} was closed twice")
            units = set(str(data["units"]).split(" "))
            # what a unit that was split reports all the same counts for nothing
            done = len(units.intersection(unit.id for unit in self.world.state.query(f"batches/{name}/units")))
            if closes and data["closed_as"] == "complete" and done != data["unit_count"]:
                self.on_violation(f"{name} was closed as complete with {done} of {data['unit_count']} units")
        self._status[name], self._sequence[name] = now, sequence


class ExecutionsAreTakenAndRecordedOnce(Invariant):
    """One owner while a lease stands; a result is recorded by the owner, and once."""

    def before(self, process: Process | None, port: str, method: str, args: Any, kwargs: Any) -> Document | None:
        if (port, method) == ("state", "update") and args[0].startswith("executions/"):
            return self.world.state.get(args[0])
        return None

    def after(self, seen: Any, process: Any, port: str, method: str, args: Any, kwargs: Any, got: Any) -> None:
        if seen is None or process is None:
            return
        path, fields = args[0], args[1]
        status, before = fields.get("status"), seen.data["status"]
        if status in ("succeeded", "running") and before == "succeeded":
            self.on_violation(f"{path} was {status} again after it had succeeded")
        stands = before == "running" and seen.data["lease_expires_at"] > self.world.hub.now()
        if status == "running" and stands:
            self.on_violation(f"{path} was taken while the lease of {seen.data['owner']} stands")
        as_of, chosen = fields.get("as_of"), seen.data["as_of"]
        if as_of and chosen and as_of != chosen and seen.data["phase"] != SETS_AS_OF:
            self.on_violation(f"{path} was to use what was known before {chosen}, and recorded {as_of}")
        if status == "succeeded" and seen.data["owner"] != process.instance:
            self.on_violation(f"{path} was recorded by {process.instance}, which no longer holds it")


class NothingIsPublishedWithoutARecord(Invariant):
    """What a function publishes stands in an outbox; a phase is announced only when its rows are
    there.
    """

    def after(self, seen: Any, process: Any, port: str, method: str, args: Any, kwargs: Any, got: Any) -> None:
        if (port, method) != ("bus", "publish"):
            return
        topic, data, attributes = args[0], args[1], args[2] if len(args) > 2 else {}
        if "dead_letter_reason" in attributes or topic == "nba-alerts":
            return  # poison, and the alert of a failure that is being raised: no result, so no outbox
        entry = attributes.get("outbox_id", "")
        if not entry or not self._is_recorded(entry):
            self.on_violation(f"a message was published on {topic} that no outbox holds ({entry or 'no outbox id'})")
        self._rows(topic, data)

    def _is_recorded(self, entry: str) -> bool:
        entry = entry.split(".jsonl")[0]
        for collection in ("executions", "batches", "held", "redrives"):
            owner = entry.rpartition("-")[0]
            if collection == "batches":
                # an announcement, or the requests of a unit that was split
                batch_id, split, _ = entry.partition("-split-")
                owner = batch_id if split else owner.rpartition("-")[0]
            if collection == "executions" and entry.rpartition("-")[2].count("."):
                entry = entry.rpartition(".")[0]
            document = self.world.state.get(f"{collection}/{owner}") if owner else None
            if document is None:
                continue
            kept = [e["id"] for e in document.data["outbox"]]
            kept += [json.loads(sent)[0] for sent in document.data.get("outbox_sent", [])]
            if entry in kept:
                return True
        return False

    def _rows(self, topic: str, data: bytes) -> None:
        try:
            message = json.loads(data)
        except ValueError:
            return
        if not isinstance(message, dict) or message.get("status") not in ("success", "partial"):
            return
        if not message.get("record_count") or "game_date" not in message:
            return
        found = self._found_rows(message)
        if found is not None and not found:
            self.on_violation(
                f"{message['processor_name']} announced {message['record_count']} rows on {topic}; none is there"
            )

    def _found_rows(self, message: Mapping[str, Any]) -> int | None:
        day = date.fromisoformat(message["game_date"])
        name, query = message.get("processor_name"), self.world.warehouse.query
        if name == "phase6_export":
            return sum(path in self.world.exports.objects for path in message["metadata"].get("files", ()))
        tables = ("phase2_raw", "phase3_analytics", "phase4_precompute", "phase5_consolidation", "grading")
        if name not in tables or not message.get("output_table"):
            return None
        table = f"{message['output_dataset']}.{message['output_table']}"
        sql = f"SELECT COUNT(*) AS n FROM `{table}` WHERE game_date = @day"
        return int(query(sql, {"day": day}).to_pylist()[0]["n"])


class NoMessageGoesWithoutAnEffect(Invariant):
    """What is acknowledged was done, is held, or is a dead letter; what fails is an error of
    ours.
    """

    def on_acknowledged(self, delivery: Delivery, response: Response) -> None:
        status = str(response.body.get("status"))
        message = delivery.message
        if status == "dead_lettered":
            if not self._dead_letter(delivery):
                self.on_violation(f"{delivery.name} was acknowledged as a dead letter, and is in no dead-letter topic")
            return
        if status == "held":
            deferred = self.world.state.get(f"held/{delivery.subscription.name}.{message.message_id}")
            if deferred is None:
                self.on_violation(f"{delivery.name} was acknowledged as held, and is not")
            return
        function = load_pipeline().functions[delivery.subscription.function]
        read = read_envelope(envelope(delivery))
        model = self.world.base.functions[function.name][1]
        try:
            parsed = read_message(read, model, self.world.hub.now())
        except DataError:
            self.on_violation(f"{delivery.name} cannot be understood and was acknowledged as {status}")
            return
        key = Belonging.of(function, parsed, read, self.world.calm_runtime()).key
        document = self.world.state.get(key.path)
        if document is None or document.data["status"] != "succeeded":
            found = "no execution" if document is None else document.data["status"]
            self.on_violation(f"{delivery.name} was acknowledged; its execution {key.id} is {found}")

    def _dead_letter(self, delivery: Delivery) -> bool:
        origin = delivery.message.attributes.get("origin_message_id", delivery.message.message_id)
        letters: Sequence[Any] = self.world.seen.get(delivery.subscription.dead_letter_topic, [])
        return any(letter.attributes.get("origin_message_id") == origin for letter in letters)

    def defect(self, delivery: Delivery, what: str) -> None:
        self.on_violation(f"{delivery.name} failed with what is no error of ours: {what[:300]}")


CONTINUOUS = (
    NothingIsDroppedBeforeItIsVerified,
    NothingChangesAfterTipoff,
    BatchesCloseOnce,
    ExecutionsAreTakenAndRecordedOnce,
    NothingIsPublishedWithoutARecord,
    NoMessageGoesWithoutAnEffect,
)
