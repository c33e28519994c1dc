"""What a Markdown document names, and what of it does not exist: files, folders, make targets,
tests, topics, codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from shared.core.events import Event
from shared.core.pipeline import load_pipeline

# Made by a command or by who deploys, so in no checkout.
MADE = re.compile(r"build/|infra/terraform/(?:prod|dev|staging|ENV)\.(?:tfvars|tfplan)|infra/terraform/\.terraform\b")
_FOLDERS = r"(?:functions|shared|local|infra/terraform|tests|docs|requirements|\.ci)"
_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
_TARGET = re.compile(r"(?<![\w-])make (?:-C \S+ )?(?P<target>[a-z][a-z-]+)")  # in code: prose makes things too
# A path from the top, a file at the top, a test, a topic, an event's code, and a name in a file.
_PATTERNS = (
    re.compile(rf"(?<![\w./-])(?P<path>{_FOLDERS}/[\w./-]*\w/?|(?:pipeline\.yaml|pyproject\.toml|CHANGELOG\.md))"),
    re.compile(r"\b(?P<test>test_\w+)\b(?!\.py|/)"),
    re.compile(r"\b(?P<topic>nba-[a-z0-9-]+-(?:trigger|complete|alerts))\b"),
    re.compile(r"\bevent=(?P<event>\w+)"),
    re.compile(rf"`(?P<name>\w+)` (?:in|of) (?P<file>{_FOLDERS}/[\w./-]+\.\w+|pipeline\.yaml)"),
)


def named_in(text: str) -> Iterator[re.Match[str]]:
    """Every mention, pattern by pattern; those of a name in a file have the groups name and
    file.
    """
    for code in _CODE.findall(text):
        yield from _TARGET.finditer(code)
    for pattern in _PATTERNS:
        yield from pattern.finditer(text)


def absent_from(text: str, root: Path) -> list[str]:
    """Mentions of what the project does not have, as a person would say them."""
    exists: dict[str, Callable[[str], bool]] = {
        "path": lambda path: bool(MADE.match(path)) or (root / path).exists() or _is_decision(root, path),
        "target": lambda target: target in _targets(root),
        "test": lambda test: f"def {test}(" in _tests(root) or f"{test}.py" in _test_files(root),
        "topic": lambda topic: topic in load_pipeline().topics,
        "event": lambda code: code in {event.value for event in Event},
    }
    spelled = {"target": "make {}", "event": "event={}"}
    absent = []
    for mention in named_in(text):
        found = mention.groupdict()
        if "name" in found:
            file = root / found["file"]
            if file.exists() and not _defines(file, found["name"]):
                absent.append(f"{found['name']} in {found['file']}")
            continue
        ((kind, what),) = found.items()
        if not exists[kind](what.rstrip("/.") if kind == "path" else what):
            absent.append(spelled.get(kind, "{}").format(what))
    return absent


def _is_decision(root: Path, path: str) -> bool:
    """docs/adr/0027 names a decision without its title."""
    return bool(re.fullmatch(r"docs/adr/\d{4}", path)) and any(root.glob(f"{path}-*.md"))


def _defines(file: Path, name: str) -> bool:
    """Whether a file declares the name: a function, a class, a constant, or a key of YAML."""
    return bool(re.search(rf"^(?:\s*def |class )?{re.escape(name)}\b", file.read_text(encoding="utf-8"), re.MULTILINE))


@cache
def _targets(root: Path) -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@cache
def _test_files(root: Path) -> frozenset[str]:
    return frozenset(file.name for file in (root / "tests").rglob("test_*.py"))


@cache
def _tests(root: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((root / "tests").rglob("test_*.py")))
