"""Tonight's picks as they are exported, or why there are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.operations.picks import PATH, read_picks
from tests.support.prediction_tables import DAY, evening
from tests.unit.operations.status.world import make_whole, open_copy


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whole(tmp_path_factory.mktemp("picks") / "state")


def test_the_exported_list_is_read_as_phase_6_writes_it(exported: Path, tmp_path: Path) -> None:
    with open_copy(exported, tmp_path / "state") as opened:
        found = read_picks(opened.runtime)
        assert (found.game_date, found.is_today, found.halted) == (DAY, True, False)
        assert found.says == f"{len(found.picks)} picks of {found.candidates} candidates for today."
        assert found.picks
        assert [each.rank for each in found.picks] == list(range(1, len(found.picks) + 1))
        assert {each.side for each in found.picks} <= {"OVER", "UNDER"}
        assert {each.stat for each in found.picks} == {"points"}
        assert found.left_out == "", "nobody has a second bet"
        opened.clock.move(days=1)
        assert read_picks(opened.runtime).is_today is False


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, ""),
        ({"injuries_unknown": True, "injury_status": "unknown"}, "injuries unknown"),
        (
            {"injury_status": "QUESTIONABLE", "injury_reason": "Left Knee; Soreness", "play_probability": None},
            "QUESTIONABLE: Left Knee; Soreness",
        ),
        ({"injury_status": "PROBABLE", "play_probability": 0.95}, "PROBABLE (plays in 95%)"),
        ({"injury_status": "AVAILABLE", "play_probability": 1.0}, "AVAILABLE"),
    ],
)
def test_what_is_known_of_injuries_is_said_in_few_words(
    exported: Path, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with open_copy(exported, tmp_path / "state") as opened:
        content = json.loads(opened.runtime.exports.read(PATH).data)
        content["picks"][0] |= changes
        opened.runtime.exports.write(PATH, json.dumps(content).encode(), content_type="application/json")
        assert [each.injuries for each in read_picks(opened.runtime).picks][:2] == [says, ""]


@pytest.mark.parametrize("data", [b"nonsense", b"[]", b'{"game_date": "x"}', b'{"picks": []}'])
def test_a_file_of_another_making_is_said(tmp_path: Path, data: bytes) -> None:
    with evening(tmp_path / "state") as opened:
        opened.runtime.exports.write(PATH, data, content_type="application/json")
        found = read_picks(opened.runtime)
        assert found.says.startswith(f"{PATH} is not as phase 6 writes it: ")
        assert found.picks == ()


def test_before_the_first_export_there_are_none(tmp_path: Path) -> None:
    with evening(tmp_path / "state") as opened:
        found: Any = read_picks(opened.runtime)
        assert (found.says, found.picks) == ("No picks are exported yet.", ())
