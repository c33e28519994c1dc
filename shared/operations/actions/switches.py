"""Actions on what stops work: pause, halt, breakers, deferred messages; and on dead letters."""

from __future__ import annotations

from datetime import date, timedelta

from shared.chain.resilience import circuit_breaker, deferred, halt_switch, pause_switch
from shared.core.clock import new_york_date
from shared.core.errors import DataError, NotFound
from shared.operations.actions.action import Action, Parameter, Plan, Request
from shared.operations.actions.queues import LetterChoice, redrive
from shared.operations.actions.runs import start_phase
from shared.operations.actions.signature import Signature
from shared.operations.queues import failing_breakers, pause_state, waiting_letters

_NAMED = 10


def _join_names(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _plan_pause(request: Request) -> Plan:
    switch = pause_state(request.runtime)
    if switch is not None and switch.paused:
        return Plan((f"Paused already, by {switch.who}: {switch.reason}. Nothing changes.",))
    return Plan(("New work is deferred from now on and nothing is lost; what runs finishes.",))


def _pause(request: Request, _plan: Plan, signature: Signature) -> str:
    runtime = request.runtime
    pause_switch.pause(runtime.state, who=signature.who, reason=signature.why, now=runtime.clock.now())
    return "paused"


def _plan_resume(request: Request) -> Plan:
    switch = pause_state(request.runtime)
    count = len(deferred.waiting(request.runtime.state))
    if switch is None or not switch.paused:
        return Plan((f"Nothing is paused; {count} deferred messages are published where no breaker is open.",))
    return Plan((f"Lets new work through again and publishes {count} deferred messages.",))


def _resume(request: Request, _plan: Plan, signature: Signature) -> str:
    runtime = request.runtime
    pause_switch.resume(runtime.state, who=signature.who, reason=signature.why, now=runtime.clock.now())
    return f"resumed; {len(deferred.release_deferred(runtime))} deferred messages published"


def _plan_release(request: Request) -> Plan:
    """Raises NotFound where none waits."""
    waiting = [each.id for each in deferred.waiting(request.runtime.state)]
    if not waiting:
        raise NotFound("No message is deferred.")
    says = f"Publishes {len(waiting)} deferred messages, as far as neither pause nor breaker stops them."
    return Plan((says,), targets=tuple(waiting))


def _release(request: Request, plan: Plan, _signature: Signature) -> str:
    return f"published {len(deferred.release_deferred(request.runtime))} of {len(plan.targets)} deferred messages"


def _plan_halt(request: Request) -> Plan:
    switch = halt_switch.read(request.runtime.state)
    if switch.halted:
        return Plan((f"Halted already: {switch.why}. Nothing changes.",))
    return Plan(("Every exported file says from its next export on that no advice is given; the pipeline goes on.",))


def _halt(request: Request, _plan: Plan, signature: Signature) -> str:
    runtime = request.runtime
    halt_switch.halt(runtime.state, who=signature.who, reason=signature.why, now=runtime.clock.now())
    return "halted; export a date again to have its files say so now"


def _plan_lift(request: Request) -> Plan:
    switch = halt_switch.read(request.runtime.state)
    if not switch.halted:
        return Plan(("Nothing is halted. Nothing changes.",))
    return Plan((f"Files give advice again from their next export on. Halted because: {switch.why}.",))


def _lift(request: Request, _plan: Plan, signature: Signature) -> str:
    runtime = request.runtime
    halt_switch.lift(runtime.state, who=signature.who, reason=signature.why, now=runtime.clock.now())
    return "lifted; export a date again to have its files say so now"


def _plan_reset(request: Request) -> Plan:
    """Raises DataError where none is named, NotFound for one that has no failures."""
    names = request.values["names"]
    if not names:
        raise DataError("Say which breakers.")
    failing = {each.name: each for each in failing_breakers(request.runtime)}
    unknown = sorted(set(names) - set(failing))
    if unknown:
        known = ", ".join(failing) or "none"
        raise NotFound(f"No breaker {', '.join(unknown)} has failures; these have: {known}.")
    says = [f"Closes {name}: {failing[name].failures} failures in a row, {failing[name].last_error}" for name in names]
    asked = sorted({day for name in names for day in _days_without(request, name)})
    if asked:
        says.append(f"Phase 1 asks once more for {', '.join(map(str, asked))}, which may lack what was not asked for.")
    triggers = tuple(start_phase(request, "phase1", day, "reset-breaker") for day in asked)
    return Plan((*says, "What it deferred is published again."), triggers, targets=tuple(names))


def _days_without(request: Request, breaker: str) -> tuple[date, ...]:
    """The date whose answers a source was not asked for while its breaker was open: results are
    those of yesterday, lists and lines those of today.
    """
    today = new_york_date(request.runtime.clock.now())
    if breaker == "source-nba":
        return (today - timedelta(days=1),)
    return (today,) if breaker in ("source-odds_api", "source-espn", "source-official") else ()


def _reset(request: Request, plan: Plan, signature: Signature) -> str:
    for name in plan.targets:
        circuit_breaker.reset(request.runtime, name, who=signature.who, reason=signature.why)
    released = deferred.release_deferred(request.runtime)
    asked = f"; phase 1 is asked for {len(plan.triggers)} dates" if plan.triggers else ""
    return f"closed {_join_names(list(plan.targets))}; {len(released)} deferred messages published{asked}"


def _choice(request: Request) -> LetterChoice:
    values = request.values
    return LetterChoice(
        ids=set(values["ids"]),
        subscription=values["subscription"] or "",
        reason=values["reason"] or "",
        everything=bool(values["all"]),
    )


def _plan_redrive(request: Request) -> Plan:
    """Raises DataError where nothing is chosen, NotFound for an id or a subscription that is not
    there, and where no letter is of the choice.
    """
    choice = _choice(request)
    letters = waiting_letters(request.runtime, request.pipeline, subscription=choice.subscription, reason=choice.reason)
    ids = set(choice.ids)
    chosen = [each for each in letters if not ids or ids & {each.id, each.key}]
    if not chosen:
        raise NotFound("No dead letter is of this choice.")
    refused = [each for each in chosen if not each.redrivable]
    says = [f"Publishes {len(chosen) - len(refused)} dead letters once more, each to the topic it came from."]
    if refused:
        says.append(f"{len(refused)} cannot be redriven, first {refused[0].id}: {refused[0].not_redrivable}")
    blamed = sum(each.blames == "message" for each in chosen)
    if blamed:
        says.append(f"Of {blamed} the message itself is to blame: as they are, they come back.")
    return Plan(tuple(says), targets=tuple(each.key for each in chosen))


def _redrive(request: Request, plan: Plan, signature: Signature) -> str:
    done = redrive(request.runtime, request.pipeline, LetterChoice(set(plan.targets)), signature)
    published = sum(each.published for each in done)
    refused = [f"{each.letter.id}: {each.message}" for each in done if not each.published]
    return f"published {published} of {len(done)} dead letters" + (f"; {_join_names(refused)}" if refused else "")


SWITCHES: tuple[Action, ...] = (
    Action("pause", "defer new work; what runs finishes", (), _plan_pause, _pause, audits_itself=True),
    Action("resume", "let new work through again", (), _plan_resume, _resume, audits_itself=True),
    Action("release-deferred", "publish deferred messages that nothing stops", (), _plan_release, _release),
    Action("halt", "have every exported file say that no advice is given", (), _plan_halt, _halt, audits_itself=True),
    Action("lift-halt", "have files give advice again", (), _plan_lift, _lift, audits_itself=True),
    Action(
        "reset-breakers",
        "close breakers once their cause is mended",
        (Parameter("names", "texts", "breakers with failures, such as processor-phase1_scrape", required=True),),
        _plan_reset,
        _reset,
        audits_itself=True,
    ),
    Action(
        "redrive",
        "publish dead letters once more",
        (
            Parameter("ids", "texts", "dead letters by id"),
            Parameter("subscription", "text", "those of a subscription"),
            Parameter("reason", "text", "those of a reason"),
            Parameter("all", "switch", "all of them", default=False),
        ),
        _plan_redrive,
        _redrive,
        audits_itself=True,
    ),
)
