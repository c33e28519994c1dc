"""Plays tests, one pytest session a line of stdin, each in a fork of this process: packages are
imported once.

A program of its own, run in a copy of the project by its path; of the project nothing is imported
before the fork. A line is a JSON list of tests; the answers are the fork's process id, which leads
a group of its own, and pytest's exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

# What most tests import; what a project's tests do without may be absent.
PACKAGES = ("pytest", "_pytest.assertion.rewrite", "hypothesis", "numpy", "pyarrow", "duckdb", "sqlglot", "pydantic")


def child(tests: list[str]) -> int:
    import pytest

    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *tests]))


def main() -> None:
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError:
            print(f"without {package}", file=sys.stderr)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = child(json.loads(line))
            finally:
                os._exit(code)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
