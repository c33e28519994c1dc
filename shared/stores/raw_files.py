"""The raw files between phase 1, which writes them once, and phase 2, which reads them: path and
format in one place.

raw/{source}/{kind}/{game_date}/{snapshot}.json.gz holds the responses exactly as they came, each
with its request: {"run_id", "fetched_at", "source", "kind", "game_date", "failed", "responses":
[{"name", "request", "headers", "body"}]}
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from shared.core.clock import YEARS
from shared.core.errors import DataError
from shared.core.redaction import redact_json
from shared.nba.feed_json import read_json

CONTENT_TYPE = "application/gzip"
ROOT = "raw"
# Repetitive JSON: level 3 is three times as fast as 6 and costs a tenth more bytes.
_LEVEL = 3
_PATH = re.compile(
    rf"{ROOT}/(?P<source>[^/]+)/(?P<kind>[^/]+)/(?P<day>\d{{4}}-\d\d-\d\d)/(?P<snapshot>[^/\0\ud800-\udfff]{{1,200}})\.json\.gz"
)


@dataclass(frozen=True)
class RawFile:
    """One raw file as phase 1 announces it; `rows` are the games, box-score rows, events or teams
    in it.
    """

    source: str
    kind: str
    game_date: date
    path: str
    rows: int

    def to_message(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "kind": self.kind,
            "game_date": self.game_date.isoformat(),
            "path": self.path,
            "rows": self.rows,
        }


@dataclass(frozen=True)
class Response:
    """One response to be kept: its request without secrets, the quota headers, and the body as it
    came (JSON).
    """

    name: str
    request: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RawAnswer:
    """One response as read back."""

    name: str
    request: Mapping[str, Any]
    body: Any


@dataclass(frozen=True)
class RawContent:
    """A raw file as read back; `failed` says which parts the source did not give, and why."""

    source: str
    kind: str
    game_date: date
    run_id: str
    fetched_at: datetime
    failed: Mapping[str, str]
    answers: Sequence[RawAnswer]

    def answers_named(self, name: str) -> list[RawAnswer]:
        return [answer for answer in self.answers if answer.name == name]


def raw_folder(source: str, kind: str, game_date: date | None = None) -> str:
    """The prefix of a kind's files, of one day or of all."""
    return f"{ROOT}/{source}/{kind}/" + (f"{game_date.isoformat()}/" if game_date else "")


def raw_path(source: str, kind: str, game_date: date, fetched_at: datetime, key: str) -> str:
    """Names sort by the time of the fetch; `key` tells executions apart and lets a retry find its
    own files.
    """
    return f"{raw_folder(source, kind, game_date)}{fetched_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{key}.json.gz"


def parse_raw_path(path: str) -> tuple[str, str, date]:
    """(source, kind, game_date) of a path. Raises DataError for any other path."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise DataError(
            f"{path!r} is no raw file.", next_step=f"name a file {ROOT}/source/kind/YYYY-MM-DD/snapshot.json.gz."
        )
    try:
        day = date.fromisoformat(match["day"])
        if day.year not in YEARS:
            raise ValueError(f"year {day.year}")
        return match["source"], match["kind"], day
    except ValueError:
        raise DataError(f"{path!r} names no calendar day.", next_step="correct the path.") from None


def parse_snapshot_time(path: str) -> datetime | None:
    """Parse when a file was fetched from its name; None where the name does not say."""
    try:
        return datetime.strptime(path.rpartition("/")[2].partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def encode_raw(
    source: str,
    kind: str,
    game_date: date,
    run_id: str,
    fetched_at: datetime,
    responses: Sequence[Response],
    failed: Mapping[str, str],
) -> bytes:
    """The file's bytes, the same for the same input.

    Bodies are spliced in as they came, not parsed and rewritten.
    """
    head = {
        "source": source,
        "kind": kind,
        "game_date": game_date.isoformat(),
        "run_id": run_id,
        "fetched_at": fetched_at.astimezone(UTC).isoformat(),
        "failed": redact_json(dict(sorted(failed.items()))),
    }
    parts = [_json_bytes(head)[:-1], b',"responses":[']
    for number, response in enumerate(responses):
        about = {"name": response.name, "request": dict(response.request), "headers": dict(response.headers)}
        parts += [b"," if number else b"", _json_bytes(redact_json(about))[:-1]]
        parts += [b',"body":', response.body, b"}"]
    return gzip.compress(b"".join([*parts, b"]}"]), _LEVEL, mtime=0)


def _json_bytes(value: Mapping[str, Any]) -> bytes:
    """UTF-8, with a lone surrogate (which has no UTF-8) as the escape that JSON has for it."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def decode_raw(path: str, data: bytes) -> RawContent:
    """Read a file back.

    Raises DataError naming the path where it is cut short or another format.
    """
    source, kind, game_date = parse_raw_path(path)
    try:
        content = read_json(gzip.decompress(data))
        fetched_at = datetime.fromisoformat(content["fetched_at"])
        if fetched_at.tzinfo is None:
            raise ValueError(f"fetched_at {content['fetched_at']!r} has no time zone")
        return RawContent(
            source=source,
            kind=kind,
            game_date=game_date,
            run_id=str(content["run_id"]),
            fetched_at=fetched_at,
            failed=dict(content.get("failed", {})),
            answers=[RawAnswer(item["name"], item["request"], item["body"]) for item in content["responses"]],
        )
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} cannot be read as a raw file: {type(error).__name__}: {error}.",
            next_step="remove the file and run phase 1 for the date again.",
        ) from error
