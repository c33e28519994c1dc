"""Actions that start something again for a date: a phase, the predictions, an export, self-heal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache, partial

from shared.chain.batches.reading import latest_batch
from shared.chain.batches.records import BatchStatus
from shared.chain.resilience.dead_letters import DeadLetter
from shared.core.clock import new_york_date
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import CONSOLIDATION, COORDINATOR, GRADING, SELF_HEAL, WORKER, FunctionSpec, Pipeline
from shared.operations.actions.action import GAME_DATE, Action, Parameter, Plan, Request, Trigger
from shared.operations.actions.queues import LetterChoice, redrive
from shared.operations.actions.record import MANY
from shared.operations.actions.signature import Signature
from shared.operations.actions.values import parse_values
from shared.operations.queues import letters_of_batch, waiting_letters

EXPORT = "phase6"
FROM_HERE, ONLY, MISSING = "from_here", "only", "missing"
# Of the fan-out: what they announce is what their units report, so there is no "only".
FAN_OUT = (COORDINATOR, CONSOLIDATION)
MOST_CELLS = 100
Letters = Callable[[], Sequence[DeadLetter]]
_VERIFIED = "Rows are replaced or merged by key, each after it is verified; nothing is dropped before."


def _function(pipeline: Pipeline, phase: str) -> FunctionSpec:
    return next(each for each in pipeline.functions.values() if each.phase == phase)


def phases(pipeline: Pipeline) -> tuple[str, ...]:
    """Phases that can be started again by hand: those of the chain but the worker, and grading."""
    return (*(phase for phase in pipeline.phase_order if phase != WORKER), GRADING)


def _after(pipeline: Pipeline, phase: str) -> Sequence[str]:
    """The phases that follow one by the chain."""
    if phase == GRADING:
        return (EXPORT,)
    order = pipeline.phase_order
    return order[order.index(phase) + 1 :]


def _topic(function: FunctionSpec) -> str:
    """Its trigger where it has one; else the topic of the completions that it reads."""
    triggers = [topic for topic in function.topics if topic.endswith("-trigger")]
    return triggers[0] if triggers else function.topics[0]


def start_phase(request: Request, phase: str, day: date, name: str, *, only: bool = False) -> Trigger:
    """The message that starts a phase of a date; its run has the name of the press."""
    message = {
        "game_date": day,
        "run_id": f"{day}-{name}-{request.key}",
        "trigger_source": "manual",
        **_mode(request, phase, day),
        **({"only": True} if only else {}),
    }
    return Trigger(_topic(_function(request.pipeline, phase)), message)


def _mode(request: Request, phase: str, day: date) -> dict[str, str]:
    """Phase 1 goes by the date; what follows goes to the end of the chain."""
    if phase == "phase1":
        return {}
    return {"mode": "tomorrow" if day > new_york_date(request.runtime.clock.now()) else "same_day"}


def _describe_publish(trigger: Trigger, day: date) -> str:
    return f"Publishes 1 message to {trigger.topic} for {day}."


def _follows(phases_after: Sequence[str]) -> str:
    return f"What follows by the chain: {', '.join(phases_after)}." if phases_after else "Nothing follows."


def _plan_rerun(request: Request) -> Plan:
    phase, scope, day = request.values["phase"], request.values["scope"], request.day()
    if phase not in phases(request.pipeline):
        known = ", ".join(phases(request.pipeline))
        raise DataError(
            f"{phase!r} cannot be started again for a date.",
            next_step=f"say one of {known}; of a worker's unit redrive its dead letter, or start {COORDINATOR} again.",
        )
    if scope == MISSING:
        return _plan_heal(request)
    if scope == ONLY and phase in FAN_OUT:
        raise DataError(f"{phase} alone would leave its units without an end.", next_step=f"rerun it {FROM_HERE}.")
    own = _plan_own_message(request, phase, day, _letters_of(request))
    if own is not None:
        return own
    trigger = start_phase(request, phase, day, f"rerun-{phase}", only=scope == ONLY)
    follows = () if scope == ONLY else _after(request.pipeline, phase)
    says = (_describe_publish(trigger, day), _follows(follows), *_warnings(request, phase, day), _VERIFIED)
    return Plan(says, (trigger,), game_date=day, phase=phase)


def _warnings(request: Request, phase: str, day: date) -> tuple[str, ...]:
    """What a person may not expect of a date that is over, or of results that are not there yet."""
    today = new_york_date(request.runtime.clock.now())
    if phase == GRADING and day >= today:
        return (f"{day} is not over: nothing can be graded before its games are.",)
    if phase == COORDINATOR and day < today:
        return (f"{day} is over: nobody is predicted after tip-off, and what was predicted stays.",)
    return ()


def _plan_force(request: Request) -> Plan:
    day = request.day()
    trigger = start_phase(request, COORDINATOR, day, "force")
    batch = latest_batch(request.runtime.state, day)
    instead = (
        f"A new batch supersedes {batch.batch_id} ({batch.status.value}) once its rows are verified."
        if batch is not None
        else "The date has no batch yet."
    )
    says = (_describe_publish(trigger, day), instead, _follows(_after(request.pipeline, COORDINATOR)))
    return Plan((*says, *_warnings(request, COORDINATOR, day)), (trigger,), game_date=day, phase=COORDINATOR)


def _plan_consolidate(request: Request) -> Plan:
    """Raises NotFound where the date has no batch, DataError where it is still open."""
    day = request.day()
    batch = latest_batch(request.runtime.state, day)
    if batch is None:
        raise NotFound(f"{day} has no batch to consolidate.", next_step="force predictions of the date.")
    if batch.status == BatchStatus.OPEN:
        raise DataError(
            f"{batch.batch_id} is open: {len(batch.units)} units are at work.",
            next_step="wait for them; batch_sweep closes a batch that stalls.",
        )
    own = _plan_own_message(request, CONSOLIDATION, day, _letters_of(request))
    if own is not None:
        return own
    start = start_phase(request, CONSOLIDATION, day, "consolidate")
    trigger = Trigger(start.topic, {**start.message, "batch_id": batch.batch_id, "as_of": batch.as_of})
    says = (
        f"Publishes 1 message to {trigger.topic} for {batch.batch_id} ({batch.status.value}).",
        _follows(_after(request.pipeline, CONSOLIDATION)),
        "The MERGE is refused where staged rows are not those reported; staging stays until rows are verified.",
    )
    return Plan(says, (trigger,), game_date=day, phase=CONSOLIDATION)


def _letters_of(request: Request) -> Letters:
    """Dead letters, read once, and only where they are asked for."""
    return cache(partial(waiting_letters, request.runtime, request.pipeline))


def _plan_own_message(request: Request, phase: str, day: date, letters: Letters) -> Plan | None:
    """Where the message of the date's latest batch is a dead letter, that is what consolidates it:
    beside another one it would stay behind. None where it is none, and of another phase.
    """
    batch = latest_batch(request.runtime.state, day) if phase == CONSOLIDATION else None
    own = [] if batch is None else letters_of_batch(letters(), request.pipeline, batch.batch_id)
    if batch is None or not own:
        return None
    says = (
        f"Publishes the dead letter of {batch.batch_id} once more.",
        _follows(_after(request.pipeline, CONSOLIDATION)),
        "The MERGE is refused where staged rows are not those reported; staging stays until rows are verified.",
    )
    return Plan(says, targets=tuple(each.key for each in own), game_date=day, phase=CONSOLIDATION)


def _publish(request: Request, plan: Plan, signature: Signature) -> str:
    """The messages of a plan are published by its record; its dead letters here."""
    messages = f"{len(plan.triggers)} message{'s' if len(plan.triggers) != 1 else ''}"
    if not plan.targets:
        return f"published {messages}"
    done = redrive(request.runtime, request.pipeline, LetterChoice(set(plan.targets)), signature)
    letters = f"published {sum(each.published for each in done)} of {len(done)} dead letters"
    return f"{letters} and {messages}" if plan.triggers else letters


def _plan_export(request: Request) -> Plan:
    day = request.day()
    trigger = start_phase(request, EXPORT, day, "export")
    says = (
        _describe_publish(trigger, day),
        "Every file of the date is written anew, once all of them fit their schemas.",
    )
    return Plan(says, (trigger,), game_date=day, phase=EXPORT)


def _plan_heal(request: Request) -> Plan:
    day = request.day()
    function = request.pipeline.functions[SELF_HEAL]
    message = {"game_date": day, "run_id": f"{day}-heal-asked-{request.key}", "trigger_source": "manual"}
    says = (
        f"Publishes 1 message to {function.trigger} for {day}.",
        "Self-heal compares what should exist with what does, and restarts the earliest phase that is short; what"
        " follows comes by the chain. Where nothing is short, or somebody is at work, it does nothing.",
    )
    return Plan(says, (Trigger(function.trigger, message),), game_date=day, phase=SELF_HEAL)


def _parse_cell(pipeline: Pipeline, text: str) -> tuple[date, str]:
    """Raises DataError for what is no DATE/PHASE, or a phase that cannot be started again."""
    given, _, phase = text.partition("/")
    day = parse_values((GAME_DATE,), {"game_date": given})["game_date"]
    if phase not in phases(pipeline):
        raise DataError(
            f"{text[:80]!r} cannot be started again.",
            next_step=f"say 2025-11-14/phase4, with a phase of {', '.join(phases(pipeline))}.",
        )
    return day, phase


def _plan_many(request: Request) -> Plan:
    """Of each date the earliest phase of the chain, and grading: the others follow by themselves.

    Raises DataError for a cell that cannot be started again, and for more than MOST_CELLS.
    """
    cells = {_parse_cell(request.pipeline, each) for each in request.values["cells"]}
    if len(cells) > MOST_CELLS:
        raise DataError(f"{len(cells)} cells are too many at once; at most {MOST_CELLS} are taken.")
    order, letters = phases(request.pipeline), _letters_of(request)
    says: list[str] = []
    triggers: list[Trigger] = []
    targets: list[str] = []
    for day in sorted({day for day, _ in cells}):
        asked = sorted((phase for on, phase in cells if on == day), key=order.index)
        chain = [phase for phase in asked if phase != GRADING]
        for phase in (*chain[:1], *(each for each in asked if each == GRADING)):
            own = _plan_own_message(request, phase, day, letters)
            if own is not None:
                targets += own.targets
                says.append(own.says[0])
                continue
            triggers.append(start_phase(request, phase, day, f"rerun-{phase}"))
            says += [_describe_publish(triggers[-1], day), *_warnings(request, phase, day)]
        if chain[1:]:
            says.append(f"{', '.join(chain[1:])} of {day} follow {chain[0]} by the chain.")
    count = len(triggers) + len(targets)
    whole = (f"Publishes {count} message{'s' if count != 1 else ''}.", *says, _VERIFIED)
    return Plan(whole, tuple(triggers), tuple(targets))


def _plan_fire(request: Request) -> Plan:
    """Raises NotFound for a schedule that pipeline.yaml does not have."""
    name, day = request.values["schedule"], request.day()
    schedule = request.pipeline.schedules.get(name)
    if schedule is None:
        known = ", ".join(request.pipeline.schedules)
        raise NotFound(f"There is no schedule {name[:80]!r}.", next_step=f"say one of {known}.")
    message = {**schedule.message, "game_date": day, "schedule": name, "trigger_source": "manual"}
    says = (
        f"Publishes 1 message to {schedule.topic} for {day}, as {name} does.",
        "It is that firing's own run: where the schedule fired after all, nothing is done twice.",
    )
    return Plan(says, (Trigger(schedule.topic, message),), game_date=day)


RUNS: tuple[Action, ...] = (
    Action(
        "rerun",
        "start a phase of a date again: this phase only, from here on, or only what is missing",
        (
            GAME_DATE,
            Parameter("phase", "text", "a phase such as phase4, or grading", required=True),
            Parameter("scope", "choice", "how far", choices=(FROM_HERE, ONLY, MISSING), default=FROM_HERE),
        ),
        _plan_rerun,
        _publish,
    ),
    Action(
        MANY,
        "start phases of several dates again, each from there on",
        (Parameter("cells", "texts", "dates and phases, such as 2025-11-14/phase4", required=True),),
        _plan_many,
        _publish,
    ),
    Action("force", "predict a date again, in a new batch", (GAME_DATE,), _plan_force),
    Action("consolidate", "merge the date's latest batch again", (GAME_DATE,), _plan_consolidate, _publish),
    Action("export", "write the date's files again", (GAME_DATE,), _plan_export),
    Action(
        "fire",
        "publish what a schedule did not",
        (Parameter("schedule", "text", "a schedule of pipeline.yaml", required=True), GAME_DATE),
        _plan_fire,
    ),
    Action("heal", "have self-heal restart what a date is short of", (GAME_DATE,), _plan_heal),
)
