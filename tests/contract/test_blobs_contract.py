"""What every implementation of the blobs port must do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.embedded.file_blobs import FileBlobs
from local.emulators import prepare
from shared.core.errors import Fatal, NameTooLong, NotFound, PreconditionFailed
from shared.core.settings import Settings
from shared.stores.gcp.stores import open_stores
from shared.stores.ports import Blobs
from tests.contract.real_project import real_project
from tests.simulation.memory import MemoryBlobs

JSON = "application/json"
PROJECT = "contract-tests"


@pytest.fixture(params=["files", "memory", "storage"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    if request.param == "memory":
        yield MemoryBlobs()
        return
    if request.param == "files":
        yield FileBlobs(tmp_path / "bucket")
        return
    if real := real_project():
        with real.bucket() as name:
            yield _storage(real.project, name)
        return
    url, name = request.getfixturevalue("storage_emulator"), request.getfixturevalue("own_name")
    prepare.bucket(url, PROJECT, name)
    yield _storage(PROJECT, name)


def _storage(project: str, name: str) -> Blobs:
    return open_stores(Settings(project_id=project, raw_bucket=name, exports_bucket=name, models_bucket=name)).raw


def test_what_is_written_is_read(blobs: Blobs) -> None:
    generation = blobs.write("v1/today.json", b"{}", content_type=JSON, cache_control="max-age=300")
    blob = blobs.read("v1/today.json")
    assert (blob.path, blob.data, blob.generation) == ("v1/today.json", b"{}", generation)
    assert (blob.content_type, blob.cache_control) == (JSON, "max-age=300")
    assert generation > 0


def test_a_write_replaces_data_and_metadata(blobs: Blobs) -> None:
    first = blobs.write("a", b"one", content_type=JSON, cache_control="max-age=1")
    second = blobs.write("a", b"two", content_type="text/plain")
    blob = blobs.read("a")
    assert second > first
    assert (blob.data, blob.generation, blob.content_type, blob.cache_control) == (b"two", second, "text/plain", None)


def test_the_same_data_again_is_a_new_generation(blobs: Blobs) -> None:
    first = blobs.write("a", b"same", content_type=JSON)
    second = blobs.write("a", b"same", content_type="text/plain")
    assert second > first
    assert blobs.read("a").generation == second
    assert blobs.read("a").content_type == "text/plain"


def test_empty_objects(blobs: Blobs) -> None:
    blobs.write("empty", b"", content_type=JSON)
    assert blobs.read("empty").data == b""


def test_the_start_of_an_object_is_read_alone(blobs: Blobs) -> None:
    blobs.write("v1/long.json", b"0123456789", content_type=JSON)
    assert blobs.read_start("v1/long.json", 4) == b"0123"
    assert blobs.read_start("v1/long.json", 10) == b"0123456789"
    assert blobs.read_start("v1/long.json", 11) == b"0123456789", "as much as there is"
    blobs.write("v1/long.json", b"9876543210", content_type=JSON)
    assert blobs.read_start("v1/long.json", 4) == b"9876"


def test_an_empty_object_has_an_empty_start(blobs: Blobs) -> None:
    blobs.write("empty", b"", content_type=JSON)
    assert blobs.read_start("empty", 4) == b""


def test_an_object_that_is_not_there_has_no_start(blobs: Blobs) -> None:
    blobs.write("v1/other", b"x", content_type=JSON)
    for path in ("v1/none.json", "v1"):
        with pytest.raises(NotFound, match=path):
            blobs.read_start(path, 4)


def test_absent_objects(blobs: Blobs) -> None:
    with pytest.raises(NotFound, match=r"none\.json"):
        blobs.read("v1/none.json")
    blobs.write("v1/other/x", b"", content_type=JSON)
    with pytest.raises(NotFound):
        blobs.read("v1/other")
    assert blobs.list("v9/") == []


def test_generation_is_a_precondition(blobs: Blobs) -> None:
    first = blobs.write("a", b"1", content_type=JSON, if_generation=0)
    with pytest.raises(PreconditionFailed, match="a has generation"):
        blobs.write("a", b"2", content_type=JSON, if_generation=0)
    second = blobs.write("a", b"3", content_type=JSON, if_generation=first)
    with pytest.raises(PreconditionFailed):
        blobs.write("a", b"4", content_type=JSON, if_generation=first)
    assert (blobs.read("a").data, blobs.read("a").generation) == (b"3", second)


def test_a_precondition_on_an_absent_object_fails(blobs: Blobs) -> None:
    with pytest.raises(PreconditionFailed):
        blobs.write("a", b"1", content_type=JSON, if_generation=7)
    assert blobs.list("") == []


def test_only_one_of_many_threads_writes_a_generation(blobs: Blobs) -> None:
    begin, won = threading.Barrier(8), []

    def write(number: int) -> None:
        begin.wait()
        try:
            blobs.write("a", str(number).encode(), content_type=JSON, if_generation=0)
        except PreconditionFailed:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert blobs.read("a").data == str(won[0]).encode()


def test_list_is_sorted_and_goes_by_prefix(blobs: Blobs) -> None:
    for path in ("v1/b.json", "v1/a/2", "v1/a/10", "v1/ab", "raw/v1/a", "v2"):
        blobs.write(path, b"", content_type=JSON)
    assert blobs.list("v1/a") == ["v1/a/10", "v1/a/2", "v1/ab"]
    assert blobs.list("v1/a/") == ["v1/a/10", "v1/a/2"]
    assert blobs.list("v") == ["v1/a/10", "v1/a/2", "v1/ab", "v1/b.json", "v2"]
    assert blobs.list("") == ["raw/v1/a", "v1/a/10", "v1/a/2", "v1/ab", "v1/b.json", "v2"]
    assert blobs.list("v1/b.json") == ["v1/b.json"]


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../a", "a/../../b", ".", "a/./b", "a\\b", "a\0b"])
def test_paths_that_are_no_object_names_are_refused(blobs: Blobs, path: str) -> None:
    with pytest.raises((Fatal, ValueError)):
        blobs.write(path, b"x", content_type=JSON)
    with pytest.raises((Fatal, ValueError, NotFound)):
        blobs.read(path)
    with pytest.raises((Fatal, ValueError, NotFound)):
        blobs.read_start(path, 1)
    assert blobs.list("") == []


@pytest.mark.parametrize("path", ["a" * 251, "v1/" + "\u010d" * 126 + "/x", "/".join(["abcdefghi"] * 103), "a" * 5_000])
def test_a_name_that_some_implementation_could_not_store_is_refused_by_all(blobs: Blobs, path: str) -> None:
    with pytest.raises(NameTooLong, match=r"bytes.*shorten"):
        blobs.write(path, b"x", content_type=JSON)
    with pytest.raises(NameTooLong):
        blobs.read(path)
    assert blobs.list("") == []


@pytest.mark.parametrize("path", ["a" * 250, "v1/" + "\u010d" * 125, "/".join(["abcdefghi"] * 102)])
def test_the_longest_names(blobs: Blobs, path: str) -> None:
    blobs.write(path, b"x", content_type=JSON)
    assert blobs.read(path).data == b"x"


def test_a_name_that_is_no_utf_8_is_refused(blobs: Blobs) -> None:
    with pytest.raises(Fatal, match="no object name"):
        blobs.write("v1/\ud800", b"x", content_type=JSON)


def test_names_with_any_letters(blobs: Blobs) -> None:
    blobs.write("v1/tonight/Dončić's file.json", b"x", content_type=JSON)
    assert blobs.list("v1/tonight/D") == ["v1/tonight/Dončić's file.json"]
