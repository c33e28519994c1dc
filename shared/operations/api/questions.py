"""What can be asked: each question as data, with its path, its parameters and who answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.chain.resilience import halt_switch, pause_switch
from shared.chain.resilience.dead_letters import DeadLetter
from shared.core.clock import new_york_date
from shared.operations import queues
from shared.operations.accuracy.accuracy import read_accuracy
from shared.operations.actions.action import GAME_DATE, Parameter, Request
from shared.operations.actions.record import actions_of
from shared.operations.api.as_json import OF_THE_MOMENT
from shared.operations.audit import read_audit
from shared.operations.backfill.reading import read_backfill, read_backfills
from shared.operations.checks.health import read_health
from shared.operations.incidents.reading import incidents_since, open_incidents, read_incident
from shared.operations.latency.latency import read_latency
from shared.operations.picks import read_picks
from shared.operations.runs.reading import MAX_DAYS, read_runs
from shared.operations.slowdown.report import read_report
from shared.operations.slowdown.slowdowns import read_slowdowns
from shared.operations.status.batch import read_batch
from shared.operations.status.cell import read_cell
from shared.operations.status.grid import read_grid
from shared.operations.status.lineage import read_lineage

SUBSCRIPTION = Parameter("subscription", "text", "of a dead-letter subscription alone")
REASON = Parameter("reason", "text", "of a reason alone")
TO = Parameter("to", "date", "the last date; today unless said")
DAYS = Parameter("days", "integer", "so many dates", default=14, bounds=(1, 60))
PHASE = Parameter("phase", "text", "a phase such as phase4, or grading", required=True)
BATCH = Parameter("batch_id", "text", "such as batch_2025-11-14_r3", required=True)
PLAYER = Parameter("player", "text", "a player's lookup, such as lebronjames", required=True)
WINDOW = Parameter("window", "integer", "minutes to look back", default=1_440, bounds=(1, 44_640))
ONLY = Parameter("only", "texts", "these checks alone")
FUNCTION = Parameter("function", "text", "one function alone")
RUN_DAYS = Parameter("days", "integer", "of the dates of so many days", default=2, bounds=(1, MAX_DAYS))
SLOW = Parameter("slow", "switch", "those alone that took over twice the usual", default=False)
LATENCY_DAYS = Parameter("days", "integer", "so many days before today", default=14, bounds=(1, 400))
WEEKS = Parameter("weeks", "integer", "so many weeks", default=8, bounds=(1, 53))
STAT = Parameter("stat", "text", "of one statistic alone, such as points")
SINCE = Parameter("days", "integer", "resolved within so many days", default=7, bounds=(1, 365))
INCIDENT = Parameter("incident", "text", "an incident's id", required=True)
BACKFILL = Parameter("backfill", "text", "a backfill's key", required=True)
LATEST = Parameter("limit", "integer", "at most so many, the newest first", default=20, bounds=(1, 100))
LIMIT = Parameter("limit", "integer", "at most so many, the newest first", default=100, bounds=(1, 1_000))


@dataclass(frozen=True)
class Question:
    """A read model under a path below /api/v1; names in braces are parameters."""

    name: str
    path: str
    says: str
    parameters: tuple[Parameter, ...]
    answer: Callable[[Request], Any]


@dataclass(frozen=True)
class Letter:
    """A dead letter as lists show it."""

    id: str
    key: str
    """With its subscription: what redrive takes where ids may repeat."""
    subscription: str
    reason: str
    error: str
    blames: str
    origin_topic: str
    age_seconds: float | None = field(metadata=OF_THE_MOMENT)
    bytes: int
    preview: str
    redrivable: bool
    not_redrivable: str


def _letter(letter: DeadLetter) -> Letter:
    return Letter(
        id=letter.id,
        key=letter.key,
        subscription=letter.subscription,
        reason=letter.reason,
        error=letter.error,
        blames=letter.blames,
        origin_topic=letter.origin_topic,
        age_seconds=None if letter.age is None else letter.age.total_seconds(),
        bytes=letter.size,
        preview=letter.preview,
        redrivable=letter.redrivable,
        not_redrivable=letter.not_redrivable,
    )


def _letters(request: Request) -> Mapping[str, Any]:
    filters = {name: request.values[name] or "" for name in ("subscription", "reason")}
    found = queues.explained_letters(request.runtime, request.pipeline, **filters)
    return {"dead_letters": [_letter(each) for each in found]}


def _list_deferred(request: Request) -> Mapping[str, Any]:
    return {"deferred": queues.deferred_messages(request.runtime)}


def _breakers(request: Request) -> Mapping[str, Any]:
    return {"breakers": queues.failing_breakers(request.runtime)}


def _switches(request: Request) -> Mapping[str, Any]:
    state = request.runtime.state
    return {"pause": pause_switch.read(state), "halt": halt_switch.read(state)}


def _audit(request: Request) -> Mapping[str, Any]:
    return {"audit": read_audit(request.runtime, request.values["limit"])}


def _days(request: Request) -> list[date]:
    """The last of them first given, or today; so many days to it."""
    last = request.values["to"] or new_york_date(request.runtime.clock.now())
    return [last - timedelta(days=back) for back in reversed(range(request.values["days"]))]


def _grid(request: Request) -> Any:
    return read_grid(request.runtime, request.pipeline, _days(request))


def _cell(request: Request) -> Any:
    return read_cell(request.runtime, request.pipeline, request.day(), request.values["phase"])


def _actions(request: Request) -> Mapping[str, Any]:
    return {"actions": actions_of(request.runtime, request.day())}


def _batch(request: Request) -> Any:
    return read_batch(request.runtime, request.values["batch_id"])


def _lineage(request: Request) -> Any:
    return read_lineage(request.runtime, request.day(), request.values["player"])


def _health(request: Request) -> Any:
    window = timedelta(minutes=request.values["window"])
    return read_health(request.runtime, request.pipeline, window, request.values["only"] or None)


def _slowdowns(request: Request) -> Any:
    return read_slowdowns(request.runtime, request.pipeline, request.values["function"])


def _runs(request: Request) -> Any:
    values = request.values
    return read_runs(
        request.runtime,
        request.pipeline,
        days=values["days"],
        function=values["function"] or "",
        slow=values["slow"],
    )


def _latency(request: Request) -> Any:
    return read_latency(request.runtime, request.pipeline, request.values["days"])


def _report(request: Request) -> Any:
    return read_report(request.runtime, request.pipeline, request.values["weeks"])


def _backfills(request: Request) -> Mapping[str, Any]:
    return {"backfills": read_backfills(request.runtime, request.values["limit"])}


def _backfill(request: Request) -> Any:
    return read_backfill(request.runtime, request.values["backfill"])


def _accuracy(request: Request) -> Any:
    return read_accuracy(request.runtime, request.values["weeks"], request.values["stat"])


def _picks(request: Request) -> Any:
    return read_picks(request.runtime)


def _incidents(request: Request) -> Mapping[str, Any]:
    since = timedelta(days=request.values["days"])
    found = incidents_since(request.runtime, request.runtime.clock.now() - since)
    return {"open": open_incidents(request.runtime), "lately": [each for each in found if not each.is_open]}


def _incident(request: Request) -> Any:
    return read_incident(request.runtime, request.values["incident"])


QUESTIONS: tuple[Question, ...] = (
    Question("grid", "/grid", "where each date and phase stands, by rows", (TO, DAYS), _grid),
    Question("cell", "/dates/{game_date}/phases/{phase}", "a date and phase in detail", (GAME_DATE, PHASE), _cell),
    Question("actions-of-date", "/dates/{game_date}/actions", "what people started of a date", (GAME_DATE,), _actions),
    Question("batch", "/batches/{batch_id}", "a batch, its units and guards", (BATCH,), _batch),
    Question(
        "lineage",
        "/dates/{game_date}/players/{player}",
        "from a pick back to its lines, features, box scores, raw files and model",
        (GAME_DATE, PLAYER),
        _lineage,
    ),
    Question("accuracy", "/accuracy", "systems beside the line and the season average", (WEEKS, STAT), _accuracy),
    Question("picks", "/picks", "tonight's picks as they are exported", (), _picks),
    Question("health", "/health", "every check, with what to do", (WINDOW, ONLY), _health),
    Question("runs", "/runs", "what has run lately, and what runs now", (RUN_DAYS, FUNCTION, SLOW), _runs),
    Question("slowdown", "/slowdown", "what is slow beside its own week and its time-out", (FUNCTION,), _slowdowns),
    Question("latency", "/latency", "from a game to its grades, from trigger to export", (LATENCY_DAYS,), _latency),
    Question("report", "/report", "weeks and months by function, with regressions", (WEEKS,), _report),
    Question("alerts", "/alerts", "incidents that are open, and those of late", (SINCE,), _incidents),
    Question("alert", "/alerts/{incident}", "an incident and its messages", (INCIDENT,), _incident),
    Question("backfills", "/backfills", "backfills, and how far their dates are", (LATEST,), _backfills),
    Question("backfill-dates", "/backfills/{backfill}", "a backfill by date", (BACKFILL,), _backfill),
    Question("dead-letters", "/dead-letters", "what failed for good", (SUBSCRIPTION, REASON), _letters),
    Question("deferred", "/deferred", "messages that a pause or an open breaker keeps back", (), _list_deferred),
    Question("breakers", "/breakers", "circuit breakers with failures, open or not", (), _breakers),
    Question("switches", "/switches", "the pause and the halt, by whom and why", (), _switches),
    Question("audit", "/audit", "what people and recovery functions did on purpose", (LIMIT,), _audit),
)


def question_of(name: str) -> Question:
    """The question of a name; KeyError where there is none."""
    return {each.name: each for each in QUESTIONS}[name]
