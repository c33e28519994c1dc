"""Prose has 100 columns at most: Markdown, and lines of SQL, YAML, Terraform and make that are
comments.

`make check` runs it; ruff's W505 does the same for Python's comments and docstrings. Exempt are
code fences, tables and headings of Markdown, which cannot be wrapped, and a line that is one word
(a URL) behind its mark.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

MOST = 100
COMMENTS = {
    **{".sql": "--", ".yaml": "#", ".yml": "#", ".tf": "#", ".hcl": "#", ".example": "#"},
    **{".toml": "#", ".awk": "#", "Makefile": "#", "run": "#"},
}
# Folders of a checkout that are no part of the project.
NOT_OURS = re.compile(r"\.(?:git|venv|local[^/]*|terraform|\w+_cache)|build|node_modules")
FENCE = re.compile(r" *(?:```|~~~)")
EXEMPT = re.compile(r"[ >]*(?:\||#)")
ONE_WORD = re.compile(r"[\s>#*-]*\S+")


def too_long(root: Path) -> list[str]:
    """Sentences that say which line of which file is how long, in the order of the files."""
    return [
        f"{file.relative_to(root).as_posix()}:{number} has {len(line)} columns; prose has {MOST} at most"
        for file in _files(root)
        for number, line in _prose(file)
        if len(line) > MOST and not ONE_WORD.fullmatch(line)
    ]


def _files(root: Path) -> list[Path]:
    """Files with prose, sorted; a folder that is not ours is not entered."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not NOT_OURS.fullmatch(name)]
        found += [file for name in names if _is_read(file := Path(folder, name))]
    return sorted(found)


def _is_read(file: Path) -> bool:
    return file.suffix == ".md" or file.suffix in COMMENTS or file.name in COMMENTS


def _prose(file: Path) -> Iterator[tuple[int, str]]:
    """Number and text of the lines that are prose."""
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    if file.suffix != ".md":
        mark = COMMENTS.get(file.suffix) or COMMENTS[file.name]
        yield from ((number, line) for number, line in lines if line.lstrip().startswith(mark))
        return
    fenced = False
    for number, line in lines:
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and not EXEMPT.match(line):
            yield number, line


def main(root: Path) -> int:
    """Print what is too long; 1 where anything is."""
    found = too_long(root)
    print("\n".join(found) or f"Prose keeps to {MOST} columns.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
