"""The runtime under which packaged functions are tried out, in a process that has the archive and
its lock alone.

State, bus and buckets are the embedded ones, which need nothing but Python; only the warehouse
would need packages that are not deployed. So it is out of reach, as BigQuery is at times: the
functions have to say so and ask for a retry.

This file and the few modules of local/ that it imports are laid beside the archive; it imports
nothing of tests/.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn, cast

from local.embedded.bus import SqliteBus
from local.embedded.file_blobs import FileBlobs
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.stores.ports import Warehouse
from shared.stores.runtime import Runtime


class OutOfReach:
    """A warehouse none of whose methods is answered; the error says which was asked for."""

    def __getattr__(self, method: str) -> Any:
        def refuse(*arguments: object, **options: object) -> NoReturn:
            raise StoreUnavailable(f"The warehouse is out of reach for {method}.")

        return refuse


def warehouse_out_of_reach() -> Runtime:
    """RUNTIME=package_runtime:warehouse_out_of_reach, with its stores in the folder LOCAL_DIR."""
    folder = Path(os.environ["LOCAL_DIR"])
    folder.mkdir(exist_ok=True)
    file = SqliteFile(folder / "state.sqlite")
    clock = SimClock(SimulationNotes(file))  # the machine's time, or that of the folder where it has one
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
