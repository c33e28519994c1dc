"""What variables give to commands: numbers, words, days and folders.

What does not fit is named, with what would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from shared.core.errors import ConfigError

Environment = Mapping[str, str]


def number(environment: Environment, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number from `least` to `most`, both included. Raises ConfigError."""
    text = environment.get(name) or str(default)
    # by its length first: Python reads no number of thousands of digits
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))) or not least <= int(text) <= most:
        raise ConfigError(
            f"{name}={text[:80]} is not a number from {least} to {most}.", next_step=f"leave it out for {default}."
        )
    return int(text)


def one_of(environment: Environment, name: str, allowed: Sequence[str]) -> str:
    """One of a few words, the first where it is not given. Raises ConfigError."""
    text = environment.get(name) or allowed[0]
    if text not in allowed:
        raise ConfigError(
            f"{name}={text[:80]} is none of {', '.join(allowed)}.", next_step=f"leave it out for {allowed[0]}."
        )
    return text


def some_of(environment: Environment, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """Some of a few words, commas between, in the order in which they are allowed; all where none
    is given. Raises ConfigError.
    """
    wanted = [word.strip() for word in (environment.get(name) or "").split(",") if word.strip()]
    unknown = next((word for word in wanted if word not in allowed), None)
    if unknown is not None:
        raise ConfigError(
            f"{name}: {unknown[:80]} is none of {', '.join(allowed)}.",
            next_step="write them with commas between, or leave it out for all.",
        )
    return tuple(word for word in allowed if word in wanted or not wanted)


def day(environment: Environment, name: str, example: str) -> date | None:
    """A day, None where it is not given. Raises ConfigError."""
    text = environment.get(name) or ""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError(f"{name}={text[:80]} is not a date.", next_step=f"write it as {example}.") from None


def place(environment: Environment, name: str) -> Path | None:
    """A path, None where it is not given; ~ is the home folder, which not every shell puts in for
    it.

    Raises ConfigError for what no file can be called, or lies where this user may not look.
    """
    text = environment.get(name) or ""
    if not text:
        return None
    try:
        path = Path(text).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigError(
            f"{name}={text[:200]} cannot be used: {why}.", next_step="name a folder that you may use."
        ) from error
    return path


def archive(environment: Environment) -> Path | None:
    """The folder ARCHIVE, None where it is not given.

    Raises ConfigError where there is no such folder.
    """
    path = place(environment, "ARCHIVE")
    if path is not None and not path.is_dir():
        raise ConfigError(
            f"ARCHIVE={environment['ARCHIVE']}: there is no such folder.",
            next_step="name a folder with schedule.parquet and player_box.parquet, or leave ARCHIVE out.",
        )
    return path
