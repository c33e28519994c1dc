"""How checks write moments, durations and commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.chain.resilience.dead_letters import DeadLetter
from shared.core.clock import NEW_YORK
from shared.core.errors import split_next_step
from shared.core.redaction import excerpt

_LONGEST = 300
_TWO_HOURS = timedelta(hours=2)
_TWO_DAYS = timedelta(days=2)


def clock_text(moment: datetime) -> str:
    """New York's day and minute: 2025-11-14 11:30."""
    return f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


def span_text(span: timedelta) -> str:
    """Minutes up to two hours, hours up to two days, then days."""
    if span < _TWO_HOURS:
        return f"{span // timedelta(minutes=1)} min"
    if span < _TWO_DAYS:
        return f"{span / timedelta(hours=1):.1f} h"
    return f"{span / timedelta(days=1):.1f} days"


def count_text(count: int, what: str) -> str:
    """1 row, 2 rows."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def publish_text(topic: str, message: Mapping[str, Any]) -> str:
    """The command that publishes a message, whatever the pipeline runs on."""
    return act_text("publish", topic, f"'{json.dumps(message)}'")


def act_text(action: str, *arguments: str) -> str:
    """The command of an action; each is refused without a reason, which is the reader's to give."""
    return " ".join(["./nba", action, *arguments, '--why "..."'])


def redrive_text(letter: DeadLetter) -> str:
    """The command that publishes a dead letter once more, with those that died like it."""
    return act_text("redrive", "--subscription", letter.subscription, "--reason", letter.reason)


def error_text(error: str) -> str:
    """What an error says, without its own next step: the finding has one."""
    return excerpt(split_next_step(error)[0], _LONGEST)
