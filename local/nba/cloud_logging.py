"""The functions' lines in Cloud Logging, read by gcloud as you are signed in: no client library of
it is among ours.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

from local.nba.log_lines import Line, Wanted
from shared.core.errors import ConfigError, StoreUnavailable

# gcloud takes about two seconds a call; a line is there some seconds after it was written.
_ASK_EVERY_SECONDS = 5.0
_MOST_AT_ONCE = 1_000
_TIMEOUT_SECONDS = 60.0


class CloudLogging:
    """Lines of a project's functions, of the last day.

    Raises ConfigError without a project or without gcloud.
    """

    def __init__(self, project: str, name_prefix: str, wanted: Wanted) -> None:
        if not project:
            raise ConfigError("Logs on Google Cloud need a project.", next_step="say --project my-nba-project.")
        self.filter = make_filter(name_prefix, wanted)
        gcloud = shutil.which("gcloud")
        if gcloud is None:
            raise ConfigError(
                "Logs of Google Cloud are read by gcloud, which is not on the PATH.",
                next_step=f"install it, or ask the Logs Explorer of {project}: {self.filter}",
            )
        self._gcloud = gcloud
        self._project = project
        self.name = f"Cloud Logging of {project}"
        self._seen: set[str] = set()
        self._newest = ""

    def latest(self, count: int) -> list[Line]:
        """The latest so many lines of the last day, the oldest first.

        Raises StoreUnavailable with gcloud's own words.
        """
        return self._new(self._read(self.filter, count))

    def following(self) -> Iterator[Line]:
        """Lines as they come, without an end."""
        while True:
            time.sleep(_ASK_EVERY_SECONDS)
            since = f' AND timestamp>="{self._newest}"' if self._newest else ""
            yield from self._new(self._read(self.filter + since, _MOST_AT_ONCE))

    def _new(self, entries: Sequence[dict[str, Any]]) -> list[Line]:
        """What was not given before, the oldest first."""
        new = [each for each in reversed(entries) if each.get("insertId") not in self._seen]
        self._seen.update(str(each.get("insertId")) for each in new)
        self._newest = max([self._newest, *(str(each["timestamp"]) for each in new)])
        return [_line(each) for each in new]

    def _read(self, query: str, count: int) -> list[dict[str, Any]]:
        command = [self._gcloud, "logging", "read", query, f"--project={self._project}", f"--limit={count}"]
        options = ["--format=json", "--freshness=1d", "--order=desc", "--quiet"]
        try:
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise StoreUnavailable(f"gcloud did not answer within {_TIMEOUT_SECONDS:g} s.") from error
        if done.returncode:
            message = " ".join(done.stderr.split())[:500]
            raise StoreUnavailable(f"gcloud ended with {done.returncode}: {message}", next_step="gcloud auth login")
        return list(json.loads(done.stdout or "[]"))


def make_filter(name_prefix: str, wanted: Wanted) -> str:
    """What is wanted as Cloud Logging's filter; a text in it is quoted."""
    service = f"{name_prefix}{wanted.function.replace('_', '-')}" if wanted.function else ""
    parts = [
        'resource.type="cloud_run_revision"',
        f"severity>={wanted.level}",
        f"jsonPayload.run_id={json.dumps(wanted.run_id)}" if wanted.run_id else "",
        f"resource.labels.service_name={json.dumps(service)}" if service else "",
    ]
    return " AND ".join(part for part in parts if part)


def _line(entry: dict[str, Any]) -> Line:
    """An entry as the functions log it on one machine."""
    payload = entry.get("jsonPayload") or {"message": entry.get("textPayload", "")}
    return {"time": entry["timestamp"], "severity": entry.get("severity", "DEFAULT"), **payload}
