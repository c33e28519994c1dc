"""The README's picture of the pipeline is that of pipeline.yaml."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from shared.core.errors import ConfigError
from shared.core.pipeline import Schedule, load_pipeline
from tests.conftest import ROOT
from tests.house.pipeline_picture import FIRST, LAST, main, picture, with_picture

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readmes_picture_is_up_to_date() -> None:
    assert with_picture(README, load_pipeline()) == README, "make picture"


def test_every_function_is_drawn_with_its_topics_and_times() -> None:
    pipeline, drawn = load_pipeline(), picture(load_pipeline())
    asked = [name for name, function in pipeline.functions.items() if not function.http]
    assert [name for name in asked if not re.search(rf"\b{name}\b", drawn)] == []
    announced = {each.announces for each in pipeline.functions.values()} - {None, *pipeline.pull_subscriptions}
    assert [topic for topic in announced if f"-->|{topic}|" not in drawn] == []
    assert 'phase1_scrape["phase1_scrape<br/>03:30, 06:30, 07:00, 11:30, 17:30, 18:00"]' in drawn
    assert 'train_model["train_model<br/>Mon 04:00"]' in drawn
    assert 'batch_sweep["batch_sweep<br/>every 10 min"]' in drawn
    assert "dead-letter" not in drawn


def test_lines_are_what_mermaid_reads() -> None:
    lines = picture(load_pipeline()).splitlines()
    assert lines[0] == "flowchart TD"
    box, arrow, restart = r'\w+\["[\w<>/ ,:]+"\]', r"\w+ -->\|[a-z0-9-]+\| \w+", r"\w+ -\.-> \w+(?: & \w+)*"
    assert [line for line in lines[1:] if not re.fullmatch(rf"  (?:{box}|{arrow}|{restart})", line)] == []


def test_what_a_function_asks_of_itself_is_no_arrow() -> None:
    worker = load_pipeline().functions["phase5_worker"]
    assert set(worker.topics) & set(worker.publishes)
    assert "phase5_worker -->|prediction-request| phase5_worker" not in picture(load_pipeline())


def test_a_function_that_sends_nothing_is_a_box_without_an_arrow() -> None:
    pipeline = load_pipeline()
    silent = replace(pipeline.functions["self_heal"], publishes=(), topics=())
    drawn = picture(replace(pipeline, functions={"self_heal": silent}, schedules={}))
    assert drawn == 'flowchart TD\n  self_heal["self_heal"]'


def test_a_stale_picture_is_made_anew_and_nothing_else_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "README.md"
    document.write_text(f"before\n{FIRST}\nold\n{LAST}\nafter\n", encoding="utf-8")
    assert main(document) == 0
    made = document.read_text(encoding="utf-8")
    assert made == f"before\n{FIRST}\n```mermaid\n{picture(load_pipeline())}\n```\n{LAST}\nafter\n"
    assert main(document) == 0
    assert document.read_text(encoding="utf-8") == made
    assert capsys.readouterr().out.splitlines() == [
        "The picture in README.md was made anew.",
        "The picture in README.md was up to date.",
    ]


def test_a_changed_wiring_is_another_picture() -> None:
    pipeline = load_pipeline()
    moved = {**pipeline.schedules, "grading-daily": replace(pipeline.schedules["grading-daily"], cron="5 10 * * *")}
    assert 'grading["grading<br/>03:45, 06:45, 10:05"]' in picture(replace(pipeline, schedules=moved))


def test_a_function_that_nothing_starts_and_nobody_hears_is_drawn_all_the_same() -> None:
    pipeline = load_pipeline()
    alone = replace(pipeline.functions["train_model"], name="alone", topics=("nba-alone-trigger",))
    assert '  alone["alone"]' in picture(replace(pipeline, functions={"alone": alone})).splitlines()


@pytest.mark.parametrize("text", ["no marks", f"{FIRST} alone", f"{FIRST}{FIRST}{LAST}"])
def test_a_document_without_its_two_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        with_picture(text, load_pipeline())


def test_a_cron_of_another_form_is_refused() -> None:
    pipeline = load_pipeline()
    odd = Schedule("odd", "0 4 1 * *", "nba-training-trigger", {})
    with pytest.raises(ConfigError, match="'0 4 1"):
        picture(replace(pipeline, schedules={"odd": odd}))
