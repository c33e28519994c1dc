"""Actions on incidents: acknowledge, mute, resolve, note; and a message that proves a channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.core.errors import DataError
from shared.operations.actions.action import Action, Parameter, Plan, Request
from shared.operations.actions.signature import Signature
from shared.operations.incidents import acting
from shared.operations.incidents.acting import Acted
from shared.operations.incidents.proving import send_test
from shared.operations.incidents.reading import read_incident
from shared.operations.incidents.routes import CHANNELS

IDS = Parameter("ids", "texts", "incidents by id", required=True)
UNTIL = Parameter("until", "moment", "until when, such as 2025-11-15T08:00:00-05:00", required=True)
CHANNEL = Parameter("channel", "choice", "the channel", required=True, choices=tuple(CHANNELS))
_SHOWN = 10

Act = Callable[[Request, Sequence[str], Signature], list[Acted]]


def _plan(what: str) -> Callable[[Request], Plan]:
    def plan(request: Request) -> Plan:
        """Raises NotFound for an id that is none."""
        ids = list(dict.fromkeys(request.values["ids"]))
        if len(ids) > acting.MOST_IDS:
            raise DataError(f"{len(ids)} incidents are too many at once; at most {acting.MOST_IDS} are taken.")
        found = [read_incident(request.runtime, each).incident for each in ids]
        says = [f"{what} {each.id}: {each.says}" for each in found[:_SHOWN]]
        if len(found) > _SHOWN:
            says.append(f"And {len(found) - _SHOWN} more.")
        return Plan(tuple(says), targets=tuple(ids))

    return plan


def _acting(act: Act) -> Callable[[Request, Plan, Signature], str]:
    def carry_out(request: Request, plan: Plan, signature: Signature) -> str:
        done = act(request, plan.targets, signature)
        changed = sum(each.changed for each in done)
        return f"changed {changed} of {len(done)} incidents: " + "; ".join(each.says for each in done[:_SHOWN])

    return carry_out


def _plan_test(request: Request) -> Plan:
    return Plan((f"Sends one message that says it is a test to {request.values['channel']}.",))


def _test(request: Request, _plan: Plan, _signature: Signature) -> str:
    return send_test(request.runtime, request.values["channel"]).says


INCIDENTS: tuple[Action, ...] = (
    Action(
        "acknowledge",
        "say that somebody knows: no reminder, no escalation",
        (IDS,),
        _plan("Acknowledges"),
        _acting(lambda request, ids, signature: acting.acknowledge(request.runtime, ids, signature)),
        audits_itself=True,
    ),
    Action(
        "mute",
        "send nothing about an incident until a moment, unless it becomes worse",
        (IDS, UNTIL),
        _plan("Mutes"),
        _acting(lambda request, ids, signature: acting.mute(request.runtime, ids, request.values["until"], signature)),
        audits_itself=True,
    ),
    Action(
        "unmute",
        "end a mute",
        (IDS,),
        _plan("Ends the mute of"),
        _acting(lambda request, ids, signature: acting.unmute(request.runtime, ids, signature)),
        audits_itself=True,
    ),
    Action(
        "resolve",
        "say that an incident is over; what its check still finds opens another",
        (IDS,),
        _plan("Resolves"),
        _acting(lambda request, ids, signature: acting.resolve(request.runtime, ids, signature)),
        audits_itself=True,
    ),
    Action(
        "note",
        "write the reason beside an incident",
        (IDS,),
        _plan("Writes beside"),
        _acting(lambda request, ids, signature: acting.note(request.runtime, ids, signature)),
        audits_itself=True,
    ),
    Action("send-test", "prove a channel with one message", (CHANNEL,), _plan_test, _test),
)
