"""Prints how long each page takes on a state folder, and of how many warehouse statements it is.

python -m tests.browser.page_times FOLDER, on a copy of a folder that nobody serves. Each page is
asked for four times, the first of which is not counted.
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

TIMES = 4
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
    """Print a line for each page: seconds of the clock and of the processors, in the middle."""
    with open_runtime(folder, port=ANY_PORT) as embedded:
        runtime = embedded.runtime
        assert isinstance(runtime.warehouse, DuckDbWarehouse)
        client = create_app(lambda: runtime, load_pipeline()).test_client()
        client.environ_base[LOCAL_USER] = "times"
        print(f"{'page':48}{'status':>8}{'statements':>12}{'ms':>8}{'ms of processors':>18}{'kB':>7}")
        for path in paths_of(runtime):
            clock, processors, statements, size = [], [], 0, 0
            for _ in range(TIMES):
                before = sum(runtime.warehouse.statement_counts.values())
                began, used = time.perf_counter(), time.process_time()
                response = client.get(path, headers={"Accept": "text/html"})
                clock.append((time.perf_counter() - began) * 1_000)
                processors.append((time.process_time() - used) * 1_000)
                statements, size = sum(runtime.warehouse.statement_counts.values()) - before, len(response.data)
            middle, of_processors = median(clock[1:]), median(processors[1:])
            status = response.status_code
            print(f"{path:48}{status:8}{statements:12}{middle:8.0f}{of_processors:18.0f}{size / 1_000:7.0f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
