"""How ./nba ends, in one place.

| code | when |
|------|------------------------------------------------------------------------------------|
| 0    | healthy, or done                                                                   |
| 1    | needs attention: something is short, waits or failed for good, or two things differ |
| 2    | the command failed, was refused, or its input is wrong: nothing may be concluded   |
| 130  | Ctrl-C; 143 is SIGTERM, 141 that nobody reads the output any more                  |

The older commands behind make run, compare and backtest end otherwise (as in
local/console/exit_codes.py): 1 is there what failed, 3 what was done with gaps. What they return
goes through OF_OLDER.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.console import exit_codes as older

HEALTHY = DONE = 0
ATTENTION = 1
FAILED = 2

OF_OLDER: Mapping[int, int] = {
    older.DONE: DONE,
    older.FAILED: FAILED,
    older.WRONG_INPUT: FAILED,
    older.WITH_GAPS: ATTENTION,
}
