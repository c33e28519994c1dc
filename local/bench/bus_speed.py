"""Messages per second through the embedded bus: published, pushed over HTTP to a function,
acknowledged.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from local.bench.measure import BenchFailed, Progress, time_work
from local.embedded.bus import SqliteBus
from local.embedded.sqlite_file import SqliteFile
from local.host.dispatcher import Completed, Dispatcher
from local.host.server import Server
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.core.pipeline import WORKER, load_pipeline

FUNCTION = WORKER
DATA = b"{}"


def measure(folder: Path, messages: int, progress: Progress) -> dict[str, Any]:
    """Publish so many messages to the worker's topic, with a function there that does nothing, and
    deliver them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pipeline = load_pipeline()
    topic = pipeline.functions[FUNCTION].topics[0]
    with ExitStack() as stack:
        file = stack.enter_context(closing(SqliteFile(folder / "bus.sqlite")))
        clock = SimClock(SimulationNotes(file))
        bus = SqliteBus(file, pipeline, clock)
        server = Server()
        stack.callback(server.stop)
        server.mount(f"/functions/{FUNCTION}", _answer)
        server.start()
        done, turn = 0, threading.Lock()

        def on_completed(_one: Completed) -> None:
            nonlocal done
            with turn:
                done += 1
                progress(done, messages)

        dispatcher = stack.enter_context(closing(Dispatcher(bus, clock, pipeline, server.base_url, server.token)))
        published, _ = time_work(lambda: [bus.publish(topic, DATA) for _ in range(messages)])
        delivered, _ = time_work(lambda: dispatcher.run_until_idle(on_completed))
        counters = bus.counters()
    if counters["delivered"] != messages or counters["redelivered"]:
        raise BenchFailed(f"{messages} messages were published, but the bus counted {counters}.")
    return {
        "messages": messages,
        "published_per_second": round(messages / published),
        "delivered_per_second": round(messages / delivered),
    }


@Request.application
def _answer(request: Request) -> Response:
    request.get_data()
    return Response(status=204)
