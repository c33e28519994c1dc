"""Who owns a state folder: one process at a time, and any other can find out which and on what
port.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from local.console.values import place
from local.embedded.contents import LOCK_FILE, check_not_foreign
from local.embedded.storage_faults import file_errors, of_os
from local.host.token import TOKEN_FILE, Endpoint, forget_token, read_token, write_token
from shared.core.clock import Clock, SystemClock
from shared.core.errors import ConfigError, DiskFull, Fatal

logger = logging.getLogger(__name__)

RUNTIME_FILE = "runtime.json"
DEFAULT_FOLDER = ".local"


def state_folder(environment: Mapping[str, str]) -> Path:
    """The state folder asked for: LOCAL_DIR, else one for each ARCHIVE (.local-nba-3fa2b1), else
    .local.

    Days of two archives never share a warehouse. The name is the archive's with a hash of where it
    lies, so that two archives of one name have two folders, however their path is written. Raises
    ConfigError for what is no path.
    """
    if named := place(environment, "LOCAL_DIR"):
        return named
    if not (archive := place(environment, "ARCHIVE")):
        return Path(DEFAULT_FOLDER)
    archive = archive.resolve()
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", archive.name).strip("-")[:40] or "archive"
    return Path(f"{DEFAULT_FOLDER}-{name}-{hashlib.sha256(os.fsencode(archive)).hexdigest()[:6]}")


@dataclass(frozen=True)
class Owner:
    """The process that has a state folder open; port 0 where it serves nothing. started_at is real
    time, ISO.
    """

    pid: int
    port: int
    started_at: str


class FolderBusy(Fatal):
    """Another living process owns the state folder."""

    def __init__(self, folder: Path, owner: Owner | None) -> None:
        who = f"process {owner.pid}" if owner else "a process that is just starting"
        where = f", which serves on port {owner.port}" if owner and owner.port else ""
        super().__init__(
            f"{folder} is in use by {who}{where}.",
            next_step="wait for it or end it, trigger phases on it with `./nba publish`, or use another LOCAL_DIR.",
        )
        self.owner = owner
        self.folder = folder

    @property
    def endpoint(self) -> Endpoint | None:
        """Where the owner takes commands; None where it serves nothing (yet).

        Raises ConfigError without its token.
        """
        if self.owner is None or not self.owner.port:
            return None
        return Endpoint(self.owner.port, read_token(self.folder))


class FolderGone(Fatal):
    """The state folder was removed under its owner."""


@contextmanager
def lock_folder(folder: Path, *, clock: Clock | None = None) -> Iterator[OwnedFolder]:
    """Own a state folder while the block lasts. Raises FolderBusy where a living process owns it.

    The lock is the operating system's and ends with its process, however that died; runtime.json
    only tells others about the owner. What a dead owner left is replaced. Raises ConfigError where
    the folder cannot be written to, or holds what no command of ours made.
    """
    with _lock_file(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderBusy(folder, read_owner(folder)) from None
        started_at = (clock or SystemClock()).now().isoformat(timespec="seconds")
        ours = OwnedFolder(folder, started_at, os.fstat(lock.fileno()))
        try:
            ours.write_owner(port=0)
        except DiskFull:
            logger.warning("%s could not be written; `make clean-local` needs no room", folder / RUNTIME_FILE)
        try:
            yield ours
        finally:
            ours.forget()


def _lock_file(folder: Path) -> TextIO:
    try:
        check_not_foreign(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / LOCK_FILE).open("a")
    except OSError as error:
        if isinstance(fault := of_os(error, folder / LOCK_FILE), DiskFull):
            raise fault from error
        raise ConfigError(
            f"{folder} cannot be used as a state folder: {error.strerror or error}.",
            next_step="set LOCAL_DIR to a folder that you may write to.",
        ) from error


class OwnedFolder:
    """A state folder that this process owns."""

    def __init__(self, path: Path, started_at: str, lock: os.stat_result) -> None:
        self.path = path
        self._started_at = started_at
        self._lock = lock

    def check(self) -> None:
        """Raises FolderGone where somebody removed the folder: the open files go on, and nobody
        will see them.
        """
        try:
            found = (self.path / LOCK_FILE).stat()
        except FileNotFoundError:
            found = None
        if found is None or not os.path.samestat(found, self._lock):
            raise FolderGone(
                f"{self.path} was removed while this process was using it; what it wrote is lost.",
                next_step="run the same command again; `make clean-local` removes it only when nobody uses it.",
            )

    def forget(self) -> None:
        """Remove the owner's record.

        A folder that was removed, and perhaps made anew by another, is left alone.
        """
        try:
            self.check()
        except FolderGone:
            return
        (self.path / RUNTIME_FILE).unlink(missing_ok=True)
        forget_token(self.path)

    def write_owner(self, *, port: int, token: str = "") -> None:
        """Let other processes know who owns the folder and where it serves; its token, to those who
        may read it.
        """
        if token:
            with file_errors(self.path / TOKEN_FILE):
                write_token(self.path, token)
        owner = Owner(os.getpid(), port, self._started_at)
        temporary = self.path / f"{RUNTIME_FILE}.new"
        with file_errors(temporary):
            temporary.write_text(json.dumps(asdict(owner)) + "\n", encoding="utf-8")
            temporary.replace(self.path / RUNTIME_FILE)


def read_owner(folder: Path) -> Owner | None:
    try:
        return Owner(**json.loads((folder / RUNTIME_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # not there, half written on a full disk, or damaged: it only tells of the owner, the lock decides
