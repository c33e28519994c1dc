"""How a guard is taken out of the core for a while: attributes are replaced, and put back whatever
happens.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tests.simulation.reference import Load, Outcome, References


@dataclass(frozen=True)
class Break:
    """A defect planted on purpose.

    `guard` says what is no longer so; `planted` holds it in the core for a block.
    """

    name: str
    guard: str
    planted: Callable[[], AbstractContextManager[None]]


@dataclass
class Table:
    """Collects the breaks of a file, by decoration of what plants them."""

    breaks: list[Break] = field(default_factory=list)

    def add(self, name: str, guard: str) -> Callable[[Callable[[], Iterator[None]]], None]:
        """Of a generator that yields once while the break stands."""

        def keep(plant: Callable[[], Iterator[None]]) -> None:
            self.breaks.append(Break(name, guard, contextmanager(plant)))

        return keep


@contextmanager
def patch(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Another attribute of a module or class for the block."""
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def everywhere(function: Callable[..., Any], instead: Callable[..., Any]) -> Iterator[None]:
    """Another function in every module of the core that has this one."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith(("shared.", "functions."))]
    with ExitStack() as stack:
        for module in modules:
            for name in [name for name, value in vars(module).items() if value is function]:
                stack.enter_context(patch(module, name, instead))
        yield


class Instead:
    """A module or object some of whose attributes are others."""

    def __init__(self, whole: ModuleType | Any, **others: Any) -> None:
        self._whole = whole
        vars(self).update(others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


class Planted:
    """A break for a block, and what is right all the same."""

    def __init__(self, chosen: Break) -> None:
        self._chosen = chosen
        self._stack = ExitStack()

    def __enter__(self) -> Planted:
        self._stack.enter_context(self._chosen.planted())
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def mend(self) -> Iterator[None]:
        """The core as it is, for a while."""
        self._stack.close()
        try:
            yield
        finally:
            self._stack.enter_context(self._chosen.planted())


class UnbrokenReferences(References):
    """What an undisturbed run of the whole core makes, while a break is planted."""

    def __init__(self, references: References, planted: Planted) -> None:
        self._whole = references
        self._planted = planted

    def of(self, loads: list[Load], as_of: Any) -> Outcome:
        with self._planted.mend():
            return self._whole.of(loads, as_of)
