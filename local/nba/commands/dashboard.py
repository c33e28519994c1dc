"""The dashboard in a browser: of a state folder, or the deployed one through a proxy."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from types import FrameType
from urllib.parse import urlencode

import click

from local.console.exit_codes import TERMINATED
from local.console.lines import complain, say
from local.embedded.contents import STATE_FILE
from local.host.token import Endpoint
from local.nba.answer import Answer
from local.nba.client import HOST, find_running
from local.nba.command import command
from local.nba.exit_codes import DONE
from local.nba.place import Place
from shared.core.errors import ConfigError

# Where Terraform deploys to if nobody says otherwise (infra/terraform/variables.tf).
REGION = "us-central1"
SERVICE = "dashboard"


@command("dashboard")
@click.option("--port", type=click.IntRange(0, 65_535), help="Where to serve; 0 takes a free port.")
@click.option("--region", default="", help=f"Of the deployed dashboard; by default {REGION}.")
@click.option("--address", default="", help="Of the deployed dashboard, where you may not look it up: https://...")
def dashboard(place: Place, port: int | None, region: str, address: str) -> Answer:
    """Open the dashboard, of this machine or deployed: say its address, serve until Ctrl-C."""
    if place.on_google:
        return _open_deployed(place, port, region or REGION, address)
    if region or address:
        raise ConfigError(
            "--region and --address are of a deployed dashboard, and no project is named.", next_step="add --project."
        )
    return _open_local(place, port)


def _open_local(place: Place, port: int | None) -> Answer:
    folder = place.folder
    running = find_running(folder) if (folder / STATE_FILE).is_file() else None
    if running is not None:
        return _address(running, folder, "has it open already")
    from local.cli.serve import deliver_until_stopped, stop_on_signals
    from local.host.ports import note, port_of
    from local.host.runtime import open_runtime

    wanted = port_of(_with_port(place, port))
    with ExitStack() as opening:
        embedded = opening.enter_context(open_runtime(folder, port=wanted))
        if message := note(wanted, embedded.server.port):
            complain(message)
        stack = opening.pop_all()
    came = stop_on_signals(embedded)

    def serve() -> int:
        with stack:
            number = deliver_until_stopped(embedded, came, complain)
        return TERMINATED if number == signal.SIGTERM else DONE

    answer = _address(embedded.server.endpoint, folder, "serves it until Ctrl-C")
    return Answer(answer.document, DONE, answer.show, afterwards=serve)


def _with_port(place: Place, port: int | None) -> dict[str, str]:
    return {**place.environment, **({} if port is None else {"PORT": str(port)})}


def _address(endpoint: Endpoint, folder: Path, how: str) -> Answer:
    from local.host.gate import DASHBOARD

    address = _opening_address(endpoint, DASHBOARD.open_path)
    return Answer(
        {"address": address, "folder": str(folder)},
        DONE,
        lambda _console: say(f"{address} shows {folder}; the runtime {how}."),
    )


def _opening_address(endpoint: Endpoint, path: str) -> str:
    """The address with the token in it: a browser brings it once, and has a cookie from then
    on.
    """
    return f"http://{HOST}:{endpoint.port}{path}?{urlencode({'token': endpoint.token})}"


def _open_deployed(place: Place, port: int | None, region: str, address: str) -> Answer:
    """Serve the deployed page here: Cloud Run and the function are both sent who asks, which no
    browser does.
    """
    from local.cloud.dashboard_proxy import DashboardProxy
    from local.cloud.dashboard_service import DashboardService
    from local.cloud.gcloud import find_address
    from local.cloud.identity_token import IdentityToken
    from local.host.gate import Pages
    from local.host.ports import bind, note, port_of
    from shared.core.clock import SystemClock
    from shared.core.pipeline import load_pipeline

    if not place.project:
        raise ConfigError("No project is named.", next_step="say --project my-nba-project.")
    name = f"{place.name_prefix}{SERVICE}"
    wanted = port_of(_with_port(place, port))
    # cookies of one machine are of all its ports: each deployment's has a name of its own
    cookie = re.sub(r"[^a-z0-9]", "_", f"nba_{place.project}_{name}".lower())
    pages = Pages("", cookie, "Open the address that `./nba dashboard --project ...` has printed.")
    with ExitStack() as opening:
        found = address or find_address(name, place.project, region)
        seconds = load_pipeline().functions[SERVICE].timeout_seconds
        service = opening.enter_context(closing(DashboardService(found, IdentityToken(SystemClock()), seconds)))
        who = service.ask_who()
        server = bind(wanted, pages)
        server.mount("", DashboardProxy(service))
        server.start()
        opening.callback(server.stop)
        if message := note(wanted, server.port):
            complain(message)
        stack = opening.pop_all()
    wait = _wait_for_signal()

    def serve() -> int:
        with stack:
            return TERMINATED if wait() == signal.SIGTERM else DONE

    here = _opening_address(server.endpoint, pages.open_path)
    return Answer(
        {"address": here, "service": service.address, **who},
        DONE,
        lambda _console: say(
            f"{here} shows {service.address} as {who['who']} ({who['role']}), served here until Ctrl-C."
        ),
        afterwards=serve,
    )


def _wait_for_signal() -> Callable[[], int]:
    """From now on SIGINT and SIGTERM are what the returned function waits for; it returns the
    number.
    """
    came: list[int] = []
    ended = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        ended.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)

    def wait() -> int:
        ended.wait()
        return came[0]

    return wait
