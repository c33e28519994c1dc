"""An action as data: what it asks for, what it would do, and how it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from shared.core.pipeline import Pipeline
from shared.operations.actions.signature import Signature
from shared.stores.runtime import Runtime

Kind = Literal["date", "text", "texts", "integer", "switch", "moment", "choice"]


@dataclass(frozen=True)
class Parameter:
    """One thing that an action or a page asks for."""

    name: str
    kind: Kind
    says: str
    required: bool = False
    choices: tuple[str, ...] = ()
    """Of a choice: what it may be."""
    default: str | int | bool | None = None
    bounds: tuple[int, int] | None = None
    """Of an integer: the least and the most."""


@dataclass(frozen=True)
class Request:
    """What somebody asked for: values of an action's parameters, checked."""

    runtime: Runtime
    pipeline: Pipeline
    values: Mapping[str, Any]
    key: str
    """Names the press of a button: the same key is the same action, however often it comes."""

    def day(self, name: str = "game_date") -> date:
        value = self.values[name]
        assert isinstance(value, date)
        return value


@dataclass(frozen=True)
class Trigger:
    """A message that an action publishes."""

    topic: str
    message: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What an action would do now."""

    says: tuple[str, ...]
    """A sentence each: what is published, what follows, what is replaced."""
    triggers: tuple[Trigger, ...] = ()
    targets: tuple[str, ...] = ()
    """What it acts on, by name: dead letters, breakers, incidents."""
    game_date: date | None = None
    phase: str = ""
    """Whose cell shows it."""


CarryOut = Callable[[Request, Plan, Signature], str]


@dataclass(frozen=True)
class Action:
    """What an operator can do. `plan` reads and changes nothing; it raises DataError or NotFound
    where the action makes no sense.

    `carry_out` does what is no message; it may be repeated after a crash, and says what it did.
    """

    name: str
    says: str
    parameters: tuple[Parameter, ...]
    plan: Callable[[Request], Plan]
    carry_out: CarryOut | None = None
    audits_itself: bool = False
    """Whether what it calls writes the audit, in the transaction of what it does."""


GAME_DATE = Parameter("game_date", "date", "the New York day of the games", required=True)


@dataclass(frozen=True)
class Performed:
    """An action that was carried out, now or at an earlier press of the same button."""

    key: str
    action: str
    says: tuple[str, ...]
    outcome: str
    published: int
    """Messages published by this press; 0 where an earlier one had done so."""
    repeated: bool
    values: Mapping[str, Any] = field(default_factory=dict)
