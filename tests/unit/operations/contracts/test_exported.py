"""What an exported file says of itself: of a long one the header is enough, and what is none of
phase 6's making counts as none.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from local.embedded.file_blobs import FileBlobs
from shared.operations.contracts.exported import EVERYBODY, START_BYTES, ExportFile, read_files
from shared.stores.ports import Blobs
from tests.support.counted_ports import CountedPort

DAY = date(2025, 11, 14)
NOW = datetime(2025, 11, 14, 18, 0, tzinfo=UTC)
PATH = f"v1/predictions/{DAY}.json"
HEADER: dict[str, Any] = {
    "schema_version": 3,
    "game_date": str(DAY),
    "generated_at": "2025-11-14T17:05:00Z",
    "order": [3, str(DAY), 2, "2025-11-14T17:02:00.000000Z"],
    "batches": [{"batch_id": "batch_2025-11-14_r2"}],
    "halted": False,
    "sources": [],
}
MADE = ExportFile(
    epoch=3,
    batches=("batch_2025-11-14_r2",),
    content_at=datetime(2025, 11, 14, 17, 2, tzinfo=UTC),
    game_date=str(DAY),
    generated_at=datetime(2025, 11, 14, 17, 5, tzinfo=UTC),
)


def compact(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def read(folder: Path, data: bytes, path: str = PATH) -> ExportFile | None:
    blobs = FileBlobs(folder)
    blobs.write(path, data, content_type="application/json")
    return read_files(blobs, [DAY], NOW)[DAY][path]


def test_the_header_says_what_a_file_is_made_of(tmp_path: Path) -> None:
    assert read(tmp_path, compact({**HEADER, "players": [{"halted": 1}]})) == MADE
    # what follows the header is not looked at
    assert read(tmp_path, compact(HEADER)[:-1] + b',"players":[not json]}') == MADE


def test_of_a_long_file_the_start_is_read_alone(tmp_path: Path) -> None:
    blobs = CountedPort(FileBlobs(tmp_path))
    blobs.write(PATH, compact({**HEADER, "players": ["x" * 100] * 1_000}), content_type="application/json")
    blobs.reset()
    assert read_files(cast(Blobs, blobs), [DAY], NOW)[DAY][PATH] == MADE
    assert blobs.bytes_read == {PATH: START_BYTES}


def test_of_a_long_file_whose_header_comes_late_all_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, compact({"players": ["x" * 100] * 100, **HEADER})) == MADE
    many = [{"batch_id": f"batch_2025-11-14_r{n:03}"} for n in range(200)]
    found = read(tmp_path, compact({**HEADER, "batches": many}))
    assert found is not None
    assert found.batches == tuple(each["batch_id"] for each in many)
    cut_off = compact({**HEADER, "batches": many})[:-1]
    assert read(tmp_path, cut_off) is None


def test_fields_in_another_order_are_found_as_well(tmp_path: Path) -> None:
    turned = dict(reversed(HEADER.items()))
    assert read(tmp_path, json.dumps(turned, indent=1).encode()) == MADE
    assert read(tmp_path, compact(turned)) == MADE


def test_everybodys_file_names_the_players(tmp_path: Path) -> None:
    games = [{"players": [{"file": "tonight/player/alpha.json"}]}]
    found = read(tmp_path, compact({**HEADER, "games": games}), EVERYBODY)
    assert found is not None
    assert found.players == ("tonight/player/alpha.json",)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"",
        b"[1]",
        compact(HEADER)[:-1],
        compact({**HEADER, "order": None}),
        compact({**HEADER, "batches": [1]}),
        compact({**HEADER, "generated_at": "noon"}),
    ],
)
def test_what_is_none_of_phase_6s_making_counts_as_none(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path, data) is None


def test_a_file_is_read_once_for_however_many_dates(tmp_path: Path) -> None:
    blobs = CountedPort(FileBlobs(tmp_path))
    blobs.write(PATH, compact(HEADER), content_type="application/json")
    blobs.reset()
    days = [date(2025, 11, day) for day in range(1, 15)]
    found = read_files(cast(Blobs, blobs), days, NOW)
    assert found[DAY][PATH] == MADE
    assert blobs.calls.total() == len(days) * 3 + 5, "two of the date, its results, and five pointers"
