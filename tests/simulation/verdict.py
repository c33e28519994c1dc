"""The invariants that hold once everything has settled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from shared import dead_letters
from shared.batches import CONSOLIDATED, DONE, FAILED, SUPERSEDED
from shared.pipeline import load_pipeline
from shared.ports import Filter
from shared.warehouse import staging
from tests.simulation.driver import Player
from tests.simulation.reference import Outcome, Recorder, References, key_of, outcome_of, text_of
from tests.simulation.world import World

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


def verdict(world: World, player: Player, recorder: Recorder, references: References) -> list[str]:
    """Every sentence says what does not hold."""
    ended = _Ended(world, player)
    found = [*ended.documents(), *ended.messages(), *ended.staging(), *ended.history()]
    return [*found, *_Result(world, player, recorder, references).check()]


class _Ended:
    """Nothing is left half done."""

    def __init__(self, world: World, player: Player) -> None:
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
        for held in self.world.state.query("held"):
            if held.data["released_at"] is None:
                yield f"{held.path} is held still: {held.data['reason']}"
        batches = self.world.state.query("batches")
        for batch in batches:
            if batch.data["status"] not in (CONSOLIDATED, SUPERSEDED, FAILED):
                yield f"{batch.id} is {batch.data['status']}"
            elif batch.data["status"] == CONSOLIDATED and batch.data["missing_units"]:
                units = self.world.state.query(f"{batch.path}/units", [Filter("status", "==", DONE)])
                late = sorted({unit.id for unit in units} & set(batch.data["missing_units"]))
                if late:
                    yield f"{batch.id} names units as missing that are done: {late}"
        if batches and all(b.data["status"] == FAILED for b in batches):
            yield f"no batch was consolidated: {batches[-1].data['failure']}"

    def messages(self) -> Iterator[str]:
        for letter in dead_letters.listed(self.world.bus, load_pipeline(), self.world.hub.now()):
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
            if status in (CONSOLIDATED, SUPERSEDED):
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
            elif data["function"] not in ("phase5_worker", "batch_sweep", "self_heal") and document.id not in written:
                yield f"execution {document.id} is marked as logged and has no row in the run history"


class _Result:
    """Predictions, grades and exports are those of an undisturbed run of the same recorded inputs."""

    def __init__(self, world: World, player: Player, recorder: Recorder, references: References) -> None:
        self.world = world
        self.player = player
        self.recorder = recorder
        self.references = references
        self.outcome = outcome_of(world)

    def check(self) -> Iterator[str]:
        games: dict[str, list[dict[str, Any]]] = {}
        for row in self.outcome.rows:
            games.setdefault(row["game_id"], []).append(row)
        missing = sorted(set(self.world.base.tipoffs) - set(games))
        if missing and self.player.settled_before_tipoff:
            yield f"games {missing} have no predictions although recovery ended before tip-off"
        if missing and not self._a_reason():
            yield f"games {missing} have no predictions and nothing says why"
        fitting: list[list[Outcome]] = []
        for game, rows in sorted(games.items()):
            candidates = self._candidates(rows)
            if not candidates:
                yield f"game {game} has features of a moment at which none were written"
                continue
            complaints = [list(self._compare(game, rows, candidate)) for candidate in candidates]
            best = min(complaints, key=len)
            yield from best
            fitting.append([c for c, found in zip(candidates, complaints, strict=True) if len(found) == len(best)])
        whole = [c for c in fitting[0] if all(any(c is o for o in others) for others in fitting)] if fitting else []
        if whole and not missing and not self._incomplete(next(iter(games.values()))[0]["batch_id"]):
            yield from min((list(self._exports(candidate)) for candidate in whole), key=len)
        yield from self._grades(whole[:1] or [each[0] for each in fitting])

    def _candidates(self, rows: list[dict[str, Any]]) -> list[Outcome]:
        """What the rows of a game may equal: the outcomes of the raw rows there were when its features were written."""
        moments = {row["features_as_of"] for row in rows}
        if len(moments) != 1:
            return []
        as_of = moments.pop()
        counts = self.recorder.inputs.get(as_of, set())
        found = [self.references.of(self.recorder.loads[:count], as_of) for count in sorted(counts)]
        return list({id(each): each for each in found}.values())

    def _compare(self, game: str, rows: list[dict[str, Any]], reference: Outcome) -> Iterator[str]:
        expected = {key: text for key, text in reference.predictions.items() if key[1] == repr(game)}
        actual = {key_of(row): text_of(row) for row in rows}
        different = [key for key in sorted(actual) if key in expected and actual[key] != expected[key]]
        if different:
            yield (
                f"{len(different)} predictions of game {game} differ from an undisturbed run's, first {different[0]}: "
                f"{_difference(actual[different[0]], expected[different[0]])}"
            )
        strange = sorted(set(actual) - set(expected))
        if strange:
            yield f"{len(strange)} predictions of game {game} are in no undisturbed run, first {strange[0]}"
        lacking = sorted(set(expected) - set(actual))
        batch = {row["batch_id"] for row in rows}
        if len(batch) != 1:
            yield f"game {game} has predictions of several batches: {sorted(batch)}"
        elif lacking and not self._incomplete(batch.pop()):
            yield f"{len(lacking)} predictions of game {game} are missing, first {lacking[0]}"

    def _incomplete(self, batch_id: str) -> bool:
        """Whether the batch itself says that units are missing, or that rows came after tip-off."""
        document = self.world.state.get(f"batches/{batch_id}")
        return document is None or bool(document.data.get("missing_units") or document.data.get("frozen_rows"))

    def _a_reason(self) -> bool:
        """Whether something on record says why nothing was predicted."""
        if any(b.data["status"] == FAILED for b in self.world.state.query("batches")):
            return True
        executions = self.world.state.query("executions")
        return any(
            (d.data.get("result") or {}).get("reason") or d.data.get("error_message")
            for d in executions
            if d.data["phase"] != "grading"
        )

    def _exports(self, reference: Outcome) -> Iterator[str]:
        for path in sorted({*reference.exports, *self.outcome.exports}):
            actual, expected = self.outcome.exports.get(path), reference.exports.get(path)
            if actual != expected:
                what = "is missing" if actual is None else "is in no undisturbed run" if expected is None else "differs"
                shown = f": {_difference(actual, expected)}" if actual and expected else ""
                yield f"export {path} {what}{shown}"

    def _grades(self, references: list[Outcome]) -> Iterator[str]:
        predicted = set(self.outcome.predictions)
        known = {key: text for reference in references for key, text in reference.grades.items()}
        for key in sorted(set(self.outcome.grades) - predicted):
            yield f"a grade belongs to no current prediction: {key}"
            break
        lacking = sorted((predicted & set(known)) - set(self.outcome.grades))
        if lacking:
            yield f"{len(lacking)} current predictions have no grade, first {lacking[0]}"
        if len({id(reference) for reference in references}) == 1:
            for key, text in sorted(self.outcome.grades.items()):
                if key in known and known[key] != text:
                    yield f"a grade differs from an undisturbed run's, {key}: {_difference(text, known[key])}"
                    break
            if predicted == set(references[0].predictions) and self.outcome.performance != references[0].performance:
                yield "the daily performance differs from an undisturbed run's"


def _difference(actual: str, expected: str) -> str:
    """The two texts from where they part."""
    at = next(
        (i for i, (a, b) in enumerate(zip(actual, expected, strict=False)) if a != b), min(len(actual), len(expected))
    )
    begin = max(0, at - 60)
    return f"...{actual[begin : at + 60]}... instead of ...{expected[begin : at + 60]}..."
