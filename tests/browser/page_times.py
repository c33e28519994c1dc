"""Prints how long each page takes on a state folder, and of how many warehouse statements it is.

python -m tests.browser.page_times FOLDER, on a copy of a folder that nobody serves. Each page is
asked for ten times, the first of which is not counted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

from functions.dashboard.app import create_app
from functions.dashboard.identity import LOCAL_USER
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.host.ports import ANY_PORT
from local.host.runtime import open_runtime
from shared.chain.batches.reading import latest_batch
from shared.core.clock import new_york_date
from shared.core.pipeline import load_pipeline
from shared.operations.picks import read_picks
from shared.stores.runtime import Runtime
from tests.support.counted_ports import CountedStores

TIMES = 10
PAGES = ("/", "/grid", "/queues", "/alerts", "/latency", "/accuracy", "/health", "/audit", "/actions/pause")


def paths_of(runtime: Runtime) -> list[str]:
    """The pages, and those of the date that is exported."""
    picks = read_picks(runtime)
    day = picks.game_date or new_york_date(runtime.clock.now())
    batch = latest_batch(runtime.state, day)
    found = [*PAGES, f"/dates/{day}/phases/phase4"]
    found += [f"/batches/{batch.batch_id}"] if batch else []
    return found + [f"/dates/{day}/players/{pick.player_lookup}" for pick in picks.picks[:1]]


def main(folder: Path) -> None:
    """Print a line for each page: milliseconds of the clock (in the middle, and at worst) and of
    the processors, and what the page asked of the stores the last time.
    """
    with open_runtime(folder, port=ANY_PORT) as embedded:
        assert isinstance(embedded.runtime.warehouse, DuckDbWarehouse)
        warehouse = embedded.runtime.warehouse
        stores = CountedStores.of(embedded.runtime)
        client = create_app(lambda: stores.runtime, load_pipeline()).test_client()
        client.environ_base[LOCAL_USER] = "times"
        heads = ("status", "statements", "state", "blobs", "blob kB", "ms", "worst", "cpu ms", "kB")
        print(f"{'page':44}" + "".join(f"{head:>11}" for head in heads))
        for path in paths_of(embedded.runtime):
            clock, processors, statements, size = [], [], 0, 0
            for _ in range(TIMES):
                stores.reset()
                before = sum(warehouse.statement_counts.values())
                began, used = time.perf_counter(), time.process_time()
                response = client.get(path, headers={"Accept": "text/html"})
                clock.append((time.perf_counter() - began) * 1_000)
                processors.append((time.process_time() - used) * 1_000)
                statements, size = sum(warehouse.statement_counts.values()) - before, len(response.data)
            figures = (
                response.status_code, statements, stores.state_reads, stores.blob_reads, stores.blob_bytes / 1_000,
                median(clock[1:]), max(clock[1:]), median(processors[1:]), size / 1_000,
            )  # fmt: skip
            print(f"{path:44}" + "".join(f"{figure:11.0f}" for figure in figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
