"""Google's own emulators of Pub/Sub and Firestore, from gcloud's installation, on Java; or, where
the environment names them (for the contract suites), those that run already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from local.emulators.process import HOST, Absent, free_port, listens, running

Command = Callable[[int, Path, str], list[str | Path]]
"""The command line for a port and a folder; the variable is named where something is missing."""

PUBSUB_HOST, FIRESTORE_HOST = "PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"
_INSTALL = (
    "install Java and `gcloud components install pubsub-emulator cloud-firestore-emulator`, or, for the contract"
    " suites, name one with {}."
)


def check() -> None:
    """Raises Absent where what either of them needs is missing; starts nothing."""
    for variable, command in ((PUBSUB_HOST, _pubsub), (FIRESTORE_HOST, _firestore)):
        if not os.environ.get(variable):
            command(0, Path(), variable)


@contextmanager
def pubsub(folder: Path) -> Iterator[str]:
    """host:port of a Pub/Sub emulator, its log and data in the folder.

    Raises Absent, NotStarted.
    """
    with _running("the Pub/Sub emulator", PUBSUB_HOST, folder, _pubsub) as address:
        yield address


@contextmanager
def firestore(folder: Path) -> Iterator[str]:
    """host:port of a Firestore emulator in native mode, its log in the folder.

    Raises Absent, NotStarted.
    """
    with _running("the Firestore emulator", FIRESTORE_HOST, folder, _firestore) as address:
        yield address


@contextmanager
def _running(name: str, variable: str, folder: Path, command: Command) -> Iterator[str]:
    given = os.environ.get(variable)
    if given:
        yield given
        return
    port = free_port()
    log = folder / f"{variable.lower()}.log"
    with running(name, command(port, folder, variable), lambda: listens(port), log):
        yield f"{HOST}:{port}"


def _pubsub(port: int, folder: Path, variable: str) -> list[str | Path]:
    jar = _jar(variable, "pubsub-emulator/lib", "cloud-pubsub-emulator-*-all.jar")
    return [_java(variable), "-Xmx1g", "-jar", jar, f"--host={HOST}", f"--port={port}", f"--data-dir={folder}"]


def _firestore(port: int, folder: Path, variable: str) -> list[str | Path]:
    jar = _jar(variable, "cloud-firestore-emulator", "cloud-firestore-emulator.jar")
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    # its error messages are told apart by their English text
    return [_java(variable), "-Xmx1g", "-Duser.language=en", "-cp", jar, main, f"--host={HOST}", f"--port={port}"]


def _java(variable: str) -> str:
    java = shutil.which("java")
    if java is None:
        raise Absent("There is no java on the PATH.", next_step=_INSTALL.format(variable))
    return java


def _jar(variable: str, folder: str, pattern: str) -> Path:
    root = _sdk_root()
    found = sorted((root / "platform" / folder).glob(pattern)) if root else []
    if not found:
        raise Absent(f"gcloud has no {folder.partition('/')[0]}.", next_step=_INSTALL.format(variable))
    return found[-1]


@cache
def _sdk_root() -> Path | None:
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    found = subprocess.run(
        [gcloud, "info", "--format=value(installation.sdk_root)"], capture_output=True, text=True, check=False
    )
    return Path(found.stdout.strip()) if found.returncode == 0 and found.stdout.strip() else None
