"""`python -m local.nba`, which ./nba starts."""

from __future__ import annotations

import os
import sys

from local.console.exit_codes import INTERRUPTED, TERMINATED
from local.nba.program import main

if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code in (INTERRUPTED, TERMINATED):
        # Everything is closed; a thread that still works (trees that grow) cannot be stopped.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
