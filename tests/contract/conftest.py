"""Emulators for the contract suites, each started at most once a session, and the table of what ran
where.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from local.emulators import google, packaged
from local.emulators.process import Absent
from shared.core.logs import configure_logging
from tests.contract import known_gaps
from tests.contract.real_project import real_project

TABLE = "CONTRACT_TABLE"
"""Set to 1, the session ends with the table of implementations by tests (`make emulators-test`
does).
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if real_project():
        return  # the service has no gaps
    here = Path(__file__).parent
    known_gaps.mark([item for item in items if item.path.is_relative_to(here)])


def _start(
    emulator: Callable[[Path], AbstractContextManager[str]], variable: str, factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The emulator's address, in the variable that the client libraries read, for the session."""
    try:
        with emulator(factory.mktemp("emulator")) as address, pytest.MonkeyPatch.context() as patch:
            patch.setenv(variable, address)
            yield address
    except Absent as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="session")
def pubsub_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _start(google.pubsub, google.PUBSUB_HOST, tmp_path_factory)


@pytest.fixture(scope="session")
def firestore_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _start(google.firestore, google.FIRESTORE_HOST, tmp_path_factory)


@pytest.fixture(scope="session")
def storage_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _start(packaged.storage, packaged.STORAGE_HOST, tmp_path_factory)


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _start(packaged.bigquery, packaged.BIGQUERY_HOST, tmp_path_factory)


@pytest.fixture(scope="session")
def real_database() -> Iterator[str]:
    """A Firestore database of the real project, for the session: making one takes minutes."""
    real = real_project()
    assert real is not None
    with real.database() as name:
        yield name


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """What a command prints that runs in this process. Its functions' log goes elsewhere: the
    streams of a test end with it, and the log stays for all.
    """
    configure_logging(sys.__stdout__)
    return capsys


@pytest.fixture
def own_name() -> str:
    """A name that no other test uses, as a project, a bucket or a prefix may be called."""
    return f"t{uuid.uuid4().hex[:12]}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get(TABLE) == "1":
        for line in contract_table(terminalreporter.stats):
            terminalreporter.line(line)


_ID = re.compile(r"tests/contract/test_(\w+)_contract\.py::(\w+)\[([\w-]+?)(?:-(?!prefixed).*)?\]$", re.DOTALL)
_SHOWN = {
    "passed": "passed",
    "xfailed": "gap",
    "failed": "FAILED",
    "xpassed": "FAILED",
    "error": "FAILED",
    "skipped": "-",
}


def contract_table(stats: dict[str, list[pytest.TestReport]]) -> list[str]:
    """For each suite its tests by implementation: passed, gap (and how many of its cases), FAILED,
    - where it did not run.
    """
    cells: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for outcome, shown in _SHOWN.items():
        for report in stats.get(outcome, []):
            match = _ID.search(report.nodeid)
            if match:
                cells[match[1]][match[2]][match[3]].append(shown)
    lines = []
    for suite, tests in sorted(cells.items()):
        names = sorted({name for found in tests.values() for name in found})
        width = max(map(len, tests))
        lines += ["", f"{suite:{width}}  " + "  ".join(f"{name:15}" for name in names).rstrip()]
        for test, found in tests.items():
            lines.append(f"{test:{width}}  " + "  ".join(f"{_cell(found.get(name, [])):15}" for name in names).rstrip())
    return lines


def _cell(shown: list[str]) -> str:
    if not shown:
        return "-"
    if len(set(shown)) == 1:
        return shown[0] if len(shown) == 1 else f"{shown[0]} ({len(shown)})"
    return ", ".join(f"{shown.count(each)} {each}" for each in ("FAILED", "gap", "passed", "-") if each in shown)
