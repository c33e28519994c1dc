"""Alerts that functions raised become incidents: pulled from the topic's subscription, folded by
fingerprint, and acknowledged once they are recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.core.clock import parse_timestamp
from shared.core.conditions import Condition
from shared.core.errors import ConfigError
from shared.core.pipeline import Pipeline
from shared.core.severity import SEVERITIES, Severity
from shared.core.strict_json import read_strict
from shared.operations.incidents.observing import Changes, see_alerts
from shared.operations.incidents.sightings import Sighting
from shared.stores.ports import PulledMessage
from shared.stores.runtime import Runtime

# Of one pull, and of one run: what is left waits for the next.
PULLED_AT_ONCE, MOST_ALERTS = 1_000, 20_000
# The check of what no condition of pipeline.yaml is about, and of what is no alert.
UNKNOWN, UNREADABLE = "alert", "unreadable-alert"
_SHOWN = 20


@dataclass(frozen=True)
class Received:
    """What one run took from the topic."""

    alerts: int
    changes: Changes


def receive_alerts(runtime: Runtime, pipeline: Pipeline) -> Received:
    """Make incidents of the alerts that wait, and acknowledge them.

    An alert is of the check that its condition names in pipeline.yaml, which then resolves it; of
    its own where none is named. One that is delivered again is counted again, and opens nothing
    once its incident was resolved after it was raised.

    Raises ConfigError where nobody may pull alerts; StoreUnavailable, and what was recorded by then
    is acknowledged or comes again.
    """
    subscription = pipeline.pull_subscriptions.get(pipeline.alerts_topic)
    if subscription is None:
        raise ConfigError(
            f"The topic {pipeline.alerts_topic} has no pull subscription.",
            next_step="name one under pull_subscriptions in pipeline.yaml.",
        )
    alerts, changes = 0, Changes()
    while alerts < MOST_ALERTS:
        pulled = runtime.bus.pull(subscription, PULLED_AT_ONCE)
        if not pulled:
            break
        now = runtime.clock.now()
        changes = _add(changes, see_alerts(runtime, [_read(each, pipeline, now) for each in pulled]))
        missed = runtime.bus.ack(subscription, [each.ack_id for each in pulled])
        alerts += len(pulled) - len(missed)
        # another monitor acknowledges the same ones: it has what is left
        if missed or len(pulled) < PULLED_AT_ONCE:
            break
    return Received(alerts, changes)


def _add(first: Changes, second: Changes) -> Changes:
    """Both, each id once."""
    return Changes(
        *(
            tuple(dict.fromkeys(getattr(first, name) + getattr(second, name)))
            for name in ("opened", "updated", "resolved", "late")
        )
    )


def _read(message: PulledMessage, pipeline: Pipeline, now: datetime) -> tuple[Sighting, datetime]:
    """An alert as a sighting, and when it was raised; what is no alert is an incident, too."""
    try:
        content = read_strict(message.data)
        fingerprint, severity = str(content["fingerprint"]), Severity(content["severity"])
        title, raised_at = str(content["title"]), parse_timestamp(content["raised_at"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return _unreadable(message, pipeline, error), now
    name, condition = _condition_of(fingerprint, pipeline)
    day = _game_date(content.get("game_date"))
    rest = fingerprint.removeprefix(name).strip("-") or name
    check = condition.check or name if condition else UNKNOWN
    # as our errors say what to do (PipelineError)
    detail, _, next_step = str(content.get("detail", "")).partition("Next: ")
    sighting = Sighting(
        check=check,
        # a check is about a date; what has none is about itself
        subject=fingerprint if condition is None else str(day) if condition.check and day else rest,
        severity=severity,
        says=title,
        detail=detail,
        next_step=next_step,
        figures=_figures(content),
        game_date=day,
        by_alert=True,
    )
    return sighting, raised_at


def _condition_of(fingerprint: str, pipeline: Pipeline) -> tuple[str, Condition | None]:
    """The condition with the longest name that the fingerprint begins with."""
    names = [name for name in pipeline.conditions if f"{fingerprint}-".startswith(f"{name}-")]
    name = max(names, key=len, default="")
    return name, pipeline.conditions.get(name)


def _game_date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _figures(content: dict[str, Any]) -> dict[str, Any]:
    """What an alert names besides: the batch, the run and the like."""
    own = ("fingerprint", "severity", "title", "detail", "raised_at", "game_date")
    return {
        name: value
        for name, value in content.items()
        if name not in own and isinstance(value, str | int | float | bool) and value != ""
    }


def _unreadable(message: PulledMessage, pipeline: Pipeline, error: Exception) -> Sighting:
    known = ", ".join(SEVERITIES)
    return Sighting(
        check=UNREADABLE,
        subject=pipeline.alerts_topic,
        severity=Severity.WARNING,
        says=f"A message is no alert: {type(error).__name__} {error}.",
        detail=f"It begins with {message.data[: 8 * _SHOWN]!r}",
        by_alert=True,
        next_step=f"Publish fingerprint, severity ({known}), title and raised_at.",
    )
