"""A batch's models: pinned when it is opened, read once an instance, whatever serves by the time
its units run.
"""

from __future__ import annotations

from typing import Any

from shared.nba.stats import PREDICTED, Stat
from shared.science.features.names import model_features
from shared.science.model_registry.promotions import move_pointer, read_serving
from shared.science.model_registry.registry import save_models
from tests.pipeline.evening import AS_OF, PLAYERS, current_predictions, trigger
from tests.pipeline.support import PHASE5, PipelineHarness
from tests.support.models_by_stat import name_models

COORDINATOR = {"phase5_coordinator": PHASE5["phase5_coordinator"]}
WORKERS = {"phase5_worker": PHASE5["phase5_worker"]}


def files_of(stat: Stat) -> list[str]:
    """What a version of a statistic is read from, in this order: trees of points themselves are
    those of points alone, and a sum has neither trees nor a manifest of them.
    """
    folder = f"models/{stat.name}/pinned-{stat.name}"
    boosters = ("points", "minutes", "rate") if stat.name == "points" else ("minutes", "rate")
    trees = [f"{folder}/xgboost_v1/model.{each}.ubj" for each in boosters]
    manifest = f"{folder}/{'ensemble_v1' if stat.is_sum else 'xgboost_v1'}/metadata.json"
    return [manifest, *([] if stat.is_sum else trees), f"{folder}/ensemble_v1/model.json"]


class CountingReads:
    """The models bucket, and what was read from it."""

    def __init__(self, blobs: Any) -> None:
        self._blobs = blobs
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    def read(self, path: str) -> Any:
        self.reads.append(path)
        return self._blobs.read(path)


def serve(world: PipelineHarness, version: str) -> None:
    for stat in PREDICTED:
        seen = read_serving(world.models, stat)
        move_pointer(world.models, stat, seen, f"{version}-{stat}", by="test", at=AS_OF, why="test")


def test_units_predict_with_what_their_batch_pinned_and_an_instance_reads_it_once(evening: PipelineHarness) -> None:
    for version in ("pinned", "newer"):
        for name in PREDICTED:
            features = {"features": list(model_features(name))}
            save_models(evening.models, name, name_models(name, f"{version}-{name}"), features)
    serve(evening, "pinned")
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    serve(evening, "newer")
    counting = CountingReads(evening.runtime.models)
    evening.swap(models=counting)
    assert len(evening.run_until_idle(WORKERS)) == len(PLAYERS)
    pinned = [path for stat in PREDICTED.values() for path in files_of(stat)]
    assert counting.reads == pinned, "by the first unit; the others read nothing"
    evening.run_until_idle()
    found = {(each["stat"], each["system_id"]): each["model_version"] for each in current_predictions(evening)}
    for name in PREDICTED:
        assert found[name, "ensemble_v1"] == found[name, "xgboost_v1"] == f"pinned-{name}"
