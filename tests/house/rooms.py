"""The rooms of the house and their order: a room imports only rooms below it, lazy imports counted.

`make house` prints the packages, their files, lines and imports as a table.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.house.python_sources import OURS, Source, edges, sources

Floors = tuple[tuple[str, ...], ...]

# From the ground up; rooms of one floor do not know each other.
FLOORS: dict[str, Floors] = {
    "shared": (("core",), ("nba",), ("stores",), ("chain", "science"), ("operations",)),
    "shared.chain": (("messages",), ("batches",), ("resilience",), ("execution",)),
    "shared.science": (("features", "systems", "evaluation"), ("model_registry",), ("predictions",), ("training",)),
    "local": (
        ("console",),
        ("embedded", "replay", "league", "package"),
        ("host",),
        ("day",),
        ("emulators", "backtest", "bench"),
        ("cli",),
        ("cloud",),
        ("nba",),
    ),
}


def rooms(root: Path) -> list[str]:
    """Imports that go up or across between rooms, modules in no room, and rooms that no floor
    has.
    """
    found = sources(root, OURS)
    modules = {source.module for source in found}
    broken = [f"{source.path.as_posix()} lies in no room" for source in found if _is_outside(source)]
    for source in found:
        for target in sorted(set(edges(source, modules, lazy_too=True))):
            why = _why_not(source.module, target)
            if why:
                broken.append(f"{source.module} imports {target}: {why}")
    return broken


# Folders of tests/unit that are about no room: the house as a whole.
ABOUT_THE_HOUSE = {"house"}


def find_unmirrored(root: Path) -> list[str]:
    """Tests of units that lie beside no room of theirs: tests/unit/chain/batches is of
    shared/chain/batches.
    """
    units = root / "tests/unit"
    found = []
    for test in sorted(units.rglob("test_*.py")):
        folder = test.parent.relative_to(units)
        houses = (root / "shared", root)
        if folder.parts[:1] == ("shared",) or not any((house / folder).is_dir() for house in houses):
            if str(folder) not in ABOUT_THE_HOUSE:
                found.append(f"{test.relative_to(root).as_posix()} lies in the folder of no room")
        elif not folder.parts:
            found.append(f"{test.relative_to(root).as_posix()} lies in no folder")
    return found


def _is_outside(source: Source) -> bool:
    parts = source.path.parts
    return parts[0] in FLOORS and len(parts) == 2 and parts[1] != "__init__.py"


def _why_not(module: str, target: str) -> str | None:
    for house, floors in FLOORS.items():
        ours, theirs = room_of(module, house), room_of(target, house)
        if not ours or not theirs or ours == theirs:
            continue
        heights = {room: height for height, floor in enumerate(floors) for room in floor}
        unknown = sorted({ours, theirs} - heights.keys())
        if unknown:
            return f"{house} has no floor for {unknown[0]}"
        if heights[theirs] >= heights[ours]:
            return f"of {house}, {ours} lies {'beside' if heights[theirs] == heights[ours] else 'below'} {theirs}"
    return None


def room_of(module: str, house: str) -> str:
    """The room of a house that a module lies in; empty where it lies in none."""
    prefix = f"{house}."
    return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else ""


def packages(root: Path) -> Iterator[tuple[str, int, int, Counter[str]]]:
    """(package, files, lines, imports of other packages and how often) of shared/ and local/, from
    the ground up.
    """
    found = sources(root, ("shared", "local"))
    modules = {source.module for source in found}
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    imports: dict[str, Counter[str]] = defaultdict(Counter)
    for source in found:
        package = _package(source.module)
        files[package] += 1
        lines[package] += len(source.text.splitlines())
        for target in edges(source, modules, lazy_too=True):
            if _package(target) != package:
                imports[package][_package(target)] += 1
    for house in ("shared", "local"):
        for floor in FLOORS[house]:
            for room in floor:
                for package in sorted(each for each in files if each.split(".")[:2] == [house, room]):
                    yield package, files[package], lines[package], imports[package]


def _package(module: str) -> str:
    """The room, and in chain and science the room within."""
    parts = module.split(".")
    return ".".join(parts[: 3 if ".".join(parts[:2]) in FLOORS else 2])


def table(root: Path) -> str:
    """What `make house` prints."""
    heads = ("package", "files", "lines", "imports")
    rows = [heads] + [
        (package, str(files), str(lines), ", ".join(f"{name} {count}" for name, count in sorted(imports.items())))
        for package, files, lines, imports in packages(root)
    ]
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    printed = [f"{row[0]:<{wide[0]}}  {row[1]:>{wide[1]}}  {row[2]:>{wide[2]}}  {row[3]}".rstrip() for row in rows]
    broken = rooms(root)
    flat = [f"{house} {_at_the_root(root, house)}" for house in ("shared", "local")]
    lazy = sum(imports(root, lazy=True).values()) - sum(imports(root, lazy=False).values())
    notes = [
        f"Files at the root beside __init__: {', '.join(flat)}. Imports within functions, counted as well: {lazy}."
    ]
    return "\n".join([*printed, "", *notes, *(broken or ["No import goes up or across."])])


def imports(root: Path, *, lazy: bool) -> Counter[str]:
    """How often each module is imported by modules of shared/ and local/, with or without those
    within functions.
    """
    found = sources(root, ("shared", "local"))
    modules = {source.module for source in found}
    return Counter(target for source in found for target in edges(source, modules, lazy_too=lazy))


def _at_the_root(root: Path, house: str) -> int:
    return sum(1 for path in (root / house).glob("*.py") if path.name != "__init__.py")


if __name__ == "__main__":
    print(table(Path(__file__).resolve().parents[2]))
