"""`make clean-local`: forget a state folder, unless a living process is at work in it.

Exit codes: 0 forgotten (or nothing there), 2 refused.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from local.console.command import run_command
from local.console.exit_codes import DONE, WRONG_INPUT
from local.console.lines import complain, say
from local.embedded.contents import MARKS, foreign, is_state, list_names
from local.host.folder_lock import FolderBusy, lock_folder, state_folder
from shared.core.errors import ConfigError, StorageFault


def forget(folder: Path) -> None:
    """Remove a state folder.

    Raises FolderBusy where a process owns it, ConfigError where it is none, or holds more.
    """
    if not is_state(folder):
        raise ConfigError(
            f"Nothing removed: {folder} holds none of {', '.join(MARKS)}, so it is no state folder.",
            next_step="say LOCAL_DIR= (or ARCHIVE=) as `make run` was told.",
        )
    if found := foreign(folder):
        raise ConfigError(
            f"Nothing removed: {folder} holds {list_names(found)}, which no command of ours made.",
            next_step="move that to another place, then `make clean-local` again.",
        )
    with lock_folder(folder):
        shutil.rmtree(folder)


def main() -> int:
    """Forget the state folder: LOCAL_DIR, or that of ARCHIVE, else .local."""
    folder = Path()
    try:
        folder = state_folder(os.environ)
        if not folder.exists():
            say(f"Nothing to forget: there is no {folder}")
            return DONE
        forget(folder)
    except (ConfigError, FolderBusy, StorageFault) as error:
        complain(error)
        return WRONG_INPUT
    except OSError as error:
        complain(f"{folder} cannot be removed whole: {error}. Remove it by hand.")
        return WRONG_INPUT
    say(f"Forgotten: {folder}")
    return DONE


if __name__ == "__main__":
    sys.exit(run_command(main, then="Next: run it again."))
