"""What lies in a state folder.

A folder that holds something else is somebody's own: not written to, not removed.
"""

from __future__ import annotations

from pathlib import Path

from shared.core.errors import ConfigError

LOCK_FILE = "runtime.lock"
STATE_FILE = "state.sqlite"
# What only a state folder holds; the lock is the first thing that is made in one. A backtest has
# its own below it.
MARKS = (LOCK_FILE, "warehouse.duckdb", STATE_FILE, f"backtest/{LOCK_FILE}")
# Every name that commands make in LOCAL_DIR; tests/unit/local/cli/test_clean.py and test_day.py
# hold it against real folders.
_OURS = {
    *(LOCK_FILE, "runtime.json", "runtime.json.new", "runtime.token", "runtime.token.new"),
    *("state.sqlite", "state.sqlite-wal", "state.sqlite-shm", "state.sqlite-journal"),
    *("warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.duckdb.tmp"),
    *("raw", "exports", "models", "logs", "league", "summary.json", "summary.partial"),
    *("backtest", "backtest.json", "backtest.html", "backtest.partial"),
    *("bench", "bench.json", "load", "load.json", "gcp-emulators", "emulated"),
    # what an operating system puts into any folder, or at the top of a disk
    *(".DS_Store", "lost+found"),
}
_NAMED = 3


def foreign(folder: Path) -> list[str]:
    """The names in a folder that no command of ours makes, sorted; none where there is no such
    folder.
    """
    return sorted(each.name for each in folder.iterdir() if each.name not in _OURS) if folder.is_dir() else []


def is_state(folder: Path) -> bool:
    """Whether a command has worked in the folder."""
    return any((folder / mark).is_file() for mark in MARKS)


def states_beside(folder: Path) -> list[str]:
    """Folders beside this one that hold a state, sorted: what a person may have meant instead."""
    beside = folder.parent if folder.parent.is_dir() else Path()
    return sorted(str(each.parent) for each in beside.glob(f"*/{STATE_FILE}"))


def check_not_foreign(folder: Path) -> None:
    """Raises ConfigError for a folder that was no state folder so far and holds something else.

    Nothing is made.
    """
    if not is_state(folder) and (found := foreign(folder)):
        raise ConfigError(
            f"{folder} is no state folder, and holds {list_names(found)}.",
            next_step="set LOCAL_DIR to a new or an empty folder.",
        )


def list_names(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
