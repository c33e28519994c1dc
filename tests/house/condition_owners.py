"""Who tells operators of what: every alert of functions and every check against pipeline.yaml's
`conditions`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.core.conditions import GOOGLE, MONITOR, Condition

# Calls that raise an alert, and where its fingerprint is among their arguments.
RAISES = {"alert": 0, "batch_alert": 1, "_raise_alert": 4}


@dataclass(frozen=True)
class Raised:
    """An alert as the code raises it."""

    place: str
    name: str
    """What its fingerprint begins with, without what varies."""
    event: str


def list_raised(folder: Path) -> Iterator[Raised]:
    """The alerts that a folder's code raises.

    Raises ValueError for one whose fingerprint or event the code does not spell out.
    """
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (found := _read(node, path)) is not None:
                yield found


def _read(call: ast.Call, path: Path) -> Raised | None:
    name = ast.unparse(call.func)
    if name not in RAISES:
        return None
    place = f"{path.parent.name}/{path.name}:{call.lineno}"
    given = {each.arg: each.value for each in call.keywords}
    fingerprint: ast.expr | None = given.get("fingerprint") or call.args[RAISES[name]]
    events = [ast.unparse(each) for each in (*call.args, *given.values()) if ast.unparse(each).startswith("Event.")]
    if isinstance(fingerprint, ast.Name):
        fingerprint = _find_assigned(path, fingerprint.id)
    match fingerprint:
        case ast.JoinedStr(values=[ast.Constant(value=str(begins)), *_]) if len(events) == 1:
            return Raised(place, begins.rstrip("-"), events[0])
    if _passes_on(call):
        return None
    raise ValueError(f"{place}: nobody can tell which alert this raises")


def _find_assigned(path: Path, name: str) -> ast.expr | None:
    """What a name stands for within a file; None where it is an argument."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == [name]:
            return node.value
    return None


def _passes_on(call: ast.Call) -> bool:
    """Whether a function hands on the fingerprint and the event that it was given."""
    given = {each.arg: ast.unparse(each.value) for each in call.keywords}
    return given.get("event") == "event"


def find_problems(
    conditions: Mapping[str, Condition], policies: Collection[str], alerts: Collection[str], checks: Collection[str]
) -> list[str]:
    """What nobody tells, what two tell, and what stands there for nothing, each with its name."""
    watched = {GOOGLE: set(policies), MONITOR: {*alerts, *checks}}
    known = watched[GOOGLE] | watched[MONITOR]
    found = [f"{name} has no owner" for name in sorted(known - set(conditions))]
    found += [f"{name} is nothing that anybody could tell" for name in sorted(set(conditions) - known)]
    found += [f"{name} is told twice" for name in sorted(watched[GOOGLE] & watched[MONITOR])]
    found += [f"{name} is told twice: it is an alert and a check" for name in sorted(set(alerts) & set(checks))]
    for name in sorted(known & set(conditions)):
        owner = conditions[name].owner
        if name not in watched.get(owner, ()):
            found.append(f"{name} is not {owner}'s")
    return found
