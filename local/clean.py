"""`make clean-local`: forget a state folder, unless a living process is at work in it.

Exit codes: 0 forgotten (or nothing there), 2 refused.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from local.cli.command import run_command
from local.console.lines import complain, say
from local.ownership import LOCK_FILE, FolderBusy, owned, state_folder
from shared.errors import ConfigError, StorageFault

DONE, REFUSED = 0, 2
# What only a state folder holds; the lock is the first thing that is made in one. A backtest has its own below it.
MARKS = (LOCK_FILE, "warehouse.duckdb", "state.sqlite", f"backtest/{LOCK_FILE}")


def forget(folder: Path) -> None:
    """Remove a state folder. Raises FolderBusy where a process owns it, ConfigError where it is no state folder."""
    if not any((folder / mark).is_file() for mark in MARKS):
        raise ConfigError(
            f"Nothing removed: {folder} holds none of {', '.join(MARKS)}, so it is no state folder.",
            next_step="say LOCAL_DIR= (or ARCHIVE=) as `make run` was told.",
        )
    with owned(folder):
        shutil.rmtree(folder)


def main() -> int:
    """Forget the state folder: LOCAL_DIR, or that of ARCHIVE, else .local."""
    folder = state_folder(os.environ)
    if not folder.exists():
        say(f"Nothing to forget: there is no {folder}")
        return DONE
    try:
        forget(folder)
    except (ConfigError, FolderBusy, StorageFault) as error:
        complain(error)
        return REFUSED
    except OSError as error:
        complain(f"{folder} cannot be removed whole: {error}. Remove it by hand.")
        return REFUSED
    say(f"Forgotten: {folder}")
    return DONE


if __name__ == "__main__":
    sys.exit(run_command(main, then="Next: run it again."))
