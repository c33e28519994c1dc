"""SQL text: read from the .sql file beside the code that uses it, and given the environment's
dataset prefix.

A rule that several files need is a fragment (fragments/NAME.sql): {{features_moment(c.)}} in a file
is replaced by its text, with what stands between the brackets for $1, $2 ... A fragment that is
about one statistic is given every base statistic by *, its column of a box score by `columns`, and
every statistic but points by `others`: {{stat_form(*)}} is its text for each, with commas between,
or with what the fragment's head says ("-- Joined by OR.").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from shared.core.errors import NotFound, SchemaMismatch
from shared.nba.stats import BASE_STATS, OTHERS, STATS
from shared.stores.warehouse.schemas import DATASETS

# A pattern of strings (plain, raw, triple-quoted) and comments: what is in them is no SQL.
STRINGS_AND_COMMENTS = (
    r"(?:[rR][bB]?|[bB][rR]?)?(?:'{3}(?:\\.|(?!'{3}).)*'{3}|\"{3}(?:\\.|(?!\"{3}).)*\"{3}"
    r"|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|--[^\n]*|\#[^\n]*|/\*.*?\*/"
)
_DATASET = rf"(?<![\w.@-])({'|'.join(DATASETS)})(?=`?\s*\.)"
_TOKEN = re.compile(f"(?:{STRINGS_AND_COMMENTS})|{_DATASET}", re.DOTALL)


FRAGMENTS = Path(__file__).parent / "fragments"
_USE = re.compile(r"\{\{(\w+)\(([^()]*)\)\}\}")
_PLACE = re.compile(r"\$([1-9])")
# What stands for several statistics, one after the other.
_SEVERAL = {
    "*": BASE_STATS,
    "columns": tuple(STATS[stat].column for stat in BASE_STATS),
    "others": tuple(OTHERS),
}
_JOINED = re.compile(r"^-- Joined by (\w+)\.$", re.MULTILINE)


@cache
def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


@cache
def _fragment(name: str) -> str:
    """A fragment without the comment at its head: that is about the fragment, not about where it is
    used.
    """
    lines = _fragment_file(name).splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def _fragment_file(name: str) -> str:
    path = FRAGMENTS / f"{name}.sql"
    if not path.is_file():
        raise NotFound(f"There is no SQL fragment {path}.", next_step="correct the name, or add the file.")
    return _read(str(path))


def _between(name: str) -> str:
    """What stands between the texts of a fragment for several statistics."""
    joined = _JOINED.search(_fragment_file(name))
    return f" {joined[1]} " if joined else ",\n    "


def expand_fragments(sql: str) -> str:
    """The SQL with every {{fragment(...)}} replaced. Raises NotFound for one that is not there.

    Raises SchemaMismatch where a use gives more or fewer values than the fragment has places for,
    or lists of statistics that do not go together.
    """

    def fill(fragment: str, values: Sequence[str]) -> str:
        return _PLACE.sub(lambda place: values[int(place[1]) - 1], fragment)

    def text(use: re.Match[str]) -> str:
        values = [value.strip() for value in use[2].split(",")]
        fragment = _fragment(use[1])
        places = len(set(_PLACE.findall(fragment)))
        if len(values) != max(1, places):
            raise SchemaMismatch(
                f"{use[0]} gives {len(values)} values to a fragment of {places}.", next_step="see the fragment's head."
            )
        several = {len(_SEVERAL[value]) for value in values if value in _SEVERAL}
        if not several:
            return fill(fragment, values)
        if len(several) > 1:
            raise SchemaMismatch(
                f"{use[0]} gives lists of {sorted(several)} statistics.", next_step="give * and columns, or others."
            )
        each = ([_SEVERAL[value][k] if value in _SEVERAL else value for value in values] for k in range(several.pop()))
        return _between(use[1]).join(fill(fragment, values_of) for values_of in each)

    return _USE.sub(text, sql)


def read_sql(package_or_folder: str | Path, name: str) -> str:
    """The text of {name}.sql: of a package's sql/ folder ("functions.phase3_analytics"), or of a
    folder (a Path).

    Its fragments are in it. Cached for the life of the process. Raises NotFound.
    """
    folder = package_or_folder
    if isinstance(folder, str):
        folder = Path(str(files(folder))) / "sql"
    path = folder / f"{name}.sql"
    if not path.is_file():
        raise NotFound(f"There is no SQL file {path}.", next_step="correct the name, or add the file.")
    return _whole(str(path))


@cache
def _whole(path: str) -> str:
    return expand_fragments(_read(path))


def with_prefix(sql: str, prefix: str) -> str:
    """The SQL with every nba_* dataset name prefixed (DATASET_PREFIX); strings and comments stay as
    they are.
    """
    if not prefix:
        return sql
    return _TOKEN.sub(lambda match: prefix + match[1] if match[1] else match[0], sql)
