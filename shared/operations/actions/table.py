"""All actions by name: what pages, the API and the command offer."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from shared.core.errors import NotFound
from shared.operations.actions.action import Action
from shared.operations.actions.backfills import BACKFILLS
from shared.operations.actions.incidents import INCIDENTS
from shared.operations.actions.models import MODELS
from shared.operations.actions.restores import RESTORES
from shared.operations.actions.runs import RUNS
from shared.operations.actions.switches import SWITCHES

ACTIONS: Mapping[str, Action] = {
    each.name: each for each in (*RUNS, *BACKFILLS, *RESTORES, *SWITCHES, *MODELS, *INCIDENTS)
}


def action_of(name: str) -> Action:
    """Raises NotFound with the nearest name."""
    if name not in ACTIONS:
        near = difflib.get_close_matches(name, ACTIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"say one of {', '.join(ACTIONS)}."
        raise NotFound(f"There is no action {name[:80]!r}.", next_step=hint)
    return ACTIONS[name]
