"""The archive that is deployed: what it holds, and the same bytes for the same tree, wherever and
whenever it is built.

Standard library only: a machine that just deploys needs no package.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.core import code_version
from shared.core.errors import DataError

ROOT = Path(__file__).resolve().parent.parent.parent
ARCHIVE = Path("build") / "functions.zip"
ROOMS = ("functions", "shared")
LOCK = "requirements/functions.txt"
# Two files have another place in the archive: where Cloud Functions and its buildpack look for
# them.
RENAMED = {"functions/main.py": "main.py", LOCK: "requirements.txt"}
KINDS = frozenset({".py", ".sql", ".json", ".html", ".css", ".js"})
VERSION_DIGITS = 12
# What a zip says about a file beside its bytes, the same for all: the earliest time the format
# knows, as an ordinary file of a Unix system that all may read. The umask, the clock and the
# developer's system are left out.
TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3
MODE = 0o100644


@dataclass(frozen=True)
class Package:
    """An archive as written: its size in bytes, the SHA-256 of its bytes in hexadecimal, how many
    files it holds.
    """

    path: Path
    size: int
    sha256: str
    files: int


def contents(root: Path) -> dict[str, bytes]:
    """The deployed files of a project by their name in the archive, sorted; line ends are those of
    Unix.

    Raises DataError for a file that no function reads, and for one that is missing.
    """
    files = [root / "pipeline.yaml", root / LOCK, *(file for room in ROOMS for file in _files(root / room))]
    found = {file.relative_to(root).as_posix(): file for file in files}
    missing = [name for name in ("pipeline.yaml", *RENAMED) if name not in found or not found[name].is_file()]
    if missing:
        raise DataError(f"{root} has no {', '.join(missing)}.", next_step="build from a complete checkout.")
    named = {RENAMED.get(name, name): file for name, file in found.items()}
    read = {name: _unix(file.read_bytes()) for name, file in named.items()}
    return dict(sorted({**read, code_version.FILE: _describe_version(read)}.items()))


def _describe_version(files: Mapping[str, bytes]) -> bytes:
    """The file that says which code it is, by what all the others hold: each execution records
    it.
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return json.dumps({"version": digest.hexdigest()[:VERSION_DIGITS]}).encode()


def build(files: Mapping[str, bytes]) -> bytes:
    """The zip of these files, stored and not compressed: what deflate makes of them differs between
    builds of zlib.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = UNIX
            entry.external_attr = MODE << 16
            archive.writestr(entry, files[name])
    return stream.getvalue()


def write(root: Path) -> Package:
    """Build build/functions.zip of a project; the file appears complete or not at all.

    Raises DataError, OSError.
    """
    files = contents(root)
    data = build(files)
    path = root / ARCHIVE
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Package(path, len(data), hashlib.sha256(data).hexdigest(), len(files))


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder but caches and hidden ones.

    Any other kind of file is refused rather than left out: a function may have been meant to read
    it.
    """
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_symlink() or not (path.is_dir() or path.suffix in KINDS):
            raise DataError(
                f"{path} is neither a folder nor a file of the kinds {', '.join(sorted(KINDS))}.",
                next_step="remove it, or let local/package/archive.py know its kind.",
            )
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _unix(text: bytes) -> bytes:
    """A checkout may have given the files the line ends of its system."""
    return text.replace(b"\r\n", b"\n")
