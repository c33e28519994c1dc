"""What an undisturbed run makes of the same recorded inputs: the measure that every seed's outcome
is held against.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from functions.phase6_export.sources import IN_FORCE
from local.cli.compare import KEYS, TABLES, canonical, is_ignored
from shared.core.clock import new_york_date
from tests.simulation.base import Base
from tests.simulation.faults import Faults
from tests.simulation.memory import MemoryBlobs
from tests.simulation.plan import calm
from tests.simulation.process import Process
from tests.simulation.world import SimulatedPipeline, Watcher, open_world

Row = dict[str, Any]
Key = tuple[str, ...]
PREDICTIONS, GRADES, PERFORMANCE = TABLES
_RAW = "nba_raw."
# Of what was fetched, when and by whom: not part of what it says.
_ORIGIN = frozenset({"run_id", "source_file", "fetched_at"})
# Snapshot times of the bookmakers are the feed's own; of all other tables they are the moment of
# the fetch.
_FEED_TIMES = ("nba_raw.odds_api_player_props", "nba_raw.odds_api_game_lines")
FEATURES = "nba_predictions.ml_feature_store"
_WRITES = ("nba_analytics.", "nba_precompute.", FEATURES)


@dataclass(frozen=True)
class Load:
    """Rows that were loaded into a raw table."""

    table: str
    rows: pa.Table
    job_id: str

    def visible(self, as_of: datetime) -> pa.Table:
        """The rows known strictly before a moment."""
        column = self.rows["snapshot_time"]
        return self.rows.filter(pc.less(column, pa.scalar(as_of, column.type)))


@dataclass(frozen=True)
class Write:
    """Features of a moment as they were written, and how many loads of raw rows there were by
    then.
    """

    as_of: datetime
    table: str
    loads: int
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Recorder(Watcher):
    """Notes every load of raw rows and every write of features, in their order."""

    def __init__(self) -> None:
        self.loads: list[Load] = []
        self.writes: list[Write] = []

    def writes_until(self, as_of: datetime) -> list[Write]:
        """Those of a moment and of the moments before it."""
        return [write for write in self.writes if write.as_of <= as_of]

    def after(
        self, seen: Any, process: Process | None, port: str, method: str, args: Any, kwargs: Any, got: Any
    ) -> None:
        if port != "warehouse":
            return
        if method == "load" and args[0].startswith(_RAW):
            if not any(load.job_id == kwargs["job_id"] for load in self.loads):
                self.loads.append(Load(args[0], args[1], kwargs["job_id"]))
        elif method == "replace_partition" and args[0].startswith(_WRITES) and "as_of" in args[3]:
            self.writes.append(Write(args[3]["as_of"], args[0], len(self.loads), args, kwargs))


def visible_loads(loads: list[Load], as_of: datetime) -> list[Load]:
    """What of the loads was known before a moment.

    The same content again says nothing new but that it still holds: the later load stands for
    both, since a source is as old as its newest load.
    """
    kept: list[Load] = []
    latest: dict[str, tuple[str, Load]] = {}
    feeds: set[str] = set()
    for load in sorted(loads, key=_loaded_at):
        rows = load.visible(as_of)
        if not rows.num_rows:
            continue
        digest, known = _digest(load.table, rows), Load(load.table, rows, load.job_id)
        if load.table in _FEED_TIMES:
            if digest in feeds:
                continue
            feeds.add(digest)
        else:
            before, earlier = latest.get(load.table, ("", known))
            if before == digest:
                kept = [each for each in kept if each is not earlier]
            latest[load.table] = (digest, known)
        kept.append(known)
    return kept


def fingerprint(loads: list[Load], as_of: datetime) -> str:
    """Names what visible loads say at a moment; when it was fetched counts where it is old by
    then.
    """
    named = sorted(f"{_digest(load.table, load.rows)} {_age(load, as_of)}" for load in loads)
    return hashlib.sha256("|".join(named).encode()).hexdigest()


def _age(load: Load, as_of: datetime) -> str:
    """Empty for a fresh load, else when it was loaded: exports say of an old source how old it
    is.
    """
    loaded_at: datetime = pc.max(load.rows["snapshot_time"]).as_py()
    fresh = loaded_at >= as_of - IN_FORCE and new_york_date(loaded_at) == new_york_date(as_of)
    return "" if fresh or load.table in _FEED_TIMES else str(loaded_at)


def _loaded_at(load: Load) -> str:
    return str(pc.max(load.rows["snapshot_time"]).as_py()) if load.rows.num_rows else ""


def _digest(table: str, rows: pa.Table) -> str:
    left_out = _ORIGIN if table in _FEED_TIMES else _ORIGIN | {"snapshot_time"}
    columns = [name for name in rows.column_names if name not in left_out]
    lines = sorted(repr(tuple(row.values())) for row in rows.select(columns).to_pylist())
    return hashlib.sha256(f"{table}|{lines}".encode()).hexdigest()


@dataclass
class Outcome:
    """Predictions, grades and exports as a play left them: by key, in canonical text; moments of
    features apart.
    """

    predictions: dict[Key, str] = field(default_factory=dict)
    grades: dict[Key, str] = field(default_factory=dict)
    performance: dict[Key, str] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


def outcome_of(world: SimulatedPipeline) -> Outcome:
    """Read a world."""
    outcome = Outcome()
    for name, kept in (
        (PREDICTIONS, outcome.predictions),
        (GRADES, outcome.grades),
        (PERFORMANCE, outcome.performance),
    ):
        day = world.base.game_date
        found = world.warehouse.query(f"SELECT * FROM `{name}` WHERE game_date = @day", {"day": day}).to_pylist()
        for row in found:
            kept[key_of(row)] = text_of(row)
        if name == PREDICTIONS:
            outcome.rows = found
    outcome.exports = exports_of(world.exports)
    return outcome


def key_of(row: Row) -> Key:
    return tuple(canonical(row[column]) for column in KEYS if column in row)


def text_of(row: Row) -> str:
    """A row without what may differ; the moment of its features is compared by itself."""
    return repr([(name, value) for name, value in row.items() if not _may_differ(name)])


@cache
def _may_differ(name: str) -> bool:
    return name == "features_as_of" or is_ignored(name)


def exports_of(exports: MemoryBlobs) -> dict[str, str]:
    """Every file but status.json, which tells the latest attempt, in canonical text without moments
    of features.
    """
    return {
        path: repr(json.loads(blob.data, object_pairs_hook=_comparable_fields))
        for path, blob in sorted(exports.objects.items())
        if not path.endswith("/status.json")
    }


def _comparable_fields(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """An object's fields without what may differ; a game's status is that of the moment of the
    export.
    """
    of_a_game = any(name == "tipoff_at" for name, _ in pairs)
    return [(name, value) for name, value in pairs if not _may_differ(name) and not (of_a_game and name == "status")]


class References:
    """Undisturbed runs by their inputs; each is played once a process."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._known: dict[str, Outcome] = {}

    def of(self, loads: list[Load], as_of: datetime) -> Outcome:
        """The outcome of a day whose raw tables held these loads, played on without faults."""
        visible = visible_loads(loads, as_of)
        name = fingerprint(visible, as_of)
        if name not in self._known:
            self._known[name] = self._play(visible, as_of)
        return self._known[name]

    def find_torn(self, loads: list[Load], writes: list[Write], as_of: datetime) -> Iterator[Outcome]:
        """What else may have been predicted where loads came in between writes of features of one
        moment.

        The coordinator read the features after one of the writes, those of earlier moments included
        (where a moment has no lines, those of the one before are read): for each point at which it
        may have been, the writes until then, in their order, each with the loads there were, and
        the day played on from there.
        """
        names: list[str] = []
        written = False
        for number, write in enumerate(writes, start=1):
            known = fingerprint(visible_loads(loads[: write.loads], write.as_of), write.as_of)
            names.append(f"{write.table} {write.as_of} {known}")
            written = written or (write.table, write.as_of) == (FEATURES, as_of)
            if not written:
                continue
            name = hashlib.sha256(repr((as_of, names)).encode()).hexdigest()
            if name not in self._known:
                self._known[name] = self._play_on(loads, writes[:number], as_of)
            yield self._known[name]

    def _play(self, loads: list[Load], as_of: datetime) -> Outcome:
        with open_world(self._base, Faults(calm(self._base.game_date)), as_of + timedelta(seconds=1)) as world:
            _load(world, loads)
            return self._finish(world, "nba-phase3-trigger", as_of)

    def _play_on(self, loads: list[Load], writes: list[Write], as_of: datetime) -> Outcome:
        with open_world(self._base, Faults(calm(self._base.game_date)), as_of + timedelta(seconds=1)) as world:
            files = sorted({name for load in loads for name in load.rows["source_file"].to_pylist()})
            there: int | None = None
            for number, write in enumerate(writes):
                if write.loads != there:
                    there = write.loads
                    for table in sorted({load.table for load in loads}):
                        sql = f"DELETE FROM `{table}` WHERE source_file IN UNNEST(@files)"
                        world.warehouse.execute(sql, {"files": files})
                    # what is not known at a write's own moment, its SELECT leaves out
                    _load(world, loads[:there], again=f"-{number}")
                world.warehouse.replace_partition(*write.args, **write.kwargs)
            return self._finish(world, "nba-predictions-trigger", as_of)

    def _finish(self, world: SimulatedPipeline, topic: str, as_of: datetime) -> Outcome:
        """Publish the trigger, and play the rest of the day."""
        plan, day = calm(self._base.game_date), self._base.game_date
        start = world.hub.now()
        message = {"game_date": str(day), "as_of": as_of.isoformat(), "mode": "same_day", "run_id": f"{day}-reference"}
        world.publish("reference", topic, message)
        world.run_until_quiet()
        for event in plan.events:
            if event.at > start and event.name != "same-day-predictions":
                world.run_until(event.at)
                world.publish(event.name, event.topic, event.message, schedule=event.name)
                world.run_until_quiet()
        return outcome_of(world)


def _load(world: SimulatedPipeline, loads: list[Load], again: str = "") -> None:
    for number, load in enumerate(loads):
        world.warehouse.load(load.table, load.rows, mode="append", job_id=f"reference-{number}{again}")


__all__ = ["Load", "Outcome", "Recorder", "References", "Write", "outcome_of"]
