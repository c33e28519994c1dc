"""A date on real embedded stores, as the checks look at it: what ran is planted, and what is taken
away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.chain.batches.records import Batch, BatchStatus, LatestBatch, UnitResult, UnitStatus, date_path, unit_path
from shared.chain.execution.records import Execution, ExecutionFacts, ExecutionKey, ExecutionStatus
from shared.core.clock import NEW_YORK
from shared.core.pipeline import Pipeline, load_pipeline
from shared.operations.checks.health import CHECKS, CheckResult, run_checks
from shared.operations.checks.view import View
from shared.operations.levels import Finding, Level
from shared.operations.schedules.fired import GRACE
from shared.operations.schedules.firings import Firing, firing_of
from shared.stores.runtime import Runtime
from tests.pipeline.evening import row
from tests.support import records
from tests.support.embedded import ManualClock
from tests.support.stores import append

DAY, YESTERDAY = date(2025, 11, 14), date(2025, 11, 13)
BATCH = "batch_2025-11-14_r1"
SCHEDULE, PREDICTIONS = "nba_raw.nbac_schedule", "nba_predictions.player_prop_predictions"
HISTORY = "nba_reference.processor_run_history"
SAME_DAY = "same-day-predictions"


def at(text: str) -> datetime:
    """A moment of New York's clocks: 11:30, of the date, or 2025-11-13 11:30."""
    whole = text if " " in text else f"{DAY} {text}"
    return datetime.fromisoformat(whole).replace(tzinfo=NEW_YORK)


# Half an hour after the run of half past eleven, when its batch should be there.
NOW = at("12:05")
# That run alone fell due.
WINDOW = timedelta(hours=1)


@dataclass
class World:
    """Stores, and what is planted in them."""

    runtime: Runtime
    clock: ManualClock
    pipeline: Pipeline = field(default_factory=load_pipeline)

    # --- what checks find ---

    def view(self, window: timedelta = WINDOW, **changes: Any) -> View:
        return View(self.runtime, self.pipeline, self.clock.now(), window, **changes)

    def result(self, check: str, window: timedelta = WINDOW, **changes: Any) -> CheckResult:
        (chosen,) = [each for each in CHECKS if each.id == check]
        (result,) = run_checks(self.view(window, **changes), [chosen]).checks
        assert not result.failed, result.findings[0].says
        return result

    def finding(
        self, check: str, subject: str = DAY.isoformat(), window: timedelta = WINDOW, **changes: Any
    ) -> Finding:
        """The one finding of a check about a subject."""
        (found,) = [each for each in self.result(check, window, **changes).findings if each.subject == subject]
        assert bool(found.next_step) == (found.level is not Level.GREEN), found
        return found

    # --- schedules and executions ---

    def due(self, schedule: str, moment: datetime | None = None) -> Firing:
        job = self.pipeline.schedules[schedule]
        return firing_of(self.pipeline, job, job.times.last((moment or self.clock.now()) - GRACE))

    def run_schedule(self, schedule: str, moment: datetime | None = None, **changes: Any) -> Execution:
        """What ran for the newest due firing of a schedule."""
        due = self.due(schedule, moment)
        mode = {"mode": due.mode} if due.mode else {}
        return self.run(due.function, due.key.run_id, game_date=due.day.isoformat(), at=due.at, **mode, **changes)

    def run_everything(self) -> None:
        for schedule in self.pipeline.schedules:
            self.run_schedule(schedule)

    def run(self, function: str, run_id: str, *, at: datetime, unit: str = "", **changes: Any) -> Execution:
        """An execution that succeeded within ten seconds, or what the changes say."""
        facts = {name: changes.pop(name) for name in list(changes) if name in ExecutionFacts.__dataclass_fields__}
        phase = self.pipeline.functions[function].phase
        known = records.facts(function=function, phase=phase, run_id=run_id, unit=unit, **facts)
        values: dict[str, Any] = {
            "status": ExecutionStatus.SUCCEEDED,
            "started_at": at,
            "taken_at": at,
            "lease_expires_at": at,
            "finished_at": at + timedelta(seconds=10),
            "result": {"status": "success"},
            "history_written": True,
            "epoch": self.runtime.epoch,
        }
        execution = replace(records.execution(**vars(known)), **{**values, **changes})
        path = ExecutionKey(function, run_id, unit).path
        self.runtime.state.transaction(lambda transaction: transaction.set(path, execution.to_document()))
        return execution

    # --- games, batches, rows, files ---

    def play(self, day: date = DAY, games: int = 2, *, tipoff: datetime | None = None, **changes: Any) -> None:
        """Put games of a day on the schedule."""
        rows = [
            row(
                SCHEDULE,
                **{
                    "game_date": day,
                    "game_id": f"00225{day:%m%d}{number}",
                    "snapshot_time": at("11:31"),
                    "season": "2025-26",
                    "season_type": "regular_season",
                    "tipoff_at": tipoff or at(f"{day} 19:30"),
                    "status": "scheduled",
                    **changes,
                },
            )
            for number in range(games)
        ]
        self.add(SCHEDULE, rows)

    def add(self, table: str, rows: list[dict[str, Any]]) -> None:
        append(self.runtime.warehouse, table, rows, f"test-{uuid4()}")

    def put_batch(self, **changes: Any) -> Batch:
        """A batch of the date, opened at 11:33 by the run of half past eleven, consolidated at
        11:35.
        """
        values: dict[str, Any] = {
            "run_id": f"{DAY}-{SAME_DAY}",
            "opened_at": at("11:33"),
            "closed_at": at("11:34"),
            "status": BatchStatus.CONSOLIDATED,
            "consolidated_at": at("11:35"),
            "merged": ["1", "2"],
            "rows_in_place": 10,
        }
        batch = records.batch(**{**values, **changes})
        pointer = LatestBatch(batch.batch_id, batch.revision)
        self.set(f"batches/{batch.batch_id}", batch.to_document())
        self.set(date_path(batch.game_date), pointer.to_document())
        return batch

    def set(self, path: str, document: Mapping[str, Any]) -> None:
        self.runtime.state.transaction(lambda transaction: transaction.set(path, document))

    def complete(self, *units: str, failed: tuple[str, ...] = (), batch_id: str = BATCH) -> None:
        for unit in (*units, *failed):
            status = UnitStatus.FAILED if unit in failed else UnitStatus.DONE
            result = UnitResult(unit, status, 5, None, 1, "it failed" if unit in failed else None, at("11:34"))
            self.set(unit_path(batch_id, unit), result.to_document())

    def consolidate(self, **changes: Any) -> Execution:
        """The execution that consolidated the batch."""
        values: dict[str, Any] = {
            "game_date": DAY.isoformat(),
            "batch_id": BATCH,
            "metadata": {"merged_rows": 10, "merge_seconds": 1.5},
        }
        run_id = f"{DAY}-{SAME_DAY}"
        return self.run("phase5_consolidation", run_id, at=at("11:35"), **{**values, **changes})

    def predict(self, rows: int = 10, *, batch_id: str = BATCH, players: int = 5) -> None:
        self.add(
            PREDICTIONS,
            [
                row(
                    PREDICTIONS,
                    prediction_id=f"{batch_id}-{number}",
                    batch_id=batch_id,
                    game_date=DAY,
                    player_id=number % players,
                    updated_at=at("11:35"),
                )
                for number in range(rows)
            ],
        )

    def export(self, *batches: str, content_at: datetime | None = None, day: date = DAY) -> None:
        order = [self.runtime.epoch, day.isoformat(), 1, (content_at or at("11:35")).isoformat()]
        body = {"order": order, "batches": [{"batch_id": each} for each in batches or (BATCH,)]}
        self.runtime.exports.write(
            f"v1/predictions/{day}.json", json.dumps(body).encode(), content_type="application/json"
        )

    def go_well(self) -> None:
        """The run of half past eleven as it should go."""
        self.play()
        self.run_schedule(SAME_DAY)
        self.put_batch()
        self.complete("1", "2")
        self.consolidate()
        self.predict()
        self.export()
