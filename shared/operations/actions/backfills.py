"""Actions on backfills: begin one, cancel it, resume it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.core.errors import DataError
from shared.core.pipeline import Pipeline
from shared.nba.odds_markets import FIRST_PAST_DAY, PAST_LIST_COST, REGIONS, choose_markets, event_cost
from shared.operations.actions.action import Action, Parameter, Plan, Request
from shared.operations.actions.signature import Signature
from shared.operations.backfill import changing
from shared.operations.backfill.advancing import TOPIC, advance
from shared.operations.backfill.planning import Planned, Wanted, describe_stands, plan_backfill
from shared.operations.backfill.records import MODE, Backfill, Order, Progress, Unit, Which, get_backfill, path_of

MOST_AT_ONCE = 9
# Games of a usual date, where no schedule says how many: 1,230 on some 165 dates.
USUAL_GAMES = 8
# Units, and dates of one, that a preview names.
_UNITS, _DATES = 40, 5
BACKFILL = Parameter("backfill", "text", "a backfill's key", required=True)
BEGIN = (
    Parameter("from", "date", "the first date", required=True),
    Parameter("to", "date", "the last date", required=True),
    Parameter("which", "choice", "which of them", choices=tuple(Which), default=Which.MISSING.value),
    Parameter("order", "choice", "which first", choices=tuple(Order), default=Order.OLDEST.value),
    Parameter("at_once", "integer", "so many messages at a time", default=1, bounds=(1, MOST_AT_ONCE)),
    Parameter("fetch_again", "switch", "ask sources for what the raw bucket has, too", default=False),
)


def _read_wanted(request: Request) -> Wanted:
    """Raises DataError for dates that are no range."""
    values = request.values
    return Wanted(
        request.day("from"),
        request.day("to"),
        Which(values["which"]),
        Order(values["order"]),
        values["at_once"],
        values["fetch_again"],
    )


def _plan_begin(request: Request) -> Plan:
    """Raises NotFound where no date is to be filled."""
    if request.runtime.state.get(path_of(request.key)) is not None:
        # a press whose process died: the record stands, and goes on
        return Plan((f"Goes on with the backfill {request.key}.",))
    planned = plan_backfill(request.runtime, request.pipeline, _read_wanted(request))
    days = tuple(day.isoformat() for day in planned.dates)
    markets = choose_markets(request.runtime.settings.odds_stats)
    return Plan(tuple(describe_plan(planned, request.pipeline, markets)), targets=days)


def describe_plan(planned: Planned, pipeline: Pipeline, markets: Sequence[str]) -> Iterator[str]:
    """What it would do, a sentence each: counts first, then every message with its dates; markets
    are those that past lines are asked for of.
    """
    wanted, units = planned.wanted, planned.units
    yield f"From {wanted.first} to {wanted.last}: {describe_stands(planned.checks)}."
    many = "s" if len(units) != 1 else ""
    order = f", {wanted.at_once} at a time, {wanted.order}" if many else ""
    yield (
        f"Publishes {len(units)} message{many} to {TOPIC}{order}, for {len(planned.dates)} dates; what follows by"
        f" the chain ends with {pipeline.modes[MODE]}. No date is predicted."
    )
    if wanted.fetch_again:
        yield "Box scores and schedules are fetched again; past lines, which cost quota, are not."
    else:
        yield "What the raw bucket has is not fetched again."
    yield _describe_quota(planned, markets)
    yield "Rows are replaced by key, each table once its new rows are verified; nothing is dropped before."
    if len(units) > 1 and (wanted.order is Order.NEWEST or wanted.at_once > 1):
        yield (
            "Features are made of the games before a date: where those are missing as well, fill the oldest first, one"
            " at a time."
        )
    for unit in units[:_UNITS]:
        yield _describe_unit(unit, planned)
    if len(units) > _UNITS:
        yield f"And {len(units) - _UNITS} messages more."


def _describe_quota(planned: Planned, markets: Sequence[str]) -> str:
    """The most that past lines can cost: what the raw bucket has is not paid for again."""
    found = [planned.checks[day] for day in planned.dates if day >= FIRST_PAST_DAY]
    unknown = sum(each.games is None for each in found)
    games = sum(USUAL_GAMES if each.games is None else each.games for each in found)
    cost = games * event_cost(markets, past=True) + len(found) * PAST_LIST_COST
    assumed = f", {USUAL_GAMES} on each of {unknown} dates without a schedule" if unknown else ""
    return (
        f"Past lines cost at most {cost:,} of the odds API's quota, less for events that the raw bucket has: {games:,}"
        f" games{assumed}, each {len(markets)} markets in {len(REGIONS)} regions at ten times the live price."
    )


def _describe_unit(unit: Unit, planned: Planned) -> str:
    found = [each for day, each in sorted(planned.checks.items()) if day.isoformat() in unit.dates]
    named = "; ".join(f"{each.game_date}: {each.says}" for each in found[:_DATES])
    more = f"; and {len(found) - _DATES} dates more" if len(found) > _DATES else ""
    return f"{unit.first} to {unit.last}, {len(found)} dates. {named}{more}."


def _begin(request: Request, _plan: Plan, signature: Signature) -> str:
    runtime = request.runtime
    if runtime.state.get(path_of(request.key)) is None:
        planned = plan_backfill(runtime, request.pipeline, _read_wanted(request))
        changing.begin(runtime, planned, signature, request.key)
    return _go_on(request, request.key)


def _go_on(request: Request, key: str) -> str:
    backfill = advance(request.runtime, request.pipeline, key).backfill
    return f"backfill {key}: {describe_progress(backfill)}"


def describe_progress(backfill: Backfill) -> str:
    """How many dates are how far."""
    dates = [found for unit in backfill.units for found in unit.dates.values()]
    counts = {progress: dates.count(progress.value) for progress in Progress}
    return ", ".join(f"{count} {progress}" for progress, count in counts.items() if count) or "no dates"


def _plan_cancel(request: Request) -> Plan:
    """Raises NotFound for an unknown one, DataError for one that has ended."""
    backfill = get_backfill(request.runtime.state, request.values["backfill"])
    if not backfill.is_open:
        raise DataError(f"The backfill {backfill.id} has ended: {describe_progress(backfill)}.")
    running = [each for each in backfill.units if each.progress is Progress.RUNNING]
    says = (
        f"Publishes nothing more of {backfill.first} to {backfill.last}: {describe_progress(backfill)}.",
        f"{len(running)} messages are under way and come to their end.",
    )
    return Plan(says, targets=(backfill.id,))


def _cancel(request: Request, plan: Plan, signature: Signature) -> str:
    for key in plan.targets:
        changing.cancel(request.runtime, key, signature)
    return _go_on(request, request.values["backfill"])


def _plan_resume(request: Request) -> Plan:
    """Raises NotFound for an unknown one, DataError where nothing is left of it."""
    backfill = get_backfill(request.runtime.state, request.values["backfill"])
    left = [each for each in backfill.units if each.progress in (Progress.WAITING, Progress.FAILED)]
    if not left:
        raise DataError(f"Nothing is left of the backfill {backfill.id}: {describe_progress(backfill)}.")
    says = (
        f"Goes on with {backfill.first} to {backfill.last}: {describe_progress(backfill)}.",
        f"Up to {len(left)} messages, {backfill.at_once} at a time; dates that have their rows by now are done.",
    )
    return Plan(says, targets=(backfill.id,))


def _resume(request: Request, plan: Plan, signature: Signature) -> str:
    for key in plan.targets:
        changing.resume(request.runtime, key, signature)
    return _go_on(request, request.values["backfill"])


BACKFILLS: tuple[Action, ...] = (
    Action("backfill", "fill past dates by phases 1 to 4", BEGIN, _plan_begin, _begin, audits_itself=True),
    Action(
        "cancel-backfill",
        "publish nothing more of a backfill; what runs ends",
        (BACKFILL,),
        _plan_cancel,
        _cancel,
        audits_itself=True,
    ),
    Action(
        "resume-backfill",
        "go on with a backfill that was cancelled, and try again what failed",
        (BACKFILL,),
        _plan_resume,
        _resume,
        audits_itself=True,
    ),
)
