"""The operating system's errors about our files as the error tree's: each names the file and what
mends it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.core.errors import DiskFull, Fatal, NameTooLong, PipelineError, StorageDamaged, StorageDenied, StorageFault

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY}
# Less than this, and the first phase would stop in the middle of its work. Bytes.
LEAST_ROOM = 16 * 2**20
GOES_ON = "the same command then goes on by itself."


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Within, an OSError about `path` is raised as one of ours; FileNotFoundError stays what it
    is.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise of_os(error, path) from error


def of_os(error: OSError, path: Path) -> PipelineError:
    """The error of ours for one of the operating system's about a file."""
    what = error.strerror or str(error)
    if error.errno in _FULL:
        return disk_full(path, what)
    if error.errno in _DENIED:
        return storage_denied(path, what)
    if error.errno == errno.ENAMETOOLONG:
        return NameTooLong(
            f"{path.name[:80]!r} ... in {str(path.parent)[:200]} cannot be written: {what}.",
            next_step="shorten the object's name: a part of it has at most 250 bytes here.",
        )
    if error.errno in _IN_THE_WAY:
        return Fatal(
            f"{path} cannot be used: {what}; a folder lies where a file belongs, or a file where a folder does.",
            next_step="move away what lies there; name objects so that none lies below another.",
        )
    return StorageFault(
        f"{path} cannot be used: {what}.", next_step=f"see that the disk is well (`dmesg`, `df`); {GOES_ON}"
    )


def disk_full(path: Path, what: str) -> DiskFull:
    """The error for a file that cannot grow; `what` is the system's word for it."""
    folder = _standing(path)
    if os.strerror(errno.EFBIG) in what:
        mend = "raise the limit of a file's size (`ulimit -f`)"
    else:
        mend = f"make room on the disk of {folder}, or set LOCAL_DIR to a folder on a larger one"
    left = f", {shutil.disk_usage(folder).free // 1024} KiB are free" if folder.exists() else ""
    return DiskFull(f"{path} cannot be written: {first_line(what)}{left}.", next_step=f"{mend}; {GOES_ON}")


def storage_denied(path: Path, what: str) -> StorageDenied:
    """The error for a file that this process may not read or write."""
    return StorageDenied(
        f"{path} cannot be used: {first_line(what)}.",
        next_step=f"let this user read and write {path} and its folder (`chmod`, `chown`); {GOES_ON}",
    )


def storage_damaged(path: Path, what: str) -> StorageDamaged:
    """The error for a state file, the warehouse's or the state's, that holds something else than
    what was written.
    """
    return StorageDamaged(
        f"{path} is damaged: {first_line(what)}.",
        next_step=f"put back a copy of the whole folder {path.parent}, or forget it with"
        f" `make clean-local LOCAL_DIR={path.parent}`; {GOES_ON}",
    )


def first_line(text: str) -> str:
    """What a library says, without its full stop and the advice that some add below."""
    return text.strip().partition("\n")[0].rstrip(".! ")


def check_room(folder: Path) -> None:
    """Raises DiskFull where too little is free to begin anything: what is begun and stopped costs a
    delivery's try.
    """
    if shutil.disk_usage(folder).free < LEAST_ROOM:
        raise disk_full(folder, f"less than {LEAST_ROOM // 2**20} MiB free")


def check_state_beside(warehouse: Path, state: Path) -> None:
    """Raises StorageDamaged where the state file is gone or empty beside a warehouse that holds
    something.

    To SQLite that is a new file. The warehouse is made after it, so only damage leaves the two like
    that.
    """
    if warehouse.is_file() and warehouse.stat().st_size and not (state.is_file() and state.stat().st_size):
        what = "empty" if state.is_file() else "gone"
        raise storage_damaged(state, f"it is {what}, and {warehouse.name} beside it is not")


def check_warehouse_there(warehouse: Path, *, started: bool) -> None:
    """Raises StorageDamaged where a folder that was worked in has no warehouse: a new one would
    know no history.
    """
    if started and not warehouse.is_file():
        raise storage_damaged(warehouse, "it is gone, and the state beside it tells of work that was done")


def _standing(path: Path) -> Path:
    """The folder of a file, or the nearest above that exists."""
    return next((each for each in path.parents if each.exists()), Path(path.anchor or "."))
