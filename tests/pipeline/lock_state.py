"""Another process that locks the state database exclusively, for test_state_outage and to see it by
hand.

python -m tests.pipeline.lock_state FOLDER SECONDS

Waits until a unit of phase 5 has completed in the state folder FOLDER, then keeps everybody from
writing for so long.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path

from local.host.runtime import STATE_FILE

LOOK_EVERY_SECONDS = 0.02
COMPLETED = "SELECT COUNT(*) FROM documents WHERE collection LIKE 'batches/%/units'"


def lock_state(folder: Path, seconds: float) -> None:
    """Hold the file as soon as more units have completed than at the start."""
    wait = threading.Event().wait
    connection = sqlite3.connect(folder / STATE_FILE, isolation_level=None, timeout=60)
    try:
        (before,) = connection.execute(COMPLETED).fetchone()
        print("looking", flush=True)
        while connection.execute(COMPLETED).fetchone() == (before,):
            wait(LOOK_EVERY_SECONDS)
        connection.execute("BEGIN EXCLUSIVE")
        print(f"holding {folder / STATE_FILE} for {seconds:.0f} s", flush=True)
        wait(seconds)
        connection.execute("ROLLBACK")
        print("let go", flush=True)
    finally:
        connection.close()


if __name__ == "__main__":
    lock_state(Path(sys.argv[1]), float(sys.argv[2]))
