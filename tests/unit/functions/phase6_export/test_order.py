"""Who may overwrite whom: the order of runs, lost races, and the status that keeps the last
dates.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from functions.phase6_export.document import Document, Order, encode
from functions.phase6_export.exporters import status
from functions.phase6_export.sources import NAMES
from functions.phase6_export.validate import Coverage
from functions.phase6_export.writer import ATTEMPTS, Writer
from local.embedded.file_blobs import FileBlobs
from shared.core.errors import WriteConflict

PATH = "v1/predictions/today.json"
TODAY = date(2025, 11, 14)
MISSING = {"state": "missing", "snapshot_at": None, "age_minutes": None, "reason": "r"}
SOURCES = [{"source": name, **MISSING} for name in NAMES]
AT_11 = Order(1, "2025-11-14", 2, "2025-11-14T16:30:00Z")


def text(order: Order, word: str) -> Document:
    return Document(PATH, encode({"order": order.as_json(), "word": word}), order, 300)


def word(blobs: FileBlobs) -> Any:
    return json.loads(blobs.read(PATH).data)["word"]


@pytest.mark.parametrize(
    "newer",
    [
        Order(1, "2025-11-14", 2, "2025-11-14T18:00:00Z"),
        Order(
            1, "2025-11-14", 3, "2025-11-14T16:00:00Z"
        ),  # a newer batch counts before the moment of its consolidation
        Order(1, "2025-11-15", 1, "2025-11-15T12:00:00Z"),
        Order(2, "2025-11-01", 1, "2025-11-01T12:00:00Z"),  # simulated time played again
    ],
)
def test_an_older_run_never_overwrites_a_newer_one(tmp_path: Path, newer: Order) -> None:
    blobs = FileBlobs(tmp_path)
    writer = Writer(blobs)
    writer.write(text(newer, "newer"))
    writer.write(text(AT_11, "older"))
    assert word(blobs) == "newer"
    assert (writer.written, writer.kept) == ([PATH], [PATH])
    writer.write(text(newer, "newer again"))  # the same run once more
    assert word(blobs) == "newer again"


class RacingBlobs(FileBlobs):
    """A bucket in which another run writes the same file between our read and our write, `times`
    times.
    """

    def __init__(self, folder: Path, competitor: Order, times: int) -> None:
        super().__init__(folder)
        self._competitor, self._times = competitor, times

    def write(self, path: str, data: bytes, **options: Any) -> int:
        if self._times:
            self._times -= 1
            competitor = json.dumps({"order": self._competitor.as_json(), "word": "competitor"}).encode()
            super().write(path, competitor, content_type="application/json")
        return super().write(path, data, **options)


def test_a_lost_race_against_a_newer_run_keeps_its_file(tmp_path: Path) -> None:
    blobs = RacingBlobs(tmp_path, Order(1, "2025-11-14", 3, "2025-11-14T22:30:00Z"), times=1)
    writer = Writer(blobs)
    writer.write(text(AT_11, "ours"))
    assert word(blobs) == "competitor"
    assert writer.kept == [PATH]


def test_a_lost_race_against_an_older_run_is_run_again(tmp_path: Path) -> None:
    blobs = RacingBlobs(tmp_path, Order(1, "2025-11-14", 1, "2025-11-14T12:00:00Z"), times=ATTEMPTS - 1)
    writer = Writer(blobs)
    writer.write(text(AT_11, "ours"))
    assert word(blobs) == "ours"
    assert writer.written == [PATH]


def test_racing_is_bounded(tmp_path: Path) -> None:
    blobs = RacingBlobs(tmp_path, Order(1, "2025-11-14", 1, "2025-11-14T12:00:00Z"), times=ATTEMPTS)
    with pytest.raises(WriteConflict, match=f"{ATTEMPTS} times"):
        Writer(blobs).write(text(AT_11, "ours"))


@pytest.mark.parametrize("before", [b"not json", b"[]", b'{"order": [1]}', b"{}"])
def test_a_file_of_other_making_is_replaced(tmp_path: Path, before: bytes) -> None:
    blobs = FileBlobs(tmp_path)
    blobs.write(PATH, before, content_type="text/plain")
    Writer(blobs).write(text(AT_11, "ours"))
    assert word(blobs) == "ours"


def test_many_small_files_are_noted_in_their_order(tmp_path: Path) -> None:
    writer = Writer(FileBlobs(tmp_path))
    paths = [f"v1/tonight/player/p{number}.json" for number in range(60)]
    writer.write_all({path: partial(Document, path, encode({"order": AT_11.as_json()}), AT_11, 300) for path in paths})
    assert writer.written == paths


def test_a_file_made_of_what_it_held_before_is_written_and_noted(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    writer = Writer(blobs)
    for _ in range(2):
        writer.rewrite(PATH, lambda before: text(AT_11, "first" if before is None else f"{before['word']}, second"))
    assert word(blobs) == "first, second"
    assert writer.written == [PATH, PATH]


def test_a_file_is_compact_utf8_and_holds_no_number_that_json_does_not_know() -> None:
    assert encode({"name": "Dončić", "n": 1.5}) == '{"name":"Dončić","n":1.5}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"n": float("nan")})


def status_body(**changes: Any) -> dict[str, Any]:
    moment = "2025-11-14T17:00:00Z"
    attempt = {"game_date": "2025-11-14", "status": "success", "reason": "", "generated_at": moment}
    return {
        "schema_version": 3,
        "game_date": "2025-11-14",
        "generated_at": moment,
        "order": [1, "2025-11-14", 0, "2025-11-14T17:00:00.000000Z"],
        "batches": [],
        "halted": False,
        "halt_reason": None,
        "sources": SOURCES,
        "status": "success",
        "reason": "",
        "coverage": {"expected": 1, "covered": 1, "share": 1.0},
        "files_written": 1,
        "files_kept_newer": 0,
        "dates": [attempt],
        **changes,
    }


def test_status_keeps_the_latest_attempt_of_each_of_the_last_dates() -> None:
    start = datetime(2025, 11, 1, tzinfo=UTC)
    days = [(start + timedelta(days=n)).date().isoformat() for n in range(9)]
    body: dict[str, Any] = status_body(dates=[])
    for day in [*days, days[-1]]:
        attempt = {"game_date": day, "status": "failed", "reason": "r", "generated_at": "2025-11-14T17:00:00Z"}
        body = status_body(**status.content(attempt, {}, body if body["dates"] else None, TODAY))
    assert [each["game_date"] for each in body["dates"]] == days[:1:-1]
    assert (body["status"], body["reason"]) == ("failed", "r")


def test_a_status_of_an_unknown_form_is_forgotten() -> None:
    attempt = status_body()["dates"][0]
    assert status.content(attempt, {}, {"dates": [{"day": 1}]}, TODAY)["dates"] == [attempt]


@pytest.mark.parametrize(
    ("before", "attempt", "on_top"),
    [
        ("2025-11-14", "2025-11-14", "attempt"),  # the same date again
        ("2025-11-13", "2025-11-14", "attempt"),  # a new day
        ("2025-11-14", "2025-11-12", "before"),  # an old date again
        ("2025-11-14", "2025-11-15", "before"),  # tomorrow's
        ("2025-11-15", "2025-11-12", "attempt"),  # one that has come goes before one to come
        ("2025-11-15", "2025-11-16", "attempt"),  # none has come: the latest attempt
    ],
)
def test_the_top_level_is_of_the_newest_date_that_has_come(before: str, attempt: str, on_top: str) -> None:
    earlier = {**status_body()["dates"][0], "game_date": before}
    latest = {**earlier, "game_date": attempt, "status": "failed", "reason": "latest"}
    body = status_body(game_date=before, reason="earlier", files_written=9, dates=[earlier])
    made = status.content(latest, {"coverage": {"expected": 2}, "files_written": 3}, body, TODAY)
    header = {"game_date": attempt, "generated_at": "now", "batches": [], "sources": []}
    whole = {**header, **made}
    expected = {
        "attempt": (attempt, "now", "failed", "latest", {"expected": 2}, 3),
        "before": (before, body["generated_at"], "success", "earlier", body["coverage"], 9),
    }
    names = ("game_date", "generated_at", "status", "reason", "coverage", "files_written")
    assert tuple(whole[name] for name in names) == expected[on_top]
    assert {each["game_date"]: each["reason"] for each in made["dates"]}[attempt] == "latest"
    assert {each["game_date"] for each in made["dates"]} == {before, attempt}


def test_the_dates_of_a_status_outlive_its_form() -> None:
    """A header of an older version is not shown on top any more; what it says of the dates
    stays.
    """
    attempt = status_body()["dates"][0]
    older = {**attempt, "game_date": "2025-11-13"}
    before = {**status_body(dates=[older, {"game_date": "never"}]), "schema_version": 0}
    assert status.content(attempt, {}, before, TODAY)["dates"] == [attempt, older]


def test_the_share_of_nobody_expected_is_none_and_others_are_rounded_to_four_places() -> None:
    assert Coverage(0, 0).as_json() == {"expected": 0, "covered": 0, "share": 0.0}
    assert Coverage(3, 1).as_json()["share"] == 0.3333
