"""`make audit`: what pip-audit answers, and what it leaves unsaid.

Its answers here are as it printed them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from local.console.exit_codes import DONE, FAILED, WITH_GAPS, WRONG_INPUT
from local.package import audit
from local.package.audit import conclude, report
from tests.conftest import ROOT

CLEAN = json.dumps({"dependencies": [{"name": "uv", "version": "0.13.9", "vulns": []}], "fixes": []})
WEAK = json.dumps(
    {
        "dependencies": [
            {"name": "uv", "version": "0.13.9", "vulns": []},
            {
                "name": "urllib3",
                "version": "1.26.4",
                "vulns": [{"id": "PYSEC-2021-108", "fix_versions": ["1.26.5"], "aliases": [], "description": "..."}],
            },
            {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]},
        ],
        "fixes": [],
    }
)
SKIPPED = json.dumps(
    {"dependencies": [{"name": "uv", "skip_reason": "Dependency not found on PyPI and could not be audited: uv"}]}
)
UNREACHED = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='advisories.example.com', port=443)"


def test_nothing_known_of_any_package_is_the_only_success() -> None:
    code, lines = conclude({"lock.txt": report(CLEAN, "")}, "pypi")
    assert (code, lines) == (DONE, ["lock.txt: 1 audited, 0 known weaknesses, 0 not audited"])


def test_each_weakness_is_named_with_the_release_that_mends_it() -> None:
    code, lines = conclude({"lock.txt": report(WEAK, "")}, "pypi")
    assert code == FAILED
    assert lines[1:] == [
        "  urllib3 1.26.4: PYSEC-2021-108, mended in 1.26.5",
        "  old 1: PYSEC-1, mended in no release",
    ]


def test_a_package_that_was_skipped_is_not_audited() -> None:
    """An index without advisories: pip-audit exits 0 and says "No known vulnerabilities found"."""
    code, lines = conclude(
        {"a.txt": report(CLEAN, ""), "b.txt": report(SKIPPED, "No known vulnerabilities found")}, "pypi"
    )
    assert code == WITH_GAPS
    assert lines[-1].startswith(
        "NOT AUDITED: pypi answered for 1 packages and not for others, the first: uv: Dependency"
    )
    assert "ADVISORIES=osv" in lines[-1]


@pytest.mark.parametrize("answer", ["", "Traceback", "[]", "{}", "null"])
def test_an_index_out_of_reach_is_not_audited(answer: str) -> None:
    code, lines = conclude({"lock.txt": report(answer, f"Traceback ...\n{UNREACHED}\n")}, "osv")
    assert code == WITH_GAPS
    assert UNREACHED in lines[-1]


def test_a_weakness_outweighs_what_was_skipped() -> None:
    code, lines = conclude({"a.txt": report(SKIPPED, ""), "b.txt": report(WEAK, "")}, "pypi")
    assert code == FAILED
    assert lines[-1].startswith("NOT AUDITED")


def test_every_lock_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!{sys.executable}\nprint({CLEAN!r})\n", encoding="utf-8")
    program.chmod(0o755)
    assert audit.main([str(program)]) == DONE
    output = capsys.readouterr().out
    locks = {path.name for path in (ROOT / "requirements").glob("*.txt")}
    assert {line.partition(":")[0] for line in output.splitlines()} == locks
    assert "functions.txt" in locks
    monkeypatch.setenv("ADVISORIES", "nobody")
    assert audit.main([str(program)]) == WRONG_INPUT
    assert "ADVISORIES='nobody' is none of pypi, osv" in capsys.readouterr().err
