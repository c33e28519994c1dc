"""File blobs beyond the contract: plain files, crashes between two renames, readers during writes,
no way out.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.embedded.file_blobs import FileBlobs
from shared.core.errors import DiskFull, Fatal, NotFound, StorageDamaged, StorageDenied, StorageFault
from tests.conftest import ROOT

JSON = "application/json"


class Crash(BaseException):
    """The process dies here."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


@contextmanager
def crash_after(monkeypatch: pytest.MonkeyPatch, renames: int) -> Iterator[None]:
    """Die at the rename after so many of them."""
    real = Path.replace
    done: list[Path] = []

    def replace(self: Path, target: Path) -> Path:
        if len(done) == renames:
            raise Crash
        done.append(target)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        yield


def test_an_object_is_a_plain_file_and_nothing_else_is_visible(folder: Path) -> None:
    FileBlobs(folder).write("v1/a.json", b"{}", content_type=JSON)
    assert (folder / "v1" / "a.json").read_bytes() == b"{}"
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["v1"]


@pytest.mark.parametrize("renames", [0, 1])
def test_a_crash_during_a_first_write_leaves_no_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    with crash_after(monkeypatch, renames), pytest.raises(Crash):
        FileBlobs(folder).write("a", b"new", content_type=JSON)
    after = FileBlobs(folder)
    assert after.list("") == []
    after.write("a", b"again", content_type=JSON, if_generation=0)
    assert after.read("a").data == b"again"


@pytest.mark.parametrize("renames", [0, 1])
def test_a_crash_during_a_later_write_leaves_the_old_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    first = FileBlobs(folder).write("a", b"old", content_type="text/plain", cache_control="max-age=60")
    with crash_after(monkeypatch, renames), pytest.raises(Crash):
        FileBlobs(folder).write("a", b"new", content_type=JSON)
    after = FileBlobs(folder)
    blob = after.read("a")
    assert (blob.data, blob.generation, blob.content_type, blob.cache_control) == (
        b"old",
        first,
        "text/plain",
        "max-age=60",
    )
    second = after.write("a", b"new", content_type=JSON, if_generation=first)
    assert second > first
    assert after.read("a").content_type == JSON


def test_readers_see_one_write_or_the_other_never_a_mixture(folder: Path) -> None:
    blobs = FileBlobs(folder)
    contents = {name: name.encode() * 50_000 for name in "ab"}
    blobs.write("x", contents["a"], content_type="a")
    seen, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            blob = blobs.read("x")
            seen.append(blob.data == contents[blob.content_type])
            seen.append((folder / "x").read_bytes() in contents.values())

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(100):
        name = "ab"[number % 2]
        blobs.write("x", contents[name], content_type=name)
    done.set()
    for reader in readers:
        reader.join()
    assert seen
    assert all(seen)


def test_a_file_changed_by_hand_is_read_as_it_is(folder: Path) -> None:
    blobs = FileBlobs(folder)
    first = blobs.write("a", b"ours", content_type=JSON)
    (folder / "a").write_bytes(b"theirs")
    (folder / "b").write_bytes(b"new")
    assert (blobs.read("a").data, blobs.read("a").generation) == (b"theirs", first)
    assert blobs.read("b").content_type == "application/octet-stream"
    assert blobs.write("b", b"ours", content_type=JSON, if_generation=blobs.read("b").generation) > 1


@pytest.mark.parametrize("path", [".meta/a.json", ".meta", "out/secret"])
def test_metadata_and_the_world_outside_are_no_objects(folder: Path, tmp_path: Path, path: str) -> None:
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "outside")
    blobs = FileBlobs(folder)
    with pytest.raises(Fatal, match="no object name"):
        blobs.read(path)
    with pytest.raises(Fatal, match="no object name"):
        blobs.write(path, b"", content_type=JSON)
    assert blobs.list("") == []


def test_a_link_or_a_pipe_is_no_object_and_a_write_takes_its_place(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    blobs = FileBlobs(folder)
    assert blobs.list("") == []
    for name in ("link", "pipe"):
        with pytest.raises(NotFound):
            blobs.read(name)
        blobs.write(name, b"ours", content_type=JSON)
        assert blobs.read(name).data == b"ours"
    assert (tmp_path / "secret").read_text() == "secret"
    assert blobs.list("") == ["link", "pipe"]


@pytest.mark.parametrize("prefix", ["../../", "out/", "/etc/"])
def test_a_prefix_does_not_lead_out_either(folder: Path, tmp_path: Path, prefix: str) -> None:
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    with pytest.raises(Fatal, match="out of the bucket"):
        FileBlobs(folder).list(prefix)


def test_an_object_below_another_is_refused(folder: Path) -> None:
    blobs = FileBlobs(folder)
    blobs.write("a", b"", content_type=JSON)
    with pytest.raises(Fatal, match="below another"):
        blobs.write("a/b", b"", content_type=JSON)


# --- what the file system refuses -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind", "advice"),
    [
        (errno.ENOSPC, DiskFull, "make room"),
        (errno.EDQUOT, DiskFull, "make room"),
        (errno.EFBIG, DiskFull, "ulimit"),
        (errno.EACCES, StorageDenied, "chmod"),
        (errno.EPERM, StorageDenied, "chmod"),
        (errno.EROFS, StorageDenied, "chmod"),
        (errno.EIO, StorageFault, "dmesg"),
        (errno.EMFILE, StorageFault, "dmesg"),
    ],
)
def test_whatever_the_system_refuses_names_the_file_and_what_to_do_and_leaves_the_old_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StorageFault], advice: str
) -> None:
    blobs = FileBlobs(folder)
    first = blobs.write("v1/a", b"old", content_type=JSON)

    def refuse(_self: Path, _data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(kind, match=rf"v1/a.*{advice}.*goes on by itself") as raised:
            blobs.write("v1/a", b"new", content_type=JSON)
    assert type(raised.value) is kind
    assert blobs.read("v1/a").data == b"old"
    assert blobs.write("v1/a", b"new", content_type=JSON, if_generation=first) > first


# root may read and write everything, so this is tried by somebody else
NOBODY = """
import os, sys
from pathlib import Path
from local.embedded.file_blobs import FileBlobs
from shared.core.errors import StorageDenied
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
blobs = FileBlobs(Path(sys.argv[1]))
tries = {
    "read": lambda: blobs.read("closed/a"),
    "write": lambda: blobs.write("closed/a", b"", content_type="a"),
    "new": lambda: blobs.write("b", b"", content_type="a"),
    "list": lambda: blobs.list("closed/"),
}
for name, attempt in tries.items():
    try:
        attempt()
    except StorageDenied as denied:
        print(name, denied)
"""


def test_files_of_somebody_else_are_denied_by_name(folder: Path) -> None:
    FileBlobs(folder).write("closed/a", b"secret", content_type=JSON)
    for parent in folder.parents[:2]:
        parent.chmod(0o755)
    for place in (folder / "closed", folder / ".meta" / "closed"):
        place.chmod(0)
    folder.chmod(0o555)
    command = [sys.executable, "-c", NOBODY, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    for place in (folder, folder / "closed", folder / ".meta" / "closed"):
        place.chmod(0o755)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["read", "write", "new", "list"]
    assert all("Permission denied" in line and "chmod" in line for line in lines)
    assert FileBlobs(folder).read("closed/a").data == b"secret", "once they are opened"


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[", b"[]", b"null", b"3", b"[1]", b"{}", b"[{}]", b'[{"generation": 1}]', b"\xff\x00", b"[[]]"),
        b'[{"generation": "1", "content_type": "a", "cache_control": null, "sha256": ""}]',
        b'[{"generation": 0, "content_type": "a", "cache_control": null, "sha256": ""}]',
        b'[{"generation": 1, "content_type": null, "cache_control": null, "sha256": ""}]',
        b'[{"generation": 1, "content_type": "a", "cache_control": 3, "sha256": ""}]',
        b'[{"generation": 1, "content_type": "a", "cache_control": null, "sha256": "", "more": 1}]',
        b"[" * 100_000,
    ],
)
def test_damaged_metadata_is_named_and_removing_it_leaves_the_object(folder: Path, text: bytes) -> None:
    blobs = FileBlobs(folder)
    blobs.write("v1/a", b"data", content_type=JSON)
    meta = folder / ".meta" / "v1" / "a.json"
    meta.write_bytes(text)
    for use in (lambda: blobs.read("v1/a"), lambda: blobs.write("v1/a", b"new", content_type=JSON)):
        with pytest.raises(StorageDamaged, match=r"\.meta/v1/a\.json.* is damaged.*remove that file"):
            use()
    assert (folder / "v1" / "a").read_bytes() == b"data"
    meta.unlink()
    assert blobs.read("v1/a").data == b"data"
    assert blobs.write("v1/a", b"new", content_type=JSON) > 1


def test_a_file_in_the_place_of_a_folder_and_a_folder_in_that_of_an_object(folder: Path) -> None:
    blobs = FileBlobs(folder)
    blobs.write("a", b"", content_type=JSON)
    blobs.write("b/c", b"", content_type=JSON)
    for path in ("a/b", "a/b/c", "b"):
        with pytest.raises(NotFound):
            blobs.read(path)
        with pytest.raises(Fatal, match="below another"):
            blobs.write(path, b"", content_type=JSON)
