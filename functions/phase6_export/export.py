"""Phase 6: one date's current predictions become the JSON files of the export bucket.

All files are built and checked before the first is written. Dated files come before the pointers to
them, the files that matter most come first, and status.json last. Pointers (tonight/*,
predictions/today.json, best-bets/latest.json) only move forward, and never to a date that New York
has not reached: tomorrow's export at 18:00 leaves tonight's page alone, the first run of the next
morning moves it. On a date without games they say so, and the files of players who do not play on
the date say that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from functions.phase6_export.document import (
    DATED_AGE,
    NOTHING_ENCODED,
    POINTER_AGE,
    ROOT,
    STATUS_AGE,
    Document,
    Header,
    Order,
    document,
    format_optional_timestamp,
)
from functions.phase6_export.exporters import (
    best_bets,
    best_bets_record,
    not_playing,
    performance,
    predictions,
    results,
    status,
)
from functions.phase6_export.exporters.tonight import Tonight
from functions.phase6_export.labels import label_of_stat
from functions.phase6_export.reading import (
    Day,
    Key,
    read_best_bets_record,
    read_day,
    read_last_games,
    read_performance,
    read_results,
    read_sources,
)
from functions.phase6_export.rows import Row, Rows
from functions.phase6_export.sources import Source, Sources, gaps
from functions.phase6_export.validate import Refusal, coverage, refusal
from functions.phase6_export.writer import Writer
from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.heal_runs import asked_run_id, is_heal_run
from shared.chain.messages.messages import PhaseMessage, Status
from shared.chain.messages.outbox import OutboxMessage
from shared.chain.resilience import halt_switch
from shared.core.clock import format_timestamp_us, new_york_date
from shared.core.errors import DataError, NotFound
from shared.core.events import Event
from shared.core.pipeline import CONSOLIDATION, GRADING, SELF_HEAL, trigger_of
from shared.science.systems.error_codes import NO_MODEL, NOTHING_TO_SAY
from shared.stores.ports import Warehouse

STATUS_FILE = "status.json"
EVERYBODY = "tonight/all-players.json"
PLAYERS = f"{ROOT}/tonight/player/"
# How an export ends that an operator's halt is said of instead.
EXPORTED = ("success", "partial")
# Why a system may predict nobody on an ordinary day.
NO_GAP = (NO_MODEL, NOTHING_TO_SAY)


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Export message.game_date in at most nine queries and one load.

    Grades change only when something is graded: a completion of grading exports results and
    performance alone, one of consolidation everything but them, and a trigger everything.

    batch_id is a hint: what counts is current_predictions, and the reason says where the batch is
    not part of it. Raises SchemaMismatch before anything is written where a file does not fit its
    schema.
    """
    if message.game_date is None:
        raise DataError(
            f"phase 6 exports one game_date; the message has {message.from_date} to {message.to_date}.",
            next_step="publish one message per date.",
        )
    export = _Export.of(message.game_date, context)
    if message.phase == GRADING:
        return export.export_graded(message)
    return export.whole(message.batch_id, with_grades=message.phase != CONSOLIDATION)


@dataclass(frozen=True)
class _Export:
    """One attempt to export a date."""

    day: date
    context: Context
    writer: Writer
    halted: bool
    halt_reason: str | None
    now: datetime

    @classmethod
    def of(cls, day: date, context: Context) -> _Export:
        switch = halt_switch.read(context.runtime.state)
        reason = switch.why if switch.halted else None
        return cls(day, context, Writer(context.runtime.exports), switch.halted, reason, context.runtime.clock.now())

    def whole(self, batch_id: str | None, *, with_grades: bool) -> Outcome:
        """Validate, build and check all files, write them.

        Where no game takes place there is nothing to date, but for what an earlier export offered:
        that is taken back. partial: a source was not current when the predictions on offer were
        made, or a system has none.
        """
        warehouse = self.context.runtime.warehouse
        day = read_day(warehouse, self.day, self.now)
        refused = refusal(day, self.context.runtime.settings.min_coverage)
        sources = Sources(self.day, day.source_rows, refused.reason if refused and refused.nothing_played else "").of(
            day.offered_games
        )
        if refused and not refused.nothing_played:
            return self._refuse(refused, day, batch_id, sources)
        is_dated = refused is None or (refused.withdraws and self._is_published())
        content_at = day.consolidated_at if day.players else day.schedule_at
        assert content_at is not None, "of a date without a loaded schedule nobody knows that it has no games"
        header = self._header(self.day, day.revision, format_timestamp_us(content_at), day.batches, sources)
        dated = self._make_dated_documents(day, header, refused)
        tonight = Tonight(day, read_last_games(warehouse, self.day))
        pointers, players = self._pointers(tonight, dated, header, refused)
        history = self._history(day, *self._read_graded(warehouse)) if with_grades and is_dated else []
        for each in (*(dated if is_dated else ()), *pointers):
            self.writer.write(each)
        if is_dated:
            self._record(dated[1])
        self._write_players(tonight, players, header)
        for each in history:
            self.writer.write(each)
        covered = coverage(day).as_json()
        short = [*gaps(sources), *_silent(day)] if day.offered_games else []
        why = refused.reason if refused else ""
        parts = (_about_batch(batch_id, day), why, _withheld(day), *short)
        reason = "; ".join(part for part in parts if part)
        word: Status = "no_data" if not is_dated else "partial" if short else "success"
        self._write_status(word, reason, {"coverage": covered}, day, sources)
        metadata = {"coverage": covered, "batches": list(day.batches), "withheld": day.withheld, "gaps": short}
        return self._outcome(word, reason, metadata, refused.event if refused else None)

    def _make_dated_documents(self, day: Day, header: Header, refused: Refusal | None) -> list[Document]:
        """The date's predictions and best bets, with the reason where it has none."""
        why = refused.reason if refused else None
        settings = self.context.runtime.settings
        withholds = settings.withhold_picks_without_injuries
        teams = day.teams_on_offer if withholds else set()
        unknown = sum(not day.list_of(*each).is_known for each in teams)
        withheld = f"picks of {unknown} of {len(teams)} teams are withheld: no injury list was in force"
        most = settings.best_bets_per_player
        bets = best_bets.content(day, most_per_player=most, withhold_without_injuries=withholds)
        silent = day.silent_systems.get(best_bets.SYSTEM, {})
        is_silent = silent and len(silent) == len(day.stats)
        missing = _describe_silence(day, best_bets.SYSTEM, silent) if is_silent else None
        everything = {**predictions.content(day), "empty_reason": why}
        picks = {**bets, "empty_reason": why or missing or (withheld if unknown else None)}
        lines = f"predictions/{self.day}.json"
        return [
            document(lines, "predictions", header, everything, DATED_AGE, keep=predictions.STATS),
            document(f"best-bets/{self.day}.json", "best_bets", header, picks, DATED_AGE),
        ]

    def _record(self, bets: Document) -> None:
        """Keep what was offered; of a list that the bucket's newer one kept out nothing was."""
        if bets.path in self.writer.written:
            list_id = self.context.execution_id
            rows = best_bets_record.make_record(bets, list_id, self.now)
            job_id = f"best-bets-{list_id}-{self.now:%Y%m%dT%H%M%S%f}"
            self.context.runtime.warehouse.load(best_bets_record.TABLE, rows, mode="append", job_id=job_id)

    def _is_published(self) -> bool:
        """Whether an earlier export of the date stands, which may offer what does not take
        place.
        """
        try:
            self.context.runtime.exports.read(f"{ROOT}/predictions/{self.day}.json")
        except NotFound:
            return False
        return True

    def export_graded(self, message: PhaseMessage) -> Outcome:
        """Results and performance of the last graded date, as soon as there are grades."""
        if message.status == "no_data":
            why = message.reason or f"nothing was graded on {self.day}"
            return Outcome("no_data", reason=why, event=Event.NOTHING_GRADED)
        warehouse = self.context.runtime.warehouse
        files = self._history(None, *self._read_graded(warehouse))
        if not files:
            why = f"nothing is graded on or before {self.day}"
            return Outcome("no_data", reason=why, event=Event.NOTHING_GRADED)
        for each in files:
            self.writer.write(each)
        return self._outcome("success", f"results and performance up to {self.day}", {}, Event.DONE)

    def _read_graded(self, warehouse: Warehouse) -> tuple[Rows, list[Row], list[Row]]:
        """Results, performance and graded picks as known by now."""
        return (
            read_results(warehouse, self.day, self.now),
            read_performance(warehouse, self.day, self.now),
            read_best_bets_record(warehouse, self.day, self.now),
        )

    def _header(
        self, game_date: date, revision: int, content_at: str, batches: tuple[str, ...], sources: Sequence[Source]
    ) -> Header:
        order = Order(self.context.runtime.epoch, game_date.isoformat(), revision, content_at)
        sources_json = [source.as_json() for source in sources]
        return Header(game_date, self.now, order, batches, self.halted, self.halt_reason, sources_json)

    def _pointers(
        self, tonight: Tonight, dated: list[Document], header: Header, refused: Refusal | None
    ) -> tuple[list[Document], Mapping[str, Callable[[], Document]]]:
        """The pointer files, and what makes each player's; none for a date that is still to come.

        A player's file was made once to check it, and is made again when it is written: all
        together would be as large as the date's predictions.
        """
        if self.day > new_york_date(self.now):
            return [], {}
        content = {**tonight.all_players(), "empty_reason": refused.reason if refused else None}
        everybody = document(EVERYBODY, "all_players", header, content, POINTER_AGE)
        paths = (f"{ROOT}/predictions/today.json", f"{ROOT}/best-bets/latest.json")
        # the body was checked as the dated file's
        copies = [Document(path, each.data, each.order, POINTER_AGE) for path, each in zip(paths, dated, strict=True)]
        stats = dict(zip(tonight.day.predicted_players, dated[0].elements(), strict=True))

        def player(key: Key, path: str) -> Document:
            content = tonight.one_player(key, stats.get(key, NOTHING_ENCODED))
            return document(path, "player", header, content, POINTER_AGE)

        players = {f"{ROOT}/{path}": partial(player, key, path) for key, path in tonight.files.items()}
        for make in players.values():
            make()
        return [everybody, *copies], players

    def _write_players(self, tonight: Tonight, players: Mapping[str, Callable[[], Document]], header: Header) -> None:
        """The files of the date's players, and over those that an earlier date left: not playing.

        None where a newer export holds tonight's page: its players' files are its own.
        """
        if f"{ROOT}/{EVERYBODY}" not in self.writer.written:
            return
        self.writer.write_all(players)
        files = list(tonight.files.values())
        there = (path.removeprefix(f"{ROOT}/") for path in self.context.runtime.exports.list(PLAYERS))
        left = sorted(path for path in set(there) - set(files) if not_playing.is_ours(path))

        def build(path: str, before: Any) -> Document:
            content = not_playing.content(path, before, self.day, files)
            return document(path, "player", header, content, POINTER_AGE)

        self.writer.rewrite_all({f"{ROOT}/{path}": partial(build, path) for path in left})

    def _history(self, day: Day | None, graded: Rows, figures: list[Row], picks: list[Row]) -> list[Document]:
        """results/{date}.json, results/latest.json and systems/performance.json; none while nothing
        is graded.

        Their sources are those of the predictions that were graded last; `day` has them where it is
        that date.
        """
        files = []
        graded_on = next((row["game_date"] for row in graded.only("game_date")), None)
        newest = max((on for on in (graded_on, *(row["game_date"] for row in figures[:1])) if on), default=None)
        if newest is None:
            return []
        sources = self._sources_of(newest, day)
        if graded_on is not None:
            batches = tuple(sorted({row["batch_id"] for row in graded.only("batch_id")}))
            graded_at = format_timestamp_us(max(row["graded_at"] for row in graded.only("graded_at")))
            header = self._header(graded_on, 0, graded_at, batches, sources)
            content = results.content(graded, graded_on, picks)
            file = document(f"results/{graded_on}.json", "results", header, content, DATED_AGE)
            files += [file, Document(f"{ROOT}/results/latest.json", file.data, file.order, POINTER_AGE)]
        if figures:
            header = self._header(figures[0]["game_date"], 0, format_timestamp_us(figures[0]["graded_at"]), (), sources)
            content = performance.content(figures, picks)
            files.append(document("systems/performance.json", "performance", header, content, POINTER_AGE))
        return files

    def _sources_of(self, graded_date: date, day: Day | None) -> list[Source]:
        """What was known of the sources behind the predictions of a graded date."""
        warehouse = self.context.runtime.warehouse
        if day is not None and day.game_date == graded_date:
            rows = day.source_rows
        else:
            rows = read_sources(warehouse, graded_date, self.now)
        games = {row["game_id"] for row in rows if row["game_id"] is not None}
        return Sources(graded_date, rows).of(games)

    def _refuse(self, refused: Refusal, day: Day, batch_id: str | None, sources: Sequence[Source]) -> Outcome:
        """No file is touched but status.json, and self-heal is asked once a run; by its own runs
        never.
        """
        asks = refused.can_heal and not is_heal_run(self.context.run_id)
        asked = "self-heal is asked" if asks else ""
        reason = "; ".join(part for part in (refused.reason, _about_batch(batch_id, day), asked) if part)
        found = coverage(day).as_json()
        self._write_status(refused.status, reason, {"coverage": found}, day, sources)
        asked_heal = [self._question()] if asks else []
        return self._outcome(refused.status, reason, {"coverage": found}, refused.event, asked_heal)

    def _question(self) -> OutboxMessage:
        """What asks self-heal to look at the date: one run of it for a run of ours, however often
        that is refused.
        """
        question = {
            "game_date": self.day.isoformat(),
            "run_id": asked_run_id(self.context.run_id),
            "trigger_source": "pubsub",
            "parent_processor": self.context.function.name,
            # who asks is not at work any more, though its outbox may still say so
            "execution_id": self.context.execution_id,
            "correlation_id": self.context.correlation_id,
        }
        return OutboxMessage(trigger_of(SELF_HEAL), json.dumps(question))

    def _write_status(
        self, word: Status, reason: str, details: dict[str, Any], day: Day, sources: Sequence[Source]
    ) -> None:
        # The latest attempt writes, whatever date it was about; the top level is of the newest date
        # that has come.
        today = new_york_date(self.now)
        order = Order(self.context.runtime.epoch, today.isoformat(), 0, format_timestamp_us(self.now))
        sources_json = [source.as_json() for source in sources]
        header = Header(self.day, self.now, order, day.batches, self.halted, self.halt_reason, sources_json)
        attempt = {
            "game_date": self.day.isoformat(),
            "status": "halted" if self.halted and word in EXPORTED else word,
            "reason": reason,
            "generated_at": format_optional_timestamp(self.now),
        }
        details = {**details, "files_written": len(self.writer.written), "files_kept_newer": len(self.writer.kept)}
        self.writer.rewrite(
            f"{ROOT}/{STATUS_FILE}",
            lambda before: document(
                STATUS_FILE, "status", header, status.content(attempt, details, before, today), STATUS_AGE
            ),
        )

    def _outcome(
        self,
        word: Status,
        reason: str,
        metadata: dict[str, Any],
        event: Event | None,
        messages: Sequence[OutboxMessage] = (),
    ) -> Outcome:
        if self.halted and word in EXPORTED:
            word, event = "halted", Event.EXPORT_HALTED
            reason = "; ".join(part for part in (f"halted: {self.halt_reason}", reason) if part)
        newer = f"{len(self.writer.kept)} files hold a newer run and were kept" if self.writer.kept else ""
        return Outcome(
            word,
            record_count=len(self.writer.written),
            reason="; ".join(part for part in (reason, newer) if part),
            metadata={**metadata, "files": self.writer.written, "files_kept_newer": self.writer.kept},
            messages=messages,
            event=event,
        )


def _withheld(day: Day) -> str:
    """Predicted games on which nothing is offered any more."""
    predicted = sorted(day.predicted_tipoffs.keys() & day.withheld.keys())
    if not predicted:
        return ""
    return f"nothing is offered on {', '.join(f'{game} ({day.withheld[game]})' for game in predicted)}"


def _silent(day: Day) -> list[str]:
    """Systems that predict nobody.

    One that was never trained is no gap of the day: best bets alone say it. Nor is one that has
    nothing of its own to say of a statistic.
    """
    gaps_of = {
        system: {stat: found for stat, found in silent.items() if found[0] not in NO_GAP}
        for system, silent in day.silent_systems.items()
    }
    return [_describe_silence(day, system, silent) for system, silent in gaps_of.items() if silent]


def _describe_silence(day: Day, system: str, silent: Mapping[str, tuple[str, str]]) -> str:
    """silent: statistic -> error code and why; the first one's is said. Where others are predicted,
    the sentence names those that are not.
    """
    *others, last = silent
    # labels of sums have commas of their own
    names = f"{', '.join(others)} or {last}" if others else label_of_stat(last)
    whose = "nobody" if len(silent) == len(day.stats) else f"nobody's {names}"
    return f"{system} predicts {whose}: {next(iter(silent.values()))[1]}"


def _about_batch(batch_id: str | None, day: Day) -> str:
    """What to say of a batch that the message names and that is not what counts."""
    if batch_id is None or batch_id in day.batches:
        return ""
    if batch_id in day.consolidated_batches:
        current = ", ".join(day.batches)
        return f"{batch_id} is superseded: the current predictions of {day.game_date} are of {current}"
    return f"{batch_id} is no consolidated batch of {day.game_date}: its current predictions count"
