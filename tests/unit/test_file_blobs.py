"""File blobs beyond the contract: plain files, crashes between two renames, readers during writes, no way out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.file_blobs import FileBlobs
from shared.errors import Fatal

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
