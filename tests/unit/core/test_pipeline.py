"""pipeline.yaml as typed data: what is no description of a pipeline is refused with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from shared.core.errors import ConfigError
from shared.core.pipeline import PIPELINE_FILE, load_pipeline


def write_altered(folder: Path, before: str, after: str) -> Path:
    """A copy of pipeline.yaml in which a text that occurs once is another."""
    text = PIPELINE_FILE.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file = folder / "pipeline.yaml"
    file.write_text(text.replace(before, after), encoding="utf-8")
    return file


def test_two_functions_of_one_name_are_refused_with_the_line(tmp_path: Path) -> None:
    file = write_altered(tmp_path, "\n  phase5_worker:\n", "\n  phase5_coordinator:\n")
    lines = file.read_text(encoding="utf-8").splitlines()
    second = [number for number, line in enumerate(lines, 1) if line == "  phase5_coordinator:"][1]
    with pytest.raises(ConfigError) as refused:
        load_pipeline(file)
    assert str(file) in refused.value.message
    assert f"the key 'phase5_coordinator' occurs a second time in line {second}" in refused.value.message


def test_a_setting_that_a_function_has_twice_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("functions:\n  a:\n    phase: phase1\n    memory_mb: 256\n    memory_mb: 512\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="the key 'memory_mb' occurs a second time in line 5"):
        load_pipeline(file)


def test_the_same_key_in_two_maps_is_no_second_time() -> None:
    functions = load_pipeline().functions
    assert len({function.memory_mb for function in functions.values()}) > 1


@pytest.mark.parametrize(
    ("text", "what"), [("functions: [", "line 1"), ("functions: {}\n", "'schedules'"), ("[]\n", "list")]
)
def test_what_is_no_pipeline_is_refused_with_what_is_wrong(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="is not a pipeline description") as refused:
        load_pipeline(file)
    assert what in refused.value.message


def test_a_deadline_is_of_new_yorks_day_or_of_the_last_games_end() -> None:
    export, graded = load_pipeline().deadlines
    day, end = date(2025, 11, 14), datetime(2025, 11, 15, 6, 0, tzinfo=UTC)
    assert (export.name, export.phase, export.of(day, None)) == (
        "export",
        "phase6",
        datetime(2025, 11, 14, 18, 0, tzinfo=UTC),
    )
    assert export.of(date(2025, 7, 1), end) == datetime(2025, 7, 1, 17, 0, tzinfo=UTC), "New York's summer"
    assert (graded.name, graded.phase, graded.of(day, end)) == ("graded", "grading", end + timedelta(hours=6))
    assert graded.of(day, None) is None


@pytest.mark.parametrize(
    ("after", "what"),
    [
        ("    within_hours: 6\n    by: '11:00'\n", "one of by and within_hours"),
        ("", "one of by and within_hours"),
        ("    by: noon\n", "noon"),
        ("    within_hours: soon\n", "soon"),
    ],
)
def test_a_deadline_of_no_moment_is_refused(tmp_path: Path, after: str, what: str) -> None:
    file = write_altered(tmp_path, "    within_hours: 6\n", after)
    with pytest.raises(ConfigError, match="is not a pipeline description") as refused:
        load_pipeline(file)
    assert what in refused.value.message
