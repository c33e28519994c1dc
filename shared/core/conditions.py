"""What operators are told about, and who tells them: pipeline.yaml's `conditions`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

MONITOR, GOOGLE = "monitor", "google"
OWNERS = (MONITOR, GOOGLE)


@dataclass(frozen=True)
class Condition:
    """What operators are told about, and who tells them: nobody else does."""

    owner: str
    """monitor: an incident; google: a policy of Cloud Monitoring (pipeline.yaml, `alerts`)."""
    check: str | None = None
    """Of an alert that functions raise: the check whose incident it is; None: its own, which a
    person resolves.
    """


def read_conditions(raw: Mapping[str, Mapping[str, Any]], policies: Collection[str]) -> dict[str, Condition]:
    """The conditions by name.

    Raises ValueError with the name of one whose owner is none, that two would tell, or that nobody
    tells: google's are the policies of `alerts`, and all of them. TypeError for an unknown field.
    """
    found = {name: Condition(**each) for name, each in raw.items()}
    for name, condition in found.items():
        if condition.owner not in OWNERS:
            raise ValueError(f"the condition {name} is owned by {condition.owner!r}, not by {' or '.join(OWNERS)}")
        if condition.check is not None:
            _check_check(name, condition, found)
    owned_by_google = {name for name, condition in found.items() if condition.owner == GOOGLE}
    for name in policies:
        if name not in found:
            raise ValueError(f"the alert {name} has no owner: name it under conditions")
        if name not in owned_by_google:
            raise ValueError(f"{name} would be told twice: it is the monitor's, and an alert besides")
    for name in sorted(owned_by_google - set(policies)):
        raise ValueError(f"nobody tells the condition {name}: it is google's, and no alert has its name")
    return found


def _check_check(name: str, condition: Condition, known: Mapping[str, Condition]) -> None:
    """The check whose incident an alert is has to be the monitor's, too."""
    check = known.get(condition.check or "")
    if condition.owner != MONITOR or check is None or check.owner != MONITOR or check.check is not None:
        raise ValueError(f"the condition {name} names {condition.check!r}, which is no check of the monitor's")
