"""What all tests share: the real archive's place, Hypothesis made repeatable, and CI's rule that
nothing it must have may be skipped.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# A table fits the terminal that COLUMNS names: what tests compare must not depend on whose it is.
os.environ.pop("COLUMNS", None)

# The same examples on every machine and no example database: a red test is red for all, and again
# tomorrow.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, print_blob=True)
settings.load_profile("repeatable")

# Every commit of the stores waits for the disk; in memory the tests of stores take half as long.
MEMORY = Path("/dev/shm")
# What all workers of a session hold at a time, and as much again.
MOST_AT_ONCE = 4 * 2**30

ALLOWED_IN_CI = "allowed in CI:"
_skips_ci_forbids = pytest.StashKey[list[str]]()


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Generator[None]:
    """Give back the known secrets as a test found them, and no width of a terminal: both are of the
    whole process, and the next test may be any other.
    """
    redaction = sys.modules.get("shared.core.redaction")
    known = vars(redaction)["_known"] if redaction else None
    yield
    if redaction:
        vars(redaction)["_known"] = known
    os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="session")
def nba_archive() -> Path:
    """The folder of real data, beside the checkout or where NBA_ARCHIVE says; skips where it is
    absent.
    """
    folder = Path(os.environ.get("NBA_ARCHIVE") or ROOT.parent / "shared" / "nba")
    if not (folder / "schedule.parquet").is_file():
        pytest.skip(f"needs the real archive; {folder} has no schedule.parquet (NBA_ARCHIVE names another)")
    return folder


def _note_skip(config: pytest.Config, nodeid: str, report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(ALLOWED_IN_CI):
        config.stash[_skips_ci_forbids].append(f"{nodeid}: {reason}")


class _SkipGate:
    """Fails a session under CI=true in which a test was skipped for something that CI must have."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        config.stash[_skips_ci_forbids] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        _note_skip(self.config, report.nodeid, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        _note_skip(self.config, report.nodeid, report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.config.stash[_skips_ci_forbids] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        forbidden = self.config.stash[_skips_ci_forbids]
        if forbidden:
            terminalreporter.section("skipped in CI, where everything must be present", red=True)
            for line in forbidden:
                terminalreporter.line(line)
            terminalreporter.line(f"Install what is missing, or begin the reason with '{ALLOWED_IN_CI}'.")


# What only `make test-all` waits for: a process of Google's emulators, an environment that is set
# up for the test, or Terraform with its provider. Modules of many seeds and whole emulated days
# carry the mark themselves.
HEAVY_FIXTURES = frozenset({"python", "deployed_python"})
HEAVY_IMPLEMENTATIONS = frozenset({"bigquery", "firestore", "pubsub", "storage"})


def _is_heavy(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    if item.path.name.startswith("test_terraform_"):
        return True
    if HEAVY_FIXTURES.intersection(fixtures) or any(name.endswith("_emulator") for name in fixtures):
        return True
    if not item.path.is_relative_to(ROOT / "tests" / "contract") or not hasattr(item, "callspec"):
        return False
    return any(isinstance(p, str) and p in HEAVY_IMPLEMENTATIONS for p in item.callspec.params.values())


@pytest.hookimpl(tryfirst=True)  # before -m chooses by the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_heavy(item):
            item.add_marker("heavy")


def pytest_collection_finish() -> None:
    """What is alive once all is imported and collected stays so: the collector leaves it alone."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Odd characters that a test has logged cannot travel from a worker to pytest-xdist's main
    process.
    """
    report = yield
    report.sections = [(title, text.encode(errors="replace").decode()) for title, text in report.sections]
    return report


def has_room(folder: Path, needed: int) -> bool:
    """Whether a folder has so many bytes left, and may hold programs (tests write and start
    some).
    """
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= needed and not found.f_flag & os.ST_NOEXEC


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.basetemp and has_room(MEMORY, MOST_AT_ONCE):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(_SkipGate(config), "skip-gate")
