"""The code that each function serves against the code deployed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from shared.core.code_version import FILE, code_version
from shared.core.pipeline import load_pipeline
from shared.operations.checks import probe
from shared.operations.levels import Level
from tests.unit.operations.checks.world import DAY, SAME_DAY, World, at

NEW, OLD = "bbbbbbbbbbbb", "aaaaaaaaaaaa"
# What ran within the last minutes.
REPEATED = [name for name, schedule in load_pipeline().schedules.items() if schedule.repeats]
RUN = f"{DAY}-{SAME_DAY}"


def deploy(world: World, code: str = NEW, since: datetime | None = None) -> None:
    """What the newest deployed monitor wrote of itself."""
    document = {"at": at("11:45"), "instance": "monitor", "code": code, "code_since": since or at("10:00")}
    world.set(probe.PATH, document)


def test_where_no_version_is_known_nothing_is_said(world: World, embedded: World) -> None:
    for each in (world, embedded):
        assert each.finding("code-version", "pipeline").says == "no version of deployed code is known here"


def test_every_function_that_ran_since_serves_it(world: World) -> None:
    deploy(world)
    world.run_everything()  # what ran before the roll-out had another version, or none
    for function in ("phase1_scrape", "phase2_raw"):
        world.run(function, RUN, at=at("11:31"), code=NEW)
    for schedule in ("grading-daily", "self-heal-results", *REPEATED):
        world.run_schedule(schedule, code=NEW)
    found = world.finding("code-version", "pipeline")
    assert (found.level, found.figures) == (Level.GREEN, {"code": NEW, "functions": 4 + len(REPEATED)})


@pytest.mark.parametrize(("served", "says"), [(OLD, f"code {OLD}"), ("", "code without a version")])
def test_a_function_that_serves_another_is_yellow_with_its_revision(world: World, served: str, says: str) -> None:
    deploy(world)
    world.run_everything()
    for schedule in ("grading-daily", "self-heal-results", SAME_DAY, *REPEATED):
        world.run_schedule(schedule, code=NEW)
    world.run("phase3_analytics", RUN, at=at("11:32"), code=served, owner="phase3-analytics-00007-abc-1")
    (found,) = world.result("code-version").findings
    assert (found.level, found.subject) == (Level.YELLOW, "phase3_analytics")
    assert found.says == (
        f"phase3_analytics served {says} at 2025-11-14 11:32 (phase3-analytics-00007-abc-1), deployed is {NEW}"
    )
    assert found.next_step.startswith("gcloud run services describe phase3-analytics:")


def test_while_an_apply_rolls_out_nothing_is_said(world: World) -> None:
    deploy(world, since=at("11:10"))
    world.run("phase3_analytics", RUN, at=at("11:32"), code=OLD)
    assert world.finding("code-version", "pipeline").level is Level.GREEN


def test_a_monitor_of_other_code_is_what_is_deployed_from_then_on(
    world: World, monkeypatch: Any, tmp_path: Any
) -> None:
    deploy(world, OLD)
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / FILE).write_text(f'{{"version": "{NEW}"}}', encoding="utf-8")
    monkeypatch.setattr(probe, "code_version", lambda: code_version(archive))
    assert (world.view().probe.code, world.view().probe.code_since) == (NEW, world.clock.now())
    first = world.clock.now()
    world.clock.move(minutes=15)
    assert world.view().probe.code_since == first
    monkeypatch.undo()  # a checkout leaves it
    assert (world.view().probe.code, world.view().probe.code_since) == (NEW, first)
