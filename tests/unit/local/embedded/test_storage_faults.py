"""A full disk, a file that may not be read and a damaged one: each says what mends it, and after
that all goes on.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from local.cli.clean import forget
from local.cli.compare import read_tables
from local.embedded.duckdb_errors import errors, of_opening
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.nba.client import Client
from local.nba.delivering import see_through
from local.nba.exit_codes import FAILED
from shared.core.errors import DataError, DiskFull, Fatal, StorageDamaged, StorageDenied, StorageFault, StoreUnavailable
from tests.conftest import ALLOWED_IN_CI, ROOT
from tests.support.embedded import START, function_spec, small_pipeline, write_function

MIB = 2**20
# One message after the other: of several at once one may take the room in which the queue notes
# what became of another.
PIPELINE = small_pipeline(function_spec("writing", "a", instances=1))
# A function of ours, handler and all: what it writes is a raw file and a row of the warehouse.
WRITING = """
    import base64, json
    from shared.core.errors import PipelineError, Retriable
    from shared.stores.runtime import get_runtime

    def writing(request):
        runtime = get_runtime()
        word = base64.b64decode(request.get_json()["message"]["data"]).decode()
        try:
            runtime.raw.write(f"raw/{word}", b"x" * 2**20, content_type="text/plain")
            runtime.state.create(f"done/{word}", {"n": 1})
        except Retriable as error:
            return {"status": "retry", "reason": str(error), "error_type": type(error).__name__}, 503
        return {"status": "success", "record_count": 1}
"""


def mount(folder: Path, *options: str) -> bool:
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 24 MiB, in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or not mount(folder, "-t", "tmpfs", "-o", "size=24m", "small"):
        pytest.skip(f"{ALLOWED_IN_CI} a disk of its own needs the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    write_function(tmp_path / "functions", "writing", WRITING)
    return tmp_path / "functions"


def open_state(folder: Path, functions: Path) -> AbstractContextManager[EmbeddedRuntime]:
    return open_runtime(folder, pipeline=PIPELINE, functions=functions)


def fill(folder: Path, leave: int = 0) -> Path:
    """Take all room but so many bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        room = os.statvfs(folder)
        left = room.f_bavail * room.f_frsize - leave
        if left > 0:
            os.posix_fallocate(file.fileno(), 0, left)
    return ballast


# --- a full disk ----------------------------------------------------------------------------------


def test_a_full_disk_stops_the_run_with_what_to_do_and_after_it_the_same_goes_on(
    small_disk: Path, functions: Path
) -> None:
    state = small_disk / "state"
    with open_state(state, functions) as embedded:
        embedded.clock.set(START)
        for number in range(4):
            embedded.bus.publish("a", b"word-%d" % number, message_id=f"begun-{number}")
        ballast = fill(small_disk, leave=MIB * 3 // 2)
        with pytest.raises(DiskFull, match=r"No space left on device.*make room on the disk of .*small"):
            embedded.run_until_idle()
        assert embedded.bus.counters()["dead_lettered"] == 0
    with pytest.raises(DiskFull, match="less than 16 MiB free"), open_state(state, functions):
        pytest.fail("nothing is begun without room")
    ballast.unlink()
    with open_state(state, functions) as embedded:
        attempts = {}
        embedded.run_until_idle(lambda one: attempts.update({one.delivery.data: one.delivery.attempt}))
        assert embedded.runtime.state.count("done") == 4
        assert embedded.bus.counters()["dead_lettered"] == 0
        assert set(attempts.values()) == {1}, "a full disk is no attempt of the message"
        assert embedded.clock.now() == START, "nothing waited for a back-off"


@pytest.mark.parametrize("times", [12])
def test_however_often_it_is_tried_without_room_no_message_is_lost(
    small_disk: Path, functions: Path, times: int
) -> None:
    state = small_disk / "state"
    with open_state(state, functions) as embedded:
        embedded.bus.publish("a", b"word", message_id="begun")
        ballast = fill(small_disk, leave=MIB // 2)
        for _ in range(times):
            with pytest.raises(DiskFull):
                embedded.run_until_idle()
        assert embedded.bus.counters()["dead_lettered"] == 0
        ballast.unlink()
        embedded.run_until_idle()
        assert embedded.runtime.state.count("done") == 1


def test_a_commit_that_does_not_fit_is_a_full_disk_and_no_conflict_of_writers(small_disk: Path) -> None:
    warehouse = DuckDbWarehouse(small_disk / "warehouse.duckdb")
    big = pa.table({"x": [os.urandom(64).hex() for _ in range(40_000)]})
    table = "nba_staging.big"
    fill(small_disk, leave=MIB)
    with pytest.raises(DiskFull, match=r"warehouse\.duckdb cannot be written.*make room"):
        warehouse.load(table, big, mode="replace", job_id="j")
    with pytest.raises(DiskFull):
        warehouse.load(table, big, mode="replace", job_id="j")
    (small_disk / "ballast").unlink()
    assert warehouse.load(table, big, mode="replace", job_id="j") == 40_000
    warehouse.close()


def test_a_state_file_that_may_not_grow_is_a_full_disk_and_takes_writes_again(small_disk: Path) -> None:
    state = SqliteState(SqliteFile(small_disk / "state.sqlite"))
    ballast = fill(small_disk, leave=MIB)

    def grow() -> None:
        for number in range(10):
            state.create(f"a/{number}", {"text": "x" * 500_000})

    with pytest.raises(DiskFull, match=r"state\.sqlite cannot be written: database or disk is full.*same command"):
        grow()
    kept = state.count("a")
    ballast.unlink()
    state.create("a/after", {})
    assert state.count("a") == kept + 1


# A limit on the size of files needs no right to mount, so that this runs on every machine.
LIMITED = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
import itertools, os, pyarrow as pa
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.file_blobs import FileBlobs
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.core.errors import StorageFault
folder = Path(sys.argv[1])
state = SqliteState(SqliteFile(folder / "state.sqlite"))
blobs = FileBlobs(folder / "raw")
warehouse = DuckDbWarehouse(Path(sys.argv[2]))
rows = pa.table({"x": [os.urandom(64).hex() for _ in range(30_000)]})
numbers = itertools.count()

def state_grows():
    for _ in range(10):
        state.create(f"a/{next(numbers)}", {"text": "x" * 500_000})

tries = {
    "blobs": lambda: blobs.write("a", b"x" * 2**21, content_type="text/plain"),
    "state": state_grows,
    "warehouse": lambda: warehouse.load("nba_staging.big", rows, mode="replace", job_id="j"),
}
for again in range(2):
    for name, grow in tries.items():
        try:
            grow()
        except StorageFault as fault:
            print(name, type(fault).__name__, fault)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
blobs.write("a", b"x" * 2**21, content_type="text/plain", if_generation=0)
state.create("a/after", {"text": "x" * 500_000})
print("loaded", warehouse.load("nba_staging.big", rows, mode="replace", job_id="j"))
"""


def test_files_that_may_not_grow_are_said_and_grow_again_when_they_may(tmp_path: Path) -> None:
    DuckDbWarehouse(tmp_path / "warehouse.duckdb").close()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(tmp_path / "warehouse.duckdb")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:6]] == [
        ["blobs", "DiskFull"],
        ["state", "StorageFault"],
        ["warehouse", "DiskFull"],
    ] * 2
    assert all("ulimit -f" in line for line in lines[:6])
    assert lines[6:] == ["loaded 30000"]


def test_a_warehouse_without_memory_says_that_and_not_that_the_sql_is_wrong(tmp_path: Path) -> None:
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    rows = pa.table({"x": [os.urandom(64).hex() for _ in range(40_000)]})
    warehouse.load("nba_staging.big", rows, mode="replace", job_id="j")
    for setting in ("max_temp_directory_size = '0KB'", "memory_limit = '32MB'"):
        warehouse._root.execute(f"SET GLOBAL {setting}")
    with pytest.raises(StorageFault, match=r"warehouse\.duckdb .*goes on by itself"):
        warehouse.query("SELECT a.x FROM nba_staging.big AS a CROSS JOIN UNNEST(GENERATE_ARRAY(1, 40)) AS n ORDER BY x")
    warehouse._root.execute("SET GLOBAL memory_limit = '1GB'")
    assert warehouse.query("SELECT COUNT(*) AS n FROM nba_staging.big").column("n").to_pylist() == [40_000]
    warehouse.close()


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (duckdb.IOException("IO Error: Could not read from file: Input/output error"), StorageFault, "dmesg"),
        (duckdb.IOException("IO Error: Cannot open file: Too many open files"), StorageFault, "ulimit -n"),
        (duckdb.IOException("IO Error: Cannot open file: Permission denied"), StorageDenied, "chmod"),
        (duckdb.IOException("IO Error: Cannot open file: Read-only file system"), StorageDenied, "chmod"),
        (duckdb.IOException("IO Error: Could not write: Disk quota exceeded"), DiskFull, "make room"),
        (duckdb.FatalException("FATAL Error: invalidated: No space left on device"), DiskFull, "make room"),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"), StorageFault, "more memory"),
        (duckdb.SerializationException("Serialization Error: Failed to deserialize"), StorageDamaged, "clean-local"),
    ],
)
def test_what_duckdb_says_of_its_file_in_use_and_at_opening(
    tmp_path: Path, error: duckdb.Error, kind: type[StorageFault], message: str
) -> None:
    file = tmp_path / "warehouse.duckdb"
    with pytest.raises(kind, match=rf"warehouse\.duckdb .*{message}") as raised, errors("Doing", file):
        raise error
    opening = of_opening(error, file)
    assert type(raised.value) is type(opening) is kind
    assert message in str(opening)


# --- damaged files --------------------------------------------------------------------------------


def play_once(folder: Path, functions: Path) -> None:
    """A state folder that has been worked in, closed in order."""
    with open_state(folder, functions) as embedded:
        embedded.clock.set(START)
        for number in range(3):
            embedded.bus.publish("a", b"word-%d" % number)
        embedded.run_until_idle()
        for number in range(300):
            embedded.runtime.state.create(f"more/{number}", {"text": "y" * 500})


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def no_header(data: bytes) -> bytes:
    return b"\0" * 512 + data[512:]


def noise(data: bytes) -> bytes:
    return random.Random(4).randbytes(len(data))


def text(_data: bytes) -> bytes:
    return b"this is no database\n" * 1_000


def empty(_data: bytes) -> bytes:
    return b""


def noisy_pages(data: bytes) -> bytes:
    found = bytearray(data)
    for first in range(16_384, len(data) - 4_096, 32_768):
        found[first : first + 4_096] = random.Random(first).randbytes(4_096)
    return bytes(found)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with functions and a state that was worked in."""
    folder = tmp_path_factory.mktemp("whole")
    write_function(folder / "functions", "writing", WRITING)
    play_once(folder / "state", folder / "functions")
    return folder


@pytest.mark.parametrize("damage", [cut, no_header, noise, text, empty, noisy_pages])
@pytest.mark.parametrize("name", ["warehouse.duckdb", "state.sqlite"])
def test_a_damaged_file_is_named_as_damaged_and_its_advice_works(
    tmp_path: Path, whole: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    state, functions = tmp_path / "state", whole / "functions"
    shutil.copytree(whole / "state", state)
    file = state / name
    file.write_bytes(damage(file.read_bytes()))
    with (
        pytest.raises(StorageDamaged, match=rf"{name} is damaged: .*make clean-local LOCAL_DIR=") as raised,
        open_state(state, functions) as embedded,
    ):
        use_all(embedded)
    assert "process" not in raised.value.next_step
    forget(state)
    if damage is noise:  # the others need no more than this one
        play_once(state, functions)


def use_all(embedded: EmbeddedRuntime) -> None:
    """Read what the stores hold: damage within a table shows when it is read."""
    for document in embedded.runtime.state.query("more"):
        assert document.data["text"] == "y" * 500
    for dataset in ("nba_raw", "nba_predictions"):
        for table in embedded.warehouse.tables(dataset, ""):
            embedded.warehouse.query(f"SELECT COUNT(*) AS n FROM {table}")


@pytest.mark.parametrize("name", ["warehouse.duckdb", "state.sqlite"])
def test_a_file_that_is_gone_is_not_begun_anew_beside_the_other(tmp_path: Path, whole: Path, name: str) -> None:
    state, functions = tmp_path / "state", whole / "functions"
    shutil.copytree(whole / "state", state)
    (state / name).unlink()
    with pytest.raises(StorageDamaged, match=rf"{name} is damaged: it is gone"), open_state(state, functions):
        pytest.fail("half a state")
    forget(state)
    with open_state(state, functions):
        pass


@pytest.mark.parametrize("place", [0, 100, 20_000, 200_000])
def test_a_damaged_log_of_the_warehouse_is_damage_of_the_warehouse(tmp_path: Path, place: int) -> None:
    path = tmp_path / "warehouse.duckdb"
    warehouse = DuckDbWarehouse(path)
    for number in range(4):
        rows = pa.table({"x": [os.urandom(64).hex() for _ in range(1_000)]})
        warehouse.load(f"nba_staging.t{number}", rows, mode="replace", job_id=f"j{number}")
    killed = tmp_path / "killed"  # as a process leaves it that ends without closing
    killed.mkdir()
    for file in (path, path.with_name("warehouse.duckdb.wal")):
        shutil.copy(file, killed)
    warehouse.close()
    with (killed / "warehouse.duckdb.wal").open("r+b") as log:
        log.seek(place)
        log.write(b"z" * 64)
    with pytest.raises(
        StorageDamaged, match=r"warehouse\.duckdb is damaged: (it cannot be opened.*replaying WAL|its log .* begin)"
    ):
        DuckDbWarehouse(killed / "warehouse.duckdb")


@pytest.mark.parametrize("place", [0, 3, 8, 20, 31])
def test_a_damaged_log_of_the_state_is_damage_of_the_state(tmp_path: Path, place: int) -> None:
    path, killed = tmp_path / "state.sqlite", tmp_path / "killed"
    file = SqliteFile(path)
    SqliteState(file).create("a/b", {"n": 1})
    killed.mkdir()  # as a process leaves it that ends without closing
    for each in (path, path.with_name("state.sqlite-wal")):
        shutil.copy(each, killed)
    file.close()
    shutil.copytree(killed, tmp_path / "whole")
    whole = SqliteFile(tmp_path / "whole" / "state.sqlite")
    assert SqliteState(whole).count("a") == 1
    whole.close()
    with (killed / "state.sqlite-wal").open("r+b") as log:
        log.seek(place)
        log.write(b"z")
    with pytest.raises(StorageDamaged, match=r"state\.sqlite is damaged: its log state\.sqlite-wal does not begin"):
        SqliteFile(killed / "state.sqlite")


def test_a_state_with_other_tables_is_not_said_to_be_in_use(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "state.sqlite")
    file.define("CREATE TABLE documents (name TEXT)")
    with pytest.raises(StorageDamaged, match=r"it has not the tables of this version: .*Next: put back a copy"):
        SqliteState(file).get("a/b")
    file.close()


@pytest.mark.parametrize("name", ["runtime.json", "runtime.token"])
def test_a_folder_where_a_file_belongs_is_named(tmp_path: Path, whole: Path, name: str) -> None:
    state = tmp_path / "state"
    shutil.copytree(whole / "state", state)
    (state / name).mkdir()
    with pytest.raises(Fatal, match=rf"{name}.* cannot be used: .*Next: move away what lies there"):
        play_once(state, whole / "functions")


@pytest.mark.parametrize("name", ["warehouse.duckdb", "state.sqlite"])
def test_a_copy_of_the_folder_put_back_goes_on_as_it_was(tmp_path: Path, whole: Path, name: str) -> None:
    state, copy, functions = tmp_path / "state", whole / "state", whole / "functions"
    shutil.copytree(copy, state)
    (state / name).write_bytes(b"no database" * 100)
    with pytest.raises(StorageDamaged, match="put back a copy of the whole folder"), open_state(state, functions):
        pytest.fail("damaged")
    shutil.rmtree(state)
    shutil.copytree(copy, state)
    with open_state(state, functions) as embedded:
        assert embedded.runtime.state.count("done") == 3


def test_a_warehouse_damaged_while_it_is_in_use_is_named_too(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    rows = pa.table({"x": [os.urandom(64).hex() for _ in range(40_000)]})
    first = DuckDbWarehouse(path)
    first.load("nba_staging.big", rows, mode="replace", job_id="j")
    first.close()
    warehouse = DuckDbWarehouse(path)
    with path.open("r+b") as file:
        for place in range(2 * 262_144, path.stat().st_size - 4_096, 262_144):
            file.seek(place)
            file.write(b"z" * 4_096)
    with pytest.raises(StorageDamaged, match=r"warehouse\.duckdb is damaged: .*checksum"):
        warehouse.query("SELECT MAX(x) AS x FROM nba_staging.big")
    warehouse.close()


def test_a_document_that_is_no_json_any_more_is_damage_of_the_state_file(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "state.sqlite")
    state = SqliteState(file)
    for name in ("cut", "text", "bytes", "moment"):
        state.create(f"a/{name}", {"n": 1})
    with file.write() as connection:
        for name, data in {"cut": '{"n":', "text": '"n"', "bytes": b"\xff\xfe", "moment": '{"n":{"$ts":"x"}}'}.items():
            sql = "UPDATE documents SET data = CAST(? AS TEXT) WHERE id = ?"
            connection.execute(sql, (data, name))
    for name in ("cut", "text", "bytes", "moment"):
        with pytest.raises(StorageDamaged, match=r"state\.sqlite is damaged"):
            state.get(f"a/{name}")
        with pytest.raises(StorageDamaged):
            state.update(f"a/{name}", {"m": 1})
    with pytest.raises(StorageDamaged):
        state.query("a")
    file.close()


def test_a_file_that_another_process_holds_is_not_called_damaged(tmp_path: Path) -> None:
    DuckDbWarehouse(tmp_path / "warehouse.duckdb").close()
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StoreUnavailable, match=f"process {process.pid} holds it") as raised:
            DuckDbWarehouse(tmp_path / "warehouse.duckdb")
        process.kill()
    assert not isinstance(raised.value, StorageFault)


def test_who_publishes_on_a_full_disk_is_told_what_to_do(small_disk: Path, functions: Path) -> None:
    with open_state(small_disk / "state", functions) as embedded:
        fill(small_disk, leave=MIB // 2)
        client = Client(embedded.server.endpoint)
        for _ in range(2):  # the second finds the first's delivery still to come
            delivered = see_through(client.publish({"topic": "a", "message": "word"}))
            assert "make room on the disk of" in delivered.error
            assert delivered.code == FAILED
        with pytest.raises(StoreUnavailable, match="make room on the disk of"):
            client.act("/admin/idle")
        (small_disk / "ballast").unlink()
        assert client.act("/admin/idle")["pending"] == 0
        assert embedded.runtime.state.count("done") == 1


@pytest.mark.parametrize("damage", [cut, no_header, noise, text, empty])
def test_comparing_a_damaged_warehouse_says_so_and_not_that_somebody_uses_it(
    tmp_path: Path, whole: Path, damage: Callable[[bytes], bytes]
) -> None:
    shutil.copytree(whole / "state", tmp_path / "state")
    file = tmp_path / "state" / "warehouse.duckdb"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match=r"warehouse\.duckdb is damaged.*make clean-local") as raised:
        read_tables(tmp_path / "state")
    assert "stop the runtime" not in str(raised.value)
