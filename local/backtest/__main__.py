"""`make backtest`: walks forward through the days of an archive, or of the simulated league, and
judges the systems.

Exit codes: 0 done (alarms included, which are shown first), 1 failed, 2 wrong input.
"""

from __future__ import annotations

import os
import sys

from local.backtest.arguments import Arguments
from local.backtest.play import play
from local.console.command import run_command
from local.console.exit_codes import INTERRUPTED, TERMINATED
from local.day.command import RUN_AGAIN, run_on_screen


def main() -> int:
    """Run from the environment's settings."""
    return run_on_screen(lambda screen: play(Arguments.of(os.environ), screen))


if __name__ == "__main__":
    code = run_command(main, then=RUN_AGAIN)
    if code in (INTERRUPTED, TERMINATED):
        # Trees that grow in a thread cannot be stopped, and nothing of theirs is written: a person
        # need not wait.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
