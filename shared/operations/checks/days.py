"""A date of the window as the morning's checks see it: what was asked for, and the batch that
answers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from shared.chain.batches.reading import latest_batch, units_of
from shared.chain.batches.records import Batch, UnitResult
from shared.chain.execution.records import COLLECTION, Execution, ExecutionStatus
from shared.core.pipeline import CONSOLIDATION, COORDINATOR
from shared.operations.checks.readings import Readings
from shared.operations.checks.rows import Games
from shared.operations.checks.texts import act_text
from shared.operations.contracts.exported import ExportFile, dated_files, read_file
from shared.operations.levels import Figure, Finding, Level, Severity
from shared.operations.schedules.firings import Firing
from shared.stores.ports import Filter

# From a prediction run's trigger to its batch: phases 1 to 4 take about four minutes, a retry of
# one of them its time-out.
SETTLED = timedelta(minutes=30)
# Games within so long make what is short critical: nobody can predict after tip-off.
SOON = timedelta(hours=4)


@dataclass(frozen=True)
class Day:
    """A date, its games, and the newest prediction runs that were due for it."""

    view: Readings
    day: date
    games: Games
    settled: Firing | None
    """The newest run that should be through with opening its batch."""
    pending: Firing | None
    """A newer one that may still be at work."""

    @property
    def name(self) -> str:
        return self.day.isoformat()

    @cached_property
    def latest(self) -> Batch | None:
        """The date's latest batch, whatever its status."""
        return latest_batch(self.view.runtime.state, self.day)

    @cached_property
    def unnamed(self) -> Batch | None:
        """The newest batch opened for the date in the window, where the document that names
        the latest is gone, or names one that is not there.
        """
        if self.latest is not None:
            return None
        ours = (batch for batch in self.view.batches if batch.game_date == self.day)
        return max(ours, key=lambda batch: batch.revision, default=None)

    @cached_property
    def batch(self) -> Batch | None:
        """The latest batch, where it answers what was asked for last: opened since, or the run had
        none to open.
        """
        if self.latest is None or self.settled is None or self.latest.opened_at >= self.settled.at:
            return self.latest
        opener = self.coordinator
        return self.latest if opener is not None and opener.status == ExecutionStatus.SUCCEEDED else None

    @cached_property
    def units(self) -> list[UnitResult]:
        return [] if self.batch is None else units_of(self.view.runtime.state, self.batch.batch_id)

    @cached_property
    def asked_run(self) -> list[Execution]:
        """Executions of the run that was asked for last, the oldest first."""
        return [] if self.settled is None else self.view.run(self.settled.key.run_id)

    @property
    def coordinator(self) -> Execution | None:
        """Of that run the execution that opens a batch or says why not."""
        return next((each for each in self.asked_run if each.function == COORDINATOR), None)

    @cached_property
    def consolidation(self) -> Execution | None:
        """The newest execution that consolidated the batch."""
        if self.batch is None:
            return None
        documents = self.view.runtime.state.query(
            COLLECTION, [Filter("run_id", "==", self.batch.run_id), Filter("phase", "==", CONSOLIDATION)]
        )
        return max(map(Execution.from_document, documents), key=lambda each: each.taken_at, default=None)

    @cached_property
    def exported(self) -> ExportFile | None:
        """What the date's predictions in the export bucket say of themselves; None: there are
        none.
        """
        predictions, _ = dated_files(self.day)
        return read_file(self.view.runtime.exports, predictions)

    def finding(
        self,
        check: str,
        level: Level,
        says: str,
        next_step: str = "",
        *,
        figures: Mapping[str, Figure] | None = None,
        critical: bool = False,
    ) -> Finding:
        """A finding about the date. What is red is an error, and critical where games are near."""
        severity = Severity.WARNING
        if level is Level.RED:
            severity = Severity.CRITICAL if critical or self._is_near else Severity.ERROR
        text = f"{self.day}: {says}"
        return Finding(check, self.name, level, text, next_step, figures or {}, severity, self.day)

    @property
    def _is_near(self) -> bool:
        first, last = self.games.first_tipoff, self.games.last_tipoff
        return first is not None and last is not None and first - SOON <= self.view.now < last

    @property
    def heal_step(self) -> str:
        """What restarts the earliest phase that is short."""
        return f"{act_text('heal', self.name)}: it restarts the earliest phase that is short"


def list_days(view: Readings) -> list[Day]:
    """The window's dates, the oldest first."""
    found = []
    for day in view.dates:
        of_day = [firing for firing in view.prediction_firings if firing.day == day]
        settled = [firing for firing in of_day if firing.at + SETTLED <= view.now]
        pending = [firing for firing in of_day if firing.at + SETTLED > view.now]
        games = view.games_of(day)
        found.append(Day(view, day, games, settled[-1] if settled else None, pending[-1] if pending else None))
    return found
