"""How commands end: by SIGTERM, into a pipe that nobody reads, on a folder that is removed, on a
day without games.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from local.cli.run import main as run
from local.host.runtime import open_runtime
from local.league import write_league
from local.nba.client import Client
from local.replay import Archive
from shared.core.errors import DataError
from tests.conftest import ROOT
from tests.support.embedded import function_spec, small_pipeline, write_function

pytestmark = pytest.mark.heavy  # every command in a process of its own

SMALL = small_pipeline(function_spec("work", "a"))
SERVE = """
import sys
from pathlib import Path
from local.cli import serve
from local.console.command import run_command
from local.host.runtime import open_runtime
from tests.pipeline.test_command_ends import SMALL
serve.open_runtime = lambda folder, port: open_runtime(
    folder, port=port, pipeline=SMALL, functions=Path(sys.argv[1]))
sys.exit(run_command(serve.main, then="What was not delivered yet stays in the queue."))
"""
# A command that works until it is ended.
WORKS = """
import sys, time
from local.console.command import run_command
def work():
    print("working", flush=True)
    time.sleep(60)
    return 0
sys.exit(run_command(work, then="The same command goes on where it stopped."))
"""
NAMES = """
import sys
from local.console.command import run_command
from local.console.lines import say
from local.console.plain import open_console
def work():
    say("Nikola Joki\\u0107")
    open_console().print("Nikola Joki\\u0107")
    return 0
sys.exit(run_command(work, then="Next: run it again."))
"""
# A defect that quotes a feed, which quotes the key it was asked with.
FAILS = """
import sys, threading, warnings
from local.console.command import run_command
from shared.core.redaction import protect
text = "the feed says k3y-of-the-feed of [bold]\\x1b[2JJoki\\u0107"
def fail():
    try:
        int("k3y-of-the-feed")
    except ValueError as error:
        raise LookupError(text) from error
def work():
    protect("k3y-of-the-feed")
    if sys.argv[1] == "raise":
        fail()
    if sys.argv[1] == "thread":
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    if sys.argv[1] == "warning":
        warnings.warn(text)
    return 0
sys.exit(run_command(work, then="Next: run it again."))
"""
PRINTS = """
import sys
from local.console.command import run_command
from local.console.plain import open_console
def work():
    for number in range(200_000):
        open_console().print(f"line {number}") if sys.argv[1] == "rich" else print("line", number)
    return 0
sys.exit(run_command(work, then="Next: run it again."))
"""


@contextmanager
def python(*arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    left_out = ("ARCHIVE", "DATE", "LOCAL_DIR", "PORT", "COLUMNS", "HISTORY_SEASONS")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT), **settings},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str], beginning: str = "") -> str:
    assert process.stdout is not None
    while line := process.stdout.readline():
        if line.startswith(beginning):
            return line
    pytest.fail("it ended before it said anything")


def test_sigterm_ends_with_a_sentence_and_143() -> None:
    with python("-c", WORKS) as process:
        first_line(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
        assert process.stderr is not None
        assert process.stderr.read() == "Ended by SIGTERM. The same command goes on where it stopped.\n"


def test_ctrl_c_ends_any_command_with_a_sentence_and_130() -> None:
    # a shell that runs the tests in the background has them, and what they start, ignore Ctrl-C
    with python("-c", f"import signal; signal.signal(2, signal.default_int_handler)\n{WORKS}") as process:
        first_line(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert process.stderr.read() == "Interrupted. The same command goes on where it stopped.\n"


def test_a_terminal_without_the_letters_of_a_name_gets_escapes() -> None:
    with python("-c", NAMES, PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "Nikola Joki\\u0107\nNikola Joki\\u0107\n", "")


@pytest.mark.parametrize("how", ["raise", "thread", "warning"])
def test_what_python_prints_itself_is_redacted_and_printable(how: str) -> None:
    with python("-c", FAILS, how) as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == (1 if how == "raise" else 0)
    assert "the feed says *** of [bold]Joki" in out + err
    assert "k3y-of-the-feed" not in out + err
    assert "\x1b" not in out + err


@pytest.mark.parametrize("how", ["rich", "print"])
def test_a_reader_that_has_gone_is_a_sentence_and_no_trace(how: str) -> None:
    with python("-c", PRINTS, how) as process:
        first_line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr is not None
        assert process.stderr.read() == "Ended: nobody reads the output any more. Next: run it again.\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`make serve` on a small pipeline, up, and its state folder."""
    write_function(tmp_path / "functions", "work", "def work(request):\n    return {'status': 'success'}\n")
    folder = tmp_path / "state"
    with python("-c", SERVE, str(tmp_path / "functions"), LOCAL_DIR=str(folder), PORT="0") as process:
        assert f"Serving {folder} on http://127.0.0.1:" in first_line(process, "Serving")
        first_line(process, "Publish with")
        yield process, folder


def test_serve_ends_with_143_after_sigterm(served: tuple[subprocess.Popen[str], Path]) -> None:
    process, _ = served
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (143, "Ended; what was not delivered yet stays in the queue.\n", "")


def test_serve_notices_that_its_folder_was_removed(served: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = served
    shutil.rmtree(folder)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"{folder} was removed while this process was using it" in err
    assert "Traceback" not in err


@pytest.mark.heavy
def test_serve_leaves_a_folder_alone_that_another_made_anew(
    served: tuple[subprocess.Popen[str], Path], tmp_path: Path
) -> None:
    process, folder = served
    shutil.rmtree(folder)
    with open_runtime(folder, pipeline=SMALL, functions=tmp_path / "functions"):
        process.communicate(timeout=30)
        assert process.returncode == 1
        assert (folder / "runtime.json").is_file()
        assert (folder / "runtime.token").is_file()


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=7, seasons=1, teams=4, games_per_team=20)
    return folder


def free_days(archive: Archive) -> list[date]:
    """Days within the archive without a game: the first, and the last."""
    days = archive.game_days()
    free = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days)]
    free = [day for day in free if day not in days]
    return [free[0], free[-1]]


def assert_answered(day: date, folder: Path, output: str) -> None:
    assert f"There are no games on {day}, so nothing is played. The nearest days with games are " in output
    assert not (folder / "warehouse.duckdb").exists(), "nothing was loaded"
    assert not (folder / "summary.json").exists()


def test_a_day_without_games_is_answered_before_history_is_loaded(
    league: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARCHIVE", str(league))
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    monkeypatch.delenv("PORT", raising=False)
    for day in free_days(Archive(league)):
        monkeypatch.setenv("DATE", day.isoformat())
        assert run() == 0
        assert_answered(day, tmp_path, " ".join(capsys.readouterr().out.split()))


@pytest.mark.parametrize("day", ["2025-11-27", "2025-07-04", "2024-02-16"])
def test_real_days_without_games(
    day: str,
    nba_archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Thanksgiving, the summer, the All-Star break."""
    for name, value in (("ARCHIVE", str(nba_archive)), ("LOCAL_DIR", str(tmp_path)), ("DATE", day)):
        monkeypatch.setenv(name, value)
    assert run() == 0
    output = " ".join(capsys.readouterr().out.split())
    assert_answered(date.fromisoformat(day), tmp_path, output)


@pytest.mark.heavy
@pytest.mark.parametrize("module", ["local.cli.run", "local.backtest"])
def test_a_run_ends_with_143_after_sigterm(module: str, tmp_path: Path) -> None:
    league = tmp_path / "league"
    write_league(league, seed=7, seasons=2, teams=4, games_per_team=20)
    with python("-u", "-m", module, ARCHIVE=str(league), LOCAL_DIR=str(tmp_path / "state"), PORT="0") as process:
        first_line(process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 143, err
    assert err == "Ended by SIGTERM. The same command goes on where it stopped.\n"


@pytest.mark.heavy
def test_a_run_into_head_ends_with_a_sentence(tmp_path: Path) -> None:
    league = tmp_path / "league"
    write_league(league, seed=7, seasons=2, teams=4, games_per_team=20)
    with python("-m", "local.cli.run", ARCHIVE=str(league), LOCAL_DIR=str(tmp_path / "state"), PORT="0") as process:
        first_line(process)
        assert process.stdout is not None
        process.stdout.close()
        process.wait(200)
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 141, err
    assert err == "Ended: nobody reads the output any more. The same command goes on where it stopped.\n"


def test_at_lies_within_the_archives_days(league: Path, tmp_path: Path) -> None:
    """As the runtime that replays it says; a refused moment leaves the clock alone."""
    write_function(tmp_path / "functions", "work", "def work(request):\n    return {'status': 'success'}\n")
    last = Archive(league).span[1]
    with open_runtime(tmp_path / "state", archive=league, pipeline=SMALL, functions=tmp_path / "functions") as embedded:
        asked = {"topic": "a", "message": "x", "at": f"{last + timedelta(days=40)}T12:00"}
        before = embedded.clock.now()
        with pytest.raises(DataError, match=f"lies outside the archive's days, .* to {last}, by more than a month"):
            list(Client(embedded.server.endpoint).publish(asked))
        assert embedded.clock.now() == before
        asked["at"] = f"{last}T12:00"
        assert list(Client(embedded.server.endpoint).publish(asked))[-1]["event"] == "idle"
        assert embedded.clock.now().date() == last
