"""A state folder whose state, bus and buckets are emulators of Google Cloud, reached by the
deployed adapters.

BigQuery's place has the embedded warehouse: bqemulator copies no partition
(tests/contract/known_gaps.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.sqlite_file import SqliteFile
from local.emulators import google, packaged, prepare
from local.emulators.emulated.bus import PlayedBus
from local.emulators.emulated.pushes import Pushes
from local.host.dispatcher import Listener
from local.host.folder_lock import OwnedFolder, lock_folder
from local.host.logs import logs_to
from local.host.runtime import FUNCTIONS, STATE_FILE, replay_app, with_replay_sources
from local.host.server import Server, load_function
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.chain.batches.reading import latest_batch
from shared.core.clock import SystemClock
from shared.core.errors import ConfigError
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.stores.gcp import stores as gcp
from shared.stores.ports import Blobs
from shared.stores.runtime import Runtime, use_runtime

PROJECT = "emulated"
BUCKETS = ("raw", "exports", "models")
HOSTS = (google.PUBSUB_HOST, google.FIRESTORE_HOST, packaged.STORAGE_HOST)
_MARK = "emulated"


@dataclass(frozen=True)
class EmulatedStores:
    """What the folder itself holds, and the bucket of exports; see playable.HostStores."""

    folder: OwnedFolder
    file: SqliteFile
    simulation: SimulationNotes
    clock: SimClock
    exports: Blobs


class EmulatedRuntime:
    """Emulators with the functions on them. Its runtime is installed for the functions' use."""

    def __init__(self, stores: EmulatedStores, warehouse: DuckDbWarehouse, pushes: Pushes, runtime: Runtime) -> None:
        self.stores = stores
        self.clock = stores.clock
        self.warehouse = warehouse
        self.bus = PlayedBus(runtime.bus, load_pipeline(), pushes)
        self.runtime = replace(runtime, bus=self.bus)
        self._pushes = pushes
        use_runtime(self.runtime)

    @property
    def folder(self) -> Path:
        return self.stores.folder.path

    def new_epoch(self) -> int:
        """Begin simulated time once more; functions called from now on see the new epoch."""
        self.runtime = replace(self.runtime, epoch=self.clock.new_epoch())
        use_runtime(self.runtime)
        return self.runtime.epoch

    def run_until_idle(self, on_completed: Listener | None = None) -> None:
        """Wait until everything published has been delivered (see Pushes)."""
        self._pushes.run_until_idle(on_completed)

    @property
    def described(self) -> str:
        return "emulators of Pub/Sub, Firestore and Cloud Storage; DuckDB in BigQuery's place"

    def retrigger(self, game_date: str) -> str:
        """Google's own tool, publishing to the emulator; with or without an account of Google's."""
        batch = latest_batch(self.runtime.state, date.fromisoformat(game_date))
        batch_id = f',"batch_id":"{batch.batch_id}"' if batch else ""
        message = f'{{"game_date":"{game_date}"{batch_id}}}'
        return (
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true "
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB=http://{os.environ[google.PUBSUB_HOST]}/ "
            f"gcloud pubsub topics publish nba-phase6-export-trigger --project={PROJECT} --message='{message}'"
        )


@contextmanager
def open_emulated(folder: Path, *, archive: Path) -> Iterator[EmulatedRuntime]:
    """Start the emulators and everything on them, in a folder that is emptied first: emulators keep
    nothing.

    Raises Absent, NotStarted where an emulator is missing or does not start; FolderBusy;
    ConfigError where the folder holds something else.
    """
    pipeline = load_pipeline()
    with ExitStack() as stack:
        # emulators of its own: one that runs already may hold an earlier day
        stack.enter_context(_environment(dict.fromkeys(HOSTS, "")))
        google.check()
        packaged.check()
        _empty(folder)
        own = stack.enter_context(lock_folder(folder))
        (folder / _MARK).touch()
        logs = folder / "logs"
        addresses = {
            google.PUBSUB_HOST: stack.enter_context(google.pubsub(logs)),
            google.FIRESTORE_HOST: stack.enter_context(google.firestore(logs)),
            packaged.STORAGE_HOST: stack.enter_context(packaged.storage(logs)),
        }
        stack.enter_context(_environment(addresses))
        file = stack.enter_context(closing(SqliteFile(folder / STATE_FILE)))
        simulation = SimulationNotes(file)
        clock = SimClock(simulation)
        # last of all: pushes that are in flight when it closes have their runtime to the end
        stack.callback(use_runtime, None)
        server = Server(token_in_query=True)
        stack.callback(server.stop)
        settings = replace(
            with_replay_sources(Settings.from_environment(), server.base_url),
            project_id=PROJECT,
            raw_bucket="raw",
            exports_bucket="exports",
            models_bucket="models",
        )
        opened = gcp.open_stores(settings)
        pushes = Pushes(pipeline, clock)
        warehouse = stack.enter_context(closing(DuckDbWarehouse(folder / "warehouse.duckdb")))
        stores = EmulatedStores(own, file, simulation, clock, opened.exports)
        runtime = Runtime.of(
            replace(opened, warehouse=warehouse),
            settings=settings,
            clock=clock,
            epoch=clock.epoch,
            instance="emulated",
            machine=SystemClock(),
        )
        stack.enter_context(logs_to(logs / "functions.jsonl", clock))
        emulated = EmulatedRuntime(stores, warehouse, pushes, runtime)
        server.mount("/replay", replay_app(stores, archive))
        for name in pipeline.functions:
            server.mount(f"/functions/{name}", pushes.relay(name, load_function(name, FUNCTIONS)))
        server.start()
        for bucket in BUCKETS:
            prepare.bucket(addresses[packaged.STORAGE_HOST], PROJECT, bucket)
        prepare.topics(
            addresses[google.PUBSUB_HOST], PROJECT, pipeline, push=f"{server.base_url}/functions", token=server.token
        )
        own.write_owner(port=server.port)
        yield emulated
        _keep_exports(stores, folder)


def _empty(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / _MARK).is_file():
            raise ConfigError(
                f"{folder} holds something else than an emulated day.", next_step="choose another LOCAL_DIR."
            )
        with lock_folder(folder):  # nobody plays there
            pass
        shutil.rmtree(folder)


def _keep_exports(stores: EmulatedStores, folder: Path) -> None:
    """The exported files, beside the warehouse, so that the day can be compared once the emulators
    are gone.
    """
    for path in stores.exports.list(""):
        target = folder / "exports" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(stores.exports.read(path).data)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables that Google's clients read, while the block lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
