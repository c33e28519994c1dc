"""A batch's models: pinned when it is opened, read once an instance, whatever serves by the time
its units run.
"""

from __future__ import annotations

from typing import Any

from shared.science.features.names import model_features
from shared.science.model_registry.promotions import move_pointer, read_serving
from shared.science.model_registry.registry import save_models
from tests.pipeline.evening import AS_OF, PLAYERS, current_predictions, trigger
from tests.pipeline.support import PHASE5, PipelineHarness
from tests.support.systems_models import train_named

COORDINATOR = {"phase5_coordinator": PHASE5["phase5_coordinator"]}
WORKERS = {"phase5_worker": PHASE5["phase5_worker"]}
TREES = [f"pinned/xgboost_v1/model.{each}.ubj" for each in ("points", "minutes", "rate")]
FILES = ("pinned/xgboost_v1/metadata.json", *TREES, "pinned/ensemble_v1/model.json")


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
    move_pointer(world.models, "points", read_serving(world.models, "points"), version, by="test", at=AS_OF, why="test")


def test_units_predict_with_what_their_batch_pinned_and_an_instance_reads_it_once(evening: PipelineHarness) -> None:
    for version in ("pinned", "newer"):
        save_models(evening.models, "points", train_named(version), {"features": list(model_features())})
    serve(evening, "pinned")
    trigger(evening)
    evening.run_until_idle(COORDINATOR)
    serve(evening, "newer")
    counting = CountingReads(evening.runtime.models)
    evening.swap(models=counting)
    assert len(evening.run_until_idle(WORKERS)) == len(PLAYERS)
    assert counting.reads == [f"models/points/{path}" for path in FILES], "by the first unit; the others read nothing"
    evening.run_until_idle()
    versions = {each["system_id"]: each["model_version"] for each in current_predictions(evening)}
    assert (versions["xgboost_v1"], versions["ensemble_v1"]) == ("pinned", "pinned")
