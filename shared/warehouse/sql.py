"""SQL text: read from the .sql file beside the code that uses it, and given the environment's dataset prefix."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from shared.errors import NotFound
from shared.warehouse.schemas import DATASETS

# A pattern of strings (plain, raw, triple-quoted) and comments: what is in them is no SQL.
STRINGS_AND_COMMENTS = (
    r"(?:[rR][bB]?|[bB][rR]?)?(?:'{3}(?:\\.|(?!'{3}).)*'{3}|\"{3}(?:\\.|(?!\"{3}).)*\"{3}"
    r"|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|--[^\n]*|\#[^\n]*|/\*.*?\*/"
)
_DATASET = rf"(?<![\w.@-])({'|'.join(DATASETS)})(?=`?\s*\.)"
_TOKEN = re.compile(f"(?:{STRINGS_AND_COMMENTS})|{_DATASET}", re.DOTALL)


@cache
def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def read_sql(package_or_folder: str | Path, name: str) -> str:
    """The text of {name}.sql: of a package's sql/ folder ("functions.phase3_analytics"), or of a folder (a Path).

    Cached for the life of the process. Raises NotFound.
    """
    folder = package_or_folder
    if isinstance(folder, str):
        folder = Path(str(files(folder))) / "sql"
    path = folder / f"{name}.sql"
    if not path.is_file():
        raise NotFound(f"There is no SQL file {path}.", next_step="correct the name, or add the file.")
    return _read(str(path))


def with_prefix(sql: str, prefix: str) -> str:
    """The SQL with every nba_* dataset name prefixed (DATASET_PREFIX); strings and comments stay as they are."""
    if not prefix:
        return sql
    return _TOKEN.sub(lambda match: prefix + match[1] if match[1] else match[0], sql)
