"""The table of known gaps is about tests that exist, and about nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.contract.known_gaps import GAPS, Gap, gap_of

pytestmark = pytest.mark.heavy  # collects the suites in a process of its own


@pytest.fixture(scope="module")
def collected() -> list[str]:
    """The names of the contract tests that run on an emulator, as pytest collects them."""
    suites = sorted(str(file) for file in (ROOT / "tests" / "contract").glob("test_*_contract.py"))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *suites]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.partition("::")[2] for line in listed if "::" in line]


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: f"{gap.implementation} {gap.tests}")
def test_a_gap_is_about_tests_that_exist(collected: list[str], gap: Gap) -> None:
    assert any(gap.holds_for(name) for name in collected)


def test_most_of_the_contract_is_no_gap(collected: list[str]) -> None:
    for implementation in ("bigquery", "firestore", "pubsub", "storage"):
        tests = [name for name in collected if f"[{implementation}" in name]
        gaps = [name for name in tests if gap_of(name)]
        assert len(tests) > 15, implementation
        assert len(gaps) < 0.1 * len(tests), implementation
