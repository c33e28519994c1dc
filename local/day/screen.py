"""What a person sees while a day is played: one bar for the steps, and what is being delivered
right now.
"""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local.console.plain import plain
from local.host.dispatcher import Completed
from shared.core.printable import one_line


class Screen:
    """A progress display; on a terminal it moves, in a log file each step is a line."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._turn = threading.Lock()
        self._done: Counter[str] = Counter()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", style="dim", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=1, now="")

    def __enter__(self) -> Screen:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def part(self, name: str, steps: int) -> None:
        """Begin a part of so many steps."""
        self._progress.reset(self._task, total=steps, description=one_line(name), now="")

    def step(self, text: str) -> None:
        """A step is done: its line stays."""
        self._progress.advance(self._task)
        self.console.print(plain(text), highlight=False)

    def say(self, text: str) -> None:
        """Something to know that is no step; may be called in any thread."""
        self.console.print(plain(text), highlight=False, soft_wrap=True)  # a command in it can be copied

    def progress(self, done: int, total: int) -> None:
        """A part that counts by itself (the league being written)."""
        self._progress.update(self._task, completed=done, total=total)

    def watch(self, label: str, one: Completed | None) -> None:
        """See Day: called in the pushing threads."""
        with self._turn:
            if one is None:
                self._done.clear()
                now = label
            else:
                self._done[one.function] += 1
                now = f"{label}: {one.function} ({self._done[one.function]})"
            self._progress.update(self._task, now=one_line(now))
