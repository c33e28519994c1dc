"""A message published and seen through: each completion as it comes, then what is not done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from local.console.lines import complain, say
from local.nba.exit_codes import ATTENTION, DONE, FAILED

OK = 200


@dataclass
class Delivered:
    """What became of one published message; on Google Cloud only that it was published."""

    message_id: str = ""
    completions: list[Mapping[str, Any]] = field(default_factory=list)
    dead_letters: list[Mapping[str, Any]] = field(default_factory=list)
    deferred: list[Mapping[str, Any]] = field(default_factory=list)
    pending: int = 0
    error: str = ""

    @property
    def document(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def code(self) -> int:
        """Failed where it ended in the dead letters or was not delivered; attention where some of
        it waits.
        """
        failed = any(each["status"] == "failed" and each["status_code"] == OK for each in self.completions)
        if self.dead_letters or self.error or failed:
            return FAILED
        return ATTENTION if self.deferred or self.pending else DONE

    def next_command(self, options: str) -> str:
        """What an operator does about it; empty where all is done. `options` name the place."""
        if self.dead_letters:
            return f"./nba dlq{options}"
        if self.deferred:
            return f"./nba deferred{options}"
        unfinished = self.pending or self.error
        return f'./nba sweep --why "deliver what is queued"{options}' if unfinished else ""


def see_through(events: Iterable[Mapping[str, Any]]) -> Delivered:
    """Say each event of a publish as it comes, and gather what became of it."""
    delivered = Delivered()
    for event in events:
        match event["event"]:
            case "resumed":
                say(f"first, {event['pending']} deliveries that were still to come")
            case "published":
                delivered.message_id = event["message_id"]
                say(f"published message {event['message_id']}")
            case "completion":
                delivered.completions.append({k: v for k, v in event.items() if k != "event"})
                say(_completion(event))
            case "idle":
                delivered.dead_letters = list(event["dead_letters"])
                delivered.deferred = list(event["held"])
                delivered.pending = event["pending"]
            case _:
                delivered.error = event["reason"]
    _say_what_is_left(delivered)
    return delivered


def _completion(event: Mapping[str, Any]) -> str:
    status = event["status"] or f"HTTP {event['status_code']}"
    count = "" if event["record_count"] is None else f"  {event['record_count']} records"
    return f"{event['function']:<20}  {status:<13}{count}{'  ' if event['reason'] else ''}{event['reason'] or ''}"


def _say_what_is_left(delivered: Delivered) -> None:
    for letter in delivered.dead_letters:
        error = f"{letter.get('dead_letter_reason', 'unknown')}: {letter.get('dead_letter_error', '')}"
        complain(f"dead letter of {letter.get('origin_topic', 'unknown topic')}: {error}")
    for one in delivered.deferred:
        complain(f"{one['count']} of {one['of']} messages to {one['function']} are deferred: {one['reason']}")
    if delivered.pending:
        complain(f"The runtime was stopped with {delivered.pending} deliveries still to come.")
    if delivered.error:
        complain(delivered.error)
