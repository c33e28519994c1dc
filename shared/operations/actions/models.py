"""Actions on models: an earlier version serves again."""

from __future__ import annotations

from shared.chain.messages.messages import PREVIOUS
from shared.core.clock import new_york_date
from shared.core.pipeline import trigger_of
from shared.operations.actions.action import Action, Parameter, Plan, Request, Trigger

TRAIN = "train_model"


def _plan_rollback(request: Request) -> Plan:
    version = request.values["version"]
    day = new_york_date(request.runtime.clock.now())
    message = {
        "game_date": day,
        "rollback_to": version,
        "run_id": f"{day}-rollback-{request.key}",
        "trigger_source": "manual",
    }
    trigger = Trigger(trigger_of(TRAIN), message)
    says = (
        f"Publishes 1 message to {trigger.topic}.",
        f"{_name(version)} serves from the next batch on, if the bucket has it and the deployed code can use it.",
    )
    return Plan(says, (trigger,), phase="training")


def _name(version: str) -> str:
    return "Of every statistic the version before" if version == PREVIOUS else f"Version {version}"


MODELS: tuple[Action, ...] = (
    Action(
        "roll-back-model",
        "let an earlier model version serve again",
        (
            Parameter(
                "version", "text", "a version of the models bucket, or previous: of every statistic", default=PREVIOUS
            ),
        ),
        _plan_rollback,
    ),
)
