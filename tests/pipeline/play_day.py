"""A child process for test_day: prepares a state folder up to the day, or plays the day and dies at
a crash point.

python -m tests.pipeline.play_day prepare FOLDER ARCHIVE
python -m tests.pipeline.play_day die FOLDER ARCHIVE POINT NTH
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from local.cli.run import main
from local.day.day import Day
from local.host.runtime import open_runtime
from local.replay import Archive
from shared.core import failpoints


def prepare(folder: Path, archive_folder: Path) -> None:
    """History and models of the archive's last day, and nothing of the day itself."""
    archive = Archive(archive_folder)
    with open_runtime(folder, archive=archive_folder) as embedded:
        day = Day(embedded, archive, archive.last_date, lambda label, completed: None)
        for stretch in day.missing_history(1):
            day.load_history(stretch)
        day.train()


def die_at(point: str, nth: int) -> None:
    """kill -9 of this process at the nth time a crash point is reached."""
    seen = 0

    def hook(reached: str) -> None:
        nonlocal seen
        seen += reached == point
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.install(hook)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        die_at(sys.argv[4], int(sys.argv[5]))
        sys.exit(main())
