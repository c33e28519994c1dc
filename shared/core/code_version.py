"""Which code this is: the version that packaging wrote into the archive; a checkout has none."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from shared.core.errors import ConfigError

FILE = "code_version.json"
ROOT = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=4)
def code_version(root: Path = ROOT) -> str:
    """The first twelve digits of the SHA-256 over the archive's files; empty in a checkout.

    Raises ConfigError for a file of another form.
    """
    path = root / FILE
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no code version: {error!r}.", next_step="build the archive again.") from error
