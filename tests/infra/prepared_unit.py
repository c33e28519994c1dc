"""A unit of a real batch, for a worker to be tried out on: models in place, the batch opened by the
coordinator.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from local.bench.load.players import keep_models, lay_out
from tests.pipeline.support import NOW, PHASE5, make_template, open_world

COORDINATOR = "phase5_coordinator"


def prepare_unit(folder: Path, scratch: Path) -> dict[str, Any]:
    """Make a state folder with a batch of one player, all before the worker; returns the worker's
    message.
    """
    with open_world(folder, make_template(scratch), on_disk=True) as world:
        keep_models(world.models)
        lay_out(world.warehouse, NOW.date(), 1, NOW - timedelta(minutes=1), NOW + timedelta(hours=7))
        world.publish("nba-predictions-trigger", {"game_date": str(NOW.date()), "mode": "same_day"})
        world.run_until_idle({COORDINATOR: PHASE5[COORDINATOR]})
        (request,) = world.list_published("prediction-request")
    return request
