"""What Cloud Functions loads, at the root of the deployed archive: the entry point that
FUNCTION_TARGET names.

Every function of pipeline.yaml is one, and only the one asked for is imported: a cold start does
not pay for others. What is wrong with a deployment is said here, while it starts: the new revision
never serves, the one before goes on.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

from shared.core.errors import ConfigError
from shared.core.pipeline import load_pipeline


def entry_point(name: str) -> Callable[..., Any]:
    """Import a function's entry point.

    Raises ConfigError, with the names there are, where none is called so.
    """
    names = load_pipeline().functions
    if name not in names:
        raise ConfigError(
            f"FUNCTION_TARGET is {name!r}, which is no function of pipeline.yaml.",
            next_step=f"deploy with one of {', '.join(names)}.",
        )
    found: Callable[..., Any] = getattr(importlib.import_module(f"functions.{name}.main"), name)
    return found


# The runtime itself is built at the first message: gunicorn forks after this file is loaded, and
# clients with threads (gRPC) do not survive that. That it is named at all can be seen at once.
if not os.environ.get("RUNTIME"):
    raise ConfigError("RUNTIME is not set.", next_step="deploy with RUNTIME in the function's environment.")
# A plain module attribute, not __getattr__: the framework asks with hasattr, which would swallow
# our reason.
_TARGET = os.environ.get("FUNCTION_TARGET", "")
globals()[_TARGET] = entry_point(_TARGET)
