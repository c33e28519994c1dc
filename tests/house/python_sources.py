"""Reads the project's Python files: what each imports, and when."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

OURS = ("functions", "shared", "local")


@dataclass(frozen=True)
class Import:
    """One imported module, the names taken from it, and whether it is imported lazily (in a
    function).
    """

    module: str
    names: tuple[str, ...]
    line: int
    lazy: bool
    relative: bool = False

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Source:
    """One Python file: `path` is relative to the project, `module` its dotted name."""

    path: Path
    text: str

    @property
    def module(self) -> str:
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        return self.path.parts[0]

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree, kept for all rules.

        The collector neither looks for garbage among a million nodes that are alive while they are
        made, nor again whenever a later test of this process makes some.
        """
        gc.disable()
        try:
            return ast.parse(self.text, filename=str(self.path))
        finally:
            gc.freeze()
            gc.enable()

    @cached_property
    def imports(self) -> list[Import]:
        return list(_imports(self.tree, lazy=False))

    def at(self, line: int) -> str:
        return f"{self.path.as_posix()}:{line}"


def sources(root: Path, rooms: tuple[str, ...] = (*OURS, "tests")) -> list[Source]:
    """The Python files of these rooms, in the order of their paths."""
    files = sorted(file for room in rooms for file in (root / room).rglob("*.py"))
    return [_source(file.relative_to(root), file.read_text(encoding="utf-8")) for file in files]


@cache
def _source(path: Path, text: str) -> Source:
    """One object for one text, so that twenty rules parse it once."""
    return Source(path, text)


def _imports(node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, (), child.lineno, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            names = tuple(alias.name for alias in child.names)
            yield Import(child.module or "", names, child.lineno, lazy, relative=child.level > 0)
        elif isinstance(child, ast.Call) and (named := _imported_by_name(child)):
            yield Import(named, (), child.lineno, lazy=True)
        if isinstance(child, ast.If) and dotted_name(child.test).endswith("TYPE_CHECKING"):
            continue  # read by the type checker alone, never executed
        within = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(child, within)


def _imported_by_name(call: ast.Call) -> str | None:
    if dotted_name(call.func) not in {"import_module", "importlib.import_module"} or not call.args:
        return None
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` of a chain of names; empty parts where it is anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return ""


def edges(source: Source, modules: set[str], lazy_too: bool) -> Iterator[str]:
    """Our modules that this one imports: a submodule where a name is one, else the module
    itself.
    """
    for found in source.imports:
        if found.lazy and not lazy_too:
            continue
        taken = [name for each in found.names if (name := f"{found.module}.{each}") in modules]
        yield from taken
        if found.module in modules and (len(taken) < len(found.names) or not found.names):
            yield found.module
