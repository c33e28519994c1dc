"""What a function comes to by imports: its own folder, and the read models and actions of
shared/operations, which touch tables and documents for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.conftest import ROOT
from tests.house.python_sources import Source, sources

OPERATIONS = Path("shared/operations")


def list_imports(source: Source) -> set[str]:
    """Full names of what is imported: modules, and modules taken from packages."""
    return {name for each in source.imports for name in (each.module, *(f"{each.module}.{n}" for n in each.names))}


@cache
def list_reached(function: str) -> tuple[Source, ...]:
    """A function's files, and those of shared/operations that they come to by imports."""
    of_operations = {each.module: each for each in sources(ROOT, ("shared",)) if each.path.is_relative_to(OPERATIONS)}
    found = [each for each in sources(ROOT, ("functions",)) if each.path.parts[1] == function]
    known = {each.module for each in found}
    for source in found:  # it grows while it is walked
        new = (list_imports(source) & set(of_operations)) - known
        found += [of_operations[module] for module in sorted(new)]
        known |= new
    return tuple(found)


def list_statements(function: str) -> list[Path]:
    """SQL files of a function's folder and of the packages of operations that it comes to."""
    folders = {source.path.parent for source in list_reached(function) if source.path.is_relative_to(OPERATIONS)}
    below = [ROOT / "functions" / function, *(ROOT / folder / "sql" for folder in sorted(folders))]
    return [path for folder in below for path in sorted(folder.rglob("*.sql"))]
