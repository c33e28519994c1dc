"""What the grid says: a cell for each date and phase, told by rows first and by runs second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from shared.operations.api.as_json import OF_THE_MOMENT


class Verdict(StrEnum):
    """Where a phase of a date stands."""

    COMPLETE = "complete"  # what should exist does, however the last run ended
    SHORT = "short"  # less is there than should be, and nobody is at work on it
    RUNNING = "running"  # short, and an execution is at work or is tried again by itself
    FAILED = "failed"  # short, and the last execution failed for good
    DEFERRED = "deferred"  # short, and a message waits for a pause or a breaker
    NOT_DUE = "not due"  # its time has not come, or a phase before it is not done
    NOTHING_TO_DO = "nothing to do"  # no games, or nobody to predict
    LEFT_OUT = "left out"  # the date's runs did not go as far (a backfill ends with phase 4)


# A person has to look, unless it mends itself.
TROUBLE = (Verdict.SHORT, Verdict.FAILED, Verdict.DEFERRED)
SETTLED = (Verdict.COMPLETE, Verdict.NOTHING_TO_DO, Verdict.LEFT_OUT)


@dataclass(frozen=True)
class Usual:
    """How long a phase usually takes: of n executions of the last 28 days, in seconds."""

    p50: float
    p95: float
    n: int


@dataclass(frozen=True)
class Cell:
    """A phase of a date."""

    game_date: date
    phase: str
    verdict: Verdict
    says: str
    """One sentence: what is there, what is missing, what it waits for."""
    have: int | None = None
    should: int | None = None
    """None: nothing says how much it should be."""
    unit: str = ""
    """What have and should count."""
    attempts: int = 0
    """Of the latest execution; 0: none is on record."""
    seconds: float | None = None
    """Of work of the latest execution that has ended."""
    usual: Usual | None = None
    deadline: datetime | None = None
    overdue: bool = False
    """The deadline has passed, and it is not done."""
    due_at: datetime | None = None
    """When the first schedule makes it, where that is known."""
    done_at: datetime | None = None
    """When its rows or files were last written, where they say so."""
    since: datetime | None = None
    """Since when it stands like this, where it is in trouble or at work."""
    run_id: str | None = None
    execution_id: str | None = None
    is_running: bool = False
    """An execution is at work, whatever the rows say."""
    next_step: str = ""
    """What a person can do; empty where nothing is to be done."""
    rerun: str | None = None
    """The phase whose rerun mends it; None: none does."""
    incident: str = ""
    """Id of the open incident that its next step is of; empty: none is about it."""


@dataclass(frozen=True)
class GridDay:
    """A date of the grid."""

    game_date: date
    games: int
    """Games that take place."""
    sentence: str
    cells: tuple[Cell, ...]
    """In the order of the grid's phases."""
    is_well: bool = True
    """Whether no phase is in trouble, and no incident that matters on it is an error or worse."""
    incident: str = ""
    """Id of the worst of those incidents; empty: there is none."""
    next_step: str = ""
    """What a person can do first; empty where it is well."""
    figures: Mapping[str, int] = field(default_factory=dict)
    """expected and predicted: players."""

    def cell(self, phase: str) -> Cell:
        """Raises KeyError for a phase that the grid has not."""
        for each in self.cells:
            if each.phase == phase:
                return each
        raise KeyError(phase)


@dataclass(frozen=True)
class Grid:
    """Dates by phases at a moment."""

    asked_at: datetime = field(metadata=OF_THE_MOMENT)
    phases: tuple[str, ...]
    days: tuple[GridDay, ...]
    """In the order they were asked for."""
    halted: str | None = None
    """The operator's reason, while exports say that nobody shall act on them; None: not halted."""
    paused: str | None = None
    """Who paused the pipeline, since when and why; None: it runs."""

    @property
    def is_running(self) -> bool:
        """Whether an execution is at work on any of the dates."""
        return any(cell.is_running for day in self.days for cell in day.cells)

    def day(self, day: date) -> GridDay:
        """Raises KeyError for a date that was not asked for."""
        for each in self.days:
            if each.game_date == day:
                return each
        raise KeyError(day)
