"""What `make package-report` prints of the starts it measured, and how it finds Pythons."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.package.cold_start import Start, typical
from local.package.environment import clean_environment, find_python
from local.package.report import table
from shared.core.errors import ConfigError


def make_start(milliseconds: float, *modules: str) -> Start:
    return Start(milliseconds * 2, milliseconds, milliseconds + 40, frozenset(modules))


NO_PEAK = Start(2.0, 1.0, None, frozenset())  # as other systems than Linux give it


def test_a_row_for_each_entry_point_with_the_heavy_packages_it_loads() -> None:
    starts = {
        "grading": make_start(10, "functions.grading.main", "numpy", "numpy.linalg", "json"),
        "phase6_export": make_start(30.4, "jsonschema.validators"),
        "self_heal": make_start(5, "yaml"),
        "batch_sweep": NO_PEAK,
    }
    assert list(table(starts))[2:] == [
        "| grading | 20 | 10 | 50 | 4 | numpy |",
        "| phase6_export | 61 | 30 | 70 | 1 | jsonschema |",
        "| self_heal | 10 | 5 | 45 | 1 | none |",
        "| batch_sweep | 2 | 1 | ? | 0 | none |",
    ]


def test_the_typical_start_is_the_median_of_each_figure() -> None:
    one_slow = [make_start(10, "a"), make_start(900, "a"), make_start(12, "a")]
    assert typical(one_slow) == make_start(12, "a")
    assert typical([NO_PEAK, NO_PEAK]) == NO_PEAK


def test_the_python_that_runs_the_tests_is_found() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = find_python(version)
    assert found is not None
    assert found.name == f"python{version}"


def test_a_python_that_is_only_a_stand_in_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyenv puts a python3.12 on the PATH that fails unless that version was chosen."""
    stand_in = tmp_path / "python9.9"
    stand_in.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    stand_in.chmod(0o755)
    other = tmp_path / "python9.8"
    other.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert find_python("9.9") is None
    assert find_python("9.8") is None, "it is another version than its name says"
    with pytest.raises(ConfigError, match=r"no Python 9\.9 with venv"):
        clean_environment("9.9", tmp_path / "requirements.txt")
