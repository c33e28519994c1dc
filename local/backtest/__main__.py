"""`make backtest`: walks forward through the days of an archive, or of the simulated league, and judges the systems.

Exit codes: 0 done (alarms included, which are shown first), 1 failed, 2 wrong input.
"""

from __future__ import annotations

import os
import sys

from rich.console import Console

from local.backtest.arguments import Arguments
from local.backtest.play import play
from local.ownership import FolderBusy
from local.replay import ArchiveError
from local.run import DONE, FAILED, INTERRUPTED, WIDTH_OF_FILES, WRONG_INPUT, WrongInput
from local.screen import Screen
from shared.errors import ConfigError, PipelineError


def main() -> int:
    """Run from the environment's settings; the reason of a failure is one sentence on standard error."""
    fits = sys.stdout.isatty() or "COLUMNS" in os.environ
    try:
        with Screen(Console(width=None if fits else WIDTH_OF_FILES)) as screen:
            play(Arguments.of(os.environ), screen)
    except (WrongInput, ArchiveError, ConfigError, FolderBusy) as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    except PipelineError as error:
        print(f"Failed: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"Failed: {error}. Next: see that the disk has room and the folder is still there.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on where it stopped.", file=sys.stderr)
        return INTERRUPTED
    return DONE


if __name__ == "__main__":
    code = main()
    if code == INTERRUPTED:
        # Trees that grow in a thread cannot be stopped, and nothing of theirs is written: a person need not wait.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
