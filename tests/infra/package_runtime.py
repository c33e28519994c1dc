"""The runtime under which packaged functions are tried out, in a process that has the archive and its lock alone.

State, bus and buckets are the embedded ones, which need nothing but Python; only the warehouse would need packages that
are not deployed. So it is out of reach, as BigQuery is at times: the functions have to say so and ask for a retry.

This file and the few modules of local/ that it imports are laid beside the archive; it imports nothing of tests/.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn, cast

from local.bus import SqliteBus
from local.file_blobs import FileBlobs
from local.sqlite_file import SqliteFile
from local.sqlite_state import SqliteState
from shared.clock import SystemClock
from shared.config import Settings
from shared.errors import StoreUnavailable
from shared.pipeline import load_pipeline
from shared.ports import Warehouse
from shared.runtime import Runtime

REASON = "The warehouse is out of reach here."


class OutOfReach:
    """A warehouse none of whose statements is answered."""

    def __getattr__(self, name: str) -> Any:
        def unanswered(*arguments: object, **options: object) -> NoReturn:
            raise StoreUnavailable(REASON, next_step=f"none: {name} is not to work here.")

        return unanswered


def warehouse_out_of_reach() -> Runtime:
    """RUNTIME=package_runtime:warehouse_out_of_reach, with its stores in the folder LOCAL_DIR."""
    folder = Path(os.environ["LOCAL_DIR"])
    folder.mkdir(exist_ok=True)
    file = SqliteFile(folder / "state.sqlite")
    clock = SystemClock()
    return Runtime(
        settings=Settings.from_environment(),
        clock=clock,
        warehouse=cast(Warehouse, OutOfReach()),
        state=SqliteState(file),
        bus=SqliteBus(file, load_pipeline(), clock),
        raw=FileBlobs(folder / "raw"),
        exports=FileBlobs(folder / "exports"),
        models=FileBlobs(folder / "models"),
        instance="packaged-1",
    )
