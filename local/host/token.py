"""The token of a state folder: whoever can read the folder may act on the runtime that has it open,
nobody else.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared.core.errors import ConfigError

TOKEN_FILE = "runtime.token"
# In whose name a command acts, percent-encoded; it counts beside the token alone.
OPERATOR_HEADER = "X-Nba-Operator"
_BYTES = 32


@dataclass(frozen=True)
class Endpoint:
    """Where a runtime answers on this machine, and the token that it asks for."""

    port: int
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request with a JSON body."""
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}


def new_token() -> str:
    """A token that nobody can guess; every start of a runtime has another."""
    return secrets.token_urlsafe(_BYTES)


def write_token(folder: Path, token: str) -> Path:
    """Keep the token where only this user can read it (mode 0600), whole or not at all.

    Raises OSError.
    """
    path, new = folder / TOKEN_FILE, folder / f"{TOKEN_FILE}.new"
    new.unlink(missing_ok=True)
    # made with its mode: there is no moment in which others could open it
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"{token}\n")
    new.replace(path)
    return path


def read_token(folder: Path) -> str:
    """The token of the runtime that has the folder open.

    Raises ConfigError where it is not there or not readable.
    """
    path = folder / TOKEN_FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is no token"
        raise ConfigError(
            f"{path} cannot be read ({what}): without its token the runtime takes no command.",
            next_step="run the command as the user who started the runtime, or start that again.",
        ) from error


def forget_token(folder: Path) -> None:
    """Remove the token of a runtime that ends."""
    with suppress(OSError):
        (folder / TOKEN_FILE).unlink(missing_ok=True)
