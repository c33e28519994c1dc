"""The final invariants of results: predictions, exports and grades are those of an undisturbed
run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from shared.chain.batches.reading import get_batch
from shared.chain.batches.records import BatchStatus
from shared.core.pipeline import MONITOR
from tests.simulation.driver import Player
from tests.simulation.reference import (
    Outcome,
    Recorder,
    References,
    Write,
    fingerprint,
    key_of,
    outcome_of,
    text_of,
    visible_loads,
)
from tests.simulation.verdict_ended import Ended
from tests.simulation.world import SimulatedPipeline

# The sources of a file, in its canonical text.
_SOURCES = re.compile(r"\('sources', \[(?:\[[^\[\]]*\](?:, )?)*\]\)")


def verdict(world: SimulatedPipeline, player: Player, recorder: Recorder, references: References) -> list[str]:
    """Every sentence says what does not hold."""
    ended = Ended(world, player)
    found = [*ended.documents(), *ended.messages(), *ended.staging(), *ended.history()]
    return [*found, *_Result(world, player, recorder, references).check()]


class _Result:
    """Predictions, grades and exports are those of an undisturbed run of the same recorded
    inputs.
    """

    def __init__(self, world: SimulatedPipeline, player: Player, recorder: Recorder, references: References) -> None:
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
        if missing and not self._has_reason():
            yield f"games {missing} have no predictions and nothing says why"
        fitting: list[list[Outcome]] = []
        for game, rows in sorted(games.items()):
            moments = {row["features_as_of"] for row in rows}
            as_of = moments.pop()
            if moments or not self._counts(as_of):
                yield f"game {game} has features of a moment at which none were written"
                continue
            least, fit = self._best(game, rows, as_of)
            yield from least
            fitting.append(fit)
        whole = [c for c in fitting[0] if all(any(c is o for o in others) for others in fitting)] if fitting else []
        if whole and not missing and self._exports_tell_the_predictions(next(iter(games.values()))[0]["batch_id"]):
            yield from min((list(self._exports(candidate)) for candidate in whole), key=len)
        yield from self._grades(whole[:1] or [each[0] for each in fitting])

    def _best(self, game: str, rows: list[dict[str, Any]], as_of: datetime) -> tuple[list[str], list[Outcome]]:
        """The fewest complaints about a game's rows, and the undisturbed runs that give rise to no
        more.

        Those are the runs of the raw rows there were when features were written. Where rows were
        loaded between two writes, features may also be of both.
        """
        loads = self.recorder.loads
        uniform = (self.references.of(loads[:count], as_of) for count in self._counts(as_of))
        found = [(list(self._compare(game, rows, candidate)), candidate) for candidate in uniform]
        if all(complaints for complaints, _ in found):
            for candidate in self._find_torn(as_of):
                found.append((list(self._compare(game, rows, candidate)), candidate))
                if not found[-1][0]:
                    break
        least = min((complaints for complaints, _ in found), key=len)
        fit = {id(candidate): candidate for complaints, candidate in found if len(complaints) == len(least)}
        return least, list(fit.values())

    def _counts(self, as_of: datetime) -> list[int]:
        """How many loads there were when features of a moment were written."""
        return sorted({write.loads for write in self.recorder.writes if write.as_of == as_of})

    def _find_torn(self, as_of: datetime) -> Iterator[Outcome]:
        writes = self.recorder.writes_until(as_of)
        if not self._one_input(writes, as_of):
            yield from self.references.find_torn(self.recorder.loads, writes, as_of)

    def _one_input(self, writes: list[Write], as_of: datetime) -> bool:
        """Whether all these writes found the same raw rows of those known before a moment."""
        counts = {write.loads for write in writes}
        return len({self._name_of_loads(count, as_of) for count in counts}) == 1

    def _name_of_loads(self, count: int, as_of: datetime) -> str:
        """Names what the first loads said at a moment."""
        return fingerprint(visible_loads(self.recorder.loads[:count], as_of), as_of)

    def _exports_tell_the_predictions(self, batch_id: str) -> bool:
        """Whether exports can equal an undisturbed run's: the batch is complete, and its features
        were not written once more from other raw rows, for exports show the features as they are
        then.
        """
        moments = {row["features_as_of"] for row in self.outcome.rows}
        writes = {moment: [w for w in self.recorder.writes if w.as_of == moment] for moment in moments}
        return not self._incomplete(batch_id) and all(self._one_input(writes[each], each) for each in moments)

    def _has_loads_since(self) -> bool:
        """Whether raw rows that were known at the moment of the features were loaded after these
        were written last.

        The files then say that they are not in the features, where an undisturbed run's say that
        nothing was known.
        """
        loads, writes = self.recorder.loads, self.recorder.writes
        for moment in {row["features_as_of"] for row in self.outcome.rows}:
            last = max(write.loads for write in writes if write.as_of == moment)
            if self._name_of_loads(len(loads), moment) != self._name_of_loads(last, moment):
                return True
        return False

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
        """Whether the batch itself says that units were not merged, or that rows came after
        tip-off.
        """
        batch = get_batch(self.world.state, batch_id)
        return batch is None or bool(set(batch.units) - set(batch.merged)) or bool(batch.frozen_rows)

    def _has_reason(self) -> bool:
        """Whether something on record says why nothing was predicted."""
        if any(b.data["status"] == BatchStatus.FAILED for b in self.world.state.query("batches")):
            return True
        executions = self.world.state.query("executions")
        return any(
            (d.data.get("result") or {}).get("reason") or d.data.get("error_message")
            for d in executions
            if d.data["function"] not in ("grading", MONITOR)
        )

    def _exports(self, reference: Outcome) -> Iterator[str]:
        """What the bucket has that an undisturbed run has not; pointers that went on to a free day
        must say so.
        """
        free_day, since = self._free_day(), self._has_loads_since()
        for path in sorted({*reference.exports, *self.outcome.exports}):
            actual, expected = self.outcome.exports.get(path), reference.exports.get(path)
            if actual and expected and since:
                actual, expected = (without_sources(text) for text in (actual, expected))
            if actual and expected and free_day and is_pointer(path):
                if offered := offers(self._body(path), free_day):
                    yield f"export {path} {offered}"
            elif actual != expected:
                what = "is missing" if actual is None else "is in no undisturbed run" if expected is None else "differs"
                shown = f": {_difference(actual, expected)}" if actual and expected else ""
                yield f"export {path} {what}{shown}"

    def _free_day(self) -> str | None:
        """The newest day after the played one that phase 6 was asked to export, as a self-heal by
        hand does at night.

        The simulated season has no game on it: the pointers are that day's from then on.
        """
        played = str(self.world.base.game_date)
        executions = self.world.state.query("executions")
        return max((str(d.data["game_date"]) for d in executions if _is_free_day(d.data, played)), default=None)

    def _body(self, path: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.world.exports.objects[path].data)
        return body

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


def _is_free_day(execution: Mapping[str, Any], played: str) -> bool:
    """Whether an execution has exported a later day than the played one."""
    if execution["function"] != "phase6_export" or not (execution.get("game_date") or "") > played:
        return False
    return (execution.get("result") or {}).get("status") == "no_data"


def is_pointer(path: str) -> bool:
    """Whether a file is of no date: what is true tonight, until another night's export writes it
    anew.
    """
    return "/tonight/" in path or path.endswith(("/predictions/today.json", "/best-bets/latest.json"))


def offers(body: Mapping[str, Any], free_day: str) -> str:
    """What a pointer file still says of another day, or offers, though it should say that nobody
    plays; else empty.
    """
    if body["game_date"] != free_day:
        return f"is of {body['game_date']} although {free_day} was exported after it"
    if "player" in body:
        expected: dict[str, Any] = {"status": "not_playing", "reason": f"no game on {free_day}"}
        wrong = {
            name: body["player"].get(name) for name, value in expected.items() if body["player"].get(name) != value
        }
        return f"says of a player {wrong} on a day without games" if wrong else ""
    return "" if body["empty_reason"] else f"does not say that {free_day} has no games"


def without_sources(text: str) -> str:
    """A file's canonical text without what its header says of the sources."""
    return _SOURCES.sub("", text)


def _difference(actual: str, expected: str) -> str:
    """The two texts from where they part."""
    at = next(
        (i for i, (a, b) in enumerate(zip(actual, expected, strict=False)) if a != b), min(len(actual), len(expected))
    )
    begin = max(0, at - 60)
    return f"...{actual[begin : at + 60]}... instead of ...{expected[begin : at + 60]}..."
