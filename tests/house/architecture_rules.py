"""The rules of the house: each a function from a project folder to sentences that say where it is
broken.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.house.python_sources import OURS, Import, Source, dotted_name, edges, sources

DEPLOYED = ("functions", "shared")
MAIN_LINES = 40
# The embedded runtime's and the tests' packages, which the deployed archive does not carry.
NOT_DEPLOYED = {"duckdb", "sqlglot", "rich", "pytz", "pytest", "hypothesis", "jinja2", "matplotlib", "local", "tests"}
# Every function loads these modules at a cold start, so they must stay light.
LIGHT = (
    "shared.core.errors",
    "shared.core.clock",
    "shared.chain.messages.messages",
    "shared.chain.execution.entrypoint",
    "shared.core.settings",
)
HEAVY = {"xgboost", "scipy", "numpy", "pyarrow", "duckdb"}
WALL_CLOCK = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.sleep",
}
LEFT_UNDONE = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b")
Rule = Callable[[Path], list[str]]
SKIP_MARKS = re.compile(r"\bmark\.(?:skip|skipif|xfail)\b|\bpytest\.xfail\b")
# Here an error of any kind is the answer, once: a check that fails is red with its error.
BECOMES_A_FINDING = "shared/operations/checks/health.py"
# Two that spell out what they look for, and the one place where an emulator's failures are
# expected, strictly.
THEMSELVES = {"architecture_rules.py", "test_architecture.py", "known_gaps.py"}


def directions(root: Path) -> list[str]:
    """Imports that go a forbidden way: between the rooms, or to packages a room may not have."""
    return [
        f"{source.at(found.line)} imports {found.module or '.'}: {why}"
        for source in sources(root, OURS)
        for found in source.imports
        for why in [_why_forbidden(source, found)]
        if why
    ]


def _why_forbidden(source: Source, found: Import) -> str | None:
    parts = source.path.parts
    target = [found.module, *(f"{found.module}.{name}" for name in found.names)]
    if found.relative:
        return "imports are absolute"
    if found.top == "pandas":
        return "pandas costs a cold start seconds"
    if found.top == "matplotlib" and parts[:2] not in {("local", "backtest"), ("tests", "unit")}:
        return "only the backtest's page draws; matplotlib takes a second to load"
    if found.top == "tests":
        return "only tests import tests"
    if source.room in DEPLOYED and found.top in NOT_DEPLOYED:
        return "the deployed archive does not have it"
    if source.room != "functions" and found.top == "functions":
        return "nothing imports functions; the runner loads them as the framework does"
    if source.room == "functions" and found.top == "functions":
        own = f"functions.{parts[1]}"
        if not all(name == own or name.startswith(own + ".") for name in target[1:] or target):
            return "one function folder never imports another"
    in_gcp = parts[:3] == ("shared", "stores", "gcp")
    if any(name == "google.cloud" or name.startswith("google.cloud.") for name in target) and not in_gcp:
        return "only shared/stores/gcp imports google.cloud"
    lazily = parts == ("shared", "stores", "runtime.py") and found.lazy
    allowed = in_gcp or lazily or parts[:3] == ("local", "emulators", "emulated")
    if any(name == "shared.stores.gcp" or name.startswith("shared.stores.gcp.") for name in target) and not allowed:
        return (
            "shared/stores/gcp is imported by shared/stores/runtime.py alone, lazily, and by local/emulators/emulated"
        )
    return None


def cycles(root: Path) -> list[str]:
    """Rings of modules that import one another, lazy imports included: being lazy only hides a
    ring.
    """
    found = sources(root, OURS)
    modules = {source.module for source in found}
    graph = {source.module: sorted(set(edges(source, modules, lazy_too=True))) for source in found}
    done: set[str] = set()
    rings: list[str] = []

    def visit(module: str, trail: list[str]) -> None:
        if module in trail:
            rings.append(" -> ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for target in graph[module]:
                visit(target, [*trail, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])
    return rings


def heavy_at_start(root: Path) -> list[str]:
    """Heavy packages that loading one of the LIGHT modules would load too, with the chain that
    does.
    """
    by_module = {source.module: source for source in sources(root, OURS)}
    broken = []
    for start in LIGHT:
        chains = [[start]] if start in by_module else []
        seen = {start}
        while chains:
            chain = chains.pop()
            source = by_module[chain[-1]]
            eager = (found for found in source.imports if not found.lazy)
            broken += [" -> ".join([*chain, found.module]) for found in eager if found.top in HEAVY]
            for target in edges(source, set(by_module), lazy_too=False):
                if target not in seen:
                    seen.add(target)
                    chains.append([*chain, target])
    return broken


def long_mains(root: Path) -> list[str]:
    counts = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in root.glob("functions/*/main.py")}
    return [
        f"{file.relative_to(root).as_posix()} has {lines} lines; a handler has {MAIN_LINES} at most"
        for file, lines in sorted(counts.items())
        if lines > MAIN_LINES
    ]


def swallowed_errors(root: Path) -> list[str]:
    """Broad excepts that do not end by raising, and suppress(Exception)."""
    broken = []
    for source in sources(root):
        found = []
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _always_raises(node.body):
                found.append(f"{source.at(node.lineno)} catches everything and does not end by raising")
            if isinstance(node, ast.Call) and dotted_name(node.func) in {"suppress", "contextlib.suppress"}:
                found += [f"{source.at(node.lineno)} suppresses everything" for each in node.args if _is_broad(each)]
        broken += found[1:] if source.path.as_posix() == BECOMES_A_FINDING else found
    return broken


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(each) for each in caught.elts)
    return caught is None or dotted_name(caught).split(".")[-1] in {"Exception", "BaseException"}


def _always_raises(body: list[ast.stmt]) -> bool:
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and _always_raises(last.body) and _always_raises(last.orelse)
    if isinstance(last, ast.With):
        return _always_raises(last.body)
    return isinstance(last, ast.Raise)


def wall_clock(root: Path) -> list[str]:
    """Reads of the wall clock in deployed code outside shared/core/clock.py, and sleeps in
    tests.
    """
    broken = []
    for source in sources(root, (*DEPLOYED, "tests")):
        if source.module == "shared.core.clock":
            continue
        asked = {"time.sleep", "asyncio.sleep"} if source.room == "tests" else WALL_CLOCK
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and dotted_name(node.func) in asked:
                broken.append(f"{source.at(node.lineno)} calls {dotted_name(node.func)}; time comes from a clock")
        broken += [
            f"{source.at(found.line)} imports {name} from {found.module}; time comes from a clock"
            for found in source.imports
            for name in found.names
            if f"{found.module}.{name}" in asked
        ]
    return broken


def undone(root: Path) -> list[str]:
    """Marks of work left undone, and tests switched off, in any Python file."""
    checks: list[tuple[re.Pattern[str], str]] = [
        (LEFT_UNDONE, "says {!r}: do it, or say so elsewhere"),
        (SKIP_MARKS, "has {!r}: a test runs, or a fixture says what it needs"),
    ]
    return [
        f"{source.at(number)} {message.format(match.group())}"
        for source in sources(root)
        if source.path.name not in THEMSELVES
        for number, line in enumerate(source.text.splitlines(), 1)
        for pattern, message in checks
        for match in pattern.finditer(line)
    ]


# Which group of pyproject.toml, and which lock, a room's packages come from.
GROUPS = {"functions": "functions", "shared": "functions", "local": "local", "tests": "dev"}
Installed = Callable[[str], set[str]]
"""The distributions that provide a module."""


def find_unlocked(root: Path, installed: Installed) -> list[str]:
    """Packages imported but not in the lock of the room."""
    locked = {group: _read_locked(root / "requirements" / f"{group}.txt") for group in set(GROUPS.values())}
    return _foreign(root, installed, locked, "requirements/{}.txt does not lock it")


def find_undeclared(root: Path, installed: Installed) -> list[str]:
    """Packages imported that pyproject.toml does not name for the room: they are there because
    others need them.
    """
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    declared = {group: _read_declared(groups, group) for group in set(GROUPS.values())}
    return _foreign(root, installed, declared, "the group {} of pyproject.toml does not name it")


def _foreign(root: Path, installed: Installed, allowed: Mapping[str, set[str]], why: str) -> list[str]:
    return [
        f"{source.at(found.line)} imports {found.top}; {why.format(GROUPS[source.room])}"
        for source in sources(root)
        for found in source.imports
        if found.top and found.top not in sys.stdlib_module_names and found.top not in GROUPS
        if not installed(found.top) & allowed[GROUPS[source.room]]
    ]


def _read_declared(groups: Mapping[str, list[Any]], name: str) -> set[str]:
    """The packages a dependency group names, with those of the groups it includes."""
    found: set[str] = set()
    for entry in groups[name]:
        if isinstance(entry, dict):
            found |= _read_declared(groups, entry["include-group"])
        elif match := re.match(r"[A-Za-z0-9._-]+", entry):
            found.add(match.group().lower())
    return found


def _read_locked(requirements: Path) -> set[str]:
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return {match.group(1).lower() for line in lines if (match := re.match(r"([A-Za-z0-9._-]+)==", line))}
