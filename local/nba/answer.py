"""What a command answers: a JSON document, an exit code, and how a person is shown it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.nba.exit_codes import DONE

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Answer:
    """`document` is what --json prints, `show` prints the same for a person, `next_command` is what
    to run next, empty where nothing is to do.
    """

    document: Any
    code: int = DONE
    show: Callable[[Console], None] | None = None
    next_command: str = ""
    afterwards: Callable[[], int] | None = None
    """What goes on once the answer is printed, such as serving until a signal; its exit code
    counts.
    """
    streams: bool = False
    """Whether all that is printed is printed by `afterwards`, as it comes."""
