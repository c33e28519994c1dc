"""A condition of pipeline.yaml that nobody or that two would tell is refused with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.core.conditions import Condition
from shared.core.errors import ConfigError
from shared.core.pipeline import PIPELINE_FILE, load_pipeline

SWEEP = "  sweep: {owner: monitor}\n"
SILENT = "  monitor-silent: {owner: google}\n"


def test_an_alert_is_the_incident_of_its_check() -> None:
    conditions = load_pipeline().conditions
    assert conditions["consolidation-failed"] == Condition("monitor", "consolidation")
    assert conditions["batch-partial"] == Condition("monitor", "completions")
    assert conditions["sweep"] == Condition("monitor")
    assert conditions["monitor-silent"] == Condition("google")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (SWEEP, "  sweep: {owner: nobody}\n", "the condition sweep is owned by 'nobody', not by monitor or google"),
        (SWEEP, "  sweep: {owner: google}\n", "nobody tells the condition sweep: it is google's"),
        (SWEEP, SWEEP * 2, "'sweep' occurs a second time"),
        (SWEEP, "  sweep: {owner: monitor, check: sweeping}\n", "the condition sweep names 'sweeping'"),
        (SWEEP, "  sweep: {owner: monitor, check: batch-partial}\n", "the condition sweep names 'batch-partial'"),
        (SWEEP, "  sweep: {owner: monitor, check: function-errors}\n", "the condition sweep names 'function-errors'"),
        (SWEEP, "  sweep: {owner: monitor, since: today}\n", "since"),
        (SILENT, "", "the alert monitor-silent has no owner"),
        (SILENT, "  monitor-silent: {owner: monitor}\n", "monitor-silent would be told twice"),
        (SILENT, "  monitor-silent: {owner: google, check: monitor}\n", "the condition monitor-silent names 'monitor'"),
        (SILENT, SILENT + "  odd: {owner: google}\n", "nobody tells the condition odd"),
        ("conditions:\n", "conditions_of_old:\n", "'conditions'"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_name(tmp_path: Path, old: str, new: str, what: str) -> None:
    text = PIPELINE_FILE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / "pipeline.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_pipeline(path)
    assert what in refused.value.message
