"""The embedded runtime: a state folder opened as the ports' implementations, its functions served
on one port.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from flask import Flask, Response

from local.embedded.bus import SqliteBus
from local.embedded.contents import STATE_FILE as STATE_FILE
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.file_blobs import FileBlobs
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from local.embedded.storage_faults import check_room, check_state_beside, check_warehouse_there
from local.host.admin import Simulated, create_admin_app
from local.host.admin_backfill import backfilling
from local.host.dispatcher import Dispatcher, Listener
from local.host.folder_lock import OwnedFolder, lock_folder, state_folder
from local.host.kept_archive import keep_archive, read_kept_archive
from local.host.logs import logs_to
from local.host.ports import ANY_PORT, Port, bind
from local.host.server import FUNCTIONS as FUNCTIONS
from local.host.server import Server, mount_functions
from local.host.simulated_clock import SimClock, SimulationNotes
from local.host.simulated_time import Span
from local.host.simulation_host import HostStores
from local.replay import Archive, create_replay_app
from shared.chain.execution.ledger import void_leases_of_dead_owners
from shared.chain.resilience.locks import void_locks_of_dead_owners
from shared.core.clock import SystemClock
from shared.core.errors import ConfigError
from shared.core.pipeline import Pipeline, load_pipeline
from shared.core.settings import Settings
from shared.science.model_registry.migrate import migrate_models
from shared.stores.runtime import Runtime, use_runtime

logger = logging.getLogger(__name__)

STARTS = "starts"  # the note that counts them: made once the stores are open
WAREHOUSE_FILE = "warehouse.duckdb"


@dataclass(frozen=True)
class Stores:
    """What a state folder holds, opened."""

    folder: OwnedFolder
    file: SqliteFile
    simulation: SimulationNotes
    clock: SimClock
    state: SqliteState
    bus: SqliteBus
    warehouse: DuckDbWarehouse
    raw: FileBlobs
    exports: FileBlobs
    models: FileBlobs

    def runtime(self, settings: Settings) -> Runtime:
        """The ports as functions get them; `instance` is another at every start, so leases of a
        dead process show.
        """
        return Runtime.of(
            self,
            settings=settings,
            clock=self.clock,
            epoch=self.clock.epoch,
            instance=f"local-{self.simulation.next(STARTS)}",
            machine=SystemClock(),
        )


class EmbeddedRuntime:
    """An open state folder with everything running on it.

    Its runtime is installed for the functions' use.
    """

    def __init__(self, stores: Stores, server: Server, dispatcher: Dispatcher, runtime: Runtime) -> None:
        self.stores = stores
        self.clock = stores.clock
        self.bus = stores.bus
        self.warehouse = stores.warehouse
        self.server = server
        self.dispatcher = dispatcher
        self.runtime = runtime
        self.playing = ""  # the day that a person has played just now; its time is not set from outside
        use_runtime(runtime)

    @property
    def folder(self) -> Path:
        return self.stores.folder.path

    @property
    def described(self) -> str:
        return "embedded: DuckDB, SQLite and files"

    def retrigger(self, game_date: str) -> str:
        message = f'{{"game_date":"{game_date}"}}'
        return f"./nba publish nba-phase6-export-trigger '{message}' --why 'once more' --dir {quote(str(self.folder))}"

    def new_epoch(self) -> int:
        """Begin simulated time once more; functions called from now on see the new epoch."""
        self.runtime = replace(self.runtime, epoch=self.clock.new_epoch())
        use_runtime(self.runtime)
        return self.runtime.epoch

    def run_until_idle(self, on_completed: Listener | None = None) -> None:
        """Deliver until nothing is pending (see Dispatcher)."""
        self.dispatcher.run_until_idle(on_completed)


@contextmanager
def open_runtime(
    folder: Path,
    *,
    archive: Path | None = None,
    port: Port = ANY_PORT,
    pipeline: Pipeline | None = None,
    functions: Path = FUNCTIONS,
    deliver_twice: bool | None = None,
    shuffle_seed: int | None = None,
) -> Iterator[EmbeddedRuntime]:
    """Open a state folder (made where it is missing), load the functions, serve everything on one
    port.

    What an earlier process left in flight is due again, and its leases are void. Nothing is
    delivered before run_until_idle. The functions' logs go to logs/functions.jsonl.

    Args:
        archive: what the replay server replays; kept, so that a later opening without it goes on
            with the same. Raises OtherArchive where the folder's days come from another.
        port: where to serve; by default any free port.
        deliver_twice, shuffle_seed: see SqliteBus; None takes DELIVER_TWICE=1 and SHUFFLE_SEED from
            the environment.

    Raises FolderBusy where a living process owns the folder; ArchiveError, SchemaMismatch,
    ConfigError; DiskFull, StorageDenied and StorageDamaged with what mends it.
    """
    pipeline = pipeline or load_pipeline()
    with ExitStack() as stack:
        stores = _open_stores(
            stack,
            folder,
            pipeline,
            deliver_twice=os.environ.get("DELIVER_TWICE") == "1" if deliver_twice is None else deliver_twice,
            shuffle_seed=_seed_from_environment() if shuffle_seed is None else shuffle_seed,
        )
        stack.enter_context(logs_to(folder / "logs" / "functions.jsonl", stores.clock))
        # last of all: pushes that are in flight when it closes have their runtime to the end
        stack.callback(use_runtime, None)
        server = bind(port)
        stack.callback(server.stop)
        dispatcher = Dispatcher(stores.bus, stores.clock, pipeline, server.base_url, server.token)
        stack.callback(dispatcher.close)  # before the server stops: pushes in flight get their answers
        settings = with_replay_sources(Settings.from_environment(), server.base_url)
        embedded = EmbeddedRuntime(stores, server, dispatcher, stores.runtime(settings))
        recover(embedded.runtime, stores.bus)
        server.mount("/replay", replay_app(stores, archive))
        simulated = Simulated(lambda: archive_span(stores), lambda: embedded.playing)
        admin = create_admin_app(stores.bus, stores.clock, dispatcher, simulated, lambda: embedded.runtime)
        admin.register_blueprint(backfilling(lambda: embedded.runtime, pipeline))
        server.mount("/admin", admin)
        pages = [name for name, each in pipeline.functions.items() if each.http]
        mount_functions(server, pipeline.functions, functions, pages)
        server.start()
        stores.folder.write_owner(port=server.port, token=server.token)
        yield embedded


def recover(runtime: Runtime, bus: SqliteBus) -> None:
    """Undo what the death of an earlier process left: its leases, its locks, its deliveries in
    flight.
    """
    void_leases_of_dead_owners(runtime.state, runtime.instance)
    void_locks_of_dead_owners(runtime.state, runtime.instance)
    bus.release_in_flight()


def from_environment() -> Runtime:
    """RUNTIME=local.host.runtime:from_environment: the ports on LOCAL_DIR for one function under a
    production server.

    Nothing is served or delivered from here, and logs go where the server sends them. Until the
    process ends it owns the folder. Raises FolderBusy where another one does (a second worker
    process, too).
    """
    with ExitStack() as opening:
        folder = state_folder(os.environ)
        stores = _open_stores(opening, folder, load_pipeline(), deliver_twice=False, shuffle_seed=None)
        runtime = stores.runtime(Settings.from_environment())
        recover(runtime, stores.bus)
        atexit.register(opening.pop_all().close)
    return runtime


def open_state_file(folder: Path) -> SqliteFile:
    """The state file of a folder that this process owns.

    Raises DiskFull where there is no room to begin anything, StorageDamaged where the file is not
    what was written, and as SqliteFile does.
    """
    check_room(folder)
    check_state_beside(folder / WAREHOUSE_FILE, folder / STATE_FILE)
    return SqliteFile(folder / STATE_FILE)


def _open_stores(
    stack: ExitStack, folder: Path, pipeline: Pipeline, *, deliver_twice: bool, shuffle_seed: int | None
) -> Stores:
    own = stack.enter_context(lock_folder(folder))
    file = stack.enter_context(closing(open_state_file(folder)))
    simulation = SimulationNotes(file)
    clock = SimClock(simulation)
    check_warehouse_there(folder / WAREHOUSE_FILE, started=simulation.get(STARTS) is not None)
    prefix = Settings.from_environment().dataset_prefix
    return Stores(
        folder=own,
        file=file,
        simulation=simulation,
        clock=clock,
        state=SqliteState(file),
        bus=SqliteBus(file, pipeline, clock, deliver_twice=deliver_twice, shuffle_seed=shuffle_seed),
        warehouse=stack.enter_context(closing(DuckDbWarehouse(folder / WAREHOUSE_FILE, prefix))),
        raw=FileBlobs(folder / "raw"),
        exports=FileBlobs(folder / "exports"),
        models=_open_models(folder / "models"),
    )


def _open_models(folder: Path) -> FileBlobs:
    """The models; those of a release that knew points alone are laid out by statistic first."""
    models = FileBlobs(folder)
    for path in migrate_models(models):
        logger.info("%s", path)
    return models


def with_replay_sources(settings: Settings, base_url: str) -> Settings:
    """Settings whose sources are the replay server: any key, no rate limit and no waiting
    needed.
    """
    return replace(
        settings,
        nba_base_url=f"{base_url}/replay/nba/stats",
        odds_base_url=f"{base_url}/replay/odds",
        espn_base_url=f"{base_url}/replay/espn",
        official_reports_base_url=f"{base_url}/replay/official",
        zones_base_url=f"{base_url}/replay/zones",
        odds_api_key="any",  # the replay wants one; too short to be redacted, for it is no secret
        proxy_url="",
        http_backoff_seconds=0.0,
        http_requests_per_second=0.0,
    )


def archive_span(stores: HostStores) -> Span | None:
    """First and last day of the archive that this state's days come from; None where there is
    none.
    """
    kept = read_kept_archive(stores.simulation, stores.folder.path)
    return Archive(kept).span if kept is not None and kept.is_dir() else None


def replay_app(stores: HostStores, archive: Path | None) -> Flask:
    """The replay of the archive given, else of the one used before, else answers that say there is
    none.
    """
    if archive is not None:
        replay = create_replay_app(Archive(archive), stores.clock.now)
        keep_archive(stores.simulation, stores.folder.path, archive)
        return replay
    kept = read_kept_archive(stores.simulation, stores.folder.path)
    if kept is not None and kept.is_dir():
        return create_replay_app(Archive(kept), stores.clock.now)
    absent = Flask("no-archive")

    @absent.route("/", defaults={"path": ""})
    @absent.route("/<path:path>")
    def say_so(path: str) -> Response:
        reason = f"The archive {kept} is gone." if kept else "This state folder was never given an archive."
        return Response(f"{reason} Play a day with `make run` first.\n", status=503, mimetype="text/plain")

    return absent


def _seed_from_environment() -> int | None:
    text = os.environ.get("SHUFFLE_SEED")
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise ConfigError(f"SHUFFLE_SEED={text!r} is not a number.", next_step="give one, or none.") from error
