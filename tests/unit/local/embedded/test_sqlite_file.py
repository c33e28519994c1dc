"""The state file: kill -9 loses nothing committed, other processes are named, writes do not
nest.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.embedded import sqlite_file
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.core.errors import Fatal, StorageDamaged, StoreUnavailable
from shared.stores.ports import Transaction
from tests.conftest import ROOT


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteFile]:
    opened = SqliteFile(tmp_path / "state.sqlite", busy_timeout_ms=1)
    opened.define("CREATE TABLE IF NOT EXISTS kept (n INTEGER)")
    yield opened
    opened.close()


WRITER = """
import sys
from pathlib import Path
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
state = SqliteState(SqliteFile(Path(sys.argv[1])))
for number in range(10**9):
    state.create(f"a/{number}", {"n": number})
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert writer.stdout is not None
    with writer, writer.stdout:
        committed = [int(writer.stdout.readline()) for _ in range(200)]
        os.kill(writer.pid, signal.SIGKILL)
        committed += [int(line) for line in writer.stdout.read().splitlines()]
    file = SqliteFile(path)
    kept = {document.data["n"] for document in SqliteState(file).query("a")}
    file.close()
    assert set(committed) <= kept
    assert len(kept) <= len(committed) + 1  # at most one was committed and not told


def test_a_file_locked_by_another_process_is_unavailable_and_named(file: SqliteFile) -> None:
    state = SqliteState(file)
    other = sqlite3.connect(file.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"state\.sqlite did not answer: database is locked"):
        state.create("a/1", {})
    other.execute("ROLLBACK")
    other.close()
    state.create("a/1", {})
    assert state.count("a") == 1


def test_a_patient_write_waits_for_the_other_process_and_says_so(file: SqliteFile) -> None:
    other = sqlite3.connect(file.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    messages: list[str] = []

    def heard(text: str) -> None:
        messages.append(text)
        if len(messages) == 1:
            other.execute("ROLLBACK")

    file.on_wait = heard
    with file.write(patient=True) as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
    other.close()
    assert [("does not answer" in text, "answers again" in text) for text in messages] == [(True, False), (False, True)]
    with file.read() as connection:
        assert connection.execute("SELECT * FROM kept").fetchall() == [(1,)]


def test_patience_has_an_end(file: SqliteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "PATIENT_TRIES", 3)
    other = sqlite3.connect(file.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    messages: list[str] = []
    file.on_wait = messages.append
    with pytest.raises(StoreUnavailable, match="database is locked"), file.write(patient=True):
        pytest.fail("nobody may write here")
    other.close()
    assert len(messages) == 1, "told once, not at every try"
    with file.write(patient=True):
        pass


def test_what_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(StorageDamaged, match="not a database"):
        SqliteFile(tmp_path / "state.sqlite")


def test_a_write_inside_a_transaction_is_a_defect(file: SqliteFile) -> None:
    state = SqliteState(file)

    def body(transaction: Transaction) -> None:
        transaction.set("a/1", {})
        state.create("a/2", {})

    with pytest.raises(Fatal, match="inside another transaction"):
        state.transaction(body)
    assert state.count("a") == 0


def test_a_query_inside_a_transaction_sees_what_was_committed(file: SqliteFile) -> None:
    state = SqliteState(file)

    def body(transaction: Transaction) -> int:
        transaction.set("a/1", {})
        return state.count("a")

    assert state.transaction(body) == 0
    assert state.count("a") == 1
