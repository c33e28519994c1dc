"""All that is known of a date, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from shared.core.clock import GAME_LENGTH, new_york_date
from shared.core.pipeline import GRADING, SELF_HEAL, WORKER, Pipeline, trigger_of
from shared.operations.contracts.snapshot import POSTPONED, Snapshot
from shared.operations.schedules.firings import Firing, first_due, next_of_topic
from shared.operations.status.measures import View
from shared.operations.status.model import Usual
from shared.operations.status.runs import Run

# A season's longest pause is the All-Star break, about a week: what is longer lies between seasons.
OFF_SEASON_DAYS = 30
# Phases whose work of a played date is another one: results, where it was the day to come.
RESULT_PHASES = ("phase1", "phase2", "phase3")


@dataclass(frozen=True)
class Waiting:
    """A deferred message of a phase."""

    name: str
    gate: str
    reason: str
    deferred_at: datetime


@dataclass(frozen=True)
class DayFacts:
    """A date: its rows, its schedules, its runs."""

    view: View
    pipeline: Pipeline
    firings: Sequence[Firing]
    runs: Mapping[str, Sequence[Run]] = field(default_factory=dict)
    """By phase, oldest first."""
    waiting: Mapping[str, Sequence[Waiting]] = field(default_factory=dict)
    """By phase, oldest first."""
    usual: Mapping[str, Usual] = field(default_factory=dict)
    halted: str | None = None
    began: datetime | None = None
    """When the oldest execution known began; None: nothing ever ran."""

    @property
    def snapshot(self) -> Snapshot:
        return self.view.snapshot

    @property
    def day(self) -> date:
        return self.snapshot.game_date

    @property
    def now(self) -> datetime:
        return self.snapshot.now

    @property
    def is_history(self) -> bool:
        """Whether all its games had begun before anything ran here: its rows were loaded later."""
        tipoffs = [game.tipoff_at for game in self.snapshot.scheduled_games]
        return self.began is not None and bool(tipoffs) and max(tipoffs) < self.began

    @property
    def export(self) -> str:
        """The phase that exports: the chain's last."""
        return self.pipeline.phase_order[-1]

    def latest(self, phase: str) -> Run | None:
        """The last execution that did something; one that had nothing to do where all had.

        Of workers those of the latest batch: what failed in an earlier one is that one's matter.
        """
        runs, batch = self.runs.get(phase, ()), self.snapshot.batch
        if phase == WORKER and batch is not None:
            runs = [run for run in runs if run.batch_id == batch.batch_id]
        worked = [run for run in runs if run.status != "skipped"] or runs
        return worked[-1] if worked else None

    def first_due(self, phase: str) -> Firing | None:
        """The firing that makes what is judged: of a played date results and grades."""
        is_played = self.view.is_played
        after_games = phase == GRADING or (is_played and phase in RESULT_PHASES)
        if phase == self.export and is_played and any(game.graded_at for game in self.snapshot.games):
            after_games = True
        firings = self.firings
        if reason_without_games(self.snapshot) is not None:
            # pointers never move to a date that has not come
            firings = [firing for firing in firings if new_york_date(firing.at) == self.day]
        return first_due(firings, phase, after_games=after_games)

    def next_in_time(self, phase: str) -> Firing | None:
        """The next firing that makes results or grades of a played date, unless it is later than
        they are due.
        """
        if not self.view.is_played or phase not in (*RESULT_PHASES, GRADING):
            return None
        coming = [firing for firing in self.firings if firing.at > self.now]
        found, deadline = first_due(coming, phase, after_games=True), self.deadline(phase)
        return None if found is None or (deadline is not None and found.at > deadline) else found

    def next_heal(self) -> Firing | None:
        """When self-heal looks next at what is judged: what comes before the games it makes before
        them.
        """
        ours = [firing for firing in self.firings if firing.after_games == self.view.is_played]
        return next_of_topic(ours, trigger_of(SELF_HEAL), self.now)

    def deadline(self, phase: str) -> datetime | None:
        tipoffs = [game.tipoff_at for game in self.snapshot.scheduled_games]
        last_end = max(tipoffs) + GAME_LENGTH if tipoffs else None
        moments = [each.of(self.day, last_end) for each in self.pipeline.deadlines if each.phase == phase]
        return min((each for each in moments if each is not None), default=None)

    def since(self, phase: str) -> datetime | None:
        """Since when it is known to be short: the end of its latest run, else the time it was
        due.
        """
        latest = self.latest(phase)
        if latest is not None and latest.finished_at is not None:
            return latest.finished_at
        due = self.first_due(phase)
        return due.at if due is not None and due.at <= self.now else None


def reason_without_games(snapshot: Snapshot) -> str | None:
    """Why nothing is to be done on a date; None where games take place, or no schedule says."""
    if not snapshot.schedule_rows or snapshot.scheduled_games:
        return None
    day = snapshot.game_date
    if snapshot.games:
        postponed = all(game.status == POSTPONED for game in snapshot.games)
        return f"all {len(snapshot.games)} games are {'postponed' if postponed else 'called off'}"
    before, after = snapshot.played_before, snapshot.played_after
    if before is not None and after is not None and (after - before).days <= OFF_SEASON_DAYS:
        return f"no games; the next are on {after}"
    if after is None and before is not None and (day - before).days <= OFF_SEASON_DAYS:
        return f"no games, and none is scheduled after {before}"
    known = [f"the last games were on {before}"] if before else []
    known += [f"the next are on {after}"] if after else []
    return f"off-season; {' and '.join(known)}" if known else "off-season"
