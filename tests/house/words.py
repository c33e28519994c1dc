"""The words of the house: one word for one thing, the field's own, and where an old one still
stands.

`make words` prints each old word with what stands for it and how often the old one is left.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from tests.house.python_sources import Source, dotted_name, sources


class Scope(Enum):
    """Which names a word is old for; stored names are texts, and no text is looked at."""

    IDENTIFIER = "any identifier"
    FUNCTION = "functions"
    MODULE = "modules"


@dataclass(frozen=True)
class Word:
    """An old word as a regular expression that a whole name matches, underscores before it left
    aside.
    """

    old: str
    new: str
    scope: Scope

    def is_name(self, name: str) -> bool:
        """Whether a whole name is the old word."""
        return re.fullmatch(self.old, name.lstrip("_")) is not None


@dataclass(frozen=True)
class Finding:
    """An old word at path:line."""

    place: str
    name: str
    word: Word

    def __str__(self) -> str:
        return f"{self.place} {self.name}: say {self.word.new} ({self.word.scope.value})"


IRREGULAR = (
    "begun|built|drawn|given|gone|held|kept|known|left|lost|made|meant|met|said|seen|sent|shown|taken|told|won|written"
)

WORDS = (
    Word("crashpoints?", "failpoints", Scope.IDENTIFIER),
    Word("crashpoints", "failpoints", Scope.MODULE),
    Word("Playable|DayBus|DayStores", "SimulationHost, HostBus, HostStores", Scope.IDENTIFIER),
    Word("Stretch", "DateSpan", Scope.IDENTIFIER),
    Word("BELIEVED|FIRMNESS|MOST_WORSE", "PRIOR_WEIGHTS, PRIOR_PRECISION, MAX_REGRESSION", Scope.IDENTIFIER),
    Word("GATHERED|gather_sql", "compacted, compaction_sql", Scope.IDENTIFIER),
    Word("ownership", "folder_lock", Scope.MODULE),
    Word("owned", "lock_folder", Scope.FUNCTION),
    Word("tell|tell_once", "write_owner, report, log, or record", Scope.FUNCTION),
    Word("Tell", "Report", Scope.IDENTIFIER),
    Word("said|told|untold", "message, description, or what it is; point_forecast()", Scope.IDENTIFIER),
    Word("rival|rivals|Rival|find_rival", "champion, challenger, or competitor", Scope.IDENTIFIER),
    Word("rival", "champion", Scope.MODULE),
    Word("twin|twins|load_twin|twin_before|TWIN", "holdout_model, holdout_before", Scope.IDENTIFIER),
    Word("hold|release_open", "defer, release_deferred; locks.acquire", Scope.FUNCTION),
    Word("gates|Passage|Stop", "admission, Admission, Rejection", Scope.IDENTIFIER),
    Word("ends_run", "is_last_of_run", Scope.IDENTIFIER),
    Word("held", "scheduled_games; deferred for messages", Scope.IDENTIFIER),
    Word("as_moment|read_moment|parsed_moment", "parse_timestamp", Scope.IDENTIFIER),
    Word("moments?|instant|timestamp|iso", "parse_timestamp, format_timestamp, or what is parsed", Scope.FUNCTION),
    Word("moments", "simulated_time", Scope.MODULE),
    Word("an?_\\w+", "a verb, or what it makes", Scope.FUNCTION),
    # "need", "feed", "seed", "speed" and the like are no participles.
    Word(
        f"(?!\\w*eed$)[a-z]+ed|{IRREGULAR}",
        "a verb: list_dead_letters, sign_action, open_host",
        Scope.FUNCTION,
    ),
)

# What takes no part: an attribute computed when it is read is named as an attribute, a fixture as
# what a test is given.
ATTRIBUTES = ("property", "cached_property", "functools.cached_property")
FIXTURES = ("pytest.fixture",)


def find_old_words(root: Path) -> list[str]:
    """Where an old word stands, as path:line name."""
    return [str(finding) for finding in find_all(root)]


def find_all(root: Path) -> Iterator[Finding]:
    """Old words in all Python files, tests included; each name of a line once."""
    for source in sources(root):
        seen: set[tuple[int, str, Word]] = set()
        for scope, name, line in names(source):
            for word in _words_of(scope, name):
                if (line, name, word) not in seen:
                    seen.add((line, name, word))
                    yield Finding(source.at(line), name, word)


@cache  # a name stands in the code a hundred times
def _words_of(scope: Scope, name: str) -> tuple[Word, ...]:
    return tuple(word for word in WORDS if word.scope == scope and word.is_name(name))


def names(source: Source) -> Iterator[tuple[Scope, str, int]]:
    """The names that a file gives or uses, those in f-strings too; another package's module keeps
    its attributes.
    """
    yield Scope.MODULE, source.path.stem, 1
    for node in ast.walk(source.tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Scope.IDENTIFIER, node.name, node.lineno
                if not _is_attribute(node):
                    yield Scope.FUNCTION, node.name, node.lineno
            case ast.ClassDef():
                yield Scope.IDENTIFIER, node.name, node.lineno
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield Scope.IDENTIFIER, name, node.lineno
            case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.MatchAs(name=str(name)):
                yield Scope.IDENTIFIER, name, node.lineno
            case ast.ExceptHandler(name=str(name)):
                yield Scope.IDENTIFIER, name, node.lineno
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                for alias in aliases:
                    yield Scope.IDENTIFIER, alias.asname or alias.name, node.lineno


def _is_attribute(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    found = [dotted_name(each.func if isinstance(each, ast.Call) else each) for each in node.decorator_list]
    return any(each in (*ATTRIBUTES, *FIXTURES) or each.endswith(".setter") for each in found)


def table(root: Path) -> str:
    """Write what `make words` prints: old, new, scope, and how often the old word is left."""
    found = [finding.word for finding in find_all(root)]
    rows = [("old", "new", "scope", "left")]
    rows += [(word.old, word.new, word.scope.value, str(found.count(word))) for word in WORDS]
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:<{wide[2]}}  {left:>4}" for a, b, c, left in rows)


if __name__ == "__main__":
    project = Path(__file__).parents[2]
    print(table(project))
    print("", *find_old_words(project), sep="\n")
