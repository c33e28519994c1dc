"""Every alert policy, every alert of a function and every check has exactly one owner in
pipeline.yaml.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from functions.monitor.watch import MONITOR as PARTS
from shared.core.conditions import Condition
from shared.core.pipeline import PIPELINE_FILE, load_pipeline
from shared.operations.checks.health import CHECKS
from shared.operations.incidents.planning import DELIVERY_CHECK
from shared.operations.incidents.receiving import UNKNOWN, UNREADABLE
from shared.operations.latency import findings as latency
from shared.operations.slowdown import slowdowns
from tests.conftest import ROOT
from tests.house.condition_owners import find_problems, list_raised

CONDITIONS = load_pipeline().conditions
POLICIES = tuple(yaml.safe_load(PIPELINE_FILE.read_text(encoding="utf-8"))["alerts"])
RAISED = list(list_raised(ROOT / "functions"))
ALERTS = {each.name for each in RAISED}
CHECK_IDS = {*(check.id for check in CHECKS), slowdowns.CHECK, latency.CHECK, DELIVERY_CHECK, PARTS}
OF_MONITOR = {*CHECK_IDS, UNKNOWN, UNREADABLE}


def test_each_condition_has_one_owner() -> None:
    assert find_problems(CONDITIONS, POLICIES, ALERTS, OF_MONITOR) == []
    assert len(ALERTS) == 10
    assert len(OF_MONITOR) >= 26


def test_every_event_that_raises_an_incident_has_one_owner() -> None:
    owners: dict[str, set[str]] = {}
    for each in RAISED:
        owners.setdefault(each.event, set()).add(CONDITIONS[each.name].owner)
    assert {"Event.CONSOLIDATION_FAILED", "Event.GAVE_UP", "Event.BATCH_PARTIAL"} <= set(owners)
    assert {event: found for event, found in owners.items() if found != {"monitor"}} == {}


@pytest.mark.parametrize(
    ("changes", "policies", "problems"),
    [
        ({"merge": None}, POLICIES, ["merge has no owner"]),
        ({"sweep": None}, POLICIES, ["sweep has no owner"]),
        ({}, (*POLICIES, "new-policy"), ["new-policy has no owner"]),
        ({"odd": Condition("monitor")}, POLICIES, ["odd is nothing that anybody could tell"]),
        ({"function-errors": Condition("monitor")}, POLICIES, ["function-errors is not monitor's"]),
        ({"sweep": Condition("google")}, POLICIES, ["sweep is not google's"]),
        ({}, (*POLICIES, "dead-letters"), ["dead-letters is told twice"]),
    ],
)
def test_an_unknown_a_double_and_a_missing_one_are_named(
    changes: dict[str, Condition | None], policies: tuple[str, ...], problems: list[str]
) -> None:
    changed = {name: each for name, each in {**CONDITIONS, **changes}.items() if each is not None}
    assert find_problems(changed, policies, ALERTS, OF_MONITOR) == problems


def test_an_alert_that_is_a_check_too_is_told_twice() -> None:
    assert find_problems(CONDITIONS, POLICIES, {*ALERTS, "merge"}, OF_MONITOR) == [
        "merge is told twice: it is an alert and a check"
    ]


def test_an_alert_of_whatever_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "new.py"
    spelt = 'alert(f"disk-full-{day}", Severity.ERROR, "t", "d", now, event=Event.DEFECT)\n'
    file.write_text(spelt, encoding="utf-8")
    (found,) = list_raised(tmp_path)
    assert (found.name, found.event) == ("disk-full", "Event.DEFECT")
    assert find_problems(CONDITIONS, POLICIES, {*ALERTS, found.name}, OF_MONITOR) == ["disk-full has no owner"]
    file.write_text(spelt.replace('f"disk-full-{day}"', "name()"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"new\.py:1: nobody can tell which alert this raises"):
        list(list_raised(tmp_path))
