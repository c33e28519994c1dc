"""The backfill that a command asks for by its dates: asked for again, the same one goes on."""

from __future__ import annotations

import uuid

from shared.core.pipeline import Pipeline
from shared.operations.actions.signature import Signature
from shared.operations.backfill.advancing import open_backfills
from shared.operations.backfill.changing import begin, resume
from shared.operations.backfill.planning import Wanted, plan_backfill
from shared.operations.backfill.records import Progress, get_backfill, path_of
from shared.stores.runtime import Runtime


def go_on_by_dates(runtime: Runtime, pipeline: Pipeline, wanted: Wanted, signature: Signature) -> str:
    """The key of the backfill of these dates: begun where there is none, resumed where one was
    cancelled or has failed dates. One that fetches again is another each time, unless the last of
    these dates is still open.

    Raises DataError, NotFound where nothing is to be filled.
    """
    key, name = f"by-dates-{wanted.first}-{wanted.last}", ""
    if wanted.fetch_again:
        name = uuid.uuid4().hex[:12]
        same = (wanted.first, wanted.last, True)
        unfinished = [each.id for each in open_backfills(runtime) if (each.first, each.last, each.fetch_again) == same]
        key = unfinished[0] if unfinished else f"{key}-{name}"
    if runtime.state.get(path_of(key)) is None:
        begin(runtime, plan_backfill(runtime, pipeline, wanted), signature, key, name=name)
        return key
    backfill = get_backfill(runtime.state, key)
    if backfill.cancelled_at is not None or any(each.progress is Progress.FAILED for each in backfill.units):
        resume(runtime, key, signature)
    return key
