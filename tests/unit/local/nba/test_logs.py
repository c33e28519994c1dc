"""./nba logs: of a state folder's file, and of Cloud Logging through gcloud."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.nba.cloud_logging import CloudLogging, make_filter
from local.nba.log_lines import LogFile, Wanted
from local.nba.program import main
from shared.core.errors import ConfigError, NotFound, StoreUnavailable
from tests.conftest import ROOT
from tests.support.nba import environment


def line(message: str, severity: str = "INFO", **more: Any) -> dict[str, Any]:
    return {"severity": severity, "message": message, "time": "2025-11-14T17:00:00+00:00", **more}


def write(folder: Path, *lines: dict[str, Any] | str) -> Path:
    file = folder / "logs" / "functions.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.writelines(each if isinstance(each, str) else json.dumps(each) + "\n" for each in lines)
    return file


def messages(folder: Path, count: int = 100, **wanted: str) -> list[str]:
    return [each["message"] for each in LogFile(folder, Wanted(**wanted)).latest(count)]


def test_of_a_run_of_a_function_from_a_level_on(tmp_path: Path) -> None:
    write(
        tmp_path,
        line("a", function="grading", run_id="r1"),
        line("b", "ERROR", function="grading", run_id="r2"),
        line("c", "WARNING", function="self_heal", run_id="r1"),
        line("d", "DEBUG"),
    )
    assert messages(tmp_path) == ["a", "b", "c"]
    assert messages(tmp_path, level="DEBUG") == ["a", "b", "c", "d"]
    assert messages(tmp_path, run_id="r1") == ["a", "c"]
    assert messages(tmp_path, function="grading", level="WARNING") == ["b"]
    assert messages(tmp_path, count=1) == ["c"]


def test_a_line_that_is_no_json_is_shown_and_half_a_line_is_waited_for(tmp_path: Path) -> None:
    file = write(tmp_path, "no json\n", "[1]\n", '{"message": "ha')
    log = LogFile(tmp_path, Wanted())
    assert [each["message"] for each in log.latest(9)] == ["no json", "[1]"]
    following = log.following()
    write(tmp_path, 'lf"}\n', line("next"))
    assert [next(following)["message"], next(following)["message"]] == ["half", "next"]
    assert file.is_file()


def test_a_folder_without_a_log(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no log .*functions\.jsonl\. Next: \./nba play first"):
        LogFile(tmp_path, Wanted())


def test_a_person_reads_time_level_function_and_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path,
        line("fine", function="grading", simulated_time="2025-11-14T12:00:00+00:00"),
        line("\x1b[2Jbad", "ERROR", exception="Trace\nValueError: x"),
    )
    assert main(["logs", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2025-11-14T12:00:00 INFO    grading: fine",
        "2025-11-14T17:00:00 ERROR   bad",
        "Trace",
        "ValueError: x",
    ]
    assert main(["logs", "--dir", str(tmp_path), "--level", "error", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"] == str(tmp_path / "logs" / "functions.jsonl")
    assert [each["message"] for each in document["lines"]] == ["\x1b[2Jbad"]


@contextmanager
def follow(folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "local.nba", "logs", "-f", "--dir", str(folder), *more],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 60)[0], "nothing came"
    return process.stdout.readline()


def test_following_goes_on_and_ctrl_c_ends_it_quietly(tmp_path: Path) -> None:
    write(tmp_path, line("before"))
    with follow(tmp_path) as process:
        assert read_line(process).endswith("before\n")
        write(tmp_path, line("after"))
        assert read_line(process).endswith("after\n")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")


def test_following_as_json_is_a_document_a_line(tmp_path: Path) -> None:
    write(tmp_path, line("before"))
    with follow(tmp_path, "--json") as process:
        assert json.loads(read_line(process)) == line("before")
        write(tmp_path, line("after"))
        assert json.loads(read_line(process)) == line("after")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, "", "")


def test_a_reader_that_has_gone_ends_it_quietly(tmp_path: Path) -> None:
    write(tmp_path, *(line(f"{number} {'x' * 100}") for number in range(5_000)))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "local.nba", "logs", "--dir", str(tmp_path), "--lines", "5000"],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        read_line(process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


# --- Google Cloud ---------------------------------------------------------------------------------

# Notes its arguments, and answers with a file of its folder.
GCLOUD = """#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$*" >> "$here/asked"
cat "$here/stderr" >&2
cat "$here/answer"
exit "$(cat "$here/code")"
"""


@pytest.fixture
def gcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in gcloud's place."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gcloud").write_text(GCLOUD, encoding="utf-8")
    (folder / "gcloud").chmod(0o755)
    for name, text in (("stderr", ""), ("answer", "[]"), ("code", "0")):
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def entry(number: int, **more: Any) -> dict[str, Any]:
    moment = f"2025-11-14T17:00:0{number}Z"
    return {
        "insertId": str(number),
        "timestamp": moment,
        "severity": "INFO",
        "jsonPayload": {"message": f"m{number}"},
        **more,
    }


def test_the_filter_quotes_what_it_is_given() -> None:
    asked = make_filter("dev-", Wanted(run_id='r" OR severity>=DEFAULT', function="phase6_export", level="ERROR"))
    assert asked == (
        'resource.type="cloud_run_revision" AND severity>=ERROR AND jsonPayload.run_id="r\\" OR severity>=DEFAULT"'
        ' AND resource.labels.service_name="dev-phase6-export"'
    )


def test_lines_of_gcloud_read_as_those_of_a_file(gcloud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest_first = [entry(2, jsonPayload=None, textPayload="booted"), entry(1, severity="ERROR")]
    (gcloud / "answer").write_text(json.dumps(newest_first), encoding="utf-8")
    assert main(["logs", "--project", "p", "--lines", "7", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"] == "Cloud Logging of p"
    assert [(each["severity"], each["message"]) for each in document["lines"]] == [("ERROR", "m1"), ("INFO", "booted")]
    (asked,) = (gcloud / "asked").read_text(encoding="utf-8").splitlines()
    assert asked.startswith('logging read resource.type="cloud_run_revision" AND severity>=INFO --project=p --limit=7')
    assert "--freshness=1d --order=desc" in asked


def test_what_was_given_is_not_given_again(gcloud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.nba.cloud_logging._ASK_EVERY_SECONDS", 0.0)
    (gcloud / "answer").write_text(json.dumps([entry(2), entry(1)]), encoding="utf-8")
    log = CloudLogging("p", "", Wanted())
    assert [each["message"] for each in log.latest(9)] == ["m1", "m2"]
    (gcloud / "answer").write_text(json.dumps([entry(4), entry(3), entry(2)]), encoding="utf-8")
    following = log.following()
    assert [next(following)["message"], next(following)["message"]] == ["m3", "m4"]
    assert 'AND timestamp>="2025-11-14T17:00:02Z"' in (gcloud / "asked").read_text(encoding="utf-8").splitlines()[1]


def test_what_gcloud_says_of_its_failure_is_said(gcloud: Path) -> None:
    (gcloud / "code").write_text("1", encoding="utf-8")
    (gcloud / "stderr").write_text("ERROR: (gcloud.logging.read)\n not signed in", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match=r"gcloud ended with 1: ERROR: \(gcloud.logging.read\) not signed in"):
        CloudLogging("p", "", Wanted()).latest(1)


def test_without_gcloud_or_project_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        ConfigError, match=r"not on the PATH\. Next: install it, or ask the Logs Explorer of p: resource"
    ):
        CloudLogging("p", "", Wanted())
    with pytest.raises(ConfigError, match=r"need a project\. Next: say --project"):
        CloudLogging("", "", Wanted())
