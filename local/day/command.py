"""How a command that plays days ends: on a screen, with an exit code and one sentence where it
failed.
"""

from __future__ import annotations

from collections.abc import Callable

from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain
from local.console.plain import open_console
from local.day.inputs import WrongInput
from local.day.screen import Screen
from local.host.folder_lock import FolderBusy
from local.replay import ArchiveError
from shared.core.errors import ConfigError, PipelineError

RUN_AGAIN = "The same command goes on where it stopped."
# In a file there is no screen to fit: wide enough for the closing tables.
WIDTH_OF_FILES = 120


def run_on_screen(work: Callable[[Screen], object]) -> int:
    """Do a command's work on a screen; its exit code, where it returns one, else 0.

    The reason of a failure is one sentence on standard error.
    """
    try:
        with Screen(open_console(WIDTH_OF_FILES)) as screen:
            code = work(screen)
    except (WrongInput, ArchiveError, ConfigError, FolderBusy) as error:
        complain(error)
        return WRONG_INPUT
    except PipelineError as error:
        complain(f"Failed: {error}")
        return FAILED
    except OSError as error:
        complain(f"Failed: {error}. Next: see that the disk has room and the folder is still there.")
        return FAILED
    return code if isinstance(code, int) else DONE
