"""The blobs port on a folder: each object a plain file, its metadata in a hidden tree beside it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from local.embedded.storage_faults import GOES_ON, file_errors
from shared.core.errors import Fatal, NotFound, PreconditionFailed, StorageDamaged
from shared.stores.ports import Blob, check_object_name

META = ".meta"


@dataclass(frozen=True)
class _Version:
    """What is known of one write; `sha256` says whether the file's content is this write's."""

    generation: int
    content_type: str
    cache_control: str | None
    sha256: str


# Of a file without metadata, put there by hand.
UNKNOWN = _Version(1, "application/octet-stream", None, "")


class FileBlobs:
    """ports.Blobs on a folder, for the one process that owns it; safe to use from many threads.

    Two files cannot be renamed as one. So a write first records its metadata beside that of the
    write before, then renames the content into place: whichever of the two the content belongs to
    (by its hash) is what the object is, and a crash at any point leaves the old object or the new
    one.

    Every method may raise DiskFull, StorageDenied, StorageDamaged (its metadata cannot be read) and
    StorageFault.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._turn = threading.Lock()

    def write(
        self,
        path: str,
        data: bytes,
        *,
        content_type: str,
        cache_control: str | None = None,
        if_generation: int | None = None,
    ) -> int:
        file, meta = self._places(path)
        with self._turn:
            current = _current(_content(file), meta)
            found = current.generation if current else 0
            if if_generation is not None and if_generation != found:
                raise PreconditionFailed(f"{path} has generation {found}, not {if_generation}.")
            last = max((version.generation for version in _versions(meta)), default=0)
            digest = hashlib.sha256(data).hexdigest()
            new = _Version(max(last, found) + 1, content_type, cache_control, digest)
            kept = [asdict(version) for version in (new, current) if version is not None]
            self._put(meta, json.dumps(kept, sort_keys=True).encode())
            self._put(file, data)
            return new.generation

    def read(self, path: str) -> Blob:
        file, meta = self._places(path)
        with self._turn:
            data = _content(file)
            version = _current(data, meta)
        if data is None or version is None:
            raise NotFound(f"There is no object {path} in {self._folder}.")
        return Blob(path, data, version.generation, version.content_type, version.cache_control)

    def read_start(self, path: str, size: int) -> bytes:
        file, _ = self._places(path)
        # a write renames: who has opened the file reads one object, and needs no turn
        data = _content(file, size)
        if data is None:
            raise NotFound(f"There is no object {path} in {self._folder}.")
        return data

    def list(self, prefix: str) -> list[str]:
        # Only the folder that the prefix names whole needs a walk.
        start = self._folder / prefix.rpartition("/")[0]
        if not start.resolve().is_relative_to(self._folder):
            raise Fatal(f"The prefix {prefix!r} leads out of the bucket.", next_step="write v1/name.")

        def fails(error: OSError) -> None:
            # a folder that goes while it is walked has nothing in it; one that may not be read has
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise error

        with file_errors(start):
            found = [
                (Path(folder) / name).relative_to(self._folder).as_posix()
                for folder, _, names in os.walk(start, onerror=fails)
                for name in names
                if _is_plain(Path(folder) / name)
            ]
        return sorted(path for path in found if path.startswith(prefix) and not path.startswith(f"{META}/"))

    def _put(self, file: Path, data: bytes) -> None:
        """Whole or not at all: a reader that opens the file sees the old content or the new."""
        with file_errors(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._folder / META / ".writing"  # one is enough: writers take turns
            temporary.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data)
                temporary.replace(file)
            except OSError:
                # half a file would take the room that is missing
                temporary.unlink(missing_ok=True)
                raise

    def _places(self, path: str) -> tuple[Path, Path]:
        check_object_name(path)
        parts = path.split("/")
        bad = any(part in {"", ".", ".."} for part in parts) or parts[0] == META or "\\" in path or "\0" in path
        if bad or not (self._folder / path).parent.resolve().is_relative_to(self._folder):
            raise Fatal(f"{path!r} is no object name in {self._folder}.", next_step="write v1/name.json.")
        return self._folder / path, self._folder / META / f"{path}.json"


def _content(file: Path, size: int = -1) -> bytes | None:
    """The file's bytes, the first `size` of them alone where it is given; None: there is none."""
    with file_errors(file):
        try:
            if not _is_plain(file):
                return None
            with file.open("rb") as opened:
                return opened.read(size)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None


def _is_plain(file: Path) -> bool:
    """Whether there is a file itself: a link may lead out of the bucket, and a pipe be read for
    ever. A write puts an object in the place of either.
    """
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _current(data: bytes | None, meta: Path) -> _Version | None:
    """The write that a content belongs to; the last one where somebody changed the file by hand."""
    if data is None:
        return None
    versions = _versions(meta)
    digest = hashlib.sha256(data).hexdigest()
    return next((version for version in versions if version.sha256 == digest), (*versions, UNKNOWN)[0])


def _versions(meta: Path) -> list[_Version]:
    """The last write's metadata, then that of the object it replaced. Raises StorageDamaged."""
    try:
        with file_errors(meta):
            text = meta.read_bytes()
    except FileNotFoundError:
        return []
    except Fatal:  # its folder is another's file: so is the object's, which is refused when it is written
        return []
    try:
        versions = [_Version(**each) for each in json.loads(text)]
        if not versions or not all(_is_whole(version) for version in versions):
            raise ValueError("its fields are not those of a write")
    except (ValueError, TypeError, RecursionError) as error:
        raise StorageDamaged(
            f"{meta}, the metadata of an object, is damaged: {error}.",
            next_step=f"remove that file, the object itself stays; {GOES_ON}",
        ) from error
    return versions


def _is_whole(version: _Version) -> bool:
    whole = type(version.generation) is int and version.generation > 0 and isinstance(version.sha256, str)
    return whole and isinstance(version.content_type, str) and isinstance(version.cache_control, str | None)
